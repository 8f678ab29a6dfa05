/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowered rules by where iptables-nft and ebtables-nft load them.  The rule with a chain's digest is its last one. */
#include <linux/netfilter.h>

#include "xtables/load/xt_state.h"

static void lowered_chain(struct backend_lowered *lowered, const struct xt_chain *chain, backend_lowered_function *function,
			  void *context)
{
	lowered->chain = chain->name;
	lowered->position = 0;
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		lowered->count = xt_rule_multiplicity(rule);
		lowered->span = rule->span;
		function(context, lowered);
		lowered->position += lowered->count;
	}
}

static void lowered_bridge(const struct config *config, backend_lowered_function *function, void *context)
{
	struct backend_lowered lowered = { .family = NFPROTO_BRIDGE, .table = "filter", .count = 1 };
	struct eb_table table;

	eb_lower(&table, config);
	for (uint32_t i = 0; i < table.count; i++) {
		lowered.chain = table.chains[i]->name;
		lowered.position = 0;
		for (const struct eb_rule *rule = table.chains[i]->first; rule; rule = rule->next) {
			lowered.span = rule->span;
			function(context, &lowered);
			lowered.position++;
		}
	}
	arena_free(&table.arena);
}

void xt_lowered(const struct config *config, backend_lowered_function *function, void *context)
{
	struct arena arena = { 0 }, rules = { 0 };

	for (const struct xt_table_row *row = xt_table_rows; row < xt_table_rows + XT_TABLES; row++) {
		const struct xt_table *table = row->lower(&arena, config, row->family_mask);
		struct backend_lowered lowered = { .family = row->family_mask == IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
						   .table = table->name };

		for (uint32_t i = 0; i < table->chain_count; i++) {
			xt_chain_fill(&rules, table, table->chains[i]);
			lowered_chain(&lowered, table->chains[i], function, context);
			arena_reset(&rules);
		}
	}
	lowered_bridge(config, function, context);
	arena_free(&rules);
	arena_free(&arena);
}
