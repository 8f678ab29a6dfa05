/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the lexer and the grammar of .fwtest files, and the constructors. */
#ifndef PVEFW_FWTEST_PARSE_H
#define PVEFW_FWTEST_PARSE_H

#include "fwtest.h"

struct fwtest_list {
	struct ast_word_list *first, *last;
};

struct fwtest_clauses {
	struct fwtest_clause *first, *last;
};

struct fwtest_parse {
	struct arena *arena;
	struct source *source;
	const char *scanned;  /* the lexer's input: the source's text, or a copy */
	struct word token;    /* the lexer's last one */
	uint32_t line;        /* offset of the first token of the line; UINT32_MAX: none yet */
	uint32_t end;         /* offset behind the last one that is no comment */
	bool ended;           /* the last line was */
	bool after_arrow;     /* the last token is "->" */
	unsigned zones;       /* that were read in this line */
	enum fwtest_lack lack;
	struct span at;
	struct fwtest_line *first, *last;
};

struct fwtest_list fwtest_build_item(struct fwtest_parse *p, struct fwtest_list list, struct word word);
/* Nothing stands after the comma. */
struct fwtest_list fwtest_build_missing(struct fwtest_parse *p, struct fwtest_list list, struct word comma);
struct fwtest_clause *fwtest_build_clause(struct fwtest_parse *p, enum fwtest_word kind, struct word keyword,
					  struct fwtest_list items);
struct fwtest_clause *fwtest_build_addresses(struct fwtest_parse *p, enum fwtest_word kind,
					     struct word keyword, struct word negation,
					     struct fwtest_list items);
struct fwtest_clauses fwtest_build_clauses(struct fwtest_clauses clauses, struct fwtest_clause *clause);
struct fwtest_zone fwtest_build_zone(struct fwtest_parse *p, struct word word, struct word name);
struct fwtest_line *fwtest_build_test(struct fwtest_parse *p, struct fwtest_zone from, struct fwtest_zone to,
				      struct fwtest_clauses clauses);
struct fwtest_line *fwtest_build_bad(struct fwtest_parse *p);
/* Notes what the grammar misses at the last token. */
void fwtest_build_lack(struct fwtest_parse *p);
/* Ends a line: NULL is an empty one. */
void fwtest_build_line(struct fwtest_parse *p, struct fwtest_line *line, struct word comment);

#endif
