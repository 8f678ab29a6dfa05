/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For programs that are to load nftables rules into a kernel that lacks expressions in
 * the bridge family (connection tracking, reject, meta ibrname) and queue: linked with
 * -Wl,--wrap=nft_lower,--wrap=nft_lower_bridge, it leaves out rules that have one of these.  Other tests, in the
 * virtual machine, do with all of them.
 */
#include "nft/lower/nft.h"

const struct nft_ruleset *__real_nft_lower(struct arena *arena, const struct config *config);
const struct nft_ruleset *__wrap_nft_lower(struct arena *arena, const struct config *config);
const struct nft_ruleset *__real_nft_lower_bridge(struct arena *arena, const struct config *config);
const struct nft_ruleset *__wrap_nft_lower_bridge(struct arena *arena, const struct config *config);

static bool is_lacking_field(enum nft_field field)
{
	return field == NFT_FIELD_CT_STATE || field == NFT_FIELD_IBRNAME;
}

static bool is_lacking(const struct nft_statement *s)
{
	switch (s->kind) {
	case NFT_STMT_MATCH:
		return is_lacking_field(s->match->keys[0].field);
	case NFT_STMT_VMAP:
		return is_lacking_field(s->vmap->keys[0].field);
	case NFT_STMT_CT_MARK:
	case NFT_STMT_CT_HELPER:
	case NFT_STMT_REJECT:
	case NFT_STMT_QUEUE:
		return true;
	default:
		return false;
	}
}

static bool has_lacking(const struct nft_rule *rule)
{
	for (uint32_t i = 0; i < rule->statement_count; i++)
		if (is_lacking(&rule->statements[i]))
			return true;
	return false;
}

static void leave_out(struct nft_table *bridge)
{
	bridge->helpers = NULL;
	bridge->helper_count = 0;
	for (struct nft_chain *chain = bridge->chains; chain; chain = chain->next) {
		struct nft_rule **link = &chain->first;

		while (*link)
			if (has_lacking(*link))
				*link = (*link)->next;
			else
				link = &(*link)->next;
	}
}

static const struct nft_ruleset *left(const struct nft_ruleset *ruleset)
{
	if (ruleset->tables[NFT_BRIDGE])
		leave_out(ruleset->tables[NFT_BRIDGE]);
	return ruleset;
}

const struct nft_ruleset *__wrap_nft_lower(struct arena *arena, const struct config *config)
{
	return left(__real_nft_lower(arena, config));
}

const struct nft_ruleset *__wrap_nft_lower_bridge(struct arena *arena, const struct config *config)
{
	return left(__real_nft_lower_bridge(arena, config));
}
