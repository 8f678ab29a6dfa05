/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset without what the kernel has refused: features that it lacks as a whole (layers.def), and rules that no
 * line asks for.  Lines are left out by the compiler.
 *
 * Every replacement lets through less than the rule that it stands for: a packet that would be answered is dropped, and
 * without connection tracking the rules decide about every packet.
 */
#include "resolve/left_out.h"

#include <linux/netfilter.h>

#include "nft/lower/build.h"

void nft_rule_name(struct out *out, const struct nft_table *table, const struct nft_chain *chain,
		   const struct nft_rule *rule)
{
	out_string(out, table->family == NFPROTO_BRIDGE ? "bridge " : "inet ");
	out_text(out, chain->name);
	nft_print_rule(out, rule);
	out->len--; /* the line's end */
}

static bool has_key(const struct nft_key *keys, unsigned count, enum nft_field field)
{
	for (unsigned i = 0; i < count; i++)
		if (keys[i].field == field)
			return true;
	return false;
}

static bool uses_field(const struct nft_statement *s, enum nft_field field)
{
	if (s->kind == NFT_STMT_MATCH)
		return has_key(s->match->keys, s->match->key_count, field);
	return s->kind == NFT_STMT_VMAP && has_key(s->vmap->keys, s->vmap->key_count, field);
}

enum fate {
	FATE_KEEP,
	FATE_STATEMENT, /* the rule does without the statement */
	FATE_DROP,      /* drop instead of the statement */
	FATE_RULE,      /* the rule is left out */
};

static enum fate fate_of(const struct left_out *left_out, const struct nft_table *table, const struct nft_statement *s)
{
	bool bridge = table->family == NFPROTO_BRIDGE;

	if (s->kind == NFT_STMT_LOG && left_out_layer(left_out, LAYER_NFLOG))
		return FATE_STATEMENT;
	if (!bridge)
		return FATE_KEEP;
	if (left_out_layer(left_out, LAYER_BRIDGE_CONNTRACK)) {
		if (uses_field(s, NFT_FIELD_CT_STATE) || s->kind == NFT_STMT_CT_HELPER)
			return FATE_RULE;
		if (s->kind == NFT_STMT_CT_MARK)
			return FATE_STATEMENT;
	}
	if (s->kind == NFT_STMT_REJECT && left_out_layer(left_out, LAYER_BRIDGE_REJECT))
		return FATE_DROP;
	if (left_out_layer(left_out, LAYER_BRIDGE_META) && uses_field(s, NFT_FIELD_IBRNAME))
		return FATE_RULE;
	return FATE_KEEP;
}

static bool does_something(const struct nft_statement *s)
{
	return s->kind != NFT_STMT_MATCH && s->kind != NFT_STMT_LIMIT && s->kind != NFT_STMT_COUNTER;
}

/* False: nothing is left of the rule. */
static bool reduce_rule(struct arena *arena, const struct left_out *left_out, const struct nft_table *table,
			struct nft_rule *rule)
{
	struct nft_statement *kept = ARENA_ARRAY(arena, struct nft_statement, rule->statement_count);
	uint32_t count = 0;
	bool changed = false, useful = false;

	for (uint32_t i = 0; i < rule->statement_count; i++) {
		struct nft_statement s = rule->statements[i];
		enum fate fate = fate_of(left_out, table, &s);

		if (fate == FATE_RULE)
			return false;
		changed |= fate != FATE_KEEP;
		if (fate == FATE_STATEMENT)
			continue;
		if (fate == FATE_DROP)
			s = nft_to(NFT_TO_DROP);
		useful |= does_something(&s);
		kept[count++] = s;
	}
	if (!changed)
		return true;
	rule->statements = kept;
	rule->statement_count = count;
	return useful;
}

static void guard_rule(struct arena *arena, struct nft_rule *rule)
{
	struct nft_statement *drop = ARENA_NEW(arena, struct nft_statement);

	*drop = nft_to(NFT_TO_DROP);
	rule->statements = drop;
	rule->statement_count = 1;
}

/* While it is not known which rule was refused, those that may be it drop everything. */
static bool is_refused(struct arena *arena, const struct left_out *left_out, const struct nft_table *table,
		       const struct nft_chain *chain, struct nft_rule *rule)
{
	const struct left_out_rule *found;
	struct out name;

	if (!left_out->rules)
		return false;
	out_init_memory(&name);
	nft_rule_name(&name, table, chain, rule);
	found = left_out_find_rule(left_out, name.data, name.len);
	out_free(&name);
	if (found && found->guarded)
		guard_rule(arena, rule);
	return found && !found->guarded;
}

static void reduce_chain(struct arena *arena, const struct left_out *left_out, struct nft_table *table,
			 struct nft_chain *chain)
{
	struct nft_rule **link = &chain->first;

	while (*link) {
		if (!is_refused(arena, left_out, table, chain, *link) && reduce_rule(arena, left_out, table, *link)) {
			link = &(*link)->next;
			continue;
		}
		*link = (*link)->next;
		chain->rule_count--;
		table->rule_count--;
	}
	chain->last = link;
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
	for (struct nft_chain *chain = table->chains; chain; chain = chain->next)
		reduce_chain(arena, left_out, table, chain);
}
