/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text form of diagnostics: what its files share, and the answers of questions. */
#ifndef PVEFW_DIAG_TEXT_H
#define PVEFW_DIAG_TEXT_H

#include "diag/diag.h"
#include "base/output.h"
#include "source/excerpt.h"

struct text_printer {
	struct out *out;
	const struct source_map *map;
	struct arena *arena;
	bool colour;
	unsigned gutter; /* columns of the line numbers */
};

enum text_style {
	STYLE_ERROR,
	STYLE_WARNING,
	STYLE_NOTE,
	STYLE_GUTTER,
	STYLE_BOLD,
	STYLE_ADDED,
	STYLE_REMOVED,
	STYLE_OFF,
};

/* text_style.c */
void text_style(const struct text_printer *p, enum text_style style);
/* "14 |", or "   |" for number 0; `sign` is '|', '+', '-', or '='. */
void text_gutter(const struct text_printer *p, uint32_t number, char sign);

/* A line that is shown, on which marks can be drawn. text_block.c */
struct text_block {
	struct place place; /* of the span it was opened for */
	struct word line;
	struct excerpt excerpt;
};

/* Prints `arrow`, the place of `span`, and its line. */
struct text_block text_block_open(const struct text_printer *p, struct span span, const char *arrow);
bool text_block_has(const struct text_block *b, struct span span);
/* Draws `sign` under the span with `text` after it (or NULL), if the block shows it. */
void text_block_mark(const struct text_printer *p, const struct text_block *b, struct span span, char sign,
		     enum text_style style, const char *text);

/* How many columns a line number takes. */
unsigned text_digits(uint32_t number);
/* " = note: text"; further lines of the text line up. */
void text_remark(const struct text_printer *p, const char *word, const char *text);

/* The lines as the fixes of `d` make them, unless a help has named the replacement. text_fix.c */
void text_fixes(const struct text_printer *p, const struct diagnostic *d);

#endif
