/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours and the column of line numbers, for both files of the text format. */
#include "format/diag_text.h"

static const char *const style_codes[] = {
	[STYLE_ERROR] = "\033[1;31m", [STYLE_WARNING] = "\033[1;33m", [STYLE_NOTE] = "\033[1;36m",
	[STYLE_GUTTER] = "\033[1;34m", [STYLE_BOLD] = "\033[1m",      [STYLE_ADDED] = "\033[32m",
	[STYLE_REMOVED] = "\033[31m",  [STYLE_OFF] = "\033[0m",
};

void text_style(const struct text_printer *p, enum text_style style)
{
	if (p->colour)
		out_string(p->out, style_codes[style]);
}

void text_gutter(const struct text_printer *p, uint32_t number, char sign)
{
	text_style(p, STYLE_GUTTER);
	if (number)
		out_printf(p->out, "%*u ", (int)p->gutter, number);
	else
		out_printf(p->out, "%*s ", (int)p->gutter, "");
	if (number && sign != '|')
		text_style(p, sign == '+' ? STYLE_ADDED : STYLE_REMOVED);
	out_char(p->out, sign);
	text_style(p, STYLE_OFF);
}
