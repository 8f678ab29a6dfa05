/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of a line share: reporting, and making the clauses of a test. */
#include "policy/policy_test.h"

enum { POLICY_ETHERTYPE_IPV4 = 0x0800, POLICY_ETHERTYPE_IPV6 = 0x86dd };

struct diagnostic *policy_error(struct policy_reader *r, struct span span, enum diag_id id, const char *format, ...)
{
	struct diagnostic *d;
	va_list args;

	r->failed = true;
	va_start(args, format);
	d = diag(r->diags, span, id, "%s", arena_vprintf(r->diags->arena, format, args));
	va_end(args);
	return diag_note(d, "the test is not run");
}

bool policy_report_gap(struct policy_reader *r, struct word gap)
{
	policy_error(r, (struct span){ gap.begin, gap.begin + 1 }, DIAG_TEST_VALUE,
		     "list element is empty next to this comma");
	return false;
}

bool policy_report_missing(struct policy_reader *r, struct word keyword, const char *what, const char *help)
{
	diag_help(policy_error(r, word_span(keyword), DIAG_TEST_VALUE, "%s is missing after `%.*s`", what,
			       TEXT_ARG(keyword)),
		  "%s", help);
	return false;
}

struct policy_clause *policy_clause_new(struct policy_reader *r, struct policy_clauses *clauses,
					struct span span, uint32_t terms)
{
	struct policy_clause *clause = ARENA_NEW(r->arena, struct policy_clause);

	clause->terms = ARENA_ARRAY(r->arena, struct policy_term, terms);
	clause->family_mask = IPV_BOTH;
	clause->span = span;
	if (clauses->last)
		clauses->last->next = clause;
	else
		clauses->first = clause;
	clauses->last = clause;
	return clause;
}

struct policy_term *policy_term_add(struct policy_clause *clause)
{
	return &clause->terms[clause->count++];
}

void policy_match(struct policy_term *term, enum model_field field, struct interval_set values)
{
	term->matches[term->count++] = (struct model_match){ .field = field, .values = values };
}

struct interval_set policy_values(struct arena *arena, uint64_t first, uint64_t last)
{
	struct interval *range = ARENA_NEW(arena, struct interval);

	*range = (struct interval){ number_small(first), number_small(last) };
	return (struct interval_set){ range, 1 };
}

void policy_match_family(struct policy_reader *r, struct policy_term *term, unsigned family_mask)
{
	struct interval *ranges = ARENA_ARRAY(r->arena, struct interval, 2);
	uint32_t count = 0;

	if (family_mask & IPV4)
		ranges[count++] = (struct interval){ number_small(POLICY_ETHERTYPE_IPV4),
						     number_small(POLICY_ETHERTYPE_IPV4) };
	if (family_mask & IPV6)
		ranges[count++] = (struct interval){ number_small(POLICY_ETHERTYPE_IPV6),
						     number_small(POLICY_ETHERTYPE_IPV6) };
	policy_match(term, MODEL_ETHERTYPE, (struct interval_set){ ranges, count });
}

void policy_addresses_clause(struct policy_reader *r, struct policy_clauses *clauses, struct span span,
			     bool source, const struct interval_set sets[2])
{
	static const enum model_field fields[2][2] = { { MODEL_DEST4, MODEL_DEST6 },
						       { MODEL_SOURCE4, MODEL_SOURCE6 } };
	struct policy_clause *clause = policy_clause_new(r, clauses, span, 2);

	clause->family_mask = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct policy_term *term;

		if (!sets[i].count)
			continue;
		term = policy_term_add(clause);
		clause->family_mask |= i ? IPV6 : IPV4;
		policy_match_family(r, term, i ? IPV6 : IPV4);
		policy_match(term, fields[source][i], sets[i]);
	}
}
