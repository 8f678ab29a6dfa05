/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of a tree through the compiler, the same for all commands and for the service: its files are read, then
 * compiled to the configuration of one node or of several, and checked.  What follows is the caller's: a backend
 * prints or loads the configuration, or a report is made of it.
 */
#ifndef PVEFW_PIPELINE_H
#define PVEFW_PIPELINE_H

#include "api/backend.h"
#include "resolve/compile.h"

struct left_out;

struct pipeline {
	/* Set before pipeline_run(). */
	const struct input_options *options;
	struct diags *diags;           /* diagnostics; the source map gets the files */
	const struct backend *backend; /* the target, or NULL: the one that the host's options choose */
	struct left_out *left_out;     /* lines that were refused, which are ignored; or NULL */
	bool all_nodes;                /* compile for all of options->nodes, and not just for options->node */
	bool plain_lists;              /* --no-optimize */
	bool checks;                   /* make those of lint.def */
	const char *dump;              /* the stage that is printed to `listing`: tokens, ast, ir, ruleset; or NULL */
	struct out *listing;

	/* Set by pipeline_run(). */
	struct node_inputs nodes;
	struct node_configs configs; /* count 0: the tree cannot be used */
	struct inputs only;          /* what `nodes` holds unless all_nodes is set: do not copy the struct */
};

/*
 * Runs all stages.  Returns false if something cannot be read, which was reported: then nothing may be made of the
 * configurations.  Lines that are wrong are reported and left out.  All memory is the arena's of diags, except what
 * pipeline_end() frees.
 */
bool pipeline_run(struct pipeline *p);
/* Frees the tables of the configurations.  Of several nodes, makes each diagnostic one (diags_merge()). */
void pipeline_end(struct pipeline *p);

#endif
