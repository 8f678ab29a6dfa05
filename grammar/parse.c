/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the parser, or only the lexer, over one file. */
#include "scan.h"
#include "lexer.h"

#include "base/output.h"

struct ast_file *ast_parse(struct arena *arena, struct source *source, enum file_kind kind)
{
	struct ast_file *file = ARENA_NEW(arena, struct ast_file);
	struct parse p = { .arena = arena, .source = source, .kind = kind, .file = file };
	char *text = scan_text(arena, source);
	yyscan_t scanner;

	file->kind = kind;
	file->source = source;
	p.scanned = text;
	fw_lex_init_extra(&p, &scanner);
	fw__scan_buffer(text, source->size + 2u, scanner);
	fw_parse(scanner, &p);
	fw_lex_destroy(scanner);
	return file;
}

/* Names of the tokens, in the order of their numbers from 258. */
static const char *token_name(int token)
{
	switch (token) {
#define NAME(token) case token: return #token
		NAME(EOL);
		NAME(GAP);
		NAME(HEADER);
		NAME(COMMENT);
		NAME(STRAY_HEADER);
		NAME(RAW);
		NAME(OPTION);
		NAME(SETTING);
		NAME(NO_OPTION);
		NAME(NAME);
		NAME(NAME_WIDE);
		NAME(CIDR);
		NAME(ADDRESS);
		NAME(TYPE);
		NAME(ACTION);
		NAME(KEY);
		NAME(PARAM);
		NAME(STRAY);
#undef NAME
	}
	return token == BAR ? "'|'" : "'!'";
}

/* The bytes of a token, for those whose value is a node already. */
static struct word token_word(const struct source *source, int token, const FW_STYPE *value)
{
	struct span span;

	if (token == HEADER)
		span = value->header->span;
	else if (token == PARAM && value->param->value.ptr)
		span = (struct span){ value->param->key.begin,
				      value->param->value.begin + value->param->value.len };
	else if (token == PARAM)
		span = word_span(value->param->key);
	else
		return value->word;
	return source_word(source, span.begin - source->base, span.end - span.begin);
}

void tokens_dump(struct out *out, struct source *source, enum file_kind kind)
{
	struct arena arena = { 0 };
	struct parse p = { .arena = &arena, .source = source, .kind = kind };
	char *text = scan_text(&arena, source);
	yyscan_t scanner;
	FW_STYPE value;
	int token;

	p.scanned = text;
	fw_lex_init_extra(&p, &scanner);
	fw__scan_buffer(text, source->size + 2u, scanner);
	while ((token = fw_lex(&value, scanner)) != 0) {
		struct word word = token_word(source, token, &value);

		out_printf(out, "%u-%u %s", word.begin - source->base, word.begin + word.len - source->base,
			   token_name(token));
		if (token != EOL) {
			out_char(out, ' ');
			out_text(out, word_text(word));
		}
		out_char(out, '\n');
	}
	fw_lex_destroy(scanner);
	arena_free(&arena);
}
