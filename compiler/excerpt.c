/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Columns of a shown line.  A tab becomes the blanks up to the next multiple of
 * eight columns of the line, so that what is below lines up whatever the gutter;
 * other characters are shown as visible.h says.  What is cut off at an end
 * leaves an ellipsis there.
 */
#include "excerpt.h"

#include "visible.h"

enum { LONGEST = 160, BEFORE = 40, TAB = 8 };

/* The next character of the line: its columns, and how it is shown. */
static uint32_t next_char(struct text line, uint32_t at, uint32_t column, char shown[VISIBLE_SIZE],
			  uint32_t *columns)
{
	unsigned width;
	uint32_t taken = visible_char(line.ptr + at, line.len - at, shown, &width);

	*columns = width;
	if (line.ptr[at] == '\t') {
		*columns = TAB - column % TAB;
		shown[0] = '\0';
	}
	return taken;
}

static uint32_t column_of(struct text line, uint32_t offset)
{
	char shown[VISIBLE_SIZE];
	uint32_t column = 0, columns;

	for (uint32_t at = 0; at < offset; column += columns)
		at += next_char(line, at, column, shown, &columns);
	return column;
}

struct excerpt excerpt_of(struct text line, uint32_t begin, uint32_t end)
{
	struct excerpt e = { .line = line, .width = column_of(line, line.len) };
	uint32_t first = column_of(line, begin), last = column_of(line, end);

	e.to = e.width;
	if (e.width <= LONGEST)
		return e;
	/* Some columns before the first, fewer if the last would be out of sight. */
	e.from = first > BEFORE ? first - BEFORE : 0;
	if (last > e.from + LONGEST - 2)
		e.from = last - (LONGEST - 2) < first ? last - (LONGEST - 2) : first;
	if (e.from > e.width - (LONGEST - 1))
		e.from = e.width - (LONGEST - 1);
	if (e.from + LONGEST - 1 < e.width)
		e.to = e.from + LONGEST - 1 - (e.from > 0);
	return e;
}

static uint32_t within(uint32_t column, const struct excerpt *e)
{
	return column < e->from ? e->from : column > e->to ? e->to : column;
}

void excerpt_print(struct out *out, const struct excerpt *e)
{
	char shown[VISIBLE_SIZE];
	uint32_t column = 0, columns;

	if (e->from > 0)
		out_string(out, "…");
	for (uint32_t at = 0; at < e->line.len && column <= e->to; column += columns) {
		uint32_t from, to;

		at += next_char(e->line, at, column, shown, &columns);
		from = within(column, e);
		to = within(column + columns, e);
		/* Of tabs and of what the cut goes through, blanks remain. */
		if (to - from < columns || !shown[0])
			out_printf(out, "%*s", (int)(to - from), "");
		else if (column >= e->from)
			out_string(out, shown);
	}
	if (e->to < e->width)
		out_string(out, "…");
}

bool excerpt_find(const struct excerpt *e, uint32_t begin, uint32_t end, uint32_t *at,
		  uint32_t *count)
{
	uint32_t first = column_of(e->line, begin), last = column_of(e->line, end);

	if (first > e->to || last < e->from || (first == e->to && e->to < e->width))
		return false;
	first = within(first, e);
	last = within(last, e);
	*at = first - e->from + (e->from > 0);
	*count = last > first ? last - first : 1;
	return true;
}
