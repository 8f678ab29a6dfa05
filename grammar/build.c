/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The constructors of the syntax tree: each makes one node and knows nothing else. */
#include "parse.h"

struct section_list build_section(struct parse *p, struct section_list sections,
				  struct header header, struct line_list lines)
{
	struct ast_section *section = ARENA_NEW(p->arena, struct ast_section);

	section->kind = header.kind;
	section->span = header.span;
	section->name = header.name;
	section->comment = header.comment;
	section->lines = lines.first;
	if (sections.last)
		sections.last->next = section;
	else
		sections.first = section;
	sections.last = section;
	return sections;
}

struct line_list build_line(struct line_list lines, struct ast_line *line)
{
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

struct ast_line *build_entry(struct parse *p, struct span span, bool nomatch,
			     struct word_list words, struct word comment)
{
	struct ast_entry *node = ARENA_NEW(p->arena, struct ast_entry);
	uint32_t end = words.last->word.begin + words.last->word.len;

	node->line = (struct ast_line){ LINE_ENTRY, { span.begin, end }, comment, NULL };
	node->nomatch = nomatch;
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

static uint32_t rule_end(const struct rule_head *head, const struct param_list *params)
{
	struct word last = head->action.ptr ? head->action : head->type;

	if (params->last)
		last = params->last->value.ptr ? params->last->value : params->last->key;
	return last.begin + last.len;
}

struct ast_line *build_rule(struct parse *p, struct span span, struct rule_head head,
			    struct param_list params, struct word comment)
{
	struct ast_rule *node = ARENA_NEW(p->arena, struct ast_rule);

	node->line = (struct ast_line){ LINE_RULE, { span.begin, rule_end(&head, &params) }, comment, NULL };
	node->disabled = head.disabled;
	node->gap_after_bar = head.gap_after_bar;
	node->type = head.type;
	if (head.action.ptr)
		split_action(node, head.action);
	node->params = params.first;
	return &node->line;
}

struct ast_line *build_bad(struct parse *p, struct span span)
{
	const char *text = p->source->text;
	uint32_t begin = span.begin - p->source->base, end = begin, size = p->source->size;

	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	while (end < size && text[end] != '\n')
		end++;
	while (begin < end && char_is_blank(text[begin]))
		begin++;
	while (end > begin && (char_is_blank(text[end - 1]) || text[end - 1] == '\r'))
		end--;
	return build_text(p, LINE_BAD, source_word(p->source, begin, end - begin));
}

struct param_list build_param(struct parse *p, struct param_list params, enum ast_param_form form,
			      struct word key, struct word value)
{
	struct ast_param *node = ARENA_NEW(p->arena, struct ast_param);

	node->form = form;
	node->key = key;
	node->value = value;
	if (params.last)
		params.last->next = node;
	else
		params.first = node;
	params.last = node;
	return params;
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
