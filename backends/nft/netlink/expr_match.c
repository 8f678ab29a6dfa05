/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MATCH as expressions: load the field, mask it, compare it or look it up. Every
 * match starts at the first register; nothing is kept from one to the next.
 */
#include "nft/netlink/expr.h"

static const uint8_t zeroes[16];

/* On a byte boundary a shorter load does without a mask. */
static void nft_expr_prefix(struct nft_expr_writer *w, const struct nft_match *m)
{
	enum nft_field field = m->keys[0].field;
	uint8_t length = nft_types[nft_fields[field].type].length, bytes = m->bits / 8;
	uint8_t mask[16] = { 0 };

	if (m->bits % 8 == 0 && m->bits) {
		nft_expr_load(w, field, bytes, NFT_REG_1);
		nft_expr_compare(w, NFT_CMP_EQ, m->value.bytes, bytes);
		return;
	}
	memset(mask, 0xff, bytes);
	mask[bytes] = (uint8_t)(0xff << (8 - m->bits % 8));
	nft_expr_load(w, field, length, NFT_REG_1);
	nft_expr_bitwise(w, NFT_REG_1, mask, zeroes, length);
	nft_expr_compare(w, NFT_CMP_EQ, m->value.bytes, length);
}

void nft_expr_match(struct nft_expr_writer *w, const struct nft_match *m)
{
	if (m->op == NFT_OP_PREFIX) {
		nft_expr_prefix(w, m);
		return;
	}
	nft_expr_load_keys(w, m->keys, m->key_count);
	switch (m->op) {
	case NFT_OP_PREFIX:
		break;
	case NFT_OP_EQ:
	case NFT_OP_NE:
		nft_expr_compare(w, m->op == NFT_OP_NE ? NFT_CMP_NEQ : NFT_CMP_EQ, m->value.bytes, m->value.length);
		break;
	case NFT_OP_RANGE:
		nft_expr_compare(w, NFT_CMP_GTE, m->value.bytes, m->value.length);
		nft_expr_compare(w, NFT_CMP_LTE, m->last.bytes, m->last.length);
		break;
	case NFT_OP_FLAGS:
	case NFT_OP_NO_FLAGS:
		nft_expr_bitwise(w, NFT_REG_1, m->value.bytes, zeroes, m->value.length);
		nft_expr_compare(w, m->op == NFT_OP_FLAGS ? NFT_CMP_NEQ : NFT_CMP_EQ, zeroes, m->value.length);
		break;
	case NFT_OP_IN:
	case NFT_OP_NOT_IN:
		nft_expr_lookup(w, m->set, m->op == NFT_OP_NOT_IN);
		break;
	}
}
