/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one line of a .fwtest file into a test. */
#include "policy/policy_test.h"

#include "diag/suggest.h"

/* ---- what is wrong with the form ---- */

static void policy_report_form(struct policy_reader *r, const struct fwtest_line *line)
{
	struct diagnostic *d;

	if (line->lack == FWTEST_LACKS_ARROW) {
		d = policy_error(r, line->at, DIAG_TEST_FORM, "`->` is missing between the zones");
		if (line->at.begin < line->span.end)
			diag_fix(diag_help(d, "write `->` before this word"),
				 (struct span){ line->at.begin, line->at.begin }, "-> ");
	} else {
		d = policy_error(r, line->at, DIAG_TEST_FORM, "zone is missing");
		diag_help(d, "write any, host, outside, nfvm, a guest such as vm100 or ct200, BRIDGE/PORT, or vnet NAME");
	}
	diag_help(d, "a test is `ZONE -> ZONE CONDITIONS ACTION`");
}

/* The last word of the conditions, if it can be meant as the action. */
static const struct fwtest_clause *policy_meant_action(const struct fwtest_line *line, struct suggestion *s)
{
	const struct fwtest_clause *last = line->clauses;

	while (last && last->next)
		last = last->next;
	if (!last || last->kind != FWTEST_SERVICES || last->items->next)
		return NULL;
	suggest_start(s, word_text(last->items->word));
	for (int i = 0; i < FWTEST_ACTIONS; i++)
		suggest(s, text_of(fwtest_action_table[i].spelling), SPAN_NONE);
	if (!s->best.len || (s->distance && macro_find(word_text(last->items->word))))
		return NULL;
	return last;
}

/* Returns the condition that is meant as the action, or NULL. */
static const struct fwtest_clause *policy_report_action(struct policy_reader *r, const struct fwtest_line *line)
{
	struct suggestion s;
	const struct fwtest_clause *meant = policy_meant_action(line, &s);
	struct diagnostic *d;
	struct span span;

	if (meant && text_is_nocase(word_text(meant->items->word), arena_string(r->arena, s.best))) {
		span = word_span(meant->items->word);
		d = policy_error(r, span, DIAG_TEST_ACTION, "action must be in capital letters");
		diag_correct(d, span, "%.*s", TEXT_ARG(s.best));
	} else if (meant) {
		span = word_span(meant->items->word);
		d = policy_error(r, span, DIAG_TEST_ACTION, "`%.*s` is not an action", TEXT_ARG(meant->items->word));
		suggest_to(d, &s, span, "");
	} else {
		d = policy_error(r, (struct span){ line->span.end, line->span.end }, DIAG_TEST_ACTION,
				 "action is missing");
		diag_help(d, "write ACCEPT, DROP, REJECT, DENY or QUEUE at the end of the line");
	}
	return meant;
}

static void policy_report_strays(struct policy_reader *r, const struct fwtest_line *line)
{
	struct span span = { line->strays->word.begin, line->span.end };
	struct diagnostic *d = policy_error(r, span, DIAG_TEST_ACTION, "text after the action");

	diag_label(d, word_span(line->action), "the action");
	diag_help(d, "write conditions before the action, and `#` before a comment");
}

static void policy_report_stray(struct policy_reader *r, const struct fwtest_clause *clause)
{
	struct text word = word_text(clause->keyword);
	struct diagnostic *d = policy_error(r, word_span(clause->keyword), DIAG_TEST_SERVICE, "`%.*s` is misplaced",
					    TEXT_ARG(word));

	if (text_is(word, "not"))
		diag_help(d, "`not` follows `from` or `to`");
	else if (text_is(word, "except"))
		diag_help(d, "`except` follows the addresses of `from` or `to`, once");
	else if (text_is(word, ","))
		diag_help(d, "a comma separates the values of a list");
	else
		diag_help(d, "zones come at the start of the line: `ZONE -> ZONE CONDITIONS ACTION`");
}

static const char *policy_clause_name(enum fwtest_word kind)
{
	return kind == FWTEST_SERVICES ? "service" : fwtest_word_table[kind].spelling;
}

/* Whether a condition of the kind stands above; then reports it. */
static bool policy_is_repeated(struct policy_reader *r, const struct fwtest_line *line, const struct fwtest_clause *clause)
{
	for (const struct fwtest_clause *c = line->clauses; c != clause; c = c->next) {
		struct diagnostic *d;

		if (c->kind != clause->kind)
			continue;
		d = policy_error(r, fwtest_clause_span(clause), DIAG_TEST_REPEATED, "second list of %ss",
				 clause->kind == FWTEST_SERVICES ? "service" : "value");
		d->message = arena_printf(r->diags->arena, clause->kind == FWTEST_SERVICES ? "second list of services" : "second `%s`",
					  policy_clause_name(clause->kind));
		diag_label(d, fwtest_clause_span(c), "the first is here");
		if (c->items)
			diag_help(d, "join both in one list, with commas");
		return true;
	}
	return false;
}

/* ---- contradictions ---- */

static const char *policy_family_name(unsigned family_mask)
{
	return family_mask == IPV4 ? "IPv4" : family_mask == IPV6 ? "IPv6" : "no packets";
}

/* Reports conditions that no packet can satisfy together, as far as the conditions alone say it. */
static bool policy_is_empty(struct policy_reader *r, const struct policy_test *test)
{
	unsigned mask = IPV_BOTH;

	for (const struct policy_clause *clause = test->clauses.first; clause; clause = clause->next) {
		struct diagnostic *d;

		if (mask & clause->family_mask) {
			mask &= clause->family_mask;
			continue;
		}
		d = policy_error(r, clause->span, DIAG_TEST_EMPTY, "test is about no packet");
		if (!clause->family_mask) {
			diag_here(d, "contains no address");
			return true;
		}
		diag_here(d, "only %s", policy_family_name(clause->family_mask));
		for (const struct policy_clause *c = test->clauses.first; c != clause; c = c->next)
			if (c->family_mask == mask) {
				diag_label(d, c->span, "only %s", policy_family_name(mask));
				break;
			}
		return true;
	}
	return false;
}

/* ---- lines ---- */

/* What the conditions say stays empty without names: they are unknown. */
static bool policy_read_clause(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_test *test)
{
	struct interval_set sets[2];

	switch (clause->kind) {
	case FWTEST_SERVICES:
		return policy_read_services(r, clause, &test->clauses);
	case FWTEST_ICMP:
	case FWTEST_ICMPV6:
		return policy_read_icmp(r, clause, &test->clauses);
	case FWTEST_SPORT:
		test->has_sport = true;
		return policy_read_sport(r, clause, &test->clauses);
	case FWTEST_FROM:
	case FWTEST_TO:
		if (!policy_read_addresses(r, clause, sets,
					   clause->kind == FWTEST_FROM ? &test->has_special_source : &test->has_special_dest))
			return false;
		if (r->config)
			policy_addresses_clause(r, &test->clauses, fwtest_clause_span(clause), clause->kind == FWTEST_FROM,
						sets);
		test->has_source |= clause->kind == FWTEST_FROM;
		test->has_dest |= clause->kind == FWTEST_TO;
		return true;
	case FWTEST_STRAY:
		policy_report_stray(r, clause);
		return false;
	default:
		test->has_state |= clause->kind == FWTEST_STATE;
		test->has_mac |= clause->kind == FWTEST_MAC;
		test->has_iface |= clause->kind == FWTEST_ON;
		return policy_read_values(r, clause, &test->clauses);
	}
}

/* A word that was reported may be the one that the next is about: "form 10.0.0.0/8". */
static bool policy_follows_mistake(const struct fwtest_line *line, const struct fwtest_clause *clause)
{
	const struct fwtest_clause *before = line->clauses;

	if (clause == before || clause->kind != FWTEST_SERVICES)
		return false;
	while (before->next != clause)
		before = before->next;
	return before->kind == FWTEST_SERVICES || before->kind == FWTEST_STRAY;
}

static void policy_read_clauses(struct policy_reader *r, const struct fwtest_line *line,
				const struct fwtest_clause *meant_action, struct policy_test *test)
{
	bool before = true;

	for (const struct fwtest_clause *clause = line->clauses; clause; clause = clause->next) {
		if (clause == meant_action)
			continue;
		if (!before && policy_follows_mistake(line, clause))
			continue;
		before = policy_read_clause(r, clause, test);
		if (before && policy_is_repeated(r, line, clause))
			before = false;
	}
}

static const struct guest *policy_only_guest(const struct path_end *ends, uint32_t count)
{
	const struct guest *guest = count ? ends[0].guest : NULL;

	for (uint32_t i = 1; i < count; i++)
		if (ends[i].guest != guest)
			return NULL;
	return guest;
}

struct policy_test *policy_read_line(struct policy_reader *r, const struct source *source,
				     const struct fwtest_line *line)
{
	struct policy_test *test = ARENA_NEW(r->arena, struct policy_test);
	const struct fwtest_clause *meant_action = NULL;

	r->failed = r->unknown_zone = false;
	r->line = line->span;
	test->span = line->span;
	test->text = (struct text){ source->text + (line->span.begin - source->base), line->span.end - line->span.begin };
	if (line->kind == FWTEST_BAD) {
		policy_report_form(r, line);
		return NULL;
	}
	policy_read_zone(r, &line->from, &test->from, &test->from_count, &test->chosen);
	policy_read_zone(r, &line->to, &test->to, &test->to_count, &test->chosen);
	r->guests[0] = policy_only_guest(test->from, test->from_count);
	r->guests[1] = policy_only_guest(test->to, test->to_count);
	if (!line->action.ptr)
		meant_action = policy_report_action(r, line);
	policy_read_clauses(r, line, meant_action, test);
	if (line->strays)
		policy_report_strays(r, line);
	if (line->action.ptr)
		test->action = fwtest_action_find(word_text(line->action));
	if (r->failed || policy_is_empty(r, test))
		return NULL;
	return test;
}
