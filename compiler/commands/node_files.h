/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --all-nodes: the files of every node, DIR/NODE/FILE, which appear together or not at all. */
#ifndef PVEFW_NODE_FILES_H
#define PVEFW_NODE_FILES_H

#include "findings/run.h"
#include "pipeline/pipeline.h"

struct node_files {
	const struct pipeline *pipeline;
	const char *purpose;      /* "compile for" */
	const char **names;        /* of each node's files, ended by NULL */
	/* Prints one; returns false if that has failed, which was reported.  Called from several threads. */
	bool (*print)(void *context, struct out *out, unsigned node, unsigned file);
	void *context;
};

/* Whether --all-nodes, if it is given, can be followed, or else --node; reports why not. */
bool node_options_fit(const struct cli *cli);
/* Writes the files into the folder of -o; false if something has failed, which was reported. */
bool node_files_write(struct run *run, const struct node_files *files);

#endif
