/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics for people (spec 5.2): the message, the line it is about with carets below, other lines that
 * labels point to, notes, helps, and the line as a fix would make it.
 *
 *     error[E0203]: no alias named `webservr`
 *       --> firewall/100.fw:14:24
 *        |
 *     14 | IN SSH(ACCEPT) -source webservr -log info
 *        |                        ^^^^^^^^ not defined in this file or in cluster.fw
 *        = note: the rule is ignored
 *
 * The line numbers of one diagnostic share a column. Nothing a file holds gets to a terminal unescaped, in
 * messages neither.
 */
#include "format/formats.h"
#include "format/diag_text.h"
#include "source/excerpt.h"
#include "base/escape.h"

static enum text_style severity_style(enum severity severity)
{
	return severity == SEVERITY_ERROR     ? STYLE_ERROR
	       : severity == SEVERITY_WARNING ? STYLE_WARNING
					      : STYLE_NOTE;
}

/* ---- the gutter ---- */

static unsigned digits(uint32_t number)
{
	unsigned count = 1;

	while (number >= 10) {
		number /= 10;
		count++;
	}
	return count;
}

/* Wide enough for every line of the diagnostic. */
static unsigned gutter_width(const struct text_printer *p, const struct diagnostic *d)
{
	uint32_t most = source_line_number(p->map, d->span.begin);

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		uint32_t line = source_line_number(p->map, part->span.begin);

		for (const char *c = part->kind == DIAG_FIX ? part->text : ""; *c; c++)
			line += *c == '\n';
		if (part->kind == DIAG_LABEL || part->kind == DIAG_FIX)
			most = line > most ? line : most;
	}
	return digits(most);
}

/* ---- lines of source ---- */

/* A line that is shown, on which marks can be drawn. */
struct block {
	struct place place; /* of the span it was opened for */
	struct word line;
	struct excerpt excerpt;
};

/* Byte offset of a position in the line, at most its length. */
static uint32_t offset_in(const struct word *line, uint32_t position)
{
	uint32_t offset = position > line->begin ? position - line->begin : 0;

	return offset < line->len ? offset : line->len;
}

/* Prints `arrow`, the place of `span`, and its line. */
static struct block open_block(const struct text_printer *p, struct span span, const char *arrow)
{
	struct source *source = source_find(p->map, span.begin);
	struct block b = { .place = source_place(p->map, span.begin) };

	b.line = source_line(p->map, source, b.place.line);
	b.excerpt = excerpt_of(word_text(b.line), offset_in(&b.line, span.begin),
			       offset_in(&b.line, span.end));
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
static void label(const struct text_printer *p, const struct block *b, struct span span, const char *text)
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
static bool find_in_block(const struct block *b, struct span span, uint32_t *at, uint32_t *count)
{
	return b->place.line && span.begin >= b->line.begin && span.begin <= b->line.begin + b->line.len &&
	       excerpt_find(&b->excerpt, offset_in(&b->line, span.begin), offset_in(&b->line, span.end), at,
			    count);
}

static bool is_in_block(const struct block *b, struct span span)
{
	uint32_t at, count;

	return find_in_block(b, span, &at, &count);
}

/* Draws `sign` under the span, if the block shows it. */
static void mark(const struct text_printer *p, const struct block *b, struct span span, char sign,
		 enum text_style style, const char *text)
{
	uint32_t at, count;

	if (!find_in_block(b, span, &at, &count))
		return;
	text_gutter(p, 0, '|');
	out_printf(p->out, " %*s", (int)at, "");
	text_style(p, style);
	while (count--)
		out_char(p->out, sign);
	label(p, b, span, text);
	text_style(p, STYLE_OFF);
	out_char(p->out, '\n');
}

/* ---- the parts of a diagnostic ---- */

static void header(const struct text_printer *p, const struct diagnostic *d)
{
	const struct diag_row *row = &diag_catalogue[d->id];

	text_style(p, severity_style(d->severity));
	out_printf(p->out, "%s[%c%s]", severity_name(d->severity), row->letter, row->number);
	text_style(p, STYLE_OFF);
	text_style(p, STYLE_BOLD);
	out_string(p->out, ": ");
	out_escaped(p->out, text_of(d->message));
	text_style(p, STYLE_OFF);
	out_char(p->out, '\n');
}

/* " = note: text"; further lines of the text line up. */
static void remark(const struct text_printer *p, const char *word, const char *text)
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

/* Labels that the primary's block does not show; those of one line share a block. */
static void other_labels(const struct text_printer *p, const struct diagnostic *d,
			 const struct block *primary)
{
	struct block b = { 0 };

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		if (part->kind != DIAG_LABEL || !source_find(p->map, part->span.begin) ||
		    is_in_block(primary, part->span))
			continue;
		if (!is_in_block(&b, part->span))
			b = open_block(p, part->span, primary->place.line || b.place.line ? ":::" : "-->");
		mark(p, &b, part->span, '-', STYLE_GUTTER, part->text);
	}
}

static void places(const struct text_printer *p, const struct diagnostic *d)
{
	struct block b = { 0 };

	if (source_find(p->map, d->span.begin)) {
		b = open_block(p, d->span, "-->");
		mark(p, &b, d->span, '^', severity_style(d->severity), d->label);
	}
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_LABEL)
			mark(p, &b, part->span, '-', STYLE_GUTTER, part->text);
	other_labels(p, d, &b);
}

/* Notes come before helps. */
static void text_remarks(const struct text_printer *p, const struct diagnostic *d)
{
	for (const struct diag_part *part = d->parts; part; part = part->next) {
		bool nowhere = !source_find(p->map, part->span.begin);

		if (part->kind == DIAG_NOTE || (part->kind == DIAG_LABEL && nowhere))
			remark(p, "note", part->text);
	}
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_HELP)
			remark(p, "help", part->text);
}

static void text_diagnostic(struct text_printer *p, const struct diagnostic *d)
{
	p->gutter = gutter_width(p, d);
	header(p, d);
	places(p, d);
	text_remarks(p, d);
	text_fixes(p, d);
	out_char(p->out, '\n');
}

/* "2 errors, 1 warning" */
static void counts(const struct text_printer *p, const struct diags *diags)
{
	const char *separator = "";

	for (int i = SEVERITY_ERROR; i >= SEVERITY_NOTE; i--) {
		unsigned count = diags->counts[i];

		if (!count)
			continue;
		out_string(p->out, separator);
		text_style(p, severity_style((enum severity)i));
		out_printf(p->out, "%u %s%s", count, severity_name((enum severity)i), count == 1 ? "" : "s");
		text_style(p, STYLE_OFF);
		separator = ", ";
	}
	if (separator[0])
		out_char(p->out, '\n');
	if (diags->not_shown)
		out_printf(p->out, "%u finding%s not shown (--max-findings)\n", diags->not_shown,
			   diags->not_shown == 1 ? " is" : "s are");
}

void diag_text_counts(struct out *out, const struct diags *diags, bool colour)
{
	struct text_printer p = { .out = out, .map = diags->map, .arena = diags->arena, .colour = colour };

	counts(&p, diags);
}

static void text_print_all(struct out *out, const struct diags *diags, bool colour)
{
	struct text_printer p = { .out = out, .map = diags->map, .arena = diags->arena, .colour = colour };

	for (const struct diagnostic *d = diags->first; d; d = d->next)
		text_diagnostic(&p, d);
	counts(&p, diags);
}

const struct diag_format diag_format_text = {
	.name = "text",
	.text = "for people",
	.sums_up = true,
	.says_not_shown = true,
	.print = text_print_all,
};
