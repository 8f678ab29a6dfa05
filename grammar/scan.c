/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cutting words out of what the lexer has matched. */
#include "scan.h"

struct word scan_word(const struct parse *p, const char *text, size_t len)
{
	uint32_t offset = (uint32_t)(text - p->source->text);

	while (len > 0 && (char_is_blank(text[len - 1]) || text[len - 1] == '\r'))
		len--;
	return source_word(p->source, offset, (uint32_t)len);
}

/* The last ']' before the comment; there is one, the lexer has seen to it. */
static uint32_t closing_bracket(struct word line)
{
	long hash = -1;
	uint32_t at;

	for (uint32_t i = 0; i + 1 < line.len && hash < 0; i++)
		if (line.ptr[i] == ']' && (char_is_blank(line.ptr[i + 1]) || line.ptr[i + 1] == '#'))
			return i;
	for (at = line.len; at > 0 && line.ptr[at - 1] != ']'; at--)
		;
	return at ? at - 1 : 0;
}

struct header scan_header(struct parse *p, enum section_kind kind, const char *text, size_t len)
{
	struct word line = scan_word(p, text, len);
	struct header header = { .kind = kind, .span = word_span(line) };
	uint32_t from = 1 + (uint32_t)strlen(section_table[kind].name), close, comment;

	p->section = kind;
	close = closing_bracket(line);
	while (from < close && char_is_blank(line.ptr[from]))
		from++;
	if (section_table[kind].named)
		header.name = word_part(line, from, close - from);
	for (comment = close + 1; comment < line.len && line.ptr[comment] != '#'; comment++)
		;
	if (comment < line.len)
		header.comment = word_part(line, comment, line.len - comment);
	header.span.end = line.begin + close + 1;
	return header;
}
