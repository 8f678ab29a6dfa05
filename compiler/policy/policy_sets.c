/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets of a test as sets of the model. */
#include "policy/policy_run.h"

bool policy_verdict_is(enum fwtest_action action, enum model_verdict verdict)
{
	bool rejected = verdict >= MODEL_REJECTED && verdict < MODEL_QUEUED;

	switch (action) {
	case FWTEST_ACTION_ACCEPT:
		return verdict == MODEL_PASSED;
	case FWTEST_ACTION_DROP:
		return verdict == MODEL_DROPPED;
	case FWTEST_ACTION_REJECT:
		return rejected;
	case FWTEST_ACTION_DENY:
		return rejected || verdict == MODEL_DROPPED;
	case FWTEST_ACTION_QUEUE:
		return verdict == MODEL_QUEUED;
	case FWTEST_ACTIONS:
		break;
	}
	return false;
}

uint32_t policy_count_matches(const struct policy_clauses *clauses)
{
	uint32_t count = 0;

	for (const struct policy_clause *clause = clauses->first; clause; clause = clause->next)
		for (uint32_t i = 0; i < clause->count; i++)
			count += clause->terms[i].count;
	return count;
}

uint32_t policy_list_matches(const struct policy_clauses *clauses, struct model_match *matches)
{
	uint32_t count = 0;

	for (const struct policy_clause *clause = clauses->first; clause; clause = clause->next)
		for (uint32_t i = 0; i < clause->count; i++) {
			memcpy(&matches[count], clause->terms[i].matches, clause->terms[i].count * sizeof(*matches));
			count += clause->terms[i].count;
		}
	return count;
}

static packets policy_term_set(struct model *m, const struct policy_term *term)
{
	packets set = model_world(m);

	for (uint32_t i = 0; i < term->count; i++)
		set = model_and(m, set, model_match(m, &term->matches[i]));
	return set;
}

packets policy_clause_set(struct model *m, const struct policy_clause *clause)
{
	packets any = PACKETS_NONE;

	for (uint32_t i = 0; i < clause->count; i++)
		any = model_or(m, any, policy_term_set(m, &clause->terms[i]));
	return any;
}

packets policy_restrict(struct model *m, packets set, const struct policy_clauses *clauses)
{
	for (const struct policy_clause *clause = clauses->first; clause; clause = clause->next)
		set = model_and(m, set, policy_clause_set(m, clause));
	return set;
}
