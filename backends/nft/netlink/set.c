/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets as messages, with the userdata nft 1.0.6 writes: the byte order of the key,
 * without which it prints no interface names, and what an anonymous set is looked
 * up with (`typeof` in its language).
 */
#include "nft/netlink/message.h"

#include <libnftnl/udata.h>
#include <stdio.h>
#include <stdlib.h>

#include "nft/netlink/expr.h"

/* nft's numbers, as they stand in userdata. */
enum {
	UDATA_BYTES = 256,
	ORDER_NONE = 0,
	ORDER_HOST = 1,
	ORDER_NETWORK = 2,
	EXPRESSION_PAYLOAD = 7,
	EXPRESSION_META = 9,
	EXPRESSION_CT = 12,
	EXPRESSION_CONCAT = 13,
	EXPRESSION_FIB = 26,
};

/* The kernel's number for maps to verdicts. */
enum { DATA_VERDICT = (int)NFT_DATA_VERDICT };

uint32_t nft_set_key_length(const struct nft_set *set)
{
	uint32_t length = 0;

	if (set->part_count == 1)
		return nft_types[set->parts[0]].length;
	for (unsigned i = 0; i < set->part_count; i++)
		length += (nft_types[set->parts[i]].length + 3u) & ~3u;
	return length;
}

static uint32_t key_type(const struct nft_set *set)
{
	uint32_t type = 0;

	for (unsigned i = 0; i < set->part_count; i++)
		type = type << 6 | nft_types[set->parts[i]].number;
	return type;
}

static uint32_t flags_of(const struct nft_set *set)
{
	return (set->name.len ? 0 : NFT_SET_ANONYMOUS | NFT_SET_CONSTANT) |
	       (set->interval ? NFT_SET_INTERVAL : 0) | (set->verdicts ? NFT_SET_MAP : 0) |
	       (set->timeout ? NFT_SET_TIMEOUT : 0) | (set->dynamic ? NFT_SET_EVAL : 0);
}

struct nft_loaded_set nft_set_description(const struct nft_set *set)
{
	return (struct nft_loaded_set){
		.name = set->name,
		.flags = flags_of(set),
		.key_type = key_type(set),
		.key_length = nft_set_key_length(set),
		.data_type = set->verdicts ? (uint32_t)DATA_VERDICT : 0,
		.size = set->size,
		.timeout = set->timeout * (uint64_t)1000,
	};
}

/* ---- userdata ---- */

static uint32_t order_of_type(enum nft_type type)
{
	switch (type) {
	case NFT_TYPE_NFPROTO:
	case NFT_TYPE_INET_PROTO:
		return ORDER_NONE;
	case NFT_TYPE_MARK:
	case NFT_TYPE_REALM:
	case NFT_TYPE_CT_STATE:
	case NFT_TYPE_FIB_ADDRTYPE:
	case NFT_TYPE_IFNAME:
		return ORDER_HOST;
	default:
		return ORDER_NETWORK;
	}
}

static uint32_t order_of_field(enum nft_field field)
{
	return nft_sources[field].source == NFT_SOURCE_PAYLOAD || field == NFT_FIELD_PROTOCOL ? ORDER_NETWORK
											      : ORDER_HOST;
}

static uint32_t key_order(const struct nft_set *set, const struct nft_key *keys)
{
	if (set->part_count > 1)
		return ORDER_NONE;
	return keys ? order_of_field(keys[0].field) : order_of_type(set->parts[0]);
}

static uint32_t expression_of(const struct nft_source_row *row)
{
	static const uint8_t numbers[] = {
		[NFT_SOURCE_META] = EXPRESSION_META,
		[NFT_SOURCE_CT] = EXPRESSION_CT,
		[NFT_SOURCE_PAYLOAD] = EXPRESSION_PAYLOAD,
		[NFT_SOURCE_FIB] = EXPRESSION_FIB,
	};

	return numbers[row->source];
}

/* The two numbers that say which field of its kind it is; META has one only. */
static void put_field_numbers(struct nftnl_udata_buf *data, const struct nft_source_row *row)
{
	switch (row->source) {
	case NFT_SOURCE_META:
		nftnl_udata_put_u32(data, 0, row->key);
		break;
	case NFT_SOURCE_CT: /* of either direction */
		nftnl_udata_put_u32(data, 0, row->key);
		nftnl_udata_put_u32(data, 1, UINT32_MAX);
		break;
	case NFT_SOURCE_PAYLOAD:
		nftnl_udata_put_u32(data, 0, row->header);
		nftnl_udata_put_u32(data, 1, row->member);
		break;
	case NFT_SOURCE_FIB:
		nftnl_udata_put_u32(data, 0, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_udata_put_u32(data, 1, row->key);
		break;
	}
}

static void put_field(struct nftnl_udata_buf *data, uint8_t type, enum nft_field field)
{
	const struct nft_source_row *row = &nft_sources[field];
	struct nftnl_udata *whole = nftnl_udata_nest_start(data, type), *numbers;

	nftnl_udata_put_u32(data, NFTNL_UDATA_SET_TYPEOF_EXPR, expression_of(row));
	numbers = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_TYPEOF_DATA);
	put_field_numbers(data, row);
	nftnl_udata_nest_end(data, numbers);
	nftnl_udata_nest_end(data, whole);
}

/* A concatenation says so even where it says nothing of its parts. */
static void put_typeof(struct nftnl_udata_buf *data, const struct nft_set *set, const struct nft_key *keys)
{
	struct nftnl_udata *whole, *parts;

	if (set->part_count == 1) {
		if (keys && !keys[0].masked)
			put_field(data, NFTNL_UDATA_SET_KEY_TYPEOF, keys[0].field);
		return;
	}
	whole = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_KEY_TYPEOF);
	nftnl_udata_put_u32(data, NFTNL_UDATA_SET_TYPEOF_EXPR, EXPRESSION_CONCAT);
	parts = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_TYPEOF_DATA);
	for (unsigned i = 0; keys && i < set->part_count; i++)
		put_field(data, (uint8_t)i, keys[i].field);
	nftnl_udata_nest_end(data, parts);
	nftnl_udata_nest_end(data, whole);
}

static void put_userdata(struct nlmsghdr *message, const struct nft_set *set, const struct nft_key *keys)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(UDATA_BYTES);

	if (!data) {
		fprintf(stderr, "pvefw: out of memory (userdata)\n");
		abort();
	}
	nftnl_udata_put_u32(data, NFTNL_UDATA_SET_KEYBYTEORDER, key_order(set, keys));
	if (set->verdicts)
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_DATABYTEORDER, ORDER_NONE);
	if (!set->name.len && set->interval)
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_MERGE_ELEMENTS, 1);
	put_typeof(data, set, keys);
	if (set->verdicts)
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
	mnl_attr_put(message, NFTA_SET_USERDATA, nftnl_udata_buf_len(data), nftnl_udata_buf_data(data));
	nftnl_udata_buf_free(data);
}

/* ---- messages ---- */

/* What an anonymous set will hold; the kernel chooses the best kind of set by it. */
static uint32_t final_size(const struct nft_set *set)
{
	uint32_t size = set->element_count;

	if (!set->interval)
		return size;
	size += nft_set_begins_late(set);
	for (uint32_t i = 0; i < set->element_count; i++)
		size += nft_kernel_element(set, &set->elements[i]).has_end;
	return size;
}

static void put_size(struct nlmsghdr *message, const struct nft_set *set)
{
	uint32_t size = set->name.len ? set->size : final_size(set);
	struct nlattr *description;

	if (!size)
		return;
	description = mnl_attr_nest_start(message, NFTA_SET_DESC);
	nft_put_u32(message, NFTA_SET_DESC_SIZE, size);
	mnl_attr_nest_end(message, description);
}

static void put_description(struct nlmsghdr *message, const struct nft_set *set)
{
	struct nft_loaded_set d = nft_set_description(set);

	if (d.flags)
		nft_put_u32(message, NFTA_SET_FLAGS, d.flags);
	nft_put_u32(message, NFTA_SET_KEY_TYPE, d.key_type);
	nft_put_u32(message, NFTA_SET_KEY_LEN, d.key_length);
	if (set->verdicts) {
		nft_put_u32(message, NFTA_SET_DATA_TYPE, d.data_type);
		nft_put_u32(message, NFTA_SET_DATA_LEN, 0);
	}
	if (d.timeout)
		mnl_attr_put_u64(message, NFTA_SET_TIMEOUT, htobe64(d.timeout));
}

void nft_write_set(struct nft_writer *w, const struct nft_set *set, const struct nft_key *keys)
{
	struct nft_origin origin = { .table = w->table, .set = set };
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_NEWSET, NLM_F_CREATE, origin);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, w->table->name);
	nft_put_text(message, NFTA_SET_NAME, set->name.len ? set->name : TEXT("__set%d"));
	put_description(message, set);
	nft_put_u32(message, NFTA_SET_ID, w->first_set + set->id);
	put_size(message, set);
	put_userdata(message, set, keys);
	nft_message_end(w->batch, message);
	w->batch->sets++;
}
