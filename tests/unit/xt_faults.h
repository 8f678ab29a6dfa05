/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults that tests plant in lowered chains of iptables, to see that they are found. */
#ifndef PVEFW_TEST_XT_FAULTS_H
#define PVEFW_TEST_XT_FAULTS_H

#include "xtables/lower/xtables.h"
#include "xtables/meaning/xt_meaning.h"

/* One fault; it is planted in one rule that can have it, after `skip` others: a rule that is never reached can have any
 * fault. */
struct xt_fault {
	const char *name;
	bool (*plant)(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule);
	unsigned skip;
	bool planted;
};

/* The rule's matches, to be altered; NULL if none is of this kind, else *found is its index. */
static inline struct xt_match *fault_matches(struct arena *arena, struct xt_rule *rule, enum xt_match_kind kind,
					     uint32_t *found)
{
	struct xt_match *copy;

	for (*found = 0; *found < rule->match_count && rule->matches[*found].kind != kind; (*found)++)
		;
	if (*found == rule->match_count || !rule->span.begin || rule->target.kind == XT_LOG)
		return NULL;
	copy = ARENA_ARRAY(arena, struct xt_match, rule->match_count);
	memcpy(copy, rule->matches, rule->match_count * sizeof(*copy));
	rule->matches = copy;
	return copy;
}

static inline bool fault_lost_match(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule)
{
	uint32_t at;
	struct xt_match *matches = fault_matches(arena, rule, XT_SOURCE, &at);

	(void)chain;
	if (matches)
		matches[at] = matches[--rule->match_count];
	return matches;
}

static inline bool fault_wrong_port(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule)
{
	uint32_t at;
	struct xt_match *matches = fault_matches(arena, rule, XT_DPORT, &at);
	struct port_range *range = ARENA_NEW(arena, struct port_range);
	struct ports *ports = ARENA_NEW(arena, struct ports);

	(void)chain;
	if (!matches)
		return false;
	*range = matches[at].ports->ranges[0];
	range->last++;
	*ports = (struct ports){ matches[at].ports->text, range, 1 };
	matches[at].ports = ports;
	return true;
}

static inline bool fault_swapped_ends(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule)
{
	uint32_t at;
	struct xt_match *matches = fault_matches(arena, rule, XT_SOURCE, &at);

	(void)chain;
	if (matches)
		matches[at].kind = XT_DEST;
	return matches;
}

static inline bool fault_missing_return(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule)
{
	(void)arena, (void)chain;
	if (rule->target.kind != XT_RETURN || !rule->span.begin)
		return false;
	rule->target.kind = XT_HELPER; /* does nothing to packets */
	return true;
}

static inline bool fault_lost_mark(struct arena *arena, struct xt_chain *chain, struct xt_rule *rule)
{
	(void)arena;
	if (!text_is(chain->name, "PVEFW-SET-ACCEPT-MARK"))
		return false;
	rule->target.mark.value = 0;
	return true;
}

static const struct xt_fault xt_faults[] = {
	{ "a match is lost", fault_lost_match, 0, false },
	{ "a port is wrong", fault_wrong_port, 0, false },
	{ "source and destination are swapped", fault_swapped_ends, 0, false },
	{ "a RETURN is missing", fault_missing_return, 0, false },
	{ "the mark is lost", fault_lost_mark, 0, false },
};

enum { XT_FAULTS = sizeof(xt_faults) / sizeof(xt_faults[0]) };

/* For xt_meaning_changed(), with a copy of one of xt_faults. */
static inline void xt_fault_change(void *context, struct arena *arena, const struct xt_table *table, struct xt_chain *chain)
{
	struct xt_fault *fault = context;

	(void)table;
	for (struct xt_rule *rule = chain->first; rule && !fault->planted; rule = rule->next) {
		struct xt_rule before = *rule;

		if (!fault->plant(arena, chain, rule))
			continue;
		fault->planted = !fault->skip;
		if (fault->skip--)
			*rule = before;
	}
}

#endif
