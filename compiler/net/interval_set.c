/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/interval_set.h"

#include <stdlib.h>

/* ---- numbers ---- */

int number_compare(struct number a, struct number b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return (a.low > b.low) - (a.low < b.low);
}

struct number number_next(struct number n)
{
	n.low++;
	n.high += n.low == 0;
	return n;
}

struct number number_previous(struct number n)
{
	n.high -= n.low == 0;
	n.low--;
	return n;
}

struct number number_small(uint64_t n)
{
	return (struct number){ 0, n };
}

struct number number_max(struct number a, struct number b)
{
	return number_compare(a, b) > 0 ? a : b;
}

static uint64_t number_half(const uint8_t *bytes, unsigned count)
{
	uint64_t n = 0;

	while (count--)
		n = n << 8 | *bytes++;
	return n;
}

struct number number_of_address(const uint8_t *bytes, unsigned size)
{
	if (size == 4)
		return number_small(number_half(bytes, 4));
	return (struct number){ number_half(bytes, 8), number_half(bytes + 8, 8) };
}

/* All bits below the prefix. */
static struct number host_mask(unsigned bits)
{
	struct number mask = { 0, UINT64_MAX };

	if (bits < 64)
		return number_small(((uint64_t)1 << bits) - 1);
	mask.high = bits == 128 ? UINT64_MAX : ((uint64_t)1 << (bits - 64)) - 1;
	return mask;
}

struct interval interval_of_prefix(const struct prefix *prefix)
{
	struct number at = number_of_address(prefix->bytes, prefix_bits(prefix) / 8);
	struct number mask = host_mask(prefix_bits(prefix) - prefix->length);

	return (struct interval){ { at.high & ~mask.high, at.low & ~mask.low },
				  { at.high | mask.high, at.low | mask.low } };
}

/* ---- sets of numbers ---- */

static const struct interval everyone[2] = {
	{ { 0, 0 }, { 0, UINT32_MAX } },
	{ { 0, 0 }, { UINT64_MAX, UINT64_MAX } },
};

struct interval_set interval_set_everyone(int family)
{
	return (struct interval_set){ &everyone[family == AF_INET6], 1 };
}

static int by_first(const void *a, const void *b)
{
	return number_compare(((const struct interval *)a)->first, ((const struct interval *)b)->first);
}

struct interval_set interval_set_normalize(struct interval *ranges, uint32_t count)
{
	uint32_t kept = 0;

	if (count)
		qsort(ranges, count, sizeof(*ranges), by_first);
	for (uint32_t i = 0; i < count; i++) {
		struct interval *last = kept ? &ranges[kept - 1] : NULL;

		/* Overlapping or adjacent. */
		if (last && (number_compare(ranges[i].first, last->last) <= 0 ||
			     number_compare(ranges[i].first, number_next(last->last)) == 0))
			last->last = number_max(last->last, ranges[i].last);
		else
			ranges[kept++] = ranges[i];
	}
	return (struct interval_set){ ranges, kept };
}

const struct interval *interval_set_from(const struct interval_set *a, struct number n)
{
	uint32_t low = 0, high = a->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (number_compare(a->ranges[middle].last, n) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->count ? &a->ranges[low] : NULL;
}

bool interval_set_overlaps(const struct interval_set *a, const struct interval_set *b)
{
	uint32_t i = 0, j = 0;

	if (a->ranges == b->ranges && a->count)
		return true;
	/* A few addresses in a large set are looked up one by one. */
	if (a->count > b->count) {
		const struct interval_set *swapped = a;

		a = b;
		b = swapped;
	}
	if (b->count >= 16 && a->count < b->count / 8) {
		for (; i < a->count; i++) {
			const struct interval *range = interval_set_from(b, a->ranges[i].first);

			if (range && number_compare(range->first, a->ranges[i].last) <= 0)
				return true;
		}
		return false;
	}
	while (i < a->count && j < b->count) {
		if (number_compare(a->ranges[i].last, b->ranges[j].first) < 0)
			i++;
		else if (number_compare(b->ranges[j].last, a->ranges[i].first) < 0)
			j++;
		else
			return true;
	}
	return false;
}

/* The last range of `a` that begins at or before `n`, or NULL. */
static const struct interval *range_before(const struct interval_set *a, struct number n)
{
	uint32_t low = 0, high = a->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (number_compare(a->ranges[middle].first, n) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &a->ranges[low - 1] : NULL;
}

bool interval_set_contains(const struct interval_set *a, const struct interval_set *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct interval *range = range_before(a, b->ranges[i].first);

		if (!range || number_compare(range->last, b->ranges[i].last) < 0)
			return false;
	}
	return true;
}

struct interval_set interval_set_intersect(struct arena *arena, const struct interval_set *a,
					   const struct interval_set *b)
{
	struct interval *ranges;
	uint32_t count = 0;

	if (a->ranges == b->ranges && a->count == b->count)
		return *a;
	ranges = ARENA_ARRAY(arena, struct interval, a->count + b->count);
	for (uint32_t i = 0, j = 0; i < a->count && j < b->count;) {
		struct number first = number_max(a->ranges[i].first, b->ranges[j].first);
		bool a_ends = number_compare(a->ranges[i].last, b->ranges[j].last) < 0;
		struct number last = a_ends ? a->ranges[i].last : b->ranges[j].last;

		if (number_compare(first, last) <= 0)
			ranges[count++] = (struct interval){ first, last };
		if (a_ends)
			i++;
		else
			j++;
	}
	return (struct interval_set){ ranges, count };
}

struct interval_set interval_set_subtract(struct arena *arena, const struct interval_set *a,
					  const struct interval_set *b)
{
	struct interval *ranges;
	uint32_t count = 0, j = 0;

	if (a->ranges == b->ranges && a->count == b->count)
		return (struct interval_set){ NULL, 0 };
	ranges = ARENA_ARRAY(arena, struct interval, a->count + b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		struct interval rest = a->ranges[i];
		bool over = false;

		while (j < b->count && number_compare(b->ranges[j].last, rest.first) < 0)
			j++;
		for (uint32_t k = j;
		     k < b->count && !over && number_compare(b->ranges[k].first, rest.last) <= 0; k++) {
			if (number_compare(rest.first, b->ranges[k].first) < 0)
				ranges[count++] = (struct interval){ rest.first,
								     number_previous(b->ranges[k].first) };
			over = number_compare(b->ranges[k].last, rest.last) >= 0;
			rest.first = number_next(b->ranges[k].last);
		}
		if (!over)
			ranges[count++] = rest;
	}
	return (struct interval_set){ ranges, count };
}

struct interval_set interval_set_of_prefixes(struct arena *arena, const struct prefix *prefixes,
					     uint32_t count, unsigned family_mask)
{
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, count);
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++)
		if (prefix_family_mask(&prefixes[i]) == family_mask)
			ranges[found++] = interval_of_prefix(&prefixes[i]);
	return interval_set_normalize(ranges, found);
}
