/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of .fw files: what `pvefw-cc fmt` makes of one.
 *
 * Nothing that it changes has a meaning: blanks, empty lines, line ends, the case of words
 * that have none, and the order of sections where no name is read before it is defined
 * because of it.  Lines that are wrong stay as they are, since nobody knows what they
 * should be.
 */
#ifndef PVEFW_FMT_H
#define PVEFW_FMT_H

#include "ast.h"
#include "fix.h"

/* Why the file cannot be laid out, or NULL: it holds what is no text.  `*at` is the offset. */
const char *fmt_refuses(const struct source *source, uint32_t *at);
/*
 * The edits that lay the file out; none if it is laid out.  `found` is what compiling it has
 * reported.  The result belongs to the arena of `found`.
 */
struct fixes fmt_layout(const struct diags *found, const struct ast_file *file);

/* ---- fmt_order.c ---- */

/* A section, and the comments that move with it. */
struct fmt_part {
	const struct ast_section *section;
	const struct ast_line *above; /* comments right above the header, as far as the list goes; or NULL */
	const struct ast_line *end;   /* the section's first line that is not its own, or NULL */
};

/* The sections in the order in which they are to stand. */
struct fmt_part *fmt_order(struct arena *arena, const struct source_map *map, const struct ast_file *file,
			   unsigned *count);

#endif
