/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operands of lint and fmt: files, folders, trees and standard input.
 *
 * A .fw file by itself is resolved without the tree around it (spec 4.1).  Its name says its kind.  Names in it resolve
 * against the cluster.fw beside it, or at its place in a tree, and against the SDN's configuration of that tree.
 */
#ifndef PVEFW_SINGLE_FILE_H
#define PVEFW_SINGLE_FILE_H

#include "ast.h"
#include "base/real_path.h"
#include "commands/stdin_file.h"
#include "resolve/compile.h"

/* A file that was read. */
struct single_file {
	struct source *source;
	const char *shown; /* its name in messages */
	enum file_kind kind;
	bool is_stdin;
	bool is_test;      /* a file of tests: it has no kind, and the rest is not set */
	const char *place; /* of a file of tests: its absolute path, or NULL if it has none */
	struct source *cluster;    /* NULL: there is none, or it is this one */
	struct cluster_file *cluster_file; /* what was read of it, under this or another name */
	const struct tree_sdn *sdn; /* the SDN's configuration, if the file refers to it; NULL: there is none */
};

/* What all files of a run need: set the first part, and start with all else 0. */
struct single {
	struct run *run;
	const char *fate[2]; /* the note on a file, and on standard input, that cannot be taken: "it is not checked" */
	void (*take_file)(void *context, const struct single_file *file); /* NULL: a file is only checked */
	void (*take_test)(void *context, const struct single_file *file);
	void (*take_tree)(void *context, const char *path); /* NULL: a tree is taken as its files */
	void *context;

	struct stdin_file in;
	unsigned file_count; /* that were named or found, whether or not they can be taken */
	struct inputs inputs;
	bool ready, usable;
	bool is_walked; /* the file was found in a folder: --kind is only for a name that does not tell */
	bool is_text_kept; /* of the present file, longer than it is taken */
	struct cluster_file *clusters, *cluster; /* uthash by identity; the last one: files in a row have the same */
	struct source *cluster_source;           /* under the name that the last file refers to */
	struct tree_sdn *sdns;                   /* uthash by root */
	struct place_memo places;
	struct single_memory memory;
	struct arena scratch; /* of one file */
};

/* Takes what an operand names: standard input, a file, or all files and trees of a folder.  Reports what cannot be
 * taken. */
void single_take(struct single *single, const char *path);
/* Frees what the files shared, before run_end(). */
void single_end(struct single *single);
/* Reports all that is wrong with the file. */
void single_check(struct single *single, const struct single_file *file, struct diags *diags);

bool is_folder(const char *path);
/* The tree that a file of tests belongs to: it is in firewall/ or below; NULL: none. */
const char *single_tree_of_test(struct arena *arena, const struct single_file *file);

#endif
