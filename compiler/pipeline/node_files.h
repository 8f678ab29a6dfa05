/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --all-nodes: the files of every node, DIR/NODE/FILE.  They are printed on all processors, and
 * appear together or not at all.
 */
#ifndef PVEFW_NODE_FILES_H
#define PVEFW_NODE_FILES_H

#include "cli/run.h"

struct node_files {
	const struct node_names *nodes;
	unsigned count; /* of the files of a node */
	/* The name of a file, which may be the arena's. */
	const char *(*name)(void *context, unsigned file, struct arena *arena);
	/* Prints it; false if that has failed, which was reported.  Called from several threads. */
	bool (*print)(void *context, struct out *out, unsigned node, unsigned file);
	void *context;
};

/* Whether the command line asks for it; *valid is false if it does in a way that cannot be followed, which is
 * reported. */
bool node_files_asked(const struct cli *cli, bool *valid);
/* Into the folder of -o; false if something has failed, which was reported. */
bool node_files_write(struct run *run, const struct node_files *files);

#endif
