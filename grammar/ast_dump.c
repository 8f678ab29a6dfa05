/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the syntax tree for people: a line a node, with its fields in quotes. */
#include "ast.h"
#include "base/escape.h"
#include "base/output.h"

struct dump {
	struct out *out;
	uint32_t base; /* of the source: spans are printed as offsets in the file */
	bool spans;
};

static void dump_span(const struct dump *d, const char *before, struct span span)
{
	if (d->spans)
		out_printf(d->out, "%s@%u-%u", before, span.begin - d->base, span.end - d->base);
}

/* Prints it in quotes, with control characters escaped; prints nothing for a missing word. */
static void dump_word(const struct dump *d, const char *what, struct word w)
{
	char shown[ESCAPE_SIZE];
	unsigned columns;

	if (!w.ptr)
		return;
	out_printf(d->out, " %s=\"", what);
	for (uint32_t at = 0; at < w.len;) {
		if (w.ptr[at] == '"' || w.ptr[at] == '\\')
			out_char(d->out, '\\');
		at += escape_char(w.ptr + at, w.len - at, shown, &columns);
		out_string(d->out, shown);
	}
	out_char(d->out, '"');
	dump_span(d, "", word_span(w));
}

static void dump_params(const struct dump *d, const struct ast_param *param)
{
	static const char *const forms[] = {
		[PARAM_OK] = "param",
		[PARAM_WIDE_GAP] = "wide-gap",
		[PARAM_NO_VALUE] = "no-value",
		[PARAM_STRAY] = "stray",
	};

	for (; param; param = param->next) {
		out_printf(d->out, "\n    %s", forms[param->form]);
		dump_word(d, "key", param->key);
		dump_word(d, "value", param->value);
	}
}

static void dump_line(const struct dump *d, const struct ast_line *line)
{
	static const char *const kinds[] = {
		[LINE_COMMENT] = "comment", [LINE_OPTION] = "option", [LINE_ALIAS] = "alias",
		[LINE_ENTRY] = "entry",     [LINE_RULE] = "rule",     [LINE_HEADER] = "header",
		[LINE_RAW] = "raw",         [LINE_BAD] = "bad",
	};

	out_printf(d->out, "  %s", kinds[line->kind]);
	dump_span(d, " ", line->span);
	if (line->kind == LINE_OPTION) {
		const struct ast_option *option = (const struct ast_option *)line;

		dump_word(d, "key", option->key);
		if (option->value.len)
			dump_word(d, "value", option->value);
	} else if (line->kind == LINE_ALIAS) {
		const struct ast_alias *alias = (const struct ast_alias *)line;

		dump_word(d, "name", alias->name);
		dump_word(d, alias->wide_gap ? "wide-gap cidr" : "cidr", alias->cidr);
	} else if (line->kind == LINE_ENTRY) {
		const struct ast_entry *entry = (const struct ast_entry *)line;

		if (entry->nomatch)
			out_string(d->out, " nomatch");
		dump_word(d, "address", entry->address);
		for (const struct ast_word_list *more = entry->more; more; more = more->next)
			dump_word(d, "more", more->word);
	} else if (line->kind == LINE_RULE) {
		const struct ast_rule *rule = (const struct ast_rule *)line;

		if (rule->disabled)
			out_string(d->out, rule->gap_after_bar ? " disabled gap" : " disabled");
		dump_word(d, "type", rule->type);
		dump_word(d, "macro", rule->macro);
		dump_word(d, "action", rule->action);
	} else if (line->kind != LINE_COMMENT) {
		dump_word(d, "text", ((const struct ast_text_line *)line)->text);
	}
	dump_word(d, "comment", line->comment);
	if (line->kind == LINE_RULE)
		dump_params(d, ((const struct ast_rule *)line)->params);
	out_char(d->out, '\n');
}

void ast_dump(struct out *out, const struct ast_file *file, bool spans)
{
	struct dump d = { out, file->source->base, spans };

	out_printf(out, "%s file\n", file_kind_name(file->kind));
	for (const struct ast_section *section = file->sections; section; section = section->next) {
		out_printf(out, "section %s",
			   section->kind == SECTION_NONE ? "-" : section_name(section->kind));
		if (section->kind != SECTION_NONE)
			dump_span(&d, " ", section->span);
		dump_word(&d, "name", section->name);
		dump_word(&d, "comment", section->comment);
		out_char(out, '\n');
		for (const struct ast_line *line = section->lines; line; line = line->next)
			dump_line(&d, line);
	}
}
