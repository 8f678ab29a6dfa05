/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks that a folder is a plausible tree.
 *
 * A folder without the folders of a tree is a wrong path, not a tree without a firewall.  A missing folder of a tree, with
 * another one that has a similar name and the right files, is a typing error.
 *
 * When pve-cluster stops, its mount vanishes and an empty folder is left at /etc/pve.  That does not mean that the
 * firewall is disabled.
 */
#ifndef PVEFW_TREE_ROOT_H
#define PVEFW_TREE_ROOT_H

#include "base/arena.h"

enum { TREE_NAME_ROOM = 256 }; /* for NAME_MAX and a NUL */

/* How much a folder must have to be taken as a tree. */
enum tree_demand {
	TREE_PART,   /* firewall/, nodes/ or sdn/: enough to check files */
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
	char problem[TREE_NAME_ROOM + 64]; /* why it is not a tree; follows its name in a sentence; "": it is one */
	int reason;                        /* errno, if that is the problem */
};

/* Whether the folder has firewall/, nodes/ or sdn/. */
bool tree_root_has_part(struct arena *arena, const char *path);
/* Whether that is the name of one of them. */
bool tree_root_is_part_name(const char *name);
/*
 * What may be meant by `root`, which is not a tree: a sentence for a help that names the path to use, or NULL.  It looks
 * for a folder of a tree with a misspelt name, trees below `root`, and one that `root` is a part of.  tree_advice.c
 */
const char *tree_root_advice(struct arena *arena, const char *root);

/* The folder in `root`, which is open, that has the place of one of them which is missing, under a name like it: that is
 * put into `name`.  `strict`: it must hold what belongs there.  Returns the name that it should have, or NULL. */
const char *tree_root_misspelt(int root, bool strict, char name[TREE_NAME_ROOM]);

/* Looks at the folder that is open as `root`; `marks` are those that it had. */
struct tree_root tree_root_look(int root, enum tree_demand demand, unsigned marks);

#endif
