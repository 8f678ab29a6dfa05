/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of numbers of up to 128 bits as sorted lists of intervals: addresses, ports, protocols. */
#ifndef PVEFW_INTERVAL_SET_H
#define PVEFW_INTERVAL_SET_H

#include "base/arena.h"
#include "net/address.h"

/* An IPv6 address, or a smaller number in `low`. */
struct number {
	uint64_t high, low;
};

struct interval {
	struct number first, last;
};

/* Sorted, disjoint and not adjacent. */
struct interval_set {
	const struct interval *ranges;
	uint32_t count;
};

/* As memcmp(). */
int number_compare(struct number a, struct number b);
/* The number after `n`, and before it; they wrap. */
struct number number_next(struct number n);
struct number number_previous(struct number n);
struct number number_max(struct number a, struct number b);
struct number number_small(uint64_t n);
/* For an address of 4 or 16 bytes. */
struct number number_of_address(const uint8_t *bytes, unsigned size);
struct interval interval_of_prefix(const struct prefix *prefix);

/* All addresses of AF_INET or AF_INET6. */
struct interval_set interval_set_everyone(int family);
/* Of intervals in any order, which may overlap; sorts them in place. */
struct interval_set interval_set_normalize(struct interval *ranges, uint32_t count);
/* Of those prefixes that belong to the family. */
struct interval_set interval_set_of_prefixes(struct arena *arena, const struct prefix *prefixes,
					     uint32_t count, unsigned family_mask);
struct interval_set interval_set_intersect(struct arena *arena, const struct interval_set *a,
					   const struct interval_set *b);
struct interval_set interval_set_subtract(struct arena *arena, const struct interval_set *a,
					  const struct interval_set *b);
/* The first interval that ends at or after `n`; NULL: there is none. */
const struct interval *interval_set_from(const struct interval_set *a, struct number n);
/* Whether all of `b` is in `a`, in O(b log a). */
bool interval_set_contains(const struct interval_set *a, const struct interval_set *b);
bool interval_set_overlaps(const struct interval_set *a, const struct interval_set *b);

#endif
