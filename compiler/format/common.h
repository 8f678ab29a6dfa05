/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the formats for programs have in common: places that a program can open and count in, texts that every
 * program can read, and fingerprints.
 *
 * All strings belong to the arena of the diagnostics.
 */
#ifndef PVEFW_COMMON_H
#define PVEFW_COMMON_H

#include "diag/diag.h"

/* A span in a file. */
struct extent {
	const char *file;   /* from the working folder, or absolute */
	struct place begin; /* place.source NULL: nowhere */
	struct place end;   /* after the last character */
	uint32_t first_byte, end_byte;
};

struct extent diag_extent(const struct diags *diags, struct span span);
/* The file as the working folder sees it: a tree's files are shown relative to the tree. */
const char *diag_file(const struct diags *diags, const struct source *source);

/* "E0203" */
enum { DIAG_CODE_SIZE = 6 };
struct diag_code {
	char text[DIAG_CODE_SIZE];
};

struct diag_code diag_code(enum diag_id id);

/* UTF-8 in which nothing acts on a terminal, whatever the input holds. */
const char *diag_escaped(const struct diags *diags, const char *text);
/* The message, notes and helps, a line each. */
const char *diag_whole_message(const struct diags *diags, const struct diagnostic *d);
/* A label that is to be printed as a note, because its place is in no file. */
bool diag_is_note(const struct diags *diags, const struct diag_part *part);

enum diag_fix_kind {
	FIX_NONE, /* or none that a program could be told without changing its bytes */
	FIX_GUESS,
	FIX_CERTAIN,
};

/* All fixes of a diagnostic belong together. */
enum diag_fix_kind diag_fix_kind(const struct diags *diags, const struct diagnostic *d);

/*
 * Of each diagnostic, in their order: 32 hexadecimal digits made of its id, its file, its line and what it
 * marks there, and how many such came before. It stays the same when lines are put in above, and no two of a
 * run are the same.
 */
const char *const *diag_fingerprints(const struct diags *diags);
/* How a file is called in a fingerprint. */
typedef const char *diag_name_file(const struct diags *diags, const struct source *source, const void *context);
/* As above, but identical diagnostics have equal fingerprints. */
const char *const *diag_shared_fingerprints(const struct diags *diags, diag_name_file *name_file, const void *context);

#endif
