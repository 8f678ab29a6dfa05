/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of .fw files: what `pvefw-cc fmt` makes of one.
 *
 * The layout is that of Proxmox VE's own writer: what the web interface has written stays as it is, and what
 * fmt has laid out does not change when the web interface saves it, but for what that writer drops or sorts
 * (comments on lines of their own, empty lines between rules).
 *
 * Nothing that it changes has a meaning: blanks, empty lines, line ends, the case of words that have none,
 * the order of a rule's options, and the order of sections where no name is read before it is defined because
 * of it. Lines that are wrong stay as they are, since nobody knows what they should be.
 */
#ifndef PVEFW_FMT_H
#define PVEFW_FMT_H

#include "fwtest.h"
#include "rewrite/fix.h"

/* Why the file cannot be laid out, or NULL: it holds what is no text.  `*at` is the offset. */
const char *fmt_refuses(const struct source *source, uint32_t *at);
/*
 * The edits that lay the file out; none if it is laid out. `found` is what compiling it has reported; `align`
 * puts the comments of lines that follow each other below each other. The result belongs to the arena of
 * `found`.
 */
struct fixes fmt_layout(const struct diags *found, const struct ast_file *file, bool align);

/* As above, for a file of tests: one space between words, conditions in one order, at most one empty line.  Lines that
 * cannot be read stay as they are. */
struct fixes fmt_layout_tests(const struct diags *found, const struct fwtest_file *file, bool align);

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
