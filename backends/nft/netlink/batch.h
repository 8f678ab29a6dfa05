/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A batch of netlink messages, one transaction of nf_tables; message.h has what fills it. */
#ifndef PVEFW_NFT_NETLINK_BATCH_H
#define PVEFW_NFT_NETLINK_BATCH_H

#include "nft/lower/nft.h"

#define NFT_TABLE_NAME "pvefw"
/* Of both tables, as in struct nft_ruleset. */
extern const uint8_t nft_families[NFT_TABLES];

/* The object of a message, to attribute the kernel's errors; members that do not apply are NULL. */
struct nft_origin {
	const struct nft_table *table;
	const struct nft_helper *helper;
	const struct nft_set *set;
	const struct nft_chain *chain;
	const struct nft_rule *rule;
};

struct nft_message {
	uint32_t offset; /* of its header */
	struct nft_origin origin;
};

/* Messages back to back; their sequence numbers count from 0. */
struct nft_batch {
	struct out bytes;
	struct nft_message *messages;
	struct out index; /* the memory of `messages`: 3 MB for 60,000, in huge pages */
	uint32_t count, room;
	uint32_t sets, chains, rules, elements; /* made, not deleted */
	uint32_t deleted;
};

void nft_batch_init(struct nft_batch *batch);
void nft_batch_free(struct nft_batch *batch);

/* True if it would change nothing: it has its first and its last message only. */
static inline bool nft_batch_is_empty(const struct nft_batch *batch)
{
	return batch->count <= 2;
}

/* Replaces both tables whatever is loaded, as the script does. */
void nft_batch_replace(struct nft_batch *batch, const struct nft_ruleset *ruleset);
/* For people: a line for each message, below a rule's its expressions. */
void nft_batch_print(struct out *out, const struct nft_batch *batch);

#endif
