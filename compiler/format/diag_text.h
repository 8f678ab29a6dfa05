/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text form of diagnostics: what its two files share. */
#ifndef PVEFW_DIAG_TEXT_H
#define PVEFW_DIAG_TEXT_H

#include "diag/diag.h"
#include "base/output.h"

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

/* The lines as the fixes of `d` make them, unless a help has named the replacement. text_fix.c */
void text_fixes(const struct text_printer *p, const struct diagnostic *d);

#endif
