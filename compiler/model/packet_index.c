/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/packet_index.h"

enum { INDEX_ROOM = 64 };

static uint64_t packet_index_hash(uint64_t a, uint64_t b)
{
	uint64_t h = a * 0x9e3779b97f4a7c15u ^ (b + (a >> 29)) * 0xc2b2ae3d27d4eb4fu;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

/* The slot of the key, or a free one; there always is one. */
static struct packet_index_slot *packet_index_slot(const struct packet_index *index, uint64_t a, uint64_t b)
{
	for (uint64_t at = packet_index_hash(a, b);; at++) {
		struct packet_index_slot *slot = &index->slots[at & (index->room - 1)];

		if (!slot->used || (slot->a == a && slot->b == b))
			return slot;
	}
}

uint32_t *packet_index_find(const struct packet_index *index, uint64_t a, uint64_t b)
{
	struct packet_index_slot *slot = index->room ? packet_index_slot(index, a, b) : NULL;

	return slot && slot->used ? &slot->value : NULL;
}

static void packet_index_grow(struct arena *arena, struct packet_index *index)
{
	struct packet_index old = *index;

	index->room = old.room ? old.room * 2 : INDEX_ROOM;
	index->slots = ARENA_ARRAY(arena, struct packet_index_slot, index->room);
	for (uint32_t i = 0; i < old.room; i++)
		if (old.slots[i].used)
			*packet_index_slot(index, old.slots[i].a, old.slots[i].b) = old.slots[i];
}

uint32_t *packet_index_add(struct arena *arena, struct packet_index *index, uint64_t a, uint64_t b,
			   bool *added)
{
	struct packet_index_slot *slot;

	if (index->count >= index->room / 2)
		packet_index_grow(arena, index);
	slot = packet_index_slot(index, a, b);
	*added = !slot->used;
	if (*added) {
		*slot = (struct packet_index_slot){ a, b, 0, true };
		index->count++;
	}
	return &slot->value;
}
