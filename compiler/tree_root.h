/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a folder is a tree that may be believed.
 *
 * When pve-cluster stops, its mount vanishes and an empty folder is left at /etc/pve.  That folder says
 * nothing about the configuration, in particular not that the firewall is disabled.
 */
#ifndef PVEFW_TREE_ROOT_H
#define PVEFW_TREE_ROOT_H

#include <stdbool.h>

/* How much a folder must have to be taken as a tree. */
enum tree_demand {
	TREE_ANY,    /* nothing: to look at files in it */
	TREE_USABLE, /* nodes/ or firewall/cluster.fw: to load what a test or a desk has */
	TREE_WHOLE,  /* nodes/, which no tree of a node lacks */
};

/* What a tree had when it was read last, and does not lose as long as it is one. */
enum tree_mark {
	TREE_IS_MOUNT = 1,
	TREE_HAS_VERSION = 2, /* .version, of pmxcfs */
};

struct tree_root {
	unsigned marks;      /* bits of enum tree_mark that it has */
	const char *problem; /* why it is not a tree; follows its name in a sentence; NULL: it is one */
	int reason;          /* errno, if that is the problem */
};

/* Looks at the folder that is open as `root`; `marks` are those that it had. */
struct tree_root tree_root_look(int root, enum tree_demand demand, unsigned marks);

#endif
