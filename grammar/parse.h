/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the lexer, the grammar and the constructors. */
#ifndef PVEFW_PARSE_H
#define PVEFW_PARSE_H

#include "ast.h"

/* The state of reading one file. */
struct parse {
	struct arena *arena;
	struct source *source;
	const char *scanned; /* the lexer's input: the source's text, or a copy */
	enum file_kind kind;
	enum section_kind section; /* the lexer's: where the line stands */
	uint32_t at;               /* the lexer's: offset of the last token */
	struct ast_file *file;     /* the result */
};

/* Lists that grow at the end. */
struct section_list {
	struct ast_section *first, *last;
};

struct line_list {
	struct ast_line *first, *last;
};

struct word_list {
	struct ast_word_list *first, *last;
};

/* A rule whose options are being read. */
struct rule_draft {
	struct ast_rule *rule;
	struct ast_param *last; /* NULL: it has none yet */
};

/* Constructors, one for each kind of node: build.c. */
struct section_list build_section(struct parse *p, struct section_list sections, struct ast_section *header,
				  struct line_list lines);
struct line_list build_line(struct parse *p, struct line_list lines, struct ast_line *line);
struct ast_line *build_comment(struct parse *p, struct word comment);
struct ast_line *build_text(struct parse *p, enum line_kind kind, struct word text);
struct ast_line *build_option(struct parse *p, struct word key, struct word value);
struct ast_line *build_alias(struct parse *p, bool wide_gap, struct word name, struct word cidr,
			     struct word comment);
/* `bang` is the "!", or has ptr NULL. */
struct ast_line *build_entry(struct parse *p, struct word bang, struct word_list words, struct word comment);
/* `bar` is the "|" of a disabled rule, or has ptr NULL. */
struct rule_draft build_rule_head(struct parse *p, struct word bar, bool gap, struct word type,
				 struct word action);
struct ast_line *build_rule(struct rule_draft draft, struct word comment);
/* The line of the last token, which could not be understood; build_line() ends it. */
struct ast_line *build_bad(struct parse *p);
struct rule_draft build_param(struct rule_draft draft, struct ast_param *param);
struct ast_param *build_key(struct parse *p, enum ast_param_form form, struct word key);
struct word_list build_word(struct parse *p, struct word_list words, struct word word);

/* The source's text for the lexer: itself, or a copy from the arena without NULs. */
char *scan_text(struct arena *arena, struct source *source);

#endif
