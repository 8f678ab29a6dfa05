/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what rules have counted, chain by chain: for each datagram of a table's
 * dump the kernel walks over all rules it has told of before, which takes seconds for
 * fifty thousand.  Of each rule only what is asked for is looked at, where it stands
 * in the message, and nothing is kept.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/netlink/expr.h"
#include "nft/load/ask.h"

struct reading {
	struct nft_kernel *kernel;
	nft_counter_function *take;
	void *context;
};

/* ---- a rule ---- */

/* The chains that verdicts lead to, and what becomes there of a packet in the end. */
static const struct {
	const char *chain;
	enum backend_outcome outcome;
} ends[] = {
	{ "accept-in", BACKEND_ACCEPTED },    { "policy-drop", BACKEND_DROPPED },
	{ "noise-drop", BACKEND_DROPPED },    { "do-reject", BACKEND_REJECTED },
	{ "mark-reject", BACKEND_REJECTED },  { "policy-reject", BACKEND_REJECTED },
	{ "noise-reject", BACKEND_REJECTED },
};

static enum backend_outcome nft_outcome_of(int code, const char *chain)
{
	if (code == nft_verdict_code(NFT_TO_ACCEPT))
		return BACKEND_ACCEPTED;
	if (code == nft_verdict_code(NFT_TO_DROP))
		return BACKEND_DROPPED;
	for (size_t i = 0; chain && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(chain, ends[i].chain) == 0)
			return ends[i].outcome;
	return BACKEND_PASSED_ON;
}

static void counters_take_verdict(struct nft_counter *counter, const struct nlattr *immediate)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *data[NFT_ATTRIBUTES] = { NULL },
			    *verdict[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse_nested(immediate, nft_collect, found);
	if (!found[NFTA_IMMEDIATE_DATA])
		return;
	mnl_attr_parse_nested(found[NFTA_IMMEDIATE_DATA], nft_collect, data);
	if (!data[NFTA_DATA_VERDICT])
		return;
	mnl_attr_parse_nested(data[NFTA_DATA_VERDICT], nft_collect, verdict);
	counter->outcome = nft_outcome_of(
		(int)nft_get_u32(verdict[NFTA_VERDICT_CODE]),
		verdict[NFTA_VERDICT_CHAIN] ? mnl_attr_get_str(verdict[NFTA_VERDICT_CHAIN]) : NULL);
}

/* A rule while its expressions are looked at. */
struct sight {
	struct nft_counter counter;
	bool counts;
};

static void take_numbers(struct sight *sight, const struct nlattr *data)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse_nested(data, nft_collect, found);
	if (!found[NFTA_COUNTER_PACKETS] || !found[NFTA_COUNTER_BYTES])
		return;
	sight->counter.packets = be64toh(mnl_attr_get_u64(found[NFTA_COUNTER_PACKETS]));
	sight->counter.bytes = be64toh(mnl_attr_get_u64(found[NFTA_COUNTER_BYTES]));
	sight->counts = true;
}

static int take_expression(const struct nlattr *attribute, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	struct sight *sight = context;
	const char *name;

	mnl_attr_parse_nested(attribute, nft_collect, found);
	if (!found[NFTA_EXPR_NAME] || !found[NFTA_EXPR_DATA])
		return MNL_CB_OK;
	name = mnl_attr_get_str(found[NFTA_EXPR_NAME]);
	if (strcmp(name, "counter") == 0)
		take_numbers(sight, found[NFTA_EXPR_DATA]);
	else if (strcmp(name, "immediate") == 0)
		counters_take_verdict(&sight->counter, found[NFTA_EXPR_DATA]);
	return MNL_CB_OK;
}

static int counters_take_rule(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *comment;
	struct sight sight = { .counter = { .outcome = BACKEND_PASSED_ON } };
	struct reading *reading = context;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	comment = found[NFTA_RULE_USERDATA];
	if (!comment || !found[NFTA_RULE_CHAIN] || !found[NFTA_RULE_EXPRESSIONS] || !found[NFTA_RULE_TABLE] ||
	    strcmp(mnl_attr_get_str(found[NFTA_RULE_TABLE]), NFT_TABLE_NAME) != 0)
		return MNL_CB_OK;
	sight.counter.comment = nft_rule_comment(comment);
	mnl_attr_parse_nested(found[NFTA_RULE_EXPRESSIONS], take_expression, &sight);
	sight.counter.chain = text_of(mnl_attr_get_str(found[NFTA_RULE_CHAIN]));
	if (sight.counts && sight.counter.comment.len)
		reading->take(reading->context, &sight.counter);
	return MNL_CB_OK;
}

/* ---- all of them ---- */

static int counters_read_chain(struct reading *r, uint8_t family, struct text chain)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *message = nft_request_begin(r->kernel, buffer, NFT_MSG_GETRULE, family, NLM_F_DUMP);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, NFT_TABLE_NAME);
	nft_put_text(message, NFTA_RULE_CHAIN, chain);
	return nft_kernel_ask(r->kernel, message, counters_take_rule, NULL, r);
}

static int counters_read_table(struct reading *r, struct arena *arena, uint8_t family)
{
	struct nft_loaded_table table = { .chain_count = 0 };
	int reason = nft_kernel_read_chains(r->kernel, arena, family, &table);

	for (uint32_t i = 0; i < table.chain_count && !reason; i++)
		reason = counters_read_chain(r, family, table.chains[i].name);
	return reason;
}

int nft_counters_read(struct nft_kernel *kernel, nft_counter_function *take, void *context)
{
	struct reading r = { kernel, take, context };
	struct arena arena = { 0 };
	uint32_t before = 0, after = 0;
	int reason = nft_kernel_read_generation(kernel, &before);

	for (unsigned i = 0; i < NFT_TABLES && !reason; i++)
		reason = counters_read_table(&r, &arena, nft_families[i]);
	if (!reason)
		reason = nft_kernel_read_generation(kernel, &after);
	arena_free(&arena);
	if (!reason)
		return before == after ? 0 : EINTR;
	return reason == ENOENT ? EINTR : reason; /* a chain that was there */
}
