/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/netlink/message.h"

#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>

/* No message is longer: an attribute has at most 64 KiB. */
enum { NFT_MESSAGE_ROOM = 1 << 17 };

void nft_batch_init(struct nft_batch *batch)
{
	*batch = (struct nft_batch){ 0 };
	out_init_memory(&batch->bytes);
	out_init_memory(&batch->index);
}

void nft_batch_free(struct nft_batch *batch)
{
	out_free(&batch->bytes);
	out_free(&batch->index);
	batch->messages = NULL;
}

static void nft_messages_grow(struct nft_batch *batch)
{
	batch->index.len = batch->count * sizeof(*batch->messages);
	out_make_room(&batch->index, sizeof(*batch->messages));
	batch->messages = (struct nft_message *)(void *)batch->index.data;
	batch->room = (uint32_t)(batch->index.room / sizeof(*batch->messages));
}

/* Notes where the next message begins; returns the place, with room for NFT_MESSAGE_ROOM bytes. */
static void *nft_message_place(struct nft_batch *batch, struct nft_origin origin)
{
	if (batch->bytes.room - batch->bytes.len < NFT_MESSAGE_ROOM)
		out_make_room(&batch->bytes, NFT_MESSAGE_ROOM);
	if (batch->count == batch->room)
		nft_messages_grow(batch);
	batch->messages[batch->count++] = (struct nft_message){ (uint32_t)batch->bytes.len, origin };
	return batch->bytes.data + batch->bytes.len;
}

void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message)
{
	batch->bytes.len += NLMSG_ALIGN(message->nlmsg_len);
}

void nft_batch_begin(struct nft_batch *batch, uint32_t generation)
{
	char *at = nft_message_place(batch, (struct nft_origin){ 0 });
	struct nlmsghdr *message = nftnl_batch_begin(at, 0);

	if (generation)
		nft_put_u32(message, NFNL_BATCH_GENID, generation);
	nft_message_end(batch, message);
}

/* The attribute is the only one of the first message. */
void nft_batch_follow(struct nft_batch *batch)
{
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)(batch->bytes.data + batch->messages[0].offset);
	struct nlattr *attribute = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	uint32_t next;

	if (!mnl_attr_ok(attribute, (int)((char *)mnl_nlmsg_get_payload_tail(message) - (char *)attribute)))
		return;
	next = nft_get_u32(attribute) + 1;
	next = htobe32(next ? next : 1); /* nf_tables_commit() skips 0 */
	memcpy(mnl_attr_get_payload(attribute), &next, sizeof(next));
}

void nft_batch_end(struct nft_batch *batch)
{
	uint32_t sequence = batch->count;
	char *at = nft_message_place(batch, (struct nft_origin){ 0 });
	struct nlmsghdr *last;

	/* One acknowledgement is enough: errors are reported anyway. */
	if (sequence > 1) {
		last = (struct nlmsghdr *)(void *)(batch->bytes.data + batch->messages[sequence - 1].offset);
		last->nlmsg_flags |= NLM_F_ACK;
	}
	nft_message_end(batch, nftnl_batch_end(at, sequence));
}

struct nlmsghdr *nft_message_begin(struct nft_batch *batch, uint16_t type, uint16_t flags, struct nft_origin origin)
{
	uint32_t sequence = batch->count;
	char *at = nft_message_place(batch, origin);

	return nftnl_nlmsg_build_hdr(at, type, origin.table->family, flags, sequence);
}

void nft_put_text(struct nlmsghdr *message, uint16_t attribute, struct text text)
{
	nft_attr_text(message, attribute, text, NFT_NAME_MAXLEN);
}

int nft_collect(const struct nlattr *attribute, void *array)
{
	const struct nlattr **found = array;

	if (mnl_attr_get_type(attribute) < NFT_ATTRIBUTES)
		found[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}
