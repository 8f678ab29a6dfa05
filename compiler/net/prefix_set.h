/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses an IP set with exceptions matches, exactly.
 *
 * In the kernel's hash:net sets the longest prefix that holds an address decides, and `nomatch` entries
 * decide for no. Interval sets of nftables know no exceptions; what a set matches is therefore computed here,
 * as the shortest list of ranges.
 */
#ifndef PVEFW_PREFIX_SET_H
#define PVEFW_PREFIX_SET_H

#include "net/address.h"
#include "base/arena.h"

/* An entry: host bits play no part.  Of entries for the same network the last decides. */
struct prefix_entry {
	struct prefix prefix;
	bool nomatch;
};

/* first <= last; in the network's byte order, IPv4 in the first four bytes. */
struct address_range {
	uint8_t first[16], last[16];
};

/* Sorted ranges, disjoint and not touching each other. */
struct address_set {
	unsigned size; /* bytes of an address: 4 or 16 */
	struct address_range *ranges;
	uint32_t count;
};

/* Returns the addresses that the entries of one IP version (4 or 6) match; ignores other entries. */
struct address_set prefix_set_resolve(struct arena *arena, const struct prefix_entry *entries,
				      uint32_t count, unsigned family);
bool address_set_has(const struct address_set *set, const uint8_t *address);
/* The shortest list of prefixes that are the range; *prefixes is from the arena. Returns how many, at most
 * 254. */
uint32_t address_range_split(struct arena *arena, const struct address_range *range, unsigned size,
			     struct prefix **prefixes);
/* The length of the prefix that is exactly this range, or -1. */
int address_range_bits(const struct address_range *range, unsigned size);

#endif
