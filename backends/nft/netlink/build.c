/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of the lowered form as messages, in the order in which nft sends them:
 * chains first, so that maps can name them; helpers; sets with their elements; rules.
 */
#include "nft/netlink/message.h"

#include <libnftnl/udata.h>
#include <linux/netfilter.h>

#include "nft/netlink/expr.h"

struct nft_writer nft_writer_of(struct nft_batch *batch, const struct nft_ruleset *ruleset, unsigned table)
{
	uint32_t first = 0;

	for (unsigned i = 0; i < table; i++)
		if (ruleset->tables[i])
			first += ruleset->tables[i]->set_count;
	return (struct nft_writer){ batch, ruleset->tables[table], first };
}

/* ---- tables ---- */

void nft_write_table(struct nft_writer *w, uint16_t type, uint8_t family, const char *name)
{
	struct nft_table unknown = { .family = family, .name = name };
	struct nft_origin origin = { .table = w->table ? w->table : &unknown };
	uint16_t flags = type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0;
	struct nlmsghdr *message = nft_message_begin(w->batch, type, flags, origin);

	w->batch->messages[w->batch->count - 1].origin.table = w->table;
	w->batch->deleted += type == NFT_MSG_DELTABLE;
	nft_attr_string(message, NFTA_TABLE_NAME, name);
	if (type == NFT_MSG_NEWTABLE)
		nft_put_u32(message, NFTA_TABLE_FLAGS, 0);
	nft_message_end(w->batch, message);
}

/* ---- chains and rules ---- */

void nft_write_chain(struct nft_writer *w, const struct nft_chain *chain)
{
	struct nft_origin origin = { .table = w->table, .chain = chain };
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, origin);
	struct nlattr *hook;

	nft_attr_string(message, NFTA_CHAIN_TABLE, w->table->name);
	nft_put_text(message, NFTA_CHAIN_NAME, chain->name);
	if (chain->hook != NFT_HOOK_NONE) {
		nft_attr_string(message, NFTA_CHAIN_TYPE, "filter");
		nft_put_u32(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
		hook = nft_attr_nest(message, NFTA_CHAIN_HOOK);
		nft_put_u32(message, NFTA_HOOK_HOOKNUM, chain->hook);
		nft_put_u32(message, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
		nft_attr_end(message, hook);
	}
	nft_message_end(w->batch, message);
	w->batch->chains++;
}

/* Userdata as nft writes it: type, length, text with its end. */
static void nft_put_comment(struct nlmsghdr *message, struct text comment)
{
	size_t len = comment.len < NFTNL_UDATA_COMMENT_MAXLEN ? comment.len : NFTNL_UDATA_COMMENT_MAXLEN - 1;
	char *data = nft_attr_add(message, NFTA_RULE_USERDATA, 2 + len + 1);

	data[0] = NFTNL_UDATA_RULE_COMMENT;
	data[1] = (char)(len + 1);
	memcpy(data + 2, comment.ptr, len);
	data[2 + len] = '\0';
}

void nft_write_rule(struct nft_writer *w, const struct nft_chain *chain, const struct nft_rule *rule,
		    const uint64_t *position)
{
	struct nft_origin origin = { .table = w->table, .chain = chain, .rule = rule };
	uint16_t flags = NLM_F_CREATE | (!position || *position ? NLM_F_APPEND : 0);
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_NEWRULE, flags, origin);
	struct nft_expr_writer e = { message, w->first_set };
	struct nlattr *nest;

	nft_attr_string(message, NFTA_RULE_TABLE, w->table->name);
	nft_put_text(message, NFTA_RULE_CHAIN, chain->name);
	if (position && *position)
		nft_attr_u64(message, NFTA_RULE_POSITION, *position);
	nest = nft_attr_nest(message, NFTA_RULE_EXPRESSIONS);
	nft_expr_rule(&e, rule);
	nft_attr_end(message, nest);
	if (rule->comment.len)
		nft_put_comment(message, rule->comment);
	nft_message_end(w->batch, message);
	w->batch->rules++;
}

void nft_write_rules(struct nft_writer *w, const struct nft_chain *chain)
{
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		nft_write_rule(w, chain, rule, NULL);
}

void nft_write_delete_rule(struct nft_writer *w, struct text chain, uint64_t handle)
{
	struct nft_origin origin = { .table = w->table };
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_DELRULE, 0, origin);

	nft_attr_string(message, NFTA_RULE_TABLE, w->table->name);
	nft_put_text(message, NFTA_RULE_CHAIN, chain);
	nft_attr_u64(message, NFTA_RULE_HANDLE, handle);
	nft_message_end(w->batch, message);
	w->batch->deleted++;
}

/* ---- helpers ---- */

void nft_write_helper(struct nft_writer *w, const struct nft_helper *helper)
{
	struct nft_origin origin = { .table = w->table, .helper = helper };
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_NEWOBJ, NLM_F_CREATE, origin);
	struct nlattr *data;

	nft_attr_string(message, NFTA_OBJ_TABLE, w->table->name);
	nft_put_text(message, NFTA_OBJ_NAME, helper->name);
	nft_put_u32(message, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	data = nft_attr_nest(message, NFTA_OBJ_DATA);
	nft_attr_string(message, NFTA_CT_HELPER_NAME, helper->helper);
	nft_attr_u8(message, NFTA_CT_HELPER_L4PROTO, helper->protocol);
	nft_attr_end(message, data);
	nft_message_end(w->batch, message);
}

/* ---- deletions ---- */

void nft_write_delete(struct nft_writer *w, uint16_t type, struct text name)
{
	struct nft_origin origin = { .table = w->table };
	struct nlmsghdr *message = nft_message_begin(w->batch, type, 0, origin);
	uint16_t attribute = type == NFT_MSG_DELCHAIN ? NFTA_CHAIN_NAME :
			     type == NFT_MSG_DELSET   ? NFTA_SET_NAME :
			     type == NFT_MSG_DELOBJ   ? NFTA_OBJ_NAME :
							NFTA_RULE_CHAIN;

	/* NFTA_CHAIN_TABLE, NFTA_SET_TABLE, NFTA_OBJ_TABLE and NFTA_RULE_TABLE are the same number. */
	nft_attr_string(message, NFTA_CHAIN_TABLE, w->table->name);
	nft_put_text(message, attribute, name);
	if (type == NFT_MSG_DELOBJ)
		nft_put_u32(message, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	nft_message_end(w->batch, message);
	w->batch->deleted++;
}

/* ---- everything ---- */

void nft_write_all(struct nft_writer *w)
{
	const struct nft_table *table = w->table;

	nft_write_table(w, NFT_MSG_NEWTABLE, table->family, table->name);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_write_chain(w, chain);
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next)
		nft_write_helper(w, helper);
	for (const struct nft_set *set = table->sets; set; set = set->next) {
		nft_write_set(w, set);
		nft_write_elements(w, set);
	}
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_write_rules(w, chain);
}

const uint8_t nft_families[NFT_TABLES] = { NFPROTO_INET, NFPROTO_BRIDGE };

void nft_batch_replace(struct nft_batch *batch, const struct nft_ruleset *ruleset)
{
	nft_batch_begin(batch, 0);
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_writer w = nft_writer_of(batch, ruleset, i);

		/* Made first, so that there is one to be deleted. */
		nft_write_table(&w, NFT_MSG_NEWTABLE, nft_families[i], NFT_TABLE_NAME);
		nft_write_table(&w, NFT_MSG_DELTABLE, nft_families[i], NFT_TABLE_NAME);
		if (w.table)
			nft_write_all(&w);
	}
	nft_batch_end(batch);
}
