/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/diag_text.h"

#include "base/escape.h"

/* Byte offset of a position in the line, at most its length. */
static uint32_t text_block_offset(const struct word *line, uint32_t position)
{
	uint32_t offset = position > line->begin ? position - line->begin : 0;

	return offset < line->len ? offset : line->len;
}

struct text_block text_block_open(const struct text_printer *p, struct span span, const char *arrow)
{
	struct source *source = source_find(p->map, span.begin);
	struct text_block b = { .place = source_place(p->map, span.begin) };

	b.line = source_line(p->map, source, b.place.line);
	b.excerpt = excerpt_of(word_text(b.line), text_block_offset(&b.line, span.begin),
			       text_block_offset(&b.line, span.end));
	text_style(p, STYLE_GUTTER);
	out_printf(p->out, "%*s%s ", (int)p->gutter, "", arrow);
	text_style(p, STYLE_OFF);
	out_escaped(p->out, text_of(p->map->names_roots ? source_file(p->map, source) : source->path));
	out_printf(p->out, ":%u:%u\n", b.place.line, b.place.column);
	text_gutter(p, 0, '|');
	out_char(p->out, '\n');
	text_gutter(p, b.place.line, '|');
	if (b.line.len)
		out_char(p->out, ' ');
	excerpt_print(p->out, &b.excerpt);
	out_char(p->out, '\n');
	return b;
}

/* Prints the label after a mark; for a multi-line span, also its last line. */
static void text_block_label(const struct text_printer *p, const struct text_block *b, struct span span,
			     const char *text)
{
	uint32_t last = span.end > span.begin ? source_line_number(p->map, span.end - 1) : 0;

	if (text) {
		out_char(p->out, ' ');
		out_escaped(p->out, text_of(text));
	}
	if (last > b->place.line)
		out_printf(p->out, " (to line %u)", last);
}

/* Where the block shows the span, as excerpt_find() says it. */
static bool text_block_find(const struct text_block *b, struct span span, uint32_t *at, uint32_t *count)
{
	return b->place.line && span.begin >= b->line.begin && span.begin <= b->line.begin + b->line.len &&
	       excerpt_find(&b->excerpt, text_block_offset(&b->line, span.begin),
			    text_block_offset(&b->line, span.end), at, count);
}

bool text_block_has(const struct text_block *b, struct span span)
{
	uint32_t at, count;

	return text_block_find(b, span, &at, &count);
}

void text_block_mark(const struct text_printer *p, const struct text_block *b, struct span span, char sign,
		     enum text_style style, const char *text)
{
	uint32_t at, count;

	if (!text_block_find(b, span, &at, &count))
		return;
	text_gutter(p, 0, '|');
	out_printf(p->out, " %*s", (int)at, "");
	text_style(p, style);
	while (count--)
		out_char(p->out, sign);
	text_block_label(p, b, span, text);
	text_style(p, STYLE_OFF);
	out_char(p->out, '\n');
}

unsigned text_digits(uint32_t number)
{
	unsigned count = 1;

	while (number >= 10) {
		number /= 10;
		count++;
	}
	return count;
}

void text_remark(const struct text_printer *p, const char *word, const char *text)
{
	struct text rest = text_of(text);
	long end;

	text_gutter(p, 0, '=');
	out_char(p->out, ' ');
	text_style(p, STYLE_BOLD);
	out_printf(p->out, "%s:", word);
	text_style(p, STYLE_OFF);
	out_char(p->out, ' ');
	while ((end = text_find(rest, '\n')) >= 0) {
		out_escaped(p->out, (struct text){ rest.ptr, (uint32_t)end });
		out_printf(p->out, "\n%*s", (int)(p->gutter + 5 + strlen(word)), "");
		rest.ptr += end + 1;
		rest.len -= (uint32_t)end + 1;
	}
	out_escaped(p->out, rest);
	out_char(p->out, '\n');
}
