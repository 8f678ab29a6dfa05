/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the parser, or only the lexer, over one file. */
#include "scan.h"
#include "lexer.h"

#include "out.h"

struct ast_file *ast_parse(struct arena *arena, struct source *source, enum file_kind kind)
{
	struct ast_file *file = ARENA_NEW(arena, struct ast_file);
	struct parse p = { .arena = arena, .source = source, .kind = kind, .file = file };
	yyscan_t scanner;

	file->kind = kind;
	file->source = source;
	fw_lex_init_extra(&p, &scanner);
	fw__scan_buffer(source->text, source->size + 2u, scanner);
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
		NAME(KEY_WIDE);
		NAME(KEY_ALONE);
		NAME(VALUE);
		NAME(STRAY);
#undef NAME
	}
	return token == '|' ? "'|'" : "'!'";
}

void tokens_dump(struct out *out, struct source *source, enum file_kind kind)
{
	struct arena arena = { 0 };
	struct parse p = { .arena = &arena, .source = source, .kind = kind };
	struct span at;
	yyscan_t scanner;
	FW_STYPE value;
	int token;

	fw_lex_init_extra(&p, &scanner);
	fw__scan_buffer(source->text, source->size + 2u, scanner);
	while ((token = fw_lex(&value, &at, scanner)) != 0) {
		struct word word = source_word(source, at.begin - source->base, at.end - at.begin);

		out_printf(out, "%u-%u %s", at.begin - source->base, at.end - source->base,
			   token_name(token));
		if (token != EOL)
			out_printf(out, " %.*s", TEXT_ARG(word));
		out_char(out, '\n');
	}
	fw_lex_destroy(scanner);
	arena_free(&arena);
}
