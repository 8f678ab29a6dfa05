/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Columns of a shown line. A tab becomes the blanks up to the next multiple of eight columns of the line, so
 * that what is below lines up whatever the gutter; other characters are shown as visible.h says. What is cut
 * off at an end leaves an ellipsis there.
 */
#include "source/excerpt.h"

#include "base/escape.h"

enum { LONGEST = 160, BEFORE = 40, TAB = 8 };

/* For a longer line, only the part around the excerpt is examined. */
enum { LONG_LINE = 2048, AROUND = 512 };

/* The next character of the line: its columns, and how it is shown. */
static uint32_t next_char(struct text line, uint32_t at, uint32_t column, char shown[ESCAPE_SIZE],
			  uint32_t *columns)
{
	unsigned width;
	uint32_t taken = escape_char(line.ptr + at, line.len - at, shown, &width);

	*columns = width;
	if (line.ptr[at] == '\t') {
		*columns = TAB - column % TAB;
		shown[0] = '\0';
	}
	return taken;
}

static uint32_t column_of(struct text line, uint32_t offset)
{
	char shown[ESCAPE_SIZE];
	uint32_t column = 0, columns;

	for (uint32_t at = 0; at < offset; column += columns)
		at += next_char(line, at, column, shown, &columns);
	return column;
}

/* The beginning of the character that `at` is in. */
static uint32_t character_at(struct text line, uint32_t at)
{
	for (int i = 0; i < 3 && at > 0 && at < line.len && (line.ptr[at] & 0xc0) == 0x80; i++)
		at--;
	return at;
}

static struct excerpt neighbourhood(struct text line, uint32_t at)
{
	struct excerpt e = { .line = line };
	uint32_t end;

	if (line.len <= LONG_LINE)
		return e;
	e.skipped = character_at(line, at > AROUND ? at - AROUND : 0);
	end = line.len - at > AROUND ? character_at(line, at + AROUND) : line.len;
	e.line = (struct text){ line.ptr + e.skipped, end - e.skipped };
	e.more = end < line.len;
	return e;
}

/* A byte of the whole line as one of the part that is laid out. */
static uint32_t in_part(const struct excerpt *e, uint32_t at)
{
	uint32_t offset = at > e->skipped ? at - e->skipped : 0;

	return offset < e->line.len ? offset : e->line.len;
}

static bool is_cut_before(const struct excerpt *e)
{
	return e->from > 0 || e->skipped > 0;
}

static bool is_cut_behind(const struct excerpt *e)
{
	return e->to < e->width || e->more;
}

struct excerpt excerpt_of(struct text line, uint32_t begin, uint32_t end)
{
	struct excerpt e = neighbourhood(line, begin);
	uint32_t first = column_of(e.line, in_part(&e, begin)), last = column_of(e.line, in_part(&e, end));

	e.to = e.width = column_of(e.line, e.line.len);
	if (e.width <= LONGEST)
		return e;
	/* Some columns before the first, fewer if the last would be out of sight. */
	e.from = first > BEFORE ? first - BEFORE : 0;
	if (last > e.from + LONGEST - 2)
		e.from = last - (LONGEST - 2) < first ? last - (LONGEST - 2) : first;
	if (e.from > e.width - (LONGEST - 1))
		e.from = e.width - (LONGEST - 1);
	if (e.from + LONGEST - 1 < e.width)
		e.to = e.from + LONGEST - 1 - is_cut_before(&e);
	return e;
}

static uint32_t within(uint32_t column, const struct excerpt *e)
{
	return column < e->from ? e->from : column > e->to ? e->to : column;
}

void excerpt_print(struct out *out, const struct excerpt *e)
{
	char shown[ESCAPE_SIZE];
	uint32_t column = 0, columns;

	if (is_cut_before(e))
		out_string(out, "…");
	for (uint32_t at = 0; at < e->line.len && column <= e->to; column += columns) {
		uint32_t from, to;

		at += next_char(e->line, at, column, shown, &columns);
		from = within(column, e);
		to = within(column + columns, e);
		/* Tabs and characters that the cut splits become spaces. */
		if (to - from < columns || !shown[0])
			out_printf(out, "%*s", (int)(to - from), "");
		else if (column >= e->from)
			out_string(out, shown);
	}
	if (is_cut_behind(e))
		out_string(out, "…");
}

bool excerpt_find(const struct excerpt *e, uint32_t begin, uint32_t end, uint32_t *at, uint32_t *count)
{
	uint32_t first = column_of(e->line, in_part(e, begin)), last = column_of(e->line, in_part(e, end));

	if (end < e->skipped || begin > e->skipped + e->line.len)
		return false;
	if (first > e->to || last < e->from || (first == e->to && is_cut_behind(e)))
		return false;
	first = within(first, e);
	last = within(last, e);
	*at = first - e->from + is_cut_before(e);
	*count = last > first ? last - first : 1;
	return true;
}
