/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test as text: one blank between words, conditions in the order of fwtest_words.def. */
#include "fwtest.h"

#include "base/output.h"

static void fwtest_print_words(struct out *out, const struct ast_word_list *list)
{
	const char *before = " ";

	for (; list; list = list->next) {
		out_string(out, before);
		out_text(out, word_text(list->word));
		before = ",";
	}
}

static void fwtest_print_clause(struct out *out, const struct fwtest_clause *clause)
{
	const struct word words[] = { clause->keyword, clause->negation };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].ptr) {
			out_char(out, ' ');
			out_text(out, word_text(words[i]));
		}
	fwtest_print_words(out, clause->items);
	if (clause->except.ptr) {
		out_char(out, ' ');
		out_text(out, word_text(clause->except));
		fwtest_print_words(out, clause->excepted);
	}
}

static void fwtest_print_zone(struct out *out, const struct fwtest_zone *zone)
{
	out_text(out, word_text(zone->word));
	if (zone->name.ptr) {
		out_char(out, ' ');
		out_text(out, word_text(zone->name));
	}
}

static void fwtest_print_kind(struct out *out, const struct fwtest_line *line, enum fwtest_word kind)
{
	for (const struct fwtest_clause *clause = line->clauses; clause; clause = clause->next)
		if (clause->kind == kind)
			fwtest_print_clause(out, clause);
}

void fwtest_print(struct out *out, const struct fwtest_line *line)
{
	fwtest_print_zone(out, &line->from);
	out_string(out, " -> ");
	fwtest_print_zone(out, &line->to);
	fwtest_print_kind(out, line, FWTEST_SERVICES);
	for (int kind = 0; kind < FWTEST_WORDS; kind++)
		fwtest_print_kind(out, line, (enum fwtest_word)kind);
	if (line->action.ptr) {
		out_char(out, ' ');
		out_text(out, word_text(line->action));
	}
}

struct span fwtest_clause_span(const struct fwtest_clause *clause)
{
	struct span span = { 0, 0 };
	const struct ast_word_list *lists[] = { clause->items, clause->excepted };
	const struct word words[] = { clause->keyword, clause->negation, clause->except };

	for (size_t i = 0; i < 3; i++)
		if (words[i].ptr) {
			if (!span.begin)
				span.begin = words[i].begin;
			span.end = words[i].begin + words[i].len;
		}
	for (size_t i = 0; i < 2; i++)
		for (const struct ast_word_list *item = lists[i]; item; item = item->next) {
			if (!span.begin)
				span.begin = item->word.begin;
			if (item->word.begin + item->word.len > span.end)
				span.end = item->word.begin + item->word.len;
		}
	return span;
}
