/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table from two numbers to one, with open addressing; its memory is an arena's. */
#ifndef PVEFW_PACKET_INDEX_H
#define PVEFW_PACKET_INDEX_H

#include "base/arena.h"

struct packet_index_slot {
	uint64_t a, b;
	uint32_t value;
	bool used;
};

/* Empty first: all bytes 0. */
struct packet_index {
	struct packet_index_slot *slots;
	uint32_t count, room;
};

/* Returns the value of the key, or NULL. */
uint32_t *packet_index_find(const struct packet_index *index, uint64_t a, uint64_t b);
/* Returns the value of the key, which is new and 0 if *added is set.  Valid until the next one is added. */
uint32_t *packet_index_add(struct arena *arena, struct packet_index *index, uint64_t a, uint64_t b,
			   bool *added);

#endif
