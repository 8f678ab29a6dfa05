/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts words out of the lexer's tokens. */
#include "scan.h"

/* For every NUL in a token flex reads that token anew, so in a copy another character without meaning stands for
 * them. */
char *scan_text(struct arena *arena, struct source *source)
{
	char *copy;

	if (!source->size || !memchr(source->text, '\0', source->size))
		return source->text;
	copy = arena_alloc(arena, source->size + 2u);
	for (uint32_t i = 0; i < source->size; i++)
		copy[i] = source->text[i] ? source->text[i] : '\1';
	return copy;
}

/* A CR is a blank: at a line's end, and anywhere else. */
static bool is_gap(char c)
{
	/* Nearly all that is asked about is a letter. */
	return (unsigned char)c <= ' ' && char_is_space(c);
}

struct word scan_word(struct parse *p, const char *text, size_t len)
{
	p->at = (uint32_t)(text - p->scanned);
	while (len > 0 && is_gap(text[len - 1]))
		len--;
	return source_word(p->source, p->at, (uint32_t)len);
}

struct ast_param *scan_param(struct parse *p, enum ast_param_form form, const char *text, size_t len)
{
	struct ast_param *param = ARENA_NEW(p->arena, struct ast_param);
	uint32_t key = 0, value;

	while (!is_gap(text[key]))
		key++;
	for (value = key; is_gap(text[value]); value++)
		;
	param->form = form;
	param->value = scan_word(p, text + value, len - value);
	p->at = (uint32_t)(text - p->scanned);
	param->key = source_word(p->source, p->at, key);
	return param;
}

/* Whether what follows the bracket is nothing, or a comment. */
static bool ends_header(struct word line, uint32_t after)
{
	while (after < line.len && is_gap(line.ptr[after]))
		after++;
	return after == line.len || line.ptr[after] == '#';
}

/* The bracket that ends the header: a name may hold brackets itself ("[IPSET a]b]"), so it is the last one
 * in the name's word behind which nothing but a comment follows. There is one; the lexer has seen to it. */
static uint32_t closing_bracket(struct word line, uint32_t from)
{
	uint32_t end = from;

	while (end < line.len && !is_gap(line.ptr[end]))
		end++;
	for (uint32_t at = end; at > from; at--)
		if (line.ptr[at - 1] == ']' && ends_header(line, at))
			return at - 1;
	return line.len - 1;
}

struct ast_section *scan_header(struct parse *p, enum section_kind kind, const char *text, size_t len)
{
	struct ast_section *section = ARENA_NEW(p->arena, struct ast_section);
	struct word line = scan_word(p, text, len);
	uint32_t from = 1 + (uint32_t)strlen(section_table[kind].name), close, comment;

	p->section = kind;
	while (is_gap(line.ptr[from]))
		from++;
	close = closing_bracket(line, from);
	section->kind = kind;
	section->span = (struct span){ line.begin, line.begin + close + 1 };
	if (section_table[kind].named)
		section->name = word_part(line, from, close - from);
	for (comment = close + 1; comment < line.len && line.ptr[comment] != '#'; comment++)
		;
	if (comment < line.len)
		section->comment = word_part(line, comment, line.len - comment);
	return section;
}
