/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random IP sets with nested exceptions, the same at every run. */
#ifndef PVEFW_RANDOM_SETS_H
#define PVEFW_RANDOM_SETS_H

#include "net/prefix_set.h"

enum { ENTRIES_MOST = 40 };

static uint64_t state = 88172645463325252u;

static inline uint32_t random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % limit;
}

static inline void random_address(uint8_t *address, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		address[i] = (uint8_t)random_below(256);
}

/* Often within one before, so that they are nested, and often at the ends of the address space. */
static inline struct prefix_entry random_entry(const struct prefix_entry *before, uint32_t count, unsigned family)
{
	unsigned bits = family == AF_INET ? 32 : 128;
	struct prefix_entry e = { .nomatch = random_below(3) == 0 };

	e.prefix.family = (uint8_t)family;
	random_address(e.prefix.bytes, bits / 8);
	e.prefix.length = (uint8_t)random_below(bits + 1);
	if (count && random_below(4)) {
		const struct prefix *outer = &before[random_below(count)].prefix;

		for (unsigned bit = 0; outer->family == family && bit < outer->length; bit++) {
			uint8_t mask = (uint8_t)(0x80 >> bit % 8);

			e.prefix.bytes[bit / 8] = (uint8_t)((e.prefix.bytes[bit / 8] & ~mask) | (outer->bytes[bit / 8] & mask));
		}
		if (outer->family == family)
			e.prefix.length = (uint8_t)(outer->length + random_below(bits - outer->length + 1));
	}
	if (random_below(10) == 0)
		memset(e.prefix.bytes, random_below(2) ? 0xff : 0, bits / 8);
	return e;
}

static inline uint32_t random_set(struct prefix_entry *entries, unsigned family)
{
	uint32_t count = random_below(ENTRIES_MOST + 1);

	for (uint32_t i = 0; i < count; i++)
		entries[i] = random_entry(entries, i, random_below(20) ? family : AF_INET + AF_INET6 - family);
	return count;
}

static inline void step(uint8_t *address, unsigned size, int by)
{
	for (unsigned i = size; i-- > 0;) {
		address[i] = (uint8_t)(address[i] + by);
		if (by > 0 ? address[i] != 0 : address[i] != 0xff)
			return;
	}
}

enum { CORNERS = 4 };

/* The first and the last address of a prefix, and the ones beside them. */
static inline void corner_of(const struct prefix *prefix, unsigned corner, uint8_t address[16])
{
	struct prefix p = *prefix;

	prefix_clear_host_bits(&p);
	memcpy(address, p.bytes, 16);
	for (unsigned bit = p.length; corner > 1 && bit < prefix_bits(&p); bit++)
		address[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	if (corner % 2)
		step(address, prefix_bits(&p) / 8, corner > 1 ? 1 : -1);
}

#endif
