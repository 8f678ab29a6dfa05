/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --coverage: the rules that no packet of any test has met. */
#include "policy/policy_run.h"

struct policy_met {
	uint32_t begin;
	UT_hash_handle hh;
};

void policy_coverage_free(struct policy_coverage *coverage)
{
	HASH_CLEAR(hh, coverage->met);
	arena_free(&coverage->arena);
}

static struct policy_met *policy_coverage_find(const struct policy_coverage *coverage, struct span span)
{
	struct policy_met *met = NULL;

	if (coverage->met)
		HASH_FIND(hh, coverage->met, &span.begin, sizeof(span.begin), met);
	return met;
}

bool policy_coverage_has(const struct policy_coverage *coverage, struct span span)
{
	return policy_coverage_find(coverage, span) != NULL;
}

void policy_coverage_add(struct policy_coverage *coverage, struct span span)
{
	struct policy_met *met;

	if (!span.begin || policy_coverage_find(coverage, span))
		return;
	met = ARENA_NEW(&coverage->arena, struct policy_met);
	met->begin = span.begin;
	HASH_ADD(hh, coverage->met, begin, sizeof(met->begin), met);
}

/* ---- reporting ---- */

struct policy_counting {
	const struct policy_coverage *coverage;
	struct policy_coverage seen; /* rules that several nodes share are counted once */
	struct diags *diags;
	unsigned rules, reached;
};

static void policy_count_rules(struct policy_counting *counting, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		if (!rule->enabled || !rule->span.begin || policy_coverage_has(&counting->seen, rule->span))
			continue;
		policy_coverage_add(&counting->seen, rule->span);
		counting->rules++;
		if (policy_coverage_has(counting->coverage, rule->span))
			counting->reached++;
		else
			diag(counting->diags, rule->span, DIAG_TEST_UNREACHED, "no test reaches this rule");
	}
}

static void policy_count_config(struct policy_counting *counting, const struct config *config)
{
	policy_count_rules(counting, &config->cluster_rules);
	for (const struct group *group = config->groups; group; group = group->hh.next)
		policy_count_rules(counting, &group->rules);
	policy_count_rules(counting, &config->host_rules);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		policy_count_rules(counting, &guest->rules);
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		policy_count_rules(counting, &vnet->rules);
}

void policy_coverage_report(const struct policy_coverage *coverage, struct config *const *configs, unsigned count,
			    struct diags *diags, struct policy_covered *covered)
{
	struct policy_counting counting = { .coverage = coverage, .diags = diags };

	for (unsigned i = 0; i < count; i++)
		policy_count_config(&counting, configs[i]);
	policy_coverage_free(&counting.seen);
	*covered = (struct policy_covered){ true, counting.rules, counting.reached };
}
