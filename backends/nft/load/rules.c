/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules by what the kernel has, for comparison with what is desired.
 *
 * Both are expressions as netlink attributes: those of a dump, and those that would be sent.  The kernel tells more than
 * it was told, in another order: each expression is written with its attributes in the order of their numbers, without
 * those that hold the default, and SHA-1 of that stands for the rule.  What a rule has counted is no part of it.  A
 * rule with an anonymous set, whose name is a number, is never one of ours: the lowering makes none.
 *
 * The rules of a chain are asked for chain by chain, as in counters.c.
 */
#include "nft/load/rules.h"

#include <libnftnl/udata.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "nft/netlink/expr.h"

/* ---- serializing ---- */

static void serialize(struct out *out, const void *bytes, size_t len)
{
	uint32_t length = (uint32_t)len;

	out_bytes(out, (const char *)&length, sizeof(length));
	out_bytes(out, bytes, len);
}

static void rules_serialize_number(struct out *out, uint32_t number)
{
	serialize(out, &number, sizeof(number));
}

/* With or without the NUL at its end. */
static struct text string_of(const struct nlattr *attribute)
{
	const char *bytes = mnl_attr_get_payload(attribute);

	return (struct text){ bytes, (uint32_t)strnlen(bytes, mnl_attr_get_payload_len(attribute)) };
}

static void rules_serialize_text(struct out *out, struct text text)
{
	serialize(out, text.ptr, text.len);
}

/* ---- expressions ---- */

enum kind {
	RAW,
	STRING,
	DATA,       /* a value or a verdict */
	EXPRESSION, /* one */
	EXPRESSIONS,
	IGNORED,
};

enum { NO_DEFAULT = -1 };

/* Attributes that are not taken byte by byte, and those that say nothing with their default. */
static const struct {
	const char *expression;
	uint16_t attribute;
	enum kind kind;
	int64_t value; /* the default */
} attributes[] = {
	{ "immediate", NFTA_IMMEDIATE_DATA, DATA, NO_DEFAULT },
	{ "cmp", NFTA_CMP_DATA, DATA, NO_DEFAULT },
	{ "range", NFTA_RANGE_FROM_DATA, DATA, NO_DEFAULT },
	{ "range", NFTA_RANGE_TO_DATA, DATA, NO_DEFAULT },
	{ "bitwise", NFTA_BITWISE_MASK, DATA, NO_DEFAULT },
	{ "bitwise", NFTA_BITWISE_XOR, DATA, NO_DEFAULT },
	{ "bitwise", NFTA_BITWISE_DATA, DATA, NO_DEFAULT },
	{ "bitwise", NFTA_BITWISE_OP, RAW, 0 },
	{ "lookup", NFTA_LOOKUP_SET, STRING, NO_DEFAULT },
	{ "lookup", NFTA_LOOKUP_SET_ID, IGNORED, NO_DEFAULT },
	{ "lookup", NFTA_LOOKUP_FLAGS, RAW, 0 },
	{ "dynset", NFTA_DYNSET_SET_NAME, STRING, NO_DEFAULT },
	{ "dynset", NFTA_DYNSET_SET_ID, IGNORED, NO_DEFAULT },
	{ "dynset", NFTA_DYNSET_FLAGS, RAW, 0 },
	{ "dynset", NFTA_DYNSET_TIMEOUT, RAW, 0 },
	{ "dynset", NFTA_DYNSET_EXPR, EXPRESSION, NO_DEFAULT },
	{ "dynset", NFTA_DYNSET_PAD, IGNORED, NO_DEFAULT },
	{ "dynset", NFTA_DYNSET_EXPRESSIONS, EXPRESSIONS, NO_DEFAULT },
	{ "limit", NFTA_LIMIT_FLAGS, RAW, 0 },
	{ "limit", NFTA_LIMIT_TYPE, RAW, 0 },
	{ "limit", NFTA_LIMIT_BURST, RAW, 5 },
	{ "limit", NFTA_LIMIT_PAD, IGNORED, NO_DEFAULT },
	{ "reject", NFTA_REJECT_ICMP_CODE, RAW, 0 }, /* none for tcp reset */
	{ "log", NFTA_LOG_PREFIX, STRING, NO_DEFAULT },
	{ "objref", NFTA_OBJREF_IMM_NAME, STRING, NO_DEFAULT },
	{ "counter", NFTA_COUNTER_BYTES, IGNORED, NO_DEFAULT },
	{ "counter", NFTA_COUNTER_PACKETS, IGNORED, NO_DEFAULT },
	{ "counter", NFTA_COUNTER_PAD, IGNORED, NO_DEFAULT },
};

enum { ROWS = sizeof(attributes) / sizeof(attributes[0]) };

static bool is_value(const struct nlattr *attribute, int64_t value)
{
	uint32_t length = mnl_attr_get_payload_len(attribute);
	const uint8_t *bytes = mnl_attr_get_payload(attribute);
	uint64_t number = 0;

	if (value == NO_DEFAULT || length > sizeof(number))
		return false;
	for (uint32_t i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	return number == (uint64_t)value;
}

/* Numbers of attributes come with bits that say how they are coded, which kernel and library set as they like. */
static void serialize_data(struct out *out, const struct nlattr *data)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *verdict[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse_nested(data, nft_collect, found);
	if (found[NFTA_DATA_VALUE])
		serialize(out, mnl_attr_get_payload(found[NFTA_DATA_VALUE]), mnl_attr_get_payload_len(found[NFTA_DATA_VALUE]));
	if (!found[NFTA_DATA_VERDICT])
		return;
	mnl_attr_parse_nested(found[NFTA_DATA_VERDICT], nft_collect, verdict);
	rules_serialize_number(out, nft_get_u32(verdict[NFTA_VERDICT_CODE]));
	if (verdict[NFTA_VERDICT_CHAIN])
		rules_serialize_text(out, string_of(verdict[NFTA_VERDICT_CHAIN]));
}

static int serialize_expression(const struct nlattr *expression, void *context);

static void serialize_attribute(struct out *out, const char *expression, const struct nlattr *const *all, uint16_t number)
{
	const struct nlattr *attribute = all[number];
	enum kind kind;
	size_t i = 0;

	while (i < ROWS && !(attributes[i].attribute == number && strcmp(attributes[i].expression, expression) == 0))
		i++;
	kind = i < ROWS ? attributes[i].kind : RAW;
	if (kind == IGNORED || (i < ROWS && is_value(attribute, attributes[i].value)))
		return;
	/* A single stateful expression has an attribute of its own. */
	rules_serialize_number(out, kind == EXPRESSIONS ? (uint16_t)NFTA_DYNSET_EXPR : number);
	switch (kind) {
	case STRING:
		rules_serialize_text(out, string_of(attribute));
		break;
	case DATA:
		serialize_data(out, attribute);
		break;
	case EXPRESSION:
		serialize_expression(attribute, out);
		break;
	case EXPRESSIONS:
		mnl_attr_parse_nested(attribute, serialize_expression, out);
		break;
	default:
		serialize(out, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
	}
}

static int serialize_expression(const struct nlattr *expression, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *data[NFT_ATTRIBUTES] = { NULL };
	struct out *out = context;
	struct text name;
	char copy[32];

	mnl_attr_parse_nested(expression, nft_collect, found);
	if (!found[NFTA_EXPR_NAME])
		return MNL_CB_OK;
	name = string_of(found[NFTA_EXPR_NAME]);
	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(name));
	rules_serialize_text(out, name);
	if (found[NFTA_EXPR_DATA])
		mnl_attr_parse_nested(found[NFTA_EXPR_DATA], nft_collect, data);
	for (int i = 1; i < NFT_ATTRIBUTES; i++)
		if (data[i])
			serialize_attribute(out, copy, data, (uint16_t)i);
	return MNL_CB_OK;
}

static struct nft_digest digest_rule(struct out *out, const struct nlattr *expressions, struct text comment)
{
	out->len = 0;
	rules_serialize_text(out, comment);
	if (expressions)
		mnl_attr_parse_nested(expressions, serialize_expression, out);
	return nft_digest_of(out);
}

/* ---- loaded rules ---- */

struct reading {
	struct out bytes; /* of one rule */
	struct nft_digest *digests;
	uint64_t *handles;
	uint32_t count, room;
};

static int rules_take_rule(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	struct reading *r = context;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	if (!found[NFTA_RULE_TABLE] || !found[NFTA_RULE_HANDLE] || !text_is(string_of(found[NFTA_RULE_TABLE]), NFT_TABLE_NAME))
		return MNL_CB_OK;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 32;
		r->digests = xrealloc(r->digests, r->room * sizeof(*r->digests));
		r->handles = xrealloc(r->handles, r->room * sizeof(*r->handles));
	}
	r->digests[r->count] = digest_rule(&r->bytes, found[NFTA_RULE_EXPRESSIONS], nft_rule_comment(found[NFTA_RULE_USERDATA]));
	r->handles[r->count++] = be64toh(mnl_attr_get_u64(found[NFTA_RULE_HANDLE]));
	return MNL_CB_OK;
}

static void forget_rules(void *context)
{
	struct reading *r = context;

	r->count = 0;
}

int nft_rules_read(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text chain,
		   struct nft_rule_list *rules)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, NFT_MSG_GETRULE, family, NLM_F_DUMP);
	struct reading r = { .count = 0 };
	int reason;

	out_init_memory(&r.bytes);
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, NFT_TABLE_NAME);
	nft_put_text(message, NFTA_RULE_CHAIN, chain);
	reason = nft_kernel_ask(kernel, message, rules_take_rule, forget_rules, &r);
	*rules = (struct nft_rule_list){ ARENA_ARRAY(arena, struct nft_digest, r.count),
					 ARENA_ARRAY(arena, uint64_t, r.count), r.count };
	if (r.count) {
		memcpy(rules->digests, r.digests, r.count * sizeof(*r.digests));
		memcpy(rules->handles, r.handles, r.count * sizeof(*r.handles));
	}
	out_free(&r.bytes);
	free(r.digests);
	free(r.handles);
	return reason;
}

/* ---- desired rules ---- */

struct nft_rule_list nft_rules_desired(struct arena *arena, const struct nft_chain *chain)
{
	static const size_t room = 1 << 17; /* as in batch.c */
	struct nft_rule_list rules = { .count = 0 };
	char *buffer = xmalloc(room);
	uint32_t count = 0;
	struct out bytes;

	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		count++;
	rules.digests = ARENA_ARRAY(arena, struct nft_digest, count);
	out_init_memory(&bytes);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct nft_expr_writer e = { message, 0 };
		struct nlattr *nest = nft_attr_nest(message, NFTA_RULE_EXPRESSIONS);
		struct text comment = rule->comment;

		nft_expr_rule(&e, rule);
		nft_attr_end(message, nest);
		if (comment.len >= NFTNL_UDATA_COMMENT_MAXLEN)
			comment.len = NFTNL_UDATA_COMMENT_MAXLEN - 1;
		rules.digests[rules.count++] = digest_rule(&bytes, nest, comment);
	}
	out_free(&bytes);
	free(buffer);
	return rules;
}
