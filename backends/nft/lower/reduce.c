/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes from a table what the kernel has refused: features that it lacks as a whole (layers.def), and rules that no
 * line asks for. The compiler leaves out lines.
 *
 * A replacement always lets through less than the rule it replaces: a packet is dropped instead of rejected, and
 * without connection tracking the rules decide about every packet.
 */
#include "config/left_out.h"

#include <linux/netfilter.h>

#include "nft/lower/nft.h"

static const struct nft_statement nft_drop = { .kind = NFT_STMT_VERDICT, .verdict = { .kind = NFT_TO_DROP } };

void nft_rule_name(struct out *out, const struct nft_table *table, const struct nft_chain *chain,
		   const struct nft_rule *rule)
{
	out_string(out, table->family == NFPROTO_BRIDGE ? "bridge " : "inet ");
	out_text(out, chain->name);
	nft_print_rule(out, rule);
	out->len--; /* the line's end */
}

static bool nft_uses_field(const struct nft_statement *s, enum nft_field field)
{
	bool match = s->kind == NFT_STMT_MATCH;
	const struct nft_key *keys;
	unsigned count;

	if (!match && s->kind != NFT_STMT_VMAP)
		return false;
	keys = match ? s->match->keys : s->vmap->keys;
	count = match ? s->match->key_count : s->vmap->key_count;
	for (unsigned i = 0; i < count; i++)
		if (keys[i].field == field)
			return true;
	return false;
}

enum nft_fate {
	NFT_KEEP,
	NFT_OMIT_STATEMENT,
	NFT_DROP_INSTEAD, /* of the statement */
	NFT_OMIT_RULE,
};

static enum nft_fate nft_fate_of(const struct left_out *left_out, const struct nft_table *table,
				 const struct nft_statement *s)
{
	if (s->kind == NFT_STMT_LOG && left_out_layer(left_out, LAYER_NFLOG))
		return NFT_OMIT_STATEMENT;
	if (table->family != NFPROTO_BRIDGE)
		return NFT_KEEP;
	if (left_out_layer(left_out, LAYER_BRIDGE_CONNTRACK)) {
		if (nft_uses_field(s, NFT_FIELD_CT_STATE) || s->kind == NFT_STMT_CT_HELPER)
			return NFT_OMIT_RULE;
		if (s->kind == NFT_STMT_CT_MARK)
			return NFT_OMIT_STATEMENT;
	}
	if (s->kind == NFT_STMT_REJECT && left_out_layer(left_out, LAYER_BRIDGE_REJECT))
		return NFT_DROP_INSTEAD;
	if (left_out_layer(left_out, LAYER_BRIDGE_META) && nft_uses_field(s, NFT_FIELD_IBRNAME))
		return NFT_OMIT_RULE;
	return NFT_KEEP;
}

/* Returns false if nothing remains of the rule. */
static bool nft_reduce_rule(struct arena *arena, const struct left_out *left_out, const struct nft_table *table,
			    struct nft_rule *rule)
{
	struct nft_statement *kept = ARENA_ARRAY(arena, struct nft_statement, rule->statement_count);
	uint32_t count = 0;
	bool changed = false, useful = false;

	for (uint32_t i = 0; i < rule->statement_count; i++) {
		struct nft_statement s = rule->statements[i];
		enum nft_fate fate = nft_fate_of(left_out, table, &s);

		if (fate == NFT_OMIT_RULE)
			return false;
		changed |= fate != NFT_KEEP;
		if (fate == NFT_OMIT_STATEMENT)
			continue;
		if (fate == NFT_DROP_INSTEAD)
			s = nft_drop;
		useful |= s.kind != NFT_STMT_MATCH && s.kind != NFT_STMT_LIMIT && s.kind != NFT_STMT_COUNTER;
		kept[count++] = s;
	}
	if (!changed)
		return true;
	rule->statements = kept;
	rule->statement_count = count;
	return useful;
}

/* Whether the rule is to be removed. While the refused one of several rules is unknown, each drops everything. */
static bool nft_is_refused(const struct left_out *left_out, const struct nft_table *table, const struct nft_chain *chain,
			   struct nft_rule *rule)
{
	const struct left_out_rule *found;
	struct out name;

	if (!left_out->rules)
		return false;
	out_init_memory(&name);
	nft_rule_name(&name, table, chain, rule);
	found = left_out_find_rule(left_out, name.data, name.len);
	out_free(&name);
	if (found && found->guarded) {
		rule->statements = &nft_drop;
		rule->statement_count = 1;
	}
	return found && !found->guarded;
}

void nft_leave_out(struct arena *arena, const struct left_out *left_out, struct nft_table *table)
{
	if (!left_out || left_out_is_empty(left_out))
		return;
	if (table->family == NFPROTO_BRIDGE && left_out_layer(left_out, LAYER_BRIDGE_CONNTRACK)) {
		table->helpers = NULL;
		table->last_helper = &table->helpers;
		table->helper_count = 0;
	}
	for (struct nft_chain *chain = table->chains; chain; chain = chain->next) {
		struct nft_rule **link = &chain->first;

		while (*link) {
			if (!nft_is_refused(left_out, table, chain, *link) && nft_reduce_rule(arena, left_out, table, *link)) {
				link = &(*link)->next;
				continue;
			}
			*link = (*link)->next;
			chain->rule_count--;
			table->rule_count--;
		}
		chain->last = link;
	}
}
