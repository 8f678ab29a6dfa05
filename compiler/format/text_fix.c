/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixes in the text form of diagnostics: the lines as they would be.
 *
 *        |
 *     14 + IN ACCEPT -p tcp -dport 22
 *
 * Fixes that touch the same lines are one change. Of a change only the lines that differ are shown; of one
 * that removes lines, those. A fix that a help spells out ("did you mean `x`?") is not shown again.
 */
#include <stdlib.h>

#include "format/diag_text.h"
#include "source/excerpt.h"

/* More lines say no more: a change of a whole file is for a program to make, and so is that of a line
 * which nobody can read. */
enum { MOST_LINES = 6, LONGEST_LINE = 16 << 10 };

/* Whole lines of a source, and fixes [first, last) that change them. */
struct change {
	struct source *source;
	uint32_t line;       /* number of the first */
	uint32_t begin, end; /* positions, without the last line's end */
	size_t first, last;
};

static int by_position(const void *a, const void *b)
{
	const struct diag_part *x = *(const struct diag_part *const *)a,
			       *y = *(const struct diag_part *const *)b;

	if (x->span.begin != y->span.begin)
		return x->span.begin < y->span.begin ? -1 : 1;
	return x->span.end < y->span.end ? -1 : x->span.end > y->span.end;
}

/* All fixes by position. */
static size_t sorted_fixes(const struct text_printer *p, const struct diagnostic *d,
			   const struct diag_part ***fixes)
{
	const struct diag_part *part;
	size_t count = 0, i = 0;

	for (part = d->parts; part; part = part->next)
		count += part->kind == DIAG_FIX && source_find(p->map, part->span.begin);
	*fixes = ARENA_ARRAY(p->arena, const struct diag_part *, count);
	for (part = d->parts; part; part = part->next)
		if (part->kind == DIAG_FIX && source_find(p->map, part->span.begin))
			(*fixes)[i++] = part;
	qsort(*fixes, count, sizeof(**fixes), by_position);
	return count;
}

/* A help holds `text` in backquotes. */
static bool is_told(const struct diagnostic *d, const char *text)
{
	size_t len = strlen(text);

	for (const struct diag_part *part = d->parts; part && len; part = part->next) {
		const char *at = part->kind == DIAG_HELP ? strstr(part->text, text) : NULL;

		for (; at; at = strstr(at + 1, text))
			if (at > part->text && at[-1] == '`' && at[len] == '`')
				return true;
	}
	return false;
}

/* The end of the line that holds the last byte of the span. */
static uint32_t line_end(const struct text_printer *p, struct source *source, struct span span)
{
	uint32_t last = span.end > span.begin ? span.end - 1 : span.begin;
	uint32_t most = source->base + source->size;
	struct word line;

	line = source_line(p->map, source, source_line_number(p->map, last < most ? last : most));
	return line.begin + line.len;
}

/* The lines that fix `first` and those that overlap them change. */
static struct change next_change(const struct text_printer *p, const struct diag_part **fixes,
				 size_t first, size_t count)
{
	struct span span = fixes[first]->span;
	struct change c = { .source = source_find(p->map, span.begin), .first = first };

	c.line = source_line_number(p->map, span.begin);
	c.begin = source_line(p->map, c.source, c.line).begin;
	c.end = line_end(p, c.source, span);
	for (c.last = first + 1; c.last < count && fixes[c.last]->span.begin <= c.end; c.last++) {
		uint32_t end = line_end(p, c.source, fixes[c.last]->span);

		c.end = end > c.end ? end : c.end;
	}
	return c;
}

static struct text source_text(const struct source *source, uint32_t begin, uint32_t end)
{
	return (struct text){ source->text + (begin - source->base), end > begin ? end - begin : 0 };
}

/* The changed lines, into `out`. */
static struct text apply_to_change(struct out *out, const struct change *c, const struct diag_part **fixes)
{
	uint32_t at = c->begin;

	for (size_t i = c->first; i < c->last; i++) {
		out_text(out, source_text(c->source, at, fixes[i]->span.begin));
		out_text(out, text_of(fixes[i]->text));
		if (fixes[i]->span.end > at)
			at = fixes[i]->span.end;
	}
	out_text(out, source_text(c->source, at, c->end));
	if (out->len && out->data[out->len - 1] == '\n')
		out->len--;
	return (struct text){ out->data, (uint32_t)out->len };
}

/* A line is shown, and compared, without the CR of a DOS line end. */
static struct text without_cr(struct text line)
{
	line.len -= line.len && line.ptr[line.len - 1] == '\r';
	return line;
}

/* Takes the first line off; false at the end. */
static bool cut_line(struct text *rest, struct text *line)
{
	if (!text_next_line(rest, line))
		return false;
	*line = without_cr(*line);
	return true;
}

/* Takes the last line off. */
static bool cut_last_line(struct text *rest, struct text *line)
{
	uint32_t begin = rest->len;

	if (!rest->len)
		return false;
	while (begin > 0 && rest->ptr[begin - 1] != '\n')
		begin--;
	*line = without_cr((struct text){ rest->ptr + begin, rest->len - begin });
	rest->len = begin ? begin - 1 : 0;
	return true;
}

/* Takes off the lines that both begin and end with; returns how many at the beginning. */
static uint32_t cut_common(struct text *old, struct text *new)
{
	struct text a, b, old_rest = *old, new_rest = *new;
	uint32_t count = 0;

	while (cut_line(&old_rest, &a) && cut_line(&new_rest, &b) && text_equal(a, b)) {
		*old = old_rest;
		*new = new_rest;
		count++;
	}
	old_rest = *old;
	new_rest = *new;
	while (cut_last_line(&old_rest, &a) && cut_last_line(&new_rest, &b) && text_equal(a, b)) {
		*old = old_rest;
		*new = new_rest;
	}
	return count;
}

/* Shows `lines`, the first around its byte `focus`; returns how many. */
static unsigned show_side(const struct text_printer *p, struct text lines, uint32_t number, char sign,
			  uint32_t focus, unsigned room)
{
	struct text line;
	unsigned count = 0;

	for (; count < room && cut_line(&lines, &line); count++) {
		uint32_t at = count ? 0 : focus < line.len ? focus : line.len;
		struct excerpt e = excerpt_of(line, at, at);

		text_gutter(p, number++, sign);
		if (line.len)
			out_char(p->out, ' ');
		excerpt_print(p->out, &e);
		out_char(p->out, '\n');
	}
	return count;
}

static unsigned show_change(const struct text_printer *p, const struct change *c,
			    const struct diag_part **fixes, unsigned room)
{
	struct text old = source_text(c->source, c->begin, c->end), new;
	uint32_t line = c->line;
	uint32_t same = 0; /* bytes that both begin with */
	unsigned count = 0;
	struct out out;

	out_init_memory(&out);
	new = apply_to_change(&out, c, fixes);
	line += cut_common(&old, &new);
	if (room == MOST_LINES && (new.len || old.len)) {
		text_gutter(p, 0, '|');
		out_char(p->out, '\n');
	}
	while (same < old.len && same < new.len && old.ptr[same] == new.ptr[same])
		same++;
	if (new.len)
		count = show_side(p, new, line, '+', same, room);
	else
		count = show_side(p, old, line, '-', 0, room);
	out_free(&out);
	return count;
}

void text_fixes(const struct text_printer *p, const struct diagnostic *d)
{
	const struct diag_part **fixes;
	size_t count = sorted_fixes(p, d, &fixes);
	unsigned room = MOST_LINES;

	if (count == 1 && is_told(d, fixes[0]->text))
		return;
	for (size_t i = 0; i < count && room;) {
		struct change c = next_change(p, fixes, i, count);

		if (c.end - c.begin <= LONGEST_LINE || source_line_number(p->map, c.end) != c.line)
			room -= show_change(p, &c, fixes, room);
		i = c.last;
	}
}
