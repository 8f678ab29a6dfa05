/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loaded rules that traced packets meet.
 *
 * A handle is never used twice in a table, so an event of an earlier generation names a rule that is there or none.  A
 * chain is read when the first packet meets it: of a ruleset with 60,000 rules a packet meets some ten chains.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "nft/load/ask.h"
#include "nft/trace/trace.h"

int loaded_rules_open(struct loaded_rules *rules)
{
	*rules = (struct loaded_rules){ .first = NULL };
	return nft_kernel_open(&rules->kernel);
}

void loaded_rules_forget(struct loaded_rules *rules)
{
	for (struct loaded_chain *chain = rules->first; chain; chain = chain->next)
		free(chain->rules);
	rules->first = NULL;
	arena_reset(&rules->arena);
}

void loaded_rules_close(struct loaded_rules *rules)
{
	loaded_rules_forget(rules);
	arena_free(&rules->arena);
	nft_kernel_close(&rules->kernel);
}

/* ---- a rule's expressions ---- */

struct loaded_reading {
	struct loaded_rules *rules;
	struct loaded_chain *chain;
	struct loaded_rule *rule; /* whose expressions are read */
};

static struct text loaded_string(const struct nlattr *attribute)
{
	const char *bytes = mnl_attr_get_payload(attribute);

	return (struct text){ bytes, (uint32_t)strnlen(bytes, mnl_attr_get_payload_len(attribute)) };
}

static void loaded_take_log(struct loaded_reading *r, const struct nlattr *const *data)
{
	if (data[NFTA_LOG_PREFIX])
		r->rule->log_prefix = arena_copy(&r->rules->arena, loaded_string(data[NFTA_LOG_PREFIX]));
}

static void loaded_take_reject(struct loaded_reading *r, const struct nlattr *const *data)
{
	uint32_t type = nft_get_u32(data[NFTA_REJECT_TYPE]);
	uint8_t code = data[NFTA_REJECT_ICMP_CODE] ? mnl_attr_get_u8(data[NFTA_REJECT_ICMP_CODE]) : 0;

	r->rule->rejects = true;
	r->rule->reject4 = r->rule->reject6 = MODEL_REJECT_PORT_UNREACHABLE;
	if (type == NFT_REJECT_TCP_RST) {
		r->rule->reject4 = r->rule->reject6 = MODEL_REJECT_RESET;
	} else if (type == NFT_REJECT_ICMPX_UNREACH) {
		if (code == NFT_REJECT_ICMPX_ADMIN_PROHIBITED)
			r->rule->reject4 = r->rule->reject6 = MODEL_REJECT_ADMIN_PROHIBITED;
		else if (code == NFT_REJECT_ICMPX_HOST_UNREACH)
			r->rule->reject4 = r->rule->reject6 = MODEL_REJECT_HOST_UNREACHABLE;
	} else {
		r->rule->reject4 = code == ICMP_HOST_ANO      ? MODEL_REJECT_HOST_PROHIBITED :
				   code == ICMP_PKT_FILTERED  ? MODEL_REJECT_ADMIN_PROHIBITED :
				   code == ICMP_HOST_UNREACH  ? MODEL_REJECT_HOST_UNREACHABLE :
								MODEL_REJECT_PORT_UNREACHABLE;
		r->rule->reject6 = code == ICMPV6_ADM_PROHIBITED ? MODEL_REJECT_ADMIN_PROHIBITED :
								   MODEL_REJECT_PORT_UNREACHABLE;
	}
}

static void loaded_take_meta(struct loaded_reading *r, const struct nlattr *const *data)
{
	r->rule->sets_mark |= data[NFTA_META_SREG] && nft_get_u32(data[NFTA_META_KEY]) == NFT_META_MARK;
}

/* Targets of iptables-nft that nf_tables has no expression for. */
static void loaded_take_target(struct loaded_reading *r, const struct nlattr *const *data)
{
	const void *info = data[NFTA_TARGET_INFO] ? mnl_attr_get_payload(data[NFTA_TARGET_INFO]) : NULL;
	size_t size = info ? mnl_attr_get_payload_len(data[NFTA_TARGET_INFO]) : 0;
	struct text name = data[NFTA_TARGET_NAME] ? loaded_string(data[NFTA_TARGET_NAME]) : TEXT("");
	uint32_t with = 0;

	r->rule->sets_mark |= text_is(name, "MARK");
	if (text_is(name, "NFLOG") && size >= sizeof(struct xt_nflog_info)) {
		const struct xt_nflog_info *log = info;

		r->rule->log_prefix = arena_copy(&r->rules->arena,
						 (struct text){ log->prefix, (uint32_t)strnlen(log->prefix, sizeof(log->prefix)) });
	}
	if (!text_is(name, "REJECT"))
		return;
	r->rule->rejects = true;
	r->rule->reject4 = r->rule->reject6 = MODEL_REJECT_PORT_UNREACHABLE;
	if (size < sizeof(with))
		return;
	memcpy(&with, info, sizeof(with));
	if (r->chain->family == NFPROTO_IPV6)
		r->rule->reject6 = with == IP6T_TCP_RESET            ? MODEL_REJECT_RESET :
				   with == IP6T_ICMP6_ADM_PROHIBITED ? MODEL_REJECT_ADMIN_PROHIBITED :
								       MODEL_REJECT_PORT_UNREACHABLE;
	else
		r->rule->reject4 = with == IPT_TCP_RESET             ? MODEL_REJECT_RESET :
				   with == IPT_ICMP_HOST_UNREACHABLE ? MODEL_REJECT_HOST_UNREACHABLE :
				   with == IPT_ICMP_HOST_PROHIBITED  ? MODEL_REJECT_HOST_PROHIBITED :
				   with == IPT_ICMP_ADMIN_PROHIBITED ? MODEL_REJECT_ADMIN_PROHIBITED :
								       MODEL_REJECT_PORT_UNREACHABLE;
}

static int loaded_take_expression(const struct nlattr *attribute, void *context)
{
	static const struct {
		const char *name;
		void (*take)(struct loaded_reading *r, const struct nlattr *const *data);
	} kinds[] = {
		{ "log", loaded_take_log },
		{ "reject", loaded_take_reject },
		{ "meta", loaded_take_meta },
		{ "target", loaded_take_target },
	};
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *data[NFT_ATTRIBUTES] = { NULL };
	struct loaded_reading *r = context;

	mnl_attr_parse_nested(attribute, nft_collect, found);
	if (!found[NFTA_EXPR_NAME] || !found[NFTA_EXPR_DATA])
		return MNL_CB_OK;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (text_is(loaded_string(found[NFTA_EXPR_NAME]), kinds[i].name)) {
			mnl_attr_parse_nested(found[NFTA_EXPR_DATA], nft_collect, data);
			kinds[i].take(r, data);
		}
	return MNL_CB_OK;
}

/* ---- chains ---- */

static int loaded_take_rule(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	struct loaded_reading *r = context;
	struct loaded_chain *chain = r->chain;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	if (!found[NFTA_RULE_TABLE] || !found[NFTA_RULE_CHAIN] || !found[NFTA_RULE_HANDLE] ||
	    !text_equal(loaded_string(found[NFTA_RULE_TABLE]), chain->table) ||
	    !text_equal(loaded_string(found[NFTA_RULE_CHAIN]), chain->name))
		return MNL_CB_OK;
	if (chain->count == chain->room) {
		chain->room = chain->room ? chain->room * 2 : 32;
		chain->rules = xrealloc(chain->rules, chain->room * sizeof(*chain->rules));
	}
	r->rule = &chain->rules[chain->count];
	*r->rule = (struct loaded_rule){ .handle = be64toh(mnl_attr_get_u64(found[NFTA_RULE_HANDLE])),
					 .position = chain->count };
	chain->count++;
	r->rule->comment = arena_copy(&r->rules->arena, nft_rule_comment(found[NFTA_RULE_USERDATA]));
	if (found[NFTA_RULE_EXPRESSIONS])
		mnl_attr_parse_nested(found[NFTA_RULE_EXPRESSIONS], loaded_take_expression, r);
	return MNL_CB_OK;
}

static void loaded_forget_rules(void *context)
{
	struct loaded_reading *r = context;

	r->chain->count = 0;
}

static int loaded_take_chain(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *hook[NFT_ATTRIBUTES] = { NULL };
	struct loaded_reading *r = context;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	if (!found[NFTA_CHAIN_NAME])
		return MNL_CB_OK;
	r->chain->exists = true;
	if (found[NFTA_CHAIN_HOOK]) {
		mnl_attr_parse_nested(found[NFTA_CHAIN_HOOK], nft_collect, hook);
		r->chain->hook = (enum nft_hook)nft_get_u32(hook[NFTA_HOOK_HOOKNUM]);
	}
	return MNL_CB_OK;
}

static void loaded_chain_read(struct loaded_rules *rules, struct loaded_chain *chain)
{
	_Alignas(struct nlmsghdr) char buffer[1024] = { 0 };
	struct loaded_reading r = { rules, chain, NULL };
	struct nlmsghdr *message = nft_request_begin(&rules->kernel, buffer, NFT_MSG_GETCHAIN, chain->family, NLM_F_ACK);

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, arena_string(&rules->arena, chain->table));
	nft_put_text(message, NFTA_CHAIN_NAME, chain->name);
	if (nft_kernel_ask(&rules->kernel, message, loaded_take_chain, NULL, &r) != 0 || !chain->exists)
		return;
	memset(buffer, 0, sizeof(buffer));
	message = nft_request_begin(&rules->kernel, buffer, NFT_MSG_GETRULE, chain->family, NLM_F_DUMP);
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, arena_string(&rules->arena, chain->table));
	nft_put_text(message, NFTA_RULE_CHAIN, chain->name);
	if (nft_kernel_ask(&rules->kernel, message, loaded_take_rule, loaded_forget_rules, &r) != 0)
		chain->count = 0;
}

const struct loaded_chain *loaded_chain_find(struct loaded_rules *rules, uint8_t family, struct text table, struct text name)
{
	struct loaded_chain *chain;

	for (chain = rules->first; chain; chain = chain->next)
		if (chain->family == family && text_equal(chain->name, name) && text_equal(chain->table, table))
			return chain;
	chain = ARENA_NEW(&rules->arena, struct loaded_chain);
	*chain = (struct loaded_chain){ .family = family,
					.table = arena_copy(&rules->arena, table),
					.name = arena_copy(&rules->arena, name),
					.hook = NFT_HOOK_NONE,
					.next = rules->first };
	rules->first = chain;
	loaded_chain_read(rules, chain);
	return chain;
}

const struct loaded_rule *loaded_rule_find(const struct loaded_chain *chain, uint64_t handle)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (chain->rules[i].handle == handle)
			return &chain->rules[i];
	return NULL;
}
