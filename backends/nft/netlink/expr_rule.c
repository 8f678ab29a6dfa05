/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements other than MATCH as expressions, and whole rules. */
#include "nft/netlink/expr.h"

/* ---- statements that are one expression ---- */

static void nft_expr_verdict(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nft_expr e = nft_expr_begin(w, "immediate");
	struct nlattr *data, *verdict;

	nft_attr_u32(w->message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nft_attr_nest(w->message, NFTA_IMMEDIATE_DATA);
	verdict = nft_attr_nest(w->message, NFTA_DATA_VERDICT);
	nft_attr_u32(w->message, NFTA_VERDICT_CODE, (uint32_t)nft_verdict_code(s->verdict.kind));
	if (s->verdict.chain)
		nft_attr_text(w->message, NFTA_VERDICT_CHAIN, s->verdict.chain->name, NFT_NAME_MAXLEN);
	nft_attr_end(w->message, verdict);
	nft_attr_end(w->message, data);
	nft_expr_end(w, e);
}

static void nft_expr_limit_data(struct nft_expr_writer *w, const struct nft_limit *limit, bool over)
{
	nft_attr_u64(w->message, NFTA_LIMIT_RATE, limit->rate);
	nft_attr_u64(w->message, NFTA_LIMIT_UNIT, limit->unit);
	if (limit->burst)
		nft_attr_u32(w->message, NFTA_LIMIT_BURST, limit->burst);
	nft_attr_u32(w->message, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nft_attr_u32(w->message, NFTA_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
}

static void nft_expr_limit(struct nft_expr_writer *w, const struct nft_limit *limit)
{
	struct nft_expr e = nft_expr_begin(w, "limit");

	nft_expr_limit_data(w, limit, false);
	nft_expr_end(w, e);
}

static void nft_expr_log(struct nft_expr_writer *w, struct text prefix)
{
	struct nft_expr e = nft_expr_begin(w, "log");

	nft_attr_text(w->message, NFTA_LOG_PREFIX, prefix, 128);
	nft_attr_u16(w->message, NFTA_LOG_GROUP, 0);
	nft_expr_end(w, e);
}

static void nft_expr_helper(struct nft_expr_writer *w, const struct nft_helper *helper)
{
	struct nft_expr e = nft_expr_begin(w, "objref");

	nft_attr_u32(w->message, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
	nft_attr_text(w->message, NFTA_OBJREF_IMM_NAME, helper->name, NFT_OBJ_MAXNAMELEN);
	nft_expr_end(w, e);
}

static void nft_expr_queue(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nft_expr e = nft_expr_begin(w, "queue");

	nft_attr_u16(w->message, NFTA_QUEUE_NUM, s->queue.first);
	nft_attr_u16(w->message, NFTA_QUEUE_TOTAL, (uint16_t)(s->queue.last - s->queue.first + 1));
	nft_attr_u16(w->message, NFTA_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
	nft_expr_end(w, e);
}

/* Type and code of REJECT: of ICMP, of ICMPv6, or the kernel's code for both. */
static const struct nft_reject_row {
	uint32_t type;
	uint8_t code;
} nft_reject_rows[] = {
	[NFT_REJECT_WITH_TCP_RESET] = { NFT_REJECT_TCP_RST, 0 },
	[NFT_REJECT_WITH_PORT_UNREACHABLE] = { NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH },
	[NFT_REJECT_WITH_HOST_PROHIBITED] = { NFT_REJECT_ICMP_UNREACH, 10 },
	[NFT_REJECT_WITH_ADMIN_PROHIBITED_V6] = { NFT_REJECT_ICMP_UNREACH, 1 },
};

static void nft_expr_reject(struct nft_expr_writer *w, const struct nft_reject_row *row)
{
	struct nft_expr e = nft_expr_begin(w, "reject");

	nft_attr_u32(w->message, NFTA_REJECT_TYPE, row->type);
	nft_attr_u8(w->message, NFTA_REJECT_ICMP_CODE, row->code);
	nft_expr_end(w, e);
}

/* ---- statements that are several ---- */

static void nft_expr_set_ct(struct nft_expr_writer *w, uint32_t key, const void *value, uint32_t length)
{
	nft_expr_immediate(w, NFT_REG_1, value, length);
	NFT_EXPR(w, "ct", { NFTA_CT_KEY, key }, { NFTA_CT_SREG, NFT_REG_1 });
}

static void nft_expr_update(struct nft_expr_writer *w, const struct nft_update *update)
{
	struct nft_expr e, limit;

	nft_expr_load_keys(w, &update->key, 1);
	e = nft_expr_begin(w, "dynset");
	nft_attr_u32(w->message, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	nft_attr_u32(w->message, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nft_attr_text(w->message, NFTA_DYNSET_SET_NAME, update->set->name, NFT_NAME_MAXLEN);
	nft_attr_u32(w->message, NFTA_DYNSET_SET_ID, w->first_set + update->set->id);
	limit.element = nft_attr_nest(w->message, NFTA_DYNSET_EXPR);
	nft_attr_bytes(w->message, NFTA_EXPR_NAME, "limit", sizeof("limit"));
	limit.data = nft_attr_nest(w->message, NFTA_EXPR_DATA);
	nft_expr_limit_data(w, update->limit, true);
	nft_expr_end(w, limit);
	nft_expr_end(w, e);
}

static void nft_expr_mark(struct nft_expr_writer *w, const struct nft_statement *s)
{
	nft_expr_load(w, NFT_FIELD_MARK, sizeof(s->mark.keep), NFT_REG_1);
	nft_expr_bitwise(w, NFT_REG_1, &s->mark.keep, &s->mark.bits, sizeof(s->mark.keep));
	NFT_EXPR(w, "meta", { NFTA_META_KEY, NFT_META_MARK }, { NFTA_META_SREG, NFT_REG_1 });
}

static void nft_expr_statement(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nft_value label;

	switch (s->kind) {
	case NFT_STMT_MATCH:
		nft_expr_match(w, s->match);
		break;
	case NFT_STMT_VMAP:
		nft_expr_load_keys(w, s->vmap->keys, s->vmap->key_count);
		nft_expr_lookup(w, s->vmap->set, false);
		break;
	case NFT_STMT_VERDICT:
		nft_expr_verdict(w, s);
		break;
	case NFT_STMT_COUNTER: /* from 0: the kernel's goes on where a chain is not replaced */
		nft_expr_end(w, nft_expr_begin(w, "counter"));
		break;
	case NFT_STMT_LIMIT:
		nft_expr_limit(w, s->limit);
		break;
	case NFT_STMT_LOG:
		nft_expr_log(w, s->log_prefix);
		break;
	case NFT_STMT_MARK:
		nft_expr_mark(w, s);
		break;
	case NFT_STMT_CT_MARK:
		nft_expr_set_ct(w, NFT_CT_MARK, &s->ct_mark, sizeof(s->ct_mark));
		break;
	case NFT_STMT_CT_LABEL:
		label = nft_label_value(s->ct_label);
		nft_expr_set_ct(w, NFT_CT_LABELS, label.bytes, label.length);
		break;
	case NFT_STMT_CT_HELPER:
		nft_expr_helper(w, s->helper);
		break;
	case NFT_STMT_UPDATE:
		nft_expr_update(w, s->update);
		break;
	case NFT_STMT_REJECT:
		nft_expr_reject(w, &nft_reject_rows[s->reject]);
		break;
	case NFT_STMT_QUEUE:
		nft_expr_queue(w, s);
		break;
	}
}

void nft_expr_rule(struct nft_expr_writer *w, const struct nft_rule *rule)
{
	struct nft_joined joined;

	nft_expr_join(&joined, rule);
	for (uint32_t i = 0; i < rule->statement_count; i++) {
		const struct nft_statement *s = &rule->statements[i];
		const struct nft_join *join = &joined.joins[i % NFT_JOIN_MAX];
		uint32_t bit = i < NFT_JOIN_MAX ? 1u << i : 0;

		if (joined.gone & bit)
			continue;
		if (joined.longer & bit) {
			nft_expr_load_payload(w, nft_sources[s->match->keys[0].field].key, join->offset, join->length,
					      NFT_REG_1);
			nft_expr_compare(w, NFT_CMP_EQ, join->bytes, join->length);
		} else {
			nft_expr_statement(w, s);
		}
	}
}
