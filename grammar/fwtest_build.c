/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of .fwtest files, the constructors of their syntax tree, and running the parser. */
#include "fwtest_parse.h"
#include "fwtest_parser.h"
#include "parse.h"
/* flex's name for the type that bison has given our prefix. */
#define YYSTYPE FT_STYPE
#include "fwtest_lexer.h"

const struct fwtest_row fwtest_word_table[FWTEST_WORDS] = {
#define FWTEST_WORD(ID, spelling, text) [FWTEST_##ID] = { spelling, text },
#include "fwtest_words.def"
};

const struct fwtest_row fwtest_action_table[FWTEST_ACTIONS] = {
#define FWTEST_ACTION(ID, spelling, text) [FWTEST_ACTION_##ID] = { spelling, text },
#include "fwtest_words.def"
};

const struct fwtest_row fwtest_zone_table[] = {
#define FWTEST_ZONE(spelling, text) { spelling, text },
#include "fwtest_words.def"
	{ NULL, NULL },
};

static unsigned fwtest_find(const struct fwtest_row *rows, unsigned count, struct text spelling)
{
	unsigned i = 0;

	while (i < count && !text_is(spelling, rows[i].spelling))
		i++;
	return i;
}

enum fwtest_word fwtest_word_find(struct text spelling)
{
	return (enum fwtest_word)fwtest_find(fwtest_word_table, FWTEST_WORDS, spelling);
}

enum fwtest_action fwtest_action_find(struct text spelling)
{
	return (enum fwtest_action)fwtest_find(fwtest_action_table, FWTEST_ACTIONS, spelling);
}

/* ---- constructors ---- */

struct fwtest_list fwtest_build_item(struct fwtest_parse *p, struct fwtest_list list, struct word word)
{
	struct ast_word_list *item = ARENA_NEW(p->arena, struct ast_word_list);

	item->word = word;
	if (list.last)
		list.last->next = item;
	else
		list.first = item;
	list.last = item;
	return list;
}

struct fwtest_list fwtest_build_missing(struct fwtest_parse *p, struct fwtest_list list, struct word comma)
{
	return fwtest_build_item(p, list, word_part(comma, 0, 0));
}

struct fwtest_clause *fwtest_build_clause(struct fwtest_parse *p, enum fwtest_word kind, struct word keyword,
					  struct fwtest_list items)
{
	struct fwtest_clause *clause = ARENA_NEW(p->arena, struct fwtest_clause);

	clause->kind = kind == FWTEST_ICMP && !text_is(word_text(keyword), "icmp") ? FWTEST_ICMPV6 : kind;
	clause->keyword = keyword;
	clause->items = items.first;
	return clause;
}

struct fwtest_clause *fwtest_build_addresses(struct fwtest_parse *p, enum fwtest_word kind,
					     struct word keyword, struct word negation,
					     struct fwtest_list items)
{
	struct fwtest_clause *clause = fwtest_build_clause(p, kind, keyword, items);

	clause->negation = negation;
	return clause;
}

struct fwtest_clauses fwtest_build_clauses(struct fwtest_clauses clauses, struct fwtest_clause *clause)
{
	if (clauses.last)
		clauses.last->next = clause;
	else
		clauses.first = clause;
	clauses.last = clause;
	return clauses;
}

struct fwtest_zone fwtest_build_zone(struct fwtest_parse *p, struct word word, struct word name)
{
	p->zones++;
	return (struct fwtest_zone){ word, name };
}

static struct fwtest_line *fwtest_new_line(struct fwtest_parse *p, enum fwtest_line_kind kind)
{
	struct fwtest_line *line = ARENA_NEW(p->arena, struct fwtest_line);

	line->kind = kind;
	return line;
}

struct fwtest_line *fwtest_build_test(struct fwtest_parse *p, struct fwtest_zone from, struct fwtest_zone to,
				      struct fwtest_clauses clauses)
{
	struct fwtest_line *line = fwtest_new_line(p, FWTEST_TEST);

	line->from = from;
	line->to = to;
	line->clauses = clauses.first;
	return line;
}

void fwtest_build_lack(struct fwtest_parse *p)
{
	p->lack = p->zones == 1 && !p->after_arrow ? FWTEST_LACKS_ARROW : FWTEST_LACKS_ZONE;
	p->at = word_span(p->token);
}

struct fwtest_line *fwtest_build_bad(struct fwtest_parse *p)
{
	struct fwtest_line *line = fwtest_new_line(p, FWTEST_BAD);

	line->lack = p->lack;
	line->at = p->at;
	return line;
}

void fwtest_build_line(struct fwtest_parse *p, struct fwtest_line *line, struct word comment)
{
	uint32_t base = p->source->base;

	if (!line && comment.ptr)
		line = fwtest_new_line(p, FWTEST_COMMENT);
	if (line) {
		line->comment = comment;
		line->span = line->kind == FWTEST_COMMENT ? word_span(comment) :
							    (struct span){ base + p->line, base + p->end };
		/* What is missing at the end of the line is missing behind its last word. */
		if (line->kind == FWTEST_BAD && line->at.begin >= line->span.end)
			line->at = (struct span){ line->span.end, line->span.end };
		if (p->last)
			p->last->next = line;
		else
			p->first = line;
		p->last = line;
	}
	p->line = UINT32_MAX;
	p->zones = 0;
	p->after_arrow = false;
}

struct fwtest_file *fwtest_parse(struct arena *arena, struct source *source)
{
	struct fwtest_file *file = ARENA_NEW(arena, struct fwtest_file);
	char *text = scan_text(arena, source);
	struct fwtest_parse p = { .arena = arena, .source = source, .scanned = text, .line = UINT32_MAX };
	yyscan_t scanner;

	ft_lex_init_extra(&p, &scanner);
	ft__scan_buffer(text, source->size + 2u, scanner);
	ft_parse(scanner, &p);
	ft_lex_destroy(scanner);
	*file = (struct fwtest_file){ source, p.first };
	return file;
}
