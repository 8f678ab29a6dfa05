/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of one .fw file.
 *
 * A file is a list of sections, a section a list of lines; what stands before the first header is a section
 * without one. Every line of the file that is not empty has a node, also those that make no sense, so that
 * the tree can be printed and read again without loss. Names are words here; what they refer to is found out
 * by compiler/resolve.c.
 */
#ifndef PVEFW_AST_H
#define PVEFW_AST_H

#include "base/arena.h"
#include "lang/language.h"
#include "source/source.h"

enum line_kind {
	LINE_COMMENT, /* nothing but a comment */
	LINE_OPTION,
	LINE_ALIAS,
	LINE_ENTRY,
	LINE_RULE,
	LINE_HEADER, /* looks like a header and starts no section */
	LINE_RAW,    /* before the first header */
	LINE_BAD,    /* not of the section's form */
};

/* What every line has; the kind says which structure it is part of. */
struct ast_line {
	enum line_kind kind;
	struct span span;    /* without blanks at both ends and the line's end */
	struct word comment; /* with its '#'; ptr NULL if none */
	struct ast_line *next;
};

/* key: value */
struct ast_option {
	struct ast_line line;
	struct word key;
	struct word value; /* may be empty */
};

/* NAME CIDR */
struct ast_alias {
	struct ast_line line;
	struct word name;
	struct word cidr;
	bool wide_gap; /* not exactly one blank between the two */
};

struct ast_word_list {
	struct word word;
	struct ast_word_list *next;
};

/* [!] ADDRESS; more words are kept, and are wrong */
struct ast_entry {
	struct ast_line line;
	bool nomatch;
	struct word address; /* empty after a lone '!' */
	struct ast_word_list *more;
};

enum ast_param_form {
	PARAM_OK,       /* key, one blank, value */
	PARAM_WIDE_GAP, /* something else than one blank */
	PARAM_NO_VALUE,
	PARAM_STRAY, /* a word that is not a key; stored as `key` */
};

/* One "-key value" of a rule. */
struct ast_param {
	enum ast_param_form form;
	struct word key;
	struct word value;
	struct ast_param *next;
};

/* [|]TYPE ACTION | MACRO(ACTION) params */
struct ast_rule {
	struct ast_line line;
	bool disabled;
	bool gap_after_bar; /* "| IN": blanks between the bar and the type */
	struct word type;
	struct word macro;  /* ptr NULL if none */
	struct word action; /* for GROUP the group's name; ptr NULL if missing */
	struct ast_param *params;
};

/* A line of which nothing is known but its bytes. */
struct ast_text_line {
	struct ast_line line;
	struct word text;
};

struct ast_section {
	enum section_kind kind;
	struct span span;    /* of the header */
	struct word name;    /* of sets and groups */
	struct word comment; /* after the header */
	struct ast_line *lines;
	struct ast_section *next;
};

struct ast_file {
	enum file_kind kind;
	const struct source *source;
	struct ast_section *sections;
};

struct diags;

/* Reads a whole file; never fails, whatever the bytes. Reports nothing: what is wrong is in the tree.
 * grammar/parse.c */
struct ast_file *ast_parse(struct arena *arena, struct source *source, enum file_kind kind);

struct out;
/* The tree as text that, read again, gives the same tree.  grammar/ast_print.c */
void ast_print(struct out *out, const struct ast_file *file);
/* A line of that without its comment and its end.  grammar/ast_print.c */
void ast_print_code(struct out *out, const struct ast_line *line);
/* The tree for people, with spans when `spans`.  grammar/ast_print.c */
void ast_dump(struct out *out, const struct ast_file *file, bool spans);
/* The tokens of a file, one a line.  grammar/parse.c */
void tokens_dump(struct out *out, struct source *source, enum file_kind kind);

#endif
