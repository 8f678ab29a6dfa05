/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of rules, stored once: most rules of many guests ask the same of packets, and do the same.
 *
 * An open-addressing table refers to what was stored.  Contents are compared byte by byte, so callers clear
 * the bytes between members.
 */
#include "nft/lower/build.h"

#include <stdlib.h>

#include "base/xmalloc.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SHARED_ROOM = 1024 };

struct nft_shared_part {
	const void *bytes; /* NULL: free */
	uint32_t size, hash;
};

/* The part with these contents, or the place for it. */
static struct nft_shared_part *shared_find(struct nft_shared *shared, const void *bytes, uint32_t size,
					   uint32_t hash)
{
	uint32_t at = hash & (shared->room - 1);

	for (; shared->parts[at].bytes; at = (at + 1) & (shared->room - 1)) {
		const struct nft_shared_part *part = &shared->parts[at];

		if (part->hash == hash && part->size == size && memcmp(part->bytes, bytes, size) == 0)
			break;
	}
	return &shared->parts[at];
}

static void shared_grow(struct nft_shared *shared)
{
	struct nft_shared_part *old = shared->parts;
	uint32_t room = shared->room;

	shared->room = room ? room * 2 : SHARED_ROOM;
	shared->parts = xcalloc(shared->room, sizeof(*shared->parts));
	for (uint32_t i = 0; i < room; i++) {
		uint32_t at = old[i].hash & (shared->room - 1);

		while (old[i].bytes && shared->parts[at].bytes)
			at = (at + 1) & (shared->room - 1);
		if (old[i].bytes)
			shared->parts[at] = old[i];
	}
	free(old);
}

static const void *nft_share(struct nft_builder *b, const void *bytes, size_t size)
{
	uint32_t hash = (uint32_t)XXH3_64bits(bytes, size);
	struct nft_shared_part *part;
	void *copy;

	/* At least a half stays free. */
	if (b->shared.count >= b->shared.room / 2)
		shared_grow(&b->shared);
	part = shared_find(&b->shared, bytes, (uint32_t)size, hash);
	if (part->bytes)
		return part->bytes;
	copy = arena_alloc(b->arena, size);
	memcpy(copy, bytes, size);
	*part = (struct nft_shared_part){ copy, (uint32_t)size, hash };
	b->shared.count++;
	return copy;
}

const struct nft_match *nft_share_match(struct nft_builder *b, const struct nft_match *match)
{
	struct nft_match clear;

	memset(&clear, 0, sizeof(clear));
	for (unsigned i = 0; i < match->key_count; i++) {
		clear.keys[i].field = match->keys[i].field;
		clear.keys[i].masked = match->keys[i].masked;
		clear.keys[i].mask = match->keys[i].mask;
	}
	clear.key_count = match->key_count;
	clear.bits = match->bits;
	clear.op = match->op;
	clear.value = match->value;
	clear.last = match->last;
	clear.set = match->set;
	return nft_share(b, &clear, sizeof(clear));
}

static void shared_clear(struct nft_statement *clear, const struct nft_statement *s)
{
	memset(clear, 0, sizeof(*clear));
	clear->kind = s->kind;
	switch (s->kind) {
	case NFT_STMT_MATCH:
		clear->match = s->match;
		break;
	case NFT_STMT_VMAP:
		clear->vmap = s->vmap;
		break;
	case NFT_STMT_VERDICT:
		clear->verdict.kind = s->verdict.kind;
		clear->verdict.chain = s->verdict.chain;
		break;
	case NFT_STMT_COUNTER:
		break;
	case NFT_STMT_LIMIT:
		clear->limit = s->limit;
		break;
	case NFT_STMT_LOG:
		clear->log_prefix = s->log_prefix;
		break;
	case NFT_STMT_MARK:
		clear->mark.keep = s->mark.keep;
		clear->mark.bits = s->mark.bits;
		break;
	case NFT_STMT_CT_MARK:
		clear->ct_mark = s->ct_mark;
		break;
	case NFT_STMT_CT_LABEL:
		clear->ct_label = s->ct_label;
		break;
	case NFT_STMT_CT_HELPER:
		clear->helper = s->helper;
		break;
	case NFT_STMT_UPDATE:
		clear->update = s->update;
		break;
	case NFT_STMT_REJECT:
		clear->reject = s->reject;
		break;
	case NFT_STMT_QUEUE:
		clear->queue.first = s->queue.first;
		clear->queue.last = s->queue.last;
		break;
	}
}

const struct nft_statement *nft_share_statements(struct nft_builder *b,
						 const struct nft_statement *statements, uint32_t count)
{
	struct nft_statement clear[NFT_STATEMENTS_MAX];

	for (uint32_t i = 0; i < count; i++)
		shared_clear(&clear[i], &statements[i]);
	return nft_share(b, clear, count * sizeof(*clear));
}

void nft_forget_shared(struct nft_builder *b)
{
	free(b->shared.parts);
	b->shared = (struct nft_shared){ .parts = NULL };
}
