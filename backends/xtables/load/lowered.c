/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowered rules by where iptables-nft and ebtables-nft load them.  The rule with a chain's digest is its last one. */
#include <linux/netfilter.h>

#include "config/left_out.h"
#include "xtables/load/xt_state.h"

/* How many rules the tools load for it: none if it was refused, and one that drops in its place while it is not known
 * which rule was (script_table.c). */
static uint32_t lowered_count(const struct xt_table *table, const struct xt_chain *chain, const struct xt_rule *rule)
{
	const struct left_out *left_out = table->config->left_out;
	uint32_t count = xt_rule_multiplicity(rule);
	const struct left_out_rule *found;
	struct out text;

	if (!left_out || !left_out->rules)
		return count;
	out_init_memory(&text);
	xt_print_rule(&text, chain, rule, table->family_mask);
	found = left_out_find_rule(left_out, text.data, text.len);
	out_free(&text);
	return !found ? count : found->guarded ? 1 : 0;
}

static void lowered_chain(struct backend_lowered *lowered, const struct xt_table *table, const struct xt_chain *chain,
			  backend_lowered_function *function, void *context)
{
	lowered->chain = chain->name;
	lowered->position = 0;
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		lowered->count = lowered_count(table, chain, rule);
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
			lowered_chain(&lowered, table, table->chains[i], function, context);
			arena_reset(&rules);
		}
	}
	lowered_bridge(config, function, context);
	arena_free(&rules);
	arena_free(&arena);
}
