/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets as messages, with the userdata that nft 1.0.6 writes: without the byte order of the key it prints no names. */
#include "nft/netlink/message.h"
#include "base/xmalloc.h"

#include <libnftnl/udata.h>

/* nft's numbers in userdata. */
enum { NFT_UDATA_BYTES = 256, NFT_UDATA_CONCAT = 13 };

struct nft_loaded_set nft_set_description(const struct nft_set *set)
{
	struct nft_loaded_set d = {
		.name = set->name,
		.flags = (set->interval ? NFT_SET_INTERVAL : 0) | (set->verdicts ? NFT_SET_MAP : 0) |
			 (set->timeout ? NFT_SET_TIMEOUT : 0) | (set->dynamic ? NFT_SET_EVAL : 0),
		.key_length = nft_set_key_length(set),
		.data_type = set->verdicts ? (uint32_t)NFT_DATA_VERDICT : 0,
		.size = set->size,
		.timeout = set->timeout * (uint64_t)1000,
	};

	for (unsigned i = 0; i < set->part_count; i++)
		d.key_type = d.key_type << 6 | nft_types[set->parts[i]].number;
	return d;
}

static void nft_put_userdata(struct nlmsghdr *message, const struct nft_set *set)
{
	struct nftnl_udata_buf *data = xcheck(nftnl_udata_buf_alloc(NFT_UDATA_BYTES));
	struct nftnl_udata *concat;

	nftnl_udata_put_u32(data, NFTNL_UDATA_SET_KEYBYTEORDER,
			    set->part_count > 1 ? NFT_ORDER_NONE : nft_types[set->parts[0]].order);
	if (set->verdicts)
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_DATABYTEORDER, NFT_ORDER_NONE);
	if (set->part_count > 1) { /* of which fields is left out */
		concat = nftnl_udata_nest_start(data, NFTNL_UDATA_SET_KEY_TYPEOF);
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_TYPEOF_EXPR, NFT_UDATA_CONCAT);
		nftnl_udata_nest_end(data, nftnl_udata_nest_start(data, NFTNL_UDATA_SET_TYPEOF_DATA));
		nftnl_udata_nest_end(data, concat);
	}
	if (set->verdicts)
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_DATA_INTERVAL, 0);
	nft_attr_bytes(message, NFTA_SET_USERDATA, nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
}

void nft_write_set(struct nft_writer *w, const struct nft_set *set)
{
	struct nft_origin origin = { .table = w->table, .set = set };
	struct nlmsghdr *message = nft_message_begin(w->batch, NFT_MSG_NEWSET, NLM_F_CREATE, origin);
	struct nft_loaded_set d = nft_set_description(set);
	struct nlattr *size;

	nft_attr_string(message, NFTA_SET_TABLE, w->table->name);
	nft_put_text(message, NFTA_SET_NAME, set->name);
	if (d.flags)
		nft_put_u32(message, NFTA_SET_FLAGS, d.flags);
	nft_put_u32(message, NFTA_SET_KEY_TYPE, d.key_type);
	nft_put_u32(message, NFTA_SET_KEY_LEN, d.key_length);
	if (set->verdicts) {
		nft_put_u32(message, NFTA_SET_DATA_TYPE, d.data_type);
		nft_put_u32(message, NFTA_SET_DATA_LEN, 0);
	}
	if (d.timeout)
		nft_attr_u64(message, NFTA_SET_TIMEOUT, d.timeout);
	nft_put_u32(message, NFTA_SET_ID, w->first_set + set->id);
	if (set->size) {
		size = nft_attr_nest(message, NFTA_SET_DESC);
		nft_put_u32(message, NFTA_SET_DESC_SIZE, set->size);
		nft_attr_end(message, size);
	}
	nft_put_userdata(message, set);
	nft_message_end(w->batch, message);
	w->batch->sets++;
}
