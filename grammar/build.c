/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The constructors of the syntax tree: each makes one node and knows nothing else. */
#include "scan.h"

struct section_list build_section(struct parse *p, struct section_list sections, struct ast_section *header,
				  struct line_list lines)
{
	struct ast_section *section = header ? header : ARENA_NEW(p->arena, struct ast_section);

	section->lines = lines.first;
	if (sections.last)
		sections.last->next = section;
	else
		sections.first = section;
	sections.last = section;
	return sections;
}

/* Where a line that was not understood ends is known now, at the EOL token; while the line is read, the
 * scanner keeps a NUL behind its last token. */
static void end_bad(struct parse *p, struct ast_text_line *bad)
{
	uint32_t offset = bad->text.begin - p->source->base, eol = p->at;

	bad->text = scan_word(p, p->scanned + offset, eol - offset);
	bad->line.span = word_span(bad->text);
}

struct line_list build_line(struct parse *p, struct line_list lines, struct ast_line *line)
{
	if (line->kind == LINE_BAD)
		end_bad(p, (struct ast_text_line *)line);
	if (lines.last)
		lines.last->next = line;
	else
		lines.first = line;
	lines.last = line;
	return lines;
}

struct ast_line *build_comment(struct parse *p, struct word comment)
{
	struct ast_line *line = ARENA_NEW(p->arena, struct ast_line);

	*line = (struct ast_line){ LINE_COMMENT, word_span(comment), comment, NULL };
	return line;
}

struct ast_line *build_text(struct parse *p, enum line_kind kind, struct word text)
{
	struct ast_text_line *node = ARENA_NEW(p->arena, struct ast_text_line);

	node->line = (struct ast_line){ .kind = kind, .span = word_span(text) };
	node->text = text;
	return &node->line;
}

struct ast_line *build_option(struct parse *p, struct word key, struct word value)
{
	struct ast_option *node = ARENA_NEW(p->arena, struct ast_option);
	uint32_t end = value.ptr ? value.begin + value.len : key.begin + key.len + 1;

	node->line = (struct ast_line){ .kind = LINE_OPTION, .span = { key.begin, end } };
	node->key = key;
	node->value = value;
	return &node->line;
}

struct ast_line *build_alias(struct parse *p, bool wide_gap, struct word name, struct word cidr,
			     struct word comment)
{
	struct ast_alias *node = ARENA_NEW(p->arena, struct ast_alias);

	node->line = (struct ast_line){ LINE_ALIAS, { name.begin, cidr.begin + cidr.len }, comment, NULL };
	node->name = name;
	node->cidr = cidr;
	node->wide_gap = wide_gap;
	return &node->line;
}

struct ast_line *build_entry(struct parse *p, struct word bang, struct word_list words, struct word comment)
{
	struct ast_entry *node = ARENA_NEW(p->arena, struct ast_entry);
	uint32_t begin = bang.ptr ? bang.begin : words.first->word.begin;
	uint32_t end = words.last->word.begin + words.last->word.len;

	node->line = (struct ast_line){ LINE_ENTRY, { begin, end }, comment, NULL };
	node->nomatch = bang.ptr != NULL;
	node->address = words.first->word;
	node->more = words.first->next;
	return &node->line;
}

/* Splits "MACRO(ACTION)"; any other word is all action. */
static void split_action(struct ast_rule *node, struct word word)
{
	uint32_t open = word.len;

	node->action = word;
	if (word.len < 3 || word.ptr[word.len - 1] != ')')
		return;
	while (open > 0 && word.ptr[open - 1] != '(')
		open--;
	if (open < 2)
		return;
	node->macro = word_part(word, 0, open - 1);
	node->action = word_part(word, open, word.len - 1 - open);
}

struct rule_draft build_rule_head(struct parse *p, struct word bar, bool gap, struct word type,
				  struct word action)
{
	struct ast_rule *node = ARENA_NEW(p->arena, struct ast_rule);
	struct word last = action.ptr ? action : type;
	uint32_t begin = bar.ptr ? bar.begin : type.begin;

	node->line = (struct ast_line){ .kind = LINE_RULE, .span = { begin, last.begin + last.len } };
	node->disabled = bar.ptr != NULL;
	node->gap_after_bar = gap;
	node->type = type;
	if (action.ptr)
		split_action(node, action);
	return (struct rule_draft){ node, NULL };
}

struct ast_line *build_rule(struct rule_draft draft, struct word comment)
{
	struct ast_line *line = &draft.rule->line;

	line->comment = comment;
	if (draft.last) {
		struct word last = draft.last->value.ptr ? draft.last->value : draft.last->key;

		line->span.end = last.begin + last.len;
	}
	return line;
}

struct ast_line *build_bad(struct parse *p)
{
	const char *text = p->source->text;
	uint32_t begin = p->at;

	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	while (char_is_blank(text[begin]) || text[begin] == '\r')
		begin++;
	return build_text(p, LINE_BAD, source_word(p->source, begin, 0));
}

struct ast_param *build_key(struct parse *p, enum ast_param_form form, struct word key)
{
	struct ast_param *node = ARENA_NEW(p->arena, struct ast_param);

	node->form = form;
	node->key = key;
	return node;
}

struct rule_draft build_param(struct rule_draft draft, struct ast_param *param)
{
	if (draft.last)
		draft.last->next = param;
	else
		draft.rule->params = param;
	draft.last = param;
	return draft;
}

struct word_list build_word(struct parse *p, struct word_list words, struct word word)
{
	struct ast_word_list *node = ARENA_NEW(p->arena, struct ast_word_list);

	node->word = word;
	if (words.last)
		words.last->next = node;
	else
		words.first = node;
	words.last = node;
	return words;
}
