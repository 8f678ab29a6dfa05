/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MATCH as expressions: load the field, mask it, compare it or look it up.  Every
 * match starts at the first register; nothing is kept from one to the next.
 */
#include "nft/netlink/expr.h"

#include <linux/netfilter/nf_tables.h>

static const uint8_t zeroes[16], ones[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static uint8_t field_length(enum nft_field field)
{
	return nft_types[nft_fields[field].type].length;
}

/* Types whose values nft knows in the machine's own order; see fields.def. */
static bool is_host_order(enum nft_type type)
{
	switch (type) {
	case NFT_TYPE_MARK:
	case NFT_TYPE_REALM:
	case NFT_TYPE_CT_STATE:
	case NFT_TYPE_FIB_ADDRTYPE:
		return true;
	default:
		return false;
	}
}

/* ---- loads ---- */

static void load_payload(struct nft_expr_writer *w, uint8_t base, uint8_t offset, uint8_t length,
			 uint32_t reg)
{
	struct nftnl_expr *e = nft_expr_new("payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, length);
	nft_expr_add(w, e);
}

/* `length` bytes of the field; payload can be shorter than its type. */
static void load(struct nft_expr_writer *w, enum nft_field field, uint8_t length, uint32_t reg)
{
	const struct nft_source_row *row = &nft_sources[field];
	struct nftnl_expr *e;

	switch (row->source) {
	case NFT_SOURCE_META:
		e = nft_expr_new("meta");
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, row->key);
		break;
	case NFT_SOURCE_CT:
		e = nft_expr_new("ct");
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, row->key);
		break;
	case NFT_SOURCE_PAYLOAD:
		load_payload(w, row->key, row->offset, length, reg);
		return;
	default:
		e = nft_expr_new("fib");
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, reg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, row->key);
		break;
	}
	nft_expr_add(w, e);
}

void nft_expr_bitwise(struct nft_expr_writer *w, unsigned words, const void *mask, const void *bits,
		      uint32_t len)
{
	struct nftnl_expr *e = nft_expr_new("bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, nft_expr_register(words));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, nft_expr_register(words));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, bits, len);
	nft_expr_add(w, e);
}

void nft_expr_load_keys(struct nft_expr_writer *w, const struct nft_key *keys, unsigned count)
{
	unsigned words = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t length = field_length(keys[i].field);

		load(w, keys[i].field, length, nft_expr_register(words));
		if (keys[i].masked)
			nft_expr_bitwise(w, words, keys[i].mask.bytes, zeroes, length);
		words += (length + 3u) / 4;
	}
}

/* ---- comparisons ---- */

static void compare(struct nft_expr_writer *w, uint32_t op, const void *bytes, uint32_t length)
{
	struct nftnl_expr *e = nft_expr_new("cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, bytes, length);
	nft_expr_add(w, e);
}

static void match_equal(struct nft_expr_writer *w, const struct nft_match *m)
{
	nft_expr_load_keys(w, m->keys, 1);
	compare(w, m->op == NFT_OP_NE ? NFT_CMP_NEQ : NFT_CMP_EQ, m->value.bytes, m->value.length);
}

static void match_prefix(struct nft_expr_writer *w, const struct nft_match *m)
{
	uint8_t length = field_length(m->keys[0].field), whole = m->bits / 8;
	uint8_t mask[16] = { 0 };

	if (m->bits % 8 == 0 && m->bits) {
		load(w, m->keys[0].field, whole, NFT_REG_1);
		compare(w, NFT_CMP_EQ, m->value.bytes, whole);
		return;
	}
	memcpy(mask, ones, whole);
	mask[whole] = (uint8_t)(0xff << (8 - m->bits % 8));
	load(w, m->keys[0].field, length, NFT_REG_1);
	nft_expr_bitwise(w, 0, mask, zeroes, length);
	compare(w, NFT_CMP_EQ, m->value.bytes, length);
}

/* The kernel compares bytes from the first on: values of the machine's order are turned round. */
static void match_host_range(struct nft_expr_writer *w, const struct nft_match *m)
{
	struct nftnl_expr *e = nft_expr_new("byteorder");
	uint8_t from[4], to[4];

	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 4);
	nft_expr_add(w, e);
	for (unsigned i = 0; i < 4; i++) {
		from[i] = m->value.bytes[3 - i];
		to[i] = m->last.bytes[3 - i];
	}
	compare(w, NFT_CMP_GTE, from, 4);
	compare(w, NFT_CMP_LTE, to, 4);
}

static void match_range(struct nft_expr_writer *w, const struct nft_match *m)
{
	nft_expr_load_keys(w, m->keys, 1);
	if (is_host_order(nft_fields[m->keys[0].field].type)) {
		match_host_range(w, m);
		return;
	}
	compare(w, NFT_CMP_GTE, m->value.bytes, m->value.length);
	compare(w, NFT_CMP_LTE, m->last.bytes, m->last.length);
}

static void match_flags(struct nft_expr_writer *w, const struct nft_match *m)
{
	nft_expr_load_keys(w, m->keys, 1);
	nft_expr_bitwise(w, 0, m->value.bytes, zeroes, m->value.length);
	compare(w, m->op == NFT_OP_FLAGS ? NFT_CMP_NEQ : NFT_CMP_EQ, zeroes, m->value.length);
}

static void match_set(struct nft_expr_writer *w, const struct nft_match *m)
{
	struct nftnl_expr *e = nft_expr_new("lookup");

	nft_expr_load_keys(w, m->keys, m->key_count);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nft_expr_set_name(e, NFTNL_EXPR_LOOKUP_SET, m->set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, w->first_set + m->set->id);
	if (m->op == NFT_OP_NOT_IN)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	nft_expr_add(w, e);
}

static void (*const makers[])(struct nft_expr_writer *w, const struct nft_match *m) = {
	[NFT_OP_EQ] = match_equal,
	[NFT_OP_NE] = match_equal,
	[NFT_OP_PREFIX] = match_prefix,
	[NFT_OP_RANGE] = match_range,
	[NFT_OP_FLAGS] = match_flags,
	[NFT_OP_NO_FLAGS] = match_flags,
	[NFT_OP_IN] = match_set,
	[NFT_OP_NOT_IN] = match_set,
};

void nft_expr_match(struct nft_expr_writer *w, const struct nft_match *match)
{
	makers[match->op](w, match);
}

void nft_expr_joined_match(struct nft_expr_writer *w, const struct nft_match *match,
			   const struct nft_join *join)
{
	load_payload(w, nft_sources[match->keys[0].field].key, join->offset, join->length, NFT_REG_1);
	compare(w, NFT_CMP_EQ, join->bytes, join->length);
}
