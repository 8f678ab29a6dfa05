/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the fixes of diagnostics, as far as they are beyond doubt, in the files.
 *
 * A diagnostic's fixes are made together or not at all. Where those of two touch the same bytes, the first
 * one's are made; the other is reported again by the next run.
 */
#ifndef PVEFW_FIX_H
#define PVEFW_FIX_H

#include "diag/diag.h"
#include "base/output.h"

/* One replacement of bytes of a file. */
struct edit {
	struct source *source;
	const char *path;    /* the file itself, whatever names and links lead to it */
	uint32_t begin, end; /* offsets */
	const char *text;
	bool exact;     /* the text has the line ends that it is to have */
	unsigned group; /* number of its diagnostic */
};

/* Those of one file, by position, none of which overlap. */
struct file_edits {
	const struct edit *edits;
	unsigned count;
};

struct fixes {
	struct arena *arena;
	const struct diags *diags;
	struct edit *edits; /* by file and position */
	unsigned count;
};

/* The file that a source was read from, whatever names and links lead to it. */
const char *fix_path(const struct diags *diags, const struct source *source);
/* Collects what can be done about the diagnostics, which are sorted. */
struct fixes fixes_collect(const struct diags *diags);
/* The next file's; `*at` is 0 at first.  False at the end. */
bool fixes_next_file(const struct fixes *fixes, unsigned *at, struct file_edits *file);
/* Bytes [begin, end) of the file as the edits make them, of which none crosses the ends. */
void fixes_apply(struct out *out, const struct file_edits *file, uint32_t begin, uint32_t end);

/* Writes all files, or none, and lists them in `out`.  Returns NULL, or what has gone wrong. */
const char *fixes_write(const struct fixes *fixes, struct out *out);
/* All changes as a unified diff.  fix_diff.c */
void fixes_diff(const struct fixes *fixes, struct out *out);

#endif
