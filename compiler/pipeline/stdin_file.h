/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard input in the place of a file: the operand "-" of lint and fmt.
 *
 * An editor pipes a buffer that is not saved, and says with --stdin-filename which file it is.  Whoever reads that file,
 * by any name, gets the buffer.
 */
#ifndef PVEFW_STDIN_FILE_H
#define PVEFW_STDIN_FILE_H

#include "cli/run.h"

struct stdin_file {
	bool is_used;             /* the command line has the operand - */
	const char *shown;        /* its name in messages */
	struct source_buffer buffer;
	int reason;               /* errno; why it cannot be read */
	struct source_overlay overlay; /* of a tree that it is part of */
	struct overlay_file file;
};

/* Whether the operands and options go together; reports what is wrong. */
bool stdin_file_check(const struct cli *cli);
/* Reads standard input, if it is an operand, after run_begin(); the run's files are resolved with it from now on.  `file` must
 * live as long as the run. */
void stdin_file_open(struct stdin_file *file, struct run *run);
/* The overlay for a tree: what the buffer stands for in it; NULL if nothing. */
const struct source_overlay *stdin_file_overlay(struct stdin_file *file, struct arena *arena, const char *root);

#endif
