/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two tables as a whole (spec 3.1). */
#include "nft/lower/passes.h"

#include <linux/netfilter.h>

#include "config/left_out.h"

/* Returns NULL for an empty table. */
static struct nft_table *nft_lower_table(struct arena *arena, const struct config *config, uint8_t family,
					 struct arena *drafts, struct resolved_set **resolved,
					 void (*lower)(struct nft_builder *b))
{
	struct nft_table *table = ARENA_NEW(arena, struct nft_table);
	struct nft_builder b = { .arena = arena, .config = config, .table = table, .drafts = drafts,
				 .resolved = resolved, .bridge = family == NFPROTO_BRIDGE };

	table->family = family;
	table->name = "pvefw";
	table->last_helper = &table->helpers;
	table->last_set = &table->sets;
	table->last_chain = &table->chains;
	b.group_chains = ARENA_ARRAY(arena, struct nft_chain *, config->group_count * 3);
	arena_alloc(&b.scratch, 1); /* so that it keeps its first chunk after each rule */
	lower(&b);
	if (!config->plain_lists)
		nft_map_ports(&b);
	nft_forget_sets(&b);
	nft_forget_shared(&b);
	arena_free(&b.scratch);
	nft_leave_out(arena, config->left_out, table);
	return table->chain_count ? table : NULL;
}

static const struct nft_ruleset *nft_lower_tables(struct arena *arena, const struct config *config, bool host)
{
	struct nft_ruleset *ruleset = ARENA_NEW(arena, struct nft_ruleset);
	struct resolved_set *resolved = NULL;
	struct arena drafts = { .chunks = NULL };

	if (!config_enabled(config))
		return ruleset;
	if (host)
		ruleset->tables[NFT_INET] = nft_lower_table(arena, config, NFPROTO_INET, &drafts, &resolved, nft_host);
	if (!left_out_layer(config->left_out, LAYER_BRIDGE))
		ruleset->tables[NFT_BRIDGE] = nft_lower_table(arena, config, NFPROTO_BRIDGE, &drafts, &resolved, nft_bridge);
	nft_forget_resolved(&resolved);
	arena_free(&drafts);
	return ruleset;
}

const struct nft_ruleset *nft_lower(struct arena *arena, const struct config *config)
{
	return nft_lower_tables(arena, config, true);
}

const struct nft_ruleset *nft_lower_bridge(struct arena *arena, const struct config *config)
{
	return nft_lower_tables(arena, config, false);
}
