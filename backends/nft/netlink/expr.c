/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements as expressions: one function a kind, found in the table at the end.
 * MATCH has a file of its own.
 */
#include "nft/netlink/expr.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

struct nftnl_expr *nft_expr_new(const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e) {
		fprintf(stderr, "pvefw: out of memory (expression %s)\n", name);
		abort();
	}
	return e;
}

void nft_expr_add(struct nft_expr_writer *w, struct nftnl_expr *e)
{
	struct nlattr *nest = mnl_attr_nest_start(w->message, NFTA_LIST_ELEM);

	nftnl_expr_build_payload(w->message, e);
	mnl_attr_nest_end(w->message, nest);
	nftnl_expr_free(e);
}

uint32_t nft_expr_register(unsigned words)
{
	return words % 4 == 0 ? NFT_REG_1 + words / 4 : NFT_REG32_00 + words;
}

void nft_expr_set_name(struct nftnl_expr *e, uint16_t attribute, const struct nft_set *set)
{
	char name[NFT_NAME_MAXLEN];

	snprintf(name, sizeof(name), "%.*s", TEXT_ARG(set->name));
	nftnl_expr_set_str(e, attribute, set->name.len ? name : "__set%d");
}

/* ---- verdicts ---- */

static const int verdict_codes[] = {
	[NFT_TO_ACCEPT] = 1, /* NF_ACCEPT */
	[NFT_TO_DROP] = 0,   /* NF_DROP */
	[NFT_TO_RETURN] = NFT_RETURN,
	[NFT_TO_JUMP] = NFT_JUMP,
	[NFT_TO_GOTO] = NFT_GOTO,
};

int nft_verdict_code(enum nft_verdict_kind kind)
{
	return verdict_codes[kind];
}

static void add_verdict(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("immediate");
	char name[NFT_NAME_MAXLEN];

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)nft_verdict_code(s->verdict.kind));
	if (s->verdict.chain) {
		snprintf(name, sizeof(name), "%.*s", TEXT_ARG(s->verdict.chain->name));
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, name);
	}
	nft_expr_add(w, e);
}

/* From nothing: the kernel counts on where a chain stays as it is. */
static void add_counter(struct nft_expr_writer *w, const struct nft_statement *s)
{
	(void)s;
	nft_expr_add(w, nft_expr_new("counter"));
}

static void add_vmap(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("lookup");

	nft_expr_load_keys(w, s->vmap->keys, s->vmap->key_count);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nft_expr_set_name(e, NFTNL_EXPR_LOOKUP_SET, s->vmap->set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, w->first_set + s->vmap->set->id);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nft_expr_add(w, e);
}

/* ---- what is done to packets on their way ---- */

struct nftnl_expr *nft_expr_limit(const struct nft_limit *limit, bool over)
{
	struct nftnl_expr *e = nft_expr_new("limit");

	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, limit->rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, limit->unit);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	if (limit->burst)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, limit->burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
	return e;
}

static void add_limit(struct nft_expr_writer *w, const struct nft_statement *s)
{
	nft_expr_add(w, nft_expr_limit(s->limit, false));
}

static void add_log(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("log");
	char prefix[128]; /* the kernel's limit */

	snprintf(prefix, sizeof(prefix), "%.*s", TEXT_ARG(s->log_prefix));
	nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, 0);
	nft_expr_add(w, e);
}

static void add_mark(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nft_expr_add(w, e);
	nft_expr_bitwise(w, 0, &s->mark.keep, &s->mark.bits, sizeof(s->mark.keep));
	e = nft_expr_new("meta");
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	nft_expr_add(w, e);
}

static void add_ct(struct nft_expr_writer *w, uint32_t key, const void *value, uint32_t length)
{
	struct nftnl_expr *e = nft_expr_new("immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, value, length);
	nft_expr_add(w, e);
	e = nft_expr_new("ct");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	nft_expr_add(w, e);
}

static void add_ct_mark(struct nft_expr_writer *w, const struct nft_statement *s)
{
	add_ct(w, NFT_CT_MARK, &s->ct_mark, sizeof(s->ct_mark));
}

static void add_ct_label(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nft_value value = nft_label_value(s->ct_label);

	add_ct(w, NFT_CT_LABELS, value.bytes, value.length);
}

static void add_ct_helper(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("objref");
	char name[NFT_OBJ_MAXNAMELEN];

	snprintf(name, sizeof(name), "%.*s", TEXT_ARG(s->helper->name));
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
	nft_expr_add(w, e);
}

static void add_update(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("dynset");

	nft_expr_load_keys(w, &s->update->key, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nft_expr_set_name(e, NFTNL_EXPR_DYNSET_SET_NAME, s->update->set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, w->first_set + s->update->set->id);
	nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, nft_expr_limit(s->update->limit, true), 0);
	nft_expr_add(w, e);
}

static const struct {
	uint32_t type;
	uint8_t code; /* of ICMP, ICMPv6, or of the kernel for both */
} answers[] = {
	[NFT_ANSWER_TCP_RESET] = { NFT_REJECT_TCP_RST, 0 },
	[NFT_ANSWER_PORT_UNREACHABLE] = { NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH },
	[NFT_ANSWER_HOST_PROHIBITED] = { NFT_REJECT_ICMP_UNREACH, 10 },
	[NFT_ANSWER_ADMIN_PROHIBITED_V6] = { NFT_REJECT_ICMP_UNREACH, 1 },
};

static void add_reject(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("reject");

	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, answers[s->answer].type);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, answers[s->answer].code);
	nft_expr_add(w, e);
}

static void add_queue(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = nft_expr_new("queue");

	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, s->queue.first);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, (uint16_t)(s->queue.last - s->queue.first + 1));
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
	nft_expr_add(w, e);
}

static void add_match(struct nft_expr_writer *w, const struct nft_statement *s)
{
	nft_expr_match(w, s->match);
}

/* ---- rules ---- */

static void (*const makers[])(struct nft_expr_writer *w, const struct nft_statement *s) = {
	[NFT_STMT_MATCH] = add_match,
	[NFT_STMT_VMAP] = add_vmap,
	[NFT_STMT_VERDICT] = add_verdict,
	[NFT_STMT_COUNTER] = add_counter,
	[NFT_STMT_LIMIT] = add_limit,
	[NFT_STMT_LOG] = add_log,
	[NFT_STMT_MARK] = add_mark,
	[NFT_STMT_CT_MARK] = add_ct_mark,
	[NFT_STMT_CT_LABEL] = add_ct_label,
	[NFT_STMT_CT_HELPER] = add_ct_helper,
	[NFT_STMT_UPDATE] = add_update,
	[NFT_STMT_REJECT] = add_reject,
	[NFT_STMT_QUEUE] = add_queue,
};

void nft_expr_rule(struct nft_expr_writer *w, const struct nft_rule *rule)
{
	struct nft_joined joined;

	nft_expr_join(&joined, rule);
	for (uint32_t i = 0; i < rule->statement_count; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (i < NFT_JOIN_MOST && joined.gone >> i & 1)
			continue;
		if (i < NFT_JOIN_MOST && joined.longer >> i & 1)
			nft_expr_joined_match(w, s->match, &joined.joins[i]);
		else
			makers[s->kind](w, s);
	}
}
