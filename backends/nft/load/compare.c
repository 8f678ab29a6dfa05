/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules by what the kernel has, for comparison with what is wanted.
 *
 * Both are expressions as netlink attributes: those of a dump, and those that would be sent.  The kernel tells more than
 * it was told, in another order: each expression is written with its attributes in the order of their numbers, without
 * those that hold the default, and SHA-1 of that stands for the rule.  What a rule has counted is no part of it.  An
 * anonymous set has a number for a name: its elements stand for it.
 *
 * The rules of a chain are asked for chain by chain, as in netlink_counters.c.
 */
#include "nft/load/compare.h"

#include <errno.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nfnetlink.h>
#include <sha1.h>
#include <stdlib.h>

#include "nft/netlink/expr.h"
#include "base/xmalloc.h"

/* ---- feeding ---- */

/* What is fed for one rule; `reason`: errno of reading an anonymous set. */
struct feeding {
	struct out bytes;
	struct arena *arena;
	bool loaded; /* else its sets are those of `sets` */
	uint8_t family;
	const struct nft_set *const *sets; /* by id */
	uint32_t set_count;
	int reason;
};

static void feed(struct feeding *f, const void *bytes, size_t len)
{
	uint32_t length = (uint32_t)len;

	out_bytes(&f->bytes, (const char *)&length, sizeof(length));
	out_bytes(&f->bytes, bytes, len);
}

static void feed_number(struct feeding *f, uint32_t number)
{
	feed(f, &number, sizeof(number));
}

/* With or without the NUL at its end. */
static struct text string_of(const struct nlattr *attribute)
{
	const char *bytes = mnl_attr_get_payload(attribute);

	return (struct text){ bytes, (uint32_t)strnlen(bytes, mnl_attr_get_payload_len(attribute)) };
}

static void feed_text(struct feeding *f, struct text text)
{
	feed(f, text.ptr, text.len);
}

static struct nft_digest digest_of(const struct out *bytes)
{
	uint8_t whole[SHA1_DIGEST_LENGTH];
	struct nft_digest digest;
	SHA1_CTX sha;

	SHA1Init(&sha);
	SHA1Update(&sha, (const uint8_t *)bytes->data, bytes->len);
	SHA1Final(whole, &sha);
	memcpy(digest.bytes, whole, sizeof(digest.bytes));
	return digest;
}

/* ---- anonymous sets ---- */

static void feed_elements(struct feeding *f, const struct nft_kernel_element *elements, uint32_t count)
{
	feed_number(f, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct nft_kernel_element *e = &elements[i];

		feed(f, e->key, sizeof(e->key));
		feed(f, e->end, e->has_end ? sizeof(e->end) : 0);
		feed_number(f, (uint32_t)e->first << 1 | e->has_end);
		feed_number(f, (uint32_t)e->verdict);
		feed_text(f, e->chain);
	}
}

static void feed_wanted_set(struct feeding *f, const struct nlattr *id)
{
	uint32_t number = nft_get_u32(id), count;
	struct arena_mark mark = arena_mark(f->arena);
	struct nft_kernel_element *elements;

	if (number >= f->set_count || !f->sets[number]) {
		f->reason = EINVAL;
		return;
	}
	elements = nft_kernel_elements_of(f->arena, f->sets[number], &count);
	feed_elements(f, elements, count);
	arena_release(f->arena, mark);
}

/* Asked with a socket of its own: another dump is going on. */
static void feed_loaded_set(struct feeding *f, struct text name)
{
	struct arena_mark mark = arena_mark(f->arena);
	struct nft_kernel_element *elements;
	struct nft_loaded_set set;
	struct nft_kernel kernel;
	uint32_t count = 0;
	int reason = nft_kernel_open(&kernel);

	if (!reason)
		reason = nft_kernel_read_set(&kernel, f->arena, f->family, name, &set);
	if (!reason)
		reason = nft_kernel_read_elements(&kernel, f->arena, f->family, name, set.flags & NFT_SET_INTERVAL, &elements,
						  &count);
	if (!reason)
		feed_elements(f, elements, count);
	nft_kernel_close(&kernel);
	arena_release(f->arena, mark);
	if (reason && !f->reason)
		f->reason = reason;
}

static void feed_set(struct feeding *f, const struct nlattr *name, const struct nlattr *id)
{
	struct text text = string_of(name);

	if (!text_starts(text, "__set") && !text_starts(text, "__map"))
		feed_text(f, text);
	else if (f->loaded)
		feed_loaded_set(f, text);
	else
		feed_wanted_set(f, id);
}

/* ---- expressions ---- */

enum kind {
	RAW,
	STRING,
	SET,        /* the name of a set; the id is told as well when it is new */
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
	{ "lookup", NFTA_LOOKUP_SET, SET, NO_DEFAULT },
	{ "lookup", NFTA_LOOKUP_SET_ID, IGNORED, NO_DEFAULT },
	{ "lookup", NFTA_LOOKUP_FLAGS, RAW, 0 },
	{ "dynset", NFTA_DYNSET_SET_NAME, SET, NO_DEFAULT },
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
static void feed_data(struct feeding *f, const struct nlattr *data)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *verdict[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse_nested(data, nft_collect, found);
	if (found[NFTA_DATA_VALUE])
		feed(f, mnl_attr_get_payload(found[NFTA_DATA_VALUE]), mnl_attr_get_payload_len(found[NFTA_DATA_VALUE]));
	if (!found[NFTA_DATA_VERDICT])
		return;
	mnl_attr_parse_nested(found[NFTA_DATA_VERDICT], nft_collect, verdict);
	feed_number(f, nft_get_u32(verdict[NFTA_VERDICT_CODE]));
	if (verdict[NFTA_VERDICT_CHAIN])
		feed_text(f, string_of(verdict[NFTA_VERDICT_CHAIN]));
}

static int feed_expression(const struct nlattr *expression, void *context);

static void feed_attribute(struct feeding *f, const char *expression, const struct nlattr *const *all, uint16_t number)
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
	feed_number(f, kind == EXPRESSIONS ? (uint16_t)NFTA_DYNSET_EXPR : number);
	switch (kind) {
	case STRING:
		feed_text(f, string_of(attribute));
		break;
	case SET:
		feed_set(f, attribute, all[strcmp(expression, "dynset") == 0 ? (int)NFTA_DYNSET_SET_ID : (int)NFTA_LOOKUP_SET_ID]);
		break;
	case DATA:
		feed_data(f, attribute);
		break;
	case EXPRESSION:
		feed_expression(attribute, f);
		break;
	case EXPRESSIONS:
		mnl_attr_parse_nested(attribute, feed_expression, f);
		break;
	default:
		feed(f, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
	}
}

static int feed_expression(const struct nlattr *expression, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *data[NFT_ATTRIBUTES] = { NULL };
	struct feeding *f = context;
	struct text name;
	char copy[32];

	mnl_attr_parse_nested(expression, nft_collect, found);
	if (!found[NFTA_EXPR_NAME])
		return MNL_CB_OK;
	name = string_of(found[NFTA_EXPR_NAME]);
	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(name));
	feed_text(f, name);
	if (found[NFTA_EXPR_DATA])
		mnl_attr_parse_nested(found[NFTA_EXPR_DATA], nft_collect, data);
	for (uint16_t i = 1; i < NFT_ATTRIBUTES; i++)
		if (data[i])
			feed_attribute(f, copy, data, i);
	return MNL_CB_OK;
}

static struct nft_digest digest_rule(struct feeding *f, const struct nlattr *expressions, struct text comment)
{
	f->bytes.len = 0;
	feed_text(f, comment);
	if (expressions)
		mnl_attr_parse_nested(expressions, feed_expression, f);
	return digest_of(&f->bytes);
}

/* ---- what is loaded ---- */

struct reading {
	struct feeding feeding;
	struct nft_rule_id *rules;
	uint32_t count, room;
};

static int take_userdata(const struct nftnl_udata *data, void *context)
{
	struct text *comment = context;

	if (nftnl_udata_type(data) == NFTNL_UDATA_RULE_COMMENT && nftnl_udata_len(data) > 0) {
		comment->ptr = nftnl_udata_get(data);
		comment->len = (uint32_t)strnlen(comment->ptr, nftnl_udata_len(data));
	}
	return 0;
}

static struct nft_rule_id *add_rule(struct reading *r)
{
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 32;
		r->rules = xrealloc(r->rules, r->room * sizeof(*r->rules));
	}
	return &r->rules[r->count++];
}

static int take_rule(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	struct text comment = { "", 0 };
	struct reading *r = context;
	struct nft_digest digest;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	if (!found[NFTA_RULE_TABLE] || !found[NFTA_RULE_HANDLE] || !text_is(string_of(found[NFTA_RULE_TABLE]), NFT_TABLE_NAME))
		return MNL_CB_OK;
	if (found[NFTA_RULE_USERDATA])
		nftnl_udata_parse(mnl_attr_get_payload(found[NFTA_RULE_USERDATA]),
				  mnl_attr_get_payload_len(found[NFTA_RULE_USERDATA]), take_userdata, &comment);
	digest = digest_rule(&r->feeding, found[NFTA_RULE_EXPRESSIONS], comment);
	*add_rule(r) = (struct nft_rule_id){ digest, be64toh(mnl_attr_get_u64(found[NFTA_RULE_HANDLE])) };
	return MNL_CB_OK;
}

static void forget_rules(void *context)
{
	struct reading *r = context;

	r->count = 0;
}

int nft_rules_read(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text chain,
		   struct nft_rule_id **rules, uint32_t *count)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, NFT_MSG_GETRULE, family, NLM_F_DUMP);
	struct reading r = { .feeding = { .loaded = true, .arena = arena, .family = family } };
	int reason;

	out_init_memory(&r.feeding.bytes);
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, NFT_TABLE_NAME);
	nft_put_text(message, NFTA_RULE_CHAIN, chain);
	reason = nft_kernel_ask(kernel, message, take_rule, forget_rules, &r);
	out_free(&r.feeding.bytes);
	*rules = ARENA_ARRAY(arena, struct nft_rule_id, r.count);
	if (r.count)
		memcpy(*rules, r.rules, r.count * sizeof(*r.rules));
	*count = r.count;
	free(r.rules);
	return reason ? reason : r.feeding.reason;
}

/* ---- what is wanted ---- */

void nft_rules_want(struct nft_rule_id *rules, struct arena *arena, const struct nft_set *const *sets, uint32_t set_count,
		    const struct nft_chain *chain)
{
	static const size_t room = 1 << 17; /* as in netlink_batch.c */
	struct feeding f = { .arena = arena, .sets = sets, .set_count = set_count };
	char *buffer = xcalloc(1, room);
	uint32_t n = 0;

	out_init_memory(&f.bytes);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct nft_expr_writer e = { message, 0 };
		struct nlattr *nest = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
		struct text comment = rule->comment;

		nft_expr_rule(&e, rule);
		mnl_attr_nest_end(message, nest);
		if (comment.len >= NFTNL_UDATA_COMMENT_MAXLEN)
			comment.len = NFTNL_UDATA_COMMENT_MAXLEN - 1;
		rules[n++] = (struct nft_rule_id){ digest_rule(&f, nest, comment), 0 };
		memset(buffer, 0, message->nlmsg_len);
	}
	out_free(&f.bytes);
	free(buffer);
}
