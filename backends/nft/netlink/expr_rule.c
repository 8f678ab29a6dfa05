/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements other than MATCH as expressions, and whole rules. */
#include "nft/netlink/expr.h"

#include <linux/netfilter/nf_tables.h>

static struct nftnl_expr *nft_expr_limit(const struct nft_limit *limit, bool over)
{
	struct nftnl_expr *e = NFT_EXPR("limit", { NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS },
					{ NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0 });

	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, limit->rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, limit->unit);
	if (limit->burst)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, limit->burst);
	return e;
}

static void nft_expr_set_ct(struct nft_expr_writer *w, uint32_t key, const void *value, uint32_t length)
{
	struct nftnl_expr *e = NFT_EXPR("immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_1 });

	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, value, length);
	nft_expr_add(w, e);
	nft_expr_add(w, NFT_EXPR("ct", { NFTNL_EXPR_CT_KEY, key }, { NFTNL_EXPR_CT_SREG, NFT_REG_1 }));
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

static void nft_expr_statement(struct nft_expr_writer *w, const struct nft_statement *s)
{
	struct nftnl_expr *e = NULL;
	struct nft_value label;

	switch (s->kind) {
	case NFT_STMT_MATCH:
		nft_expr_match(w, s->match);
		return;
	case NFT_STMT_VMAP:
		nft_expr_load_keys(w, s->vmap->keys, s->vmap->key_count);
		nft_expr_lookup(w, s->vmap->set, false);
		return;
	case NFT_STMT_VERDICT:
		e = NFT_EXPR("immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT },
			     { NFTNL_EXPR_IMM_VERDICT, (uint32_t)nft_verdict_code(s->verdict.kind) });
		if (s->verdict.chain)
			nft_expr_set_text(e, NFTNL_EXPR_IMM_CHAIN, s->verdict.chain->name, NFT_NAME_MAXLEN);
		break;
	case NFT_STMT_COUNTER: /* from 0: the kernel's goes on where a chain is not replaced */
		e = nft_expr_new("counter", NULL, 0);
		break;
	case NFT_STMT_LIMIT:
		e = nft_expr_limit(s->limit, false);
		break;
	case NFT_STMT_LOG:
		e = nft_expr_new("log", NULL, 0);
		nft_expr_set_text(e, NFTNL_EXPR_LOG_PREFIX, s->log_prefix, 128);
		nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, 0);
		break;
	case NFT_STMT_MARK:
		nft_expr_load(w, NFT_FIELD_MARK, sizeof(s->mark.keep), NFT_REG_1);
		nft_expr_bitwise(w, NFT_REG_1, &s->mark.keep, &s->mark.bits, sizeof(s->mark.keep));
		e = NFT_EXPR("meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK }, { NFTNL_EXPR_META_SREG, NFT_REG_1 });
		break;
	case NFT_STMT_CT_MARK:
		nft_expr_set_ct(w, NFT_CT_MARK, &s->ct_mark, sizeof(s->ct_mark));
		return;
	case NFT_STMT_CT_LABEL:
		label = nft_label_value(s->ct_label);
		nft_expr_set_ct(w, NFT_CT_LABELS, label.bytes, label.length);
		return;
	case NFT_STMT_CT_HELPER:
		e = NFT_EXPR("objref", { NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER });
		nft_expr_set_text(e, NFTNL_EXPR_OBJREF_IMM_NAME, s->helper->name, NFT_OBJ_MAXNAMELEN);
		break;
	case NFT_STMT_UPDATE:
		nft_expr_load_keys(w, &s->update->key, 1);
		e = NFT_EXPR("dynset", { NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1 },
			     { NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE },
			     { NFTNL_EXPR_DYNSET_SET_ID, w->first_set + s->update->set->id });
		nft_expr_set_text(e, NFTNL_EXPR_DYNSET_SET_NAME, s->update->set->name, NFT_NAME_MAXLEN);
		nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, nft_expr_limit(s->update->limit, true), 0);
		break;
	case NFT_STMT_REJECT:
		e = NFT_EXPR("reject", { NFTNL_EXPR_REJECT_TYPE, nft_reject_rows[s->reject].type });
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, nft_reject_rows[s->reject].code);
		break;
	case NFT_STMT_QUEUE:
		e = nft_expr_new("queue", NULL, 0);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, s->queue.first);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, (uint16_t)(s->queue.last - s->queue.first + 1));
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
		break;
	}
	nft_expr_add(w, e);
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
