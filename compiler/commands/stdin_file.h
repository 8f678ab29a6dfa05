/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard input in the place of a file: the operand "-" of lint and fmt.
 *
 * An editor pipes a buffer that is not saved, and names its file with --stdin-filename.  What reads that file in this
 * run, by any name, gets the buffer.
 */
#ifndef PVEFW_STDIN_FILE_H
#define PVEFW_STDIN_FILE_H

#include "findings/run.h"

struct stdin_file {
	bool is_used;                  /* the command line has the operand - */
	const char *shown;             /* its name in messages */
	struct source_buffer buffer;
	int reason;                    /* errno: why it cannot be read; or 0 */
	struct source_overlay overlay; /* of a tree that it is part of */
	struct overlay_file file;
};

/* Whether the operands and options are compatible; reports conflicts. */
bool stdin_file_check(const struct cli *cli);
/* Reads standard input if it is an operand, after run_begin().  `file` must live as long as the run. */
void stdin_file_open(struct stdin_file *file, struct run *run);
/* The overlay that puts the buffer in the place of its file in a tree; NULL if the tree does not have it. */
const struct source_overlay *stdin_file_overlay(struct stdin_file *file, struct arena *arena, const char *root);

#endif
