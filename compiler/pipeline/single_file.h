/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .fw files by themselves, without the tree they stand in (spec 4.1).
 *
 * The kind of a file follows from its name.  It is resolved against the cluster.fw
 * beside it, or at its place in a tree, and against the SDN's configuration of that tree.
 */
#ifndef PVEFW_SINGLE_FILE_H
#define PVEFW_SINGLE_FILE_H

#include "ast.h"
#include "cli/run.h"
#include "pipeline/stdin_file.h"

/* What all files of a run need; `run` is set, the rest is read when the first file comes. */
struct single {
	struct run *run;
	struct inputs inputs;
	bool ready, usable;
	struct source *cluster; /* the last that was read: many files in a row have the same */
	bool is_walked; /* the next file was found in a folder: --kind is only for a name that does not tell */
};

struct single_file {
	struct source *source;
	enum file_kind kind;
	struct source *cluster; /* NULL: there is none, or it is this one */
	struct source *sdn, *ipam; /* the SDN's configuration, if the file refers to it; NULL: there is none */
};

/* "100.fw" */
bool is_fw_name(const char *name);
/* Reads the file and what belongs to it.  False if that cannot be done, which was reported
 * with the note `fate`. */
bool single_open(struct single *single, const char *path, const char *fate, struct single_file *file);
/* The same for standard input, which has the file's place in its tree. */
bool single_open_stdin(struct single *single, const struct stdin_file *in, const char *fate, struct single_file *file);
/* Reports all that is wrong with the file. */
void single_check(const struct single *single, const struct single_file *file, struct diags *diags);

#endif
