/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/netlink/expr.h"

const struct nft_source_row nft_sources[NFT_FIELDS] = {
#define META(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_META, .key = key_ },
#define CT(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_CT, .key = key_ },
#define PAYLOAD(ID, spelling, type, base, offset) \
	[NFT_FIELD_##ID] = { NFT_SOURCE_PAYLOAD, NFT_PAYLOAD_##base##_HEADER, offset },
#define FIB(ID, spelling, type, flags) [NFT_FIELD_##ID] = { NFT_SOURCE_FIB, .key = flags },
#include "nft/lower/fields.def"
};

/* ---- loads ---- */

void nft_expr_load_payload(struct nft_expr_writer *w, uint8_t base, uint8_t offset, uint8_t length, uint32_t reg)
{
	NFT_EXPR(w, "payload", { NFTA_PAYLOAD_DREG, reg }, { NFTA_PAYLOAD_BASE, base }, { NFTA_PAYLOAD_OFFSET, offset },
		 { NFTA_PAYLOAD_LEN, length });
}

void nft_expr_load(struct nft_expr_writer *w, enum nft_field field, uint8_t length, uint32_t reg)
{
	const struct nft_source_row *row = &nft_sources[field];

	switch (row->source) {
	case NFT_SOURCE_META:
		NFT_EXPR(w, "meta", { NFTA_META_KEY, row->key }, { NFTA_META_DREG, reg });
		break;
	case NFT_SOURCE_CT:
		NFT_EXPR(w, "ct", { NFTA_CT_KEY, row->key }, { NFTA_CT_DREG, reg });
		break;
	case NFT_SOURCE_PAYLOAD:
		nft_expr_load_payload(w, row->key, row->offset, length, reg);
		break;
	case NFT_SOURCE_FIB:
		NFT_EXPR(w, "fib", { NFTA_FIB_FLAGS, row->key }, { NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
			 { NFTA_FIB_DREG, reg });
		break;
	}
}

/* A concatenation takes consecutive registers of four bytes; those of 16 bytes have numbers of their own. */
void nft_expr_load_keys(struct nft_expr_writer *w, const struct nft_key *keys, unsigned count)
{
	static const uint8_t zeroes[16];
	unsigned words = 0;

	for (unsigned i = 0; i < count; i++) {
		uint32_t reg = words % 4 == 0 ? NFT_REG_1 + words / 4 : NFT_REG32_00 + words;
		uint8_t length = nft_types[nft_fields[keys[i].field].type].length;

		nft_expr_load(w, keys[i].field, length, reg);
		if (keys[i].masked)
			nft_expr_bitwise(w, reg, keys[i].mask.bytes, zeroes, length);
		words += (length + 3u) / 4;
	}
}

/* ---- operations on registers ---- */

void nft_expr_bitwise(struct nft_expr_writer *w, uint32_t reg, const void *mask, const void *bits, uint32_t len)
{
	struct nft_expr e = nft_expr_begin(w, "bitwise");

	nft_attr_u32(w->message, NFTA_BITWISE_SREG, reg);
	nft_attr_u32(w->message, NFTA_BITWISE_DREG, reg);
	nft_attr_u32(w->message, NFTA_BITWISE_OP, NFT_BITWISE_BOOL);
	nft_attr_u32(w->message, NFTA_BITWISE_LEN, len);
	nft_expr_data(w, NFTA_BITWISE_MASK, mask, len);
	nft_expr_data(w, NFTA_BITWISE_XOR, bits, len);
	nft_expr_end(w, e);
}

void nft_expr_compare(struct nft_expr_writer *w, uint32_t op, const void *bytes, uint32_t length)
{
	struct nft_expr e = nft_expr_begin(w, "cmp");

	nft_attr_u32(w->message, NFTA_CMP_SREG, NFT_REG_1);
	nft_attr_u32(w->message, NFTA_CMP_OP, op);
	nft_expr_data(w, NFTA_CMP_DATA, bytes, length);
	nft_expr_end(w, e);
}

void nft_expr_immediate(struct nft_expr_writer *w, uint32_t reg, const void *bytes, uint32_t length)
{
	struct nft_expr e = nft_expr_begin(w, "immediate");

	nft_attr_u32(w->message, NFTA_IMMEDIATE_DREG, reg);
	nft_expr_data(w, NFTA_IMMEDIATE_DATA, bytes, length);
	nft_expr_end(w, e);
}

void nft_expr_lookup(struct nft_expr_writer *w, const struct nft_set *set, bool invert)
{
	struct nft_expr e = nft_expr_begin(w, "lookup");

	nft_attr_u32(w->message, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (set->verdicts)
		nft_attr_u32(w->message, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	nft_attr_text(w->message, NFTA_LOOKUP_SET, set->name, NFT_NAME_MAXLEN);
	nft_attr_u32(w->message, NFTA_LOOKUP_SET_ID, w->first_set + set->id);
	if (invert)
		nft_attr_u32(w->message, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	nft_expr_end(w, e);
}

int nft_verdict_code(enum nft_verdict_kind kind)
{
	static const int codes[] = {
		[NFT_TO_ACCEPT] = 1, /* NF_ACCEPT */
		[NFT_TO_DROP] = 0,   /* NF_DROP */
		[NFT_TO_RETURN] = NFT_RETURN,
		[NFT_TO_JUMP] = NFT_JUMP,
		[NFT_TO_GOTO] = NFT_GOTO,
	};

	return codes[kind];
}
