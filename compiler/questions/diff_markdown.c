/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table for merge requests.  Whatever text comes from a file is in a <code> element: forges look there
 * for no names (@name, #1) and no emoji, as :1234: in an IPv6 address.  Characters that mean something to
 * Markdown or HTML are references.
 */
#include "questions/diff_print.h"

#include "base/escape.h"

static bool is_word(char c)
{
	return char_is_letter(c) || char_is_digit(c);
}

/* Whether Markdown or HTML can take the character for markup; an underscore inside a word is none. */
static bool is_markup(char before, const char *c)
{
	if (*c == '_')
		return !is_word(before) || !is_word(c[1]);
	return strchr("&<|`*~[\\$@#", *c) != NULL;
}

static void out_markdown(struct out *out, const char *text)
{
	struct text rest = text_of(text);
	char before = ' ';

	while (rest.len) {
		char shown[ESCAPE_SIZE];
		unsigned columns;
		uint32_t taken = escape_char(rest.ptr, rest.len, shown, &columns);

		if (taken == 1 && shown[0] && !shown[1] && is_markup(before, rest.ptr))
			out_printf(out, "&#%d;", shown[0]);
		else
			for (const char *c = shown; *c; c++)
				if (*c == '\\')
					out_string(out, "&#92;");
				else
					out_char(out, *c);
		before = rest.ptr[taken - 1];
		rest = text_skip(rest, taken);
	}
}

static void out_code(struct out *out, const char *text)
{
	out_string(out, "<code>");
	out_markdown(out, text);
	out_string(out, "</code>");
}

static void print_side(struct out *out, const struct diff *diff, const struct change_side *side)
{
	out_markdown(out, change_verdict_text(diff->arena, side));
	out_string(out, ": ");
	out_code(out, reason_text(diff->arena, diff->map, &side->decision.reason));
	if (side->line.len) {
		out_string(out, "<br>");
		out_code(out, arena_string(diff->arena, side->line));
	}
}

static void markdown_change(struct out *out, const struct diff *diff, const struct change *c)
{
	static const char *const labels[CHANGE_KINDS] = {
		[CHANGE_ALLOWED] = "**+ newly allowed**",
		[CHANGE_REFUSED] = "**- newly refused**",
		[CHANGE_OTHER] = "other verdict",
	};

	out_printf(out, "| %s | ", labels[c->kind]);
	out_code(out, change_packets_text(diff, c));
	out_string(out, "<br>e.g. ");
	out_code(out, c->example);
	out_string(out, c->more ? "<br>and more packets that the same lines decide | " : " | ");
	print_side(out, diff, &c->sides[DIFF_NEW]);
	out_string(out, " | ");
	print_side(out, diff, &c->sides[DIFF_OLD]);
	out_string(out, " |\n");
}

void diff_print_markdown(struct out *out, const struct diff *diff)
{
	out_string(out, "### Packets that are treated differently\n\n");
	if (diff->changes)
		out_string(out, "| | packets | now | before |\n| --- | --- | --- | --- |\n");
	for (const struct change *c = diff->changes; c; c = c->next)
		markdown_change(out, diff, c);
	if (diff->changes)
		out_char(out, '\n');
	if (diff->left_out)
		out_printf(out, "%u more rows are not shown.\n\n", diff->left_out);
	for (const struct diff_note *n = diff->notes; n; n = n->next) {
		out_string(out, "- ");
		out_code(out, n->text);
		out_char(out, '\n');
	}
	for (const struct diff_undecided *u = diff->undecided; u; u = u->next) {
		out_string(out, "- **not decided**: ");
		out_code(out, u->zone);
		if (u->chain[0]) {
			out_string(out, ", chain ");
			out_code(out, u->chain);
		}
		out_string(out, " exceeds the budget; raise it with --budget\n");
	}
	if (diff->notes || diff->undecided)
		out_char(out, '\n');
	out_markdown(out, diff_summary_text(diff));
	out_string(out, ".\n");
}
