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
#include "base/escape.h"

static enum text_style severity_style(enum severity severity)
{
	return severity == SEVERITY_ERROR     ? STYLE_ERROR
	       : severity == SEVERITY_WARNING ? STYLE_WARNING
					      : STYLE_NOTE;
}

/* ---- the gutter ---- */

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
	return text_digits(most);
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

/* Labels that the primary's block does not show; those of one line share a block. */
static void other_labels(const struct text_printer *p, const struct diagnostic *d,
			 const struct text_block *primary)
{
	struct text_block b = { 0 };

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		if (part->kind != DIAG_LABEL || !source_find(p->map, part->span.begin) ||
		    text_block_has(primary, part->span))
			continue;
		if (!text_block_has(&b, part->span))
			b = text_block_open(p, part->span, primary->place.line || b.place.line ? ":::" : "-->");
		text_block_mark(p, &b, part->span, '-', STYLE_GUTTER, part->text);
	}
}

static void places(const struct text_printer *p, const struct diagnostic *d)
{
	struct text_block b = { 0 };

	if (source_find(p->map, d->span.begin)) {
		b = text_block_open(p, d->span, "-->");
		text_block_mark(p, &b, d->span, '^', severity_style(d->severity), d->label);
	}
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_LABEL)
			text_block_mark(p, &b, part->span, '-', STYLE_GUTTER, part->text);
	other_labels(p, d, &b);
}

/* Notes come before helps. */
static void text_remarks(const struct text_printer *p, const struct diagnostic *d)
{
	for (const struct diag_part *part = d->parts; part; part = part->next) {
		bool nowhere = !source_find(p->map, part->span.begin);

		if (part->kind == DIAG_NOTE || (part->kind == DIAG_LABEL && nowhere))
			text_remark(p, "note", part->text);
	}
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_HELP)
			text_remark(p, "help", part->text);
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
