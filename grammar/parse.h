/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lexer, the grammar and the constructors share. */
#ifndef PVEFW_PARSE_H
#define PVEFW_PARSE_H

#include "ast.h"

/* The state of reading one file. */
struct parse {
	struct arena *arena;
	struct source *source;
	enum file_kind kind;
	enum section_kind section; /* the lexer's: where the line stands */
	struct ast_file *file;     /* the result */
};

/* Lists that grow at the end. */
struct section_list {
	struct ast_section *first, *last;
};

struct line_list {
	struct ast_line *first, *last;
};

struct param_list {
	struct ast_param *first, *last;
};

struct word_list {
	struct ast_word_list *first, *last;
};

/* A header as the lexer has taken it apart; ptr NULL for what is missing. */
struct header {
	enum section_kind kind;
	struct span span;
	struct word name, comment;
};

/* The beginning of a rule. */
struct rule_head {
	bool disabled, gap_after_bar;
	struct word type, action;
};

/* Constructors, one for each kind of node: build.c. */
struct section_list build_section(struct parse *p, struct section_list sections, struct header header,
				  struct line_list lines);
struct line_list build_line(struct line_list lines, struct ast_line *line);
struct ast_line *build_comment(struct parse *p, struct word comment);
struct ast_line *build_text(struct parse *p, enum line_kind kind, struct word text);
struct ast_line *build_option(struct parse *p, struct word key, struct word value);
struct ast_line *build_alias(struct parse *p, bool wide_gap, struct word name, struct word cidr,
			     struct word comment);
struct ast_line *build_entry(struct parse *p, struct span span, bool nomatch,
			     struct word_list words, struct word comment);
struct ast_line *build_rule(struct parse *p, struct span span, struct rule_head head,
			    struct param_list params, struct word comment);
/* The line in which `span` stands, which could not be understood. */
struct ast_line *build_bad(struct parse *p, struct span span);
struct param_list build_param(struct parse *p, struct param_list params, enum ast_param_form form,
			      struct word key, struct word value);
struct word_list build_word(struct parse *p, struct word_list words, struct word word);

#endif
