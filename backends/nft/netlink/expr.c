/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/netlink/expr.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#include "base/xmalloc.h"

const struct nft_source_row nft_sources[NFT_FIELDS] = {
#define META(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_META, .key = key_ },
#define CT(ID, spelling, type, key_) [NFT_FIELD_##ID] = { NFT_SOURCE_CT, .key = key_ },
#define PAYLOAD(ID, spelling, type, base, offset) \
	[NFT_FIELD_##ID] = { NFT_SOURCE_PAYLOAD, NFT_PAYLOAD_##base##_HEADER, offset },
#define FIB(ID, spelling, type, flags) [NFT_FIELD_##ID] = { NFT_SOURCE_FIB, .key = flags },
#include "nft/lower/fields.def"
};

struct nftnl_expr *nft_expr_new(const char *name, const struct nft_expr_number *numbers, size_t count)
{
	struct nftnl_expr *e = xcheck(nftnl_expr_alloc(name));

	for (size_t i = 0; i < count; i++)
		nftnl_expr_set_u32(e, numbers[i].attribute, numbers[i].value);
	return e;
}

void nft_expr_add(struct nft_expr_writer *w, struct nftnl_expr *e)
{
	struct nlattr *nest = mnl_attr_nest_start(w->message, NFTA_LIST_ELEM);

	nftnl_expr_build_payload(w->message, e);
	mnl_attr_nest_end(w->message, nest);
	nftnl_expr_free(e);
}

void nft_expr_set_text(struct nftnl_expr *e, uint16_t attribute, struct text text, size_t size)
{
	char copy[NFT_NAME_MAXLEN];
	size_t len = text.len < size ? text.len : size - 1;

	memcpy(copy, text.ptr, len);
	copy[len] = '\0';
	nftnl_expr_set_str(e, attribute, copy);
}

/* ---- loads ---- */

void nft_expr_load_payload(struct nft_expr_writer *w, uint8_t base, uint8_t offset, uint8_t length, uint32_t reg)
{
	nft_expr_add(w, NFT_EXPR("payload", { NFTNL_EXPR_PAYLOAD_DREG, reg }, { NFTNL_EXPR_PAYLOAD_BASE, base },
				 { NFTNL_EXPR_PAYLOAD_OFFSET, offset }, { NFTNL_EXPR_PAYLOAD_LEN, length }));
}

void nft_expr_load(struct nft_expr_writer *w, enum nft_field field, uint8_t length, uint32_t reg)
{
	const struct nft_source_row *row = &nft_sources[field];

	switch (row->source) {
	case NFT_SOURCE_META:
		nft_expr_add(w, NFT_EXPR("meta", { NFTNL_EXPR_META_DREG, reg }, { NFTNL_EXPR_META_KEY, row->key }));
		break;
	case NFT_SOURCE_CT:
		nft_expr_add(w, NFT_EXPR("ct", { NFTNL_EXPR_CT_DREG, reg }, { NFTNL_EXPR_CT_KEY, row->key }));
		break;
	case NFT_SOURCE_PAYLOAD:
		nft_expr_load_payload(w, row->key, row->offset, length, reg);
		break;
	case NFT_SOURCE_FIB:
		nft_expr_add(w, NFT_EXPR("fib", { NFTNL_EXPR_FIB_DREG, reg },
					 { NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
					 { NFTNL_EXPR_FIB_FLAGS, row->key }));
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
	struct nftnl_expr *e = NFT_EXPR("bitwise", { NFTNL_EXPR_BITWISE_SREG, reg }, { NFTNL_EXPR_BITWISE_DREG, reg },
					{ NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL }, { NFTNL_EXPR_BITWISE_LEN, len });

	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, bits, len);
	nft_expr_add(w, e);
}

void nft_expr_compare(struct nft_expr_writer *w, uint32_t op, const void *bytes, uint32_t length)
{
	struct nftnl_expr *e = NFT_EXPR("cmp", { NFTNL_EXPR_CMP_SREG, NFT_REG_1 }, { NFTNL_EXPR_CMP_OP, op });

	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, bytes, length);
	nft_expr_add(w, e);
}

void nft_expr_lookup(struct nft_expr_writer *w, const struct nft_set *set, bool invert)
{
	struct nftnl_expr *e = NFT_EXPR("lookup", { NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1 },
					{ NFTNL_EXPR_LOOKUP_SET_ID, w->first_set + set->id });

	nft_expr_set_text(e, NFTNL_EXPR_LOOKUP_SET, set->name, NFT_NAME_MAXLEN);
	if (set->verdicts)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	nft_expr_add(w, e);
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
