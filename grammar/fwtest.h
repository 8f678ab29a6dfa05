/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree of one .fwtest file: tests of a firewall configuration, one a line (pvefw.fwtest(5)).
 *
 *     outside -> vm101 PostgreSQL from 10.0.0.0/8 except dc/db DROP   # only the application servers
 *
 * Every line that is not empty has a node.  What is well-formed but wrong stays in the tree: an empty list, a
 * word after the action.  What names refer to is found out by compiler/policy.
 */
#ifndef PVEFW_FWTEST_H
#define PVEFW_FWTEST_H

#include "ast.h"

enum fwtest_word {
#define FWTEST_WORD(ID, spelling, text) FWTEST_##ID,
#include "fwtest_words.def"
	FWTEST_WORDS,
	FWTEST_SERVICES = FWTEST_WORDS, /* a clause that begins with no keyword */
	FWTEST_STRAY                    /* a token that fits nowhere */
};

enum fwtest_action {
#define FWTEST_ACTION(ID, spelling, text) FWTEST_ACTION_##ID,
#include "fwtest_words.def"
	FWTEST_ACTIONS
};

/* A word and what it means, for people. */
struct fwtest_row {
	const char *spelling, *text;
};

extern const struct fwtest_row fwtest_word_table[FWTEST_WORDS], fwtest_action_table[FWTEST_ACTIONS];
/* Ended by spelling NULL. */
extern const struct fwtest_row fwtest_zone_table[];

/* FWTEST_WORDS or FWTEST_ACTIONS if it is none. */
enum fwtest_word fwtest_word_find(struct text spelling);
enum fwtest_action fwtest_action_find(struct text spelling);

struct fwtest_zone {
	struct word word;
	struct word name; /* after `vnet`; ptr NULL: none */
};

/* "from not A,B except C" */
struct fwtest_clause {
	enum fwtest_word kind;
	struct word keyword; /* ptr NULL in FWTEST_SERVICES */
	struct word negation; /* "not"; or ptr NULL */
	struct ast_word_list *items; /* len 0: nothing stands next to a comma, of which it has the place */
	struct word except; /* or ptr NULL */
	struct ast_word_list *excepted;
	struct fwtest_clause *next;
};

enum fwtest_line_kind {
	FWTEST_COMMENT, /* nothing but a comment */
	FWTEST_TEST,
	FWTEST_BAD, /* its zones cannot be read */
};

/* What a line that is bad lacks. */
enum fwtest_lack { FWTEST_LACKS_ZONE, FWTEST_LACKS_ARROW };

struct fwtest_line {
	enum fwtest_line_kind kind;
	struct span span;    /* without blanks at both ends and the comment */
	struct word comment; /* with its '#'; ptr NULL if none */
	struct fwtest_zone from, to;
	struct fwtest_clause *clauses;
	struct word action; /* ptr NULL: missing */
	struct ast_word_list *strays; /* after the action */
	enum fwtest_lack lack;
	struct span at; /* where it lacks it */
	struct fwtest_line *next;
};

struct fwtest_file {
	const struct source *source;
	struct fwtest_line *lines;
};

/* Reads a file; never fails, whatever the bytes.  Reports nothing: what is wrong is in the tree. */
struct fwtest_file *fwtest_parse(struct arena *arena, struct source *source);
/* All of the clause's words. */
struct span fwtest_clause_span(const struct fwtest_clause *clause);
/* A test as fmt writes it, without its comment and the line's end.  fwtest_print.c */
void fwtest_print(struct out *out, const struct fwtest_line *line);

#endif
