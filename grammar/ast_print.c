/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the syntax tree as a .fw file in one canonical spelling.
 *
 * The file, read again, gives the same tree, mistakes included: a wide gap stays wide, and a line that could not be
 * understood is printed as it was.  A word that is present but empty comes from carriage returns inside a line, which
 * the lexer cuts off the ends of words.  It is written as two of them: one before the LF would belong to that.
 */
#include "ast.h"
#include "base/output.h"

static const char empty_word[] = "\r\r";

static void word(struct out *out, struct word w)
{
	if (w.ptr && !w.len)
		out_string(out, empty_word);
	else if (w.ptr)
		out_text(out, word_text(w));
}

/* Prints " word", or nothing for a missing word. */
static void spaced(struct out *out, struct word w)
{
	if (!w.ptr)
		return;
	out_char(out, ' ');
	word(out, w);
}

static void print_rule(struct out *out, const struct ast_rule *rule)
{
	if (rule->disabled)
		out_string(out, rule->gap_after_bar ? "| " : "|");
	word(out, rule->type);
	spaced(out, rule->macro.ptr ? rule->macro : rule->action);
	if (rule->macro.ptr) { /* the action may be empty */
		out_char(out, '(');
		out_text(out, word_text(rule->action));
		out_char(out, ')');
	}
	for (const struct ast_param *param = rule->params; param; param = param->next) {
		spaced(out, param->key);
		if (param->form == PARAM_WIDE_GAP)
			out_char(out, ' ');
		spaced(out, param->value);
	}
}

void ast_print_code(struct out *out, const struct ast_line *line)
{
	const struct ast_option *option = (const struct ast_option *)line;
	const struct ast_alias *alias = (const struct ast_alias *)line;
	const struct ast_entry *entry = (const struct ast_entry *)line;

	switch (line->kind) {
	case LINE_COMMENT:
		break;
	case LINE_OPTION:
		word(out, option->key);
		out_char(out, ':');
		if (option->value.len)
			spaced(out, option->value);
		break;
	case LINE_ALIAS:
		word(out, alias->name);
		if (alias->wide_gap)
			out_char(out, ' ');
		spaced(out, alias->cidr);
		break;
	case LINE_ENTRY:
		if (entry->nomatch)
			out_char(out, '!');
		word(out, entry->address);
		for (const struct ast_word_list *more = entry->more; more; more = more->next)
			spaced(out, more->word);
		break;
	case LINE_RULE:
		print_rule(out, (const struct ast_rule *)line);
		break;
	case LINE_HEADER:
	case LINE_RAW:
	case LINE_BAD:
		word(out, ((const struct ast_text_line *)line)->text);
		break;
	}
}

static void print_line(struct out *out, const struct ast_line *line)
{
	ast_print_code(out, line);
	if (line->kind == LINE_COMMENT)
		word(out, line->comment);
	else
		spaced(out, line->comment);
	out_char(out, '\n');
}

static void print_section_header(struct out *out, const struct ast_section *section)
{
	out_printf(out, "[%s", section_name(section->kind));
	if (section_table[section->kind].named) {
		out_char(out, ' ');
		out_text(out, word_text(section->name));
	}
	out_char(out, ']');
	/* After an empty name, a space would make it no header. */
	if (section->name.ptr && !section->name.len)
		word(out, section->comment);
	else
		spaced(out, section->comment);
	out_char(out, '\n');
}

void ast_print(struct out *out, const struct ast_file *file)
{
	bool first = true;

	for (const struct ast_section *section = file->sections; section; section = section->next) {
		if (!first)
			out_char(out, '\n');
		if (section->kind != SECTION_NONE)
			print_section_header(out, section);
		for (const struct ast_line *line = section->lines; line; line = line->next)
			print_line(out, line);
		first = first && section->kind == SECTION_NONE && !section->lines;
	}
}
