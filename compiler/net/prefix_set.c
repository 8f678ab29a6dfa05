/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP sets as ranges. Prefixes contain each other or have nothing in common, so sorted by address, wider ones
 * first, they are walked like brackets: a stack holds those that are open, the innermost decides for the
 * addresses up to where the next one begins or it ends itself. Addresses are strings of bytes: memcmp()
 * orders them, and all arithmetic they need is adding and taking one.
 */
#include "net/prefix_set.h"

#include <stdlib.h>

/* ---- addresses as numbers ---- */

/* False when it was the highest address, which becomes the lowest. */
static bool increment(uint8_t *address, unsigned size)
{
	while (size-- > 0)
		if (++address[size])
			return true;
	return false;
}

/* The last address of a prefix without host bits. */
static void last_address(const struct prefix *p, uint8_t last[16])
{
	memcpy(last, p->bytes, 16);
	for (unsigned bit = p->length; bit < prefix_bits(p); bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* ---- resolving ---- */

/* A prefix while it is walked. */
struct bracket {
	struct prefix prefix;
	uint8_t last[16];
	uint32_t order;
	bool nomatch;
};

struct walk {
	unsigned size;
	uint8_t at[16];  /* everything before is decided */
	bool over;       /* the highest address is decided */
	struct bracket *open[129];
	unsigned depth;
	struct address_set *set;
};

/* Wider ones first; of the same network the last written first. */
static int by_address(const void *a, const void *b)
{
	const struct bracket *x = a, *y = b;
	int order = memcmp(x->prefix.bytes, y->prefix.bytes, 16);

	if (order)
		return order;
	if (x->prefix.length != y->prefix.length)
		return x->prefix.length < y->prefix.length ? -1 : 1;
	return x->order > y->order ? -1 : 1;
}

/* Appends first..last; joins it with an adjacent range. */
static void add_range(struct address_set *set, const uint8_t *first, const uint8_t *last)
{
	struct address_range *before = set->count ? &set->ranges[set->count - 1] : NULL;
	uint8_t next[16];

	if (before) {
		memcpy(next, before->last, 16);
		if (increment(next, set->size) && memcmp(next, first, set->size) == 0) {
			memcpy(before->last, last, 16);
			return;
		}
	}
	memcpy(set->ranges[set->count].first, first, 16);
	memcpy(set->ranges[set->count].last, last, 16);
	set->count++;
}

/* The innermost open prefix decides up to `last`. */
static void decide(struct walk *w, const uint8_t *last)
{
	if (w->over || memcmp(w->at, last, w->size) > 0)
		return;
	if (!w->open[w->depth - 1]->nomatch)
		add_range(w->set, w->at, last);
	memcpy(w->at, last, 16);
	w->over = !increment(w->at, w->size);
}

static void close_innermost(struct walk *w)
{
	decide(w, w->open[w->depth - 1]->last);
	w->depth--;
}

static void open_bracket(struct walk *w, struct bracket *b)
{
	uint8_t before[16];

	while (w->depth && memcmp(w->open[w->depth - 1]->last, b->prefix.bytes, w->size) < 0)
		close_innermost(w);
	if (w->depth && memcmp(w->at, b->prefix.bytes, w->size) < 0) {
		memcpy(before, b->prefix.bytes, 16);
		/* Subtracts 1; the address is not the lowest, since w->at is lower. */
		for (unsigned i = w->size; i-- > 0 && before[i]-- == 0;)
			;
		decide(w, before);
	}
	memcpy(w->at, b->prefix.bytes, 16);
	w->open[w->depth++] = b;
}

static uint32_t make_brackets(struct bracket *brackets, const struct prefix_entry *entries, uint32_t count,
			      unsigned family)
{
	uint32_t made = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct bracket *b = &brackets[made];

		if (entries[i].prefix.family != family)
			continue;
		*b = (struct bracket){ .prefix = entries[i].prefix, .nomatch = entries[i].nomatch, .order = i };
		prefix_clear_host_bits(&b->prefix);
		last_address(&b->prefix, b->last);
		made++;
	}
	if (made > 1)
		qsort(brackets, made, sizeof(*brackets), by_address);
	return made;
}

struct address_set prefix_set_resolve(struct arena *arena, const struct prefix_entry *entries,
				      uint32_t count, unsigned family)
{
	struct address_set set = { .size = family == AF_INET ? 4 : 16 };
	struct walk w = { .size = set.size, .set = &set };
	struct bracket *brackets;

	/* An exception in the middle makes two of one. */
	set.ranges = ARENA_ARRAY(arena, struct address_range, 2 * count);
	brackets = ARENA_ARRAY(arena, struct bracket, count);
	count = make_brackets(brackets, entries, count, family);
	for (uint32_t i = 0; i < count; i++)
		if (i == 0 || brackets[i - 1].prefix.length != brackets[i].prefix.length ||
		    memcmp(brackets[i - 1].prefix.bytes, brackets[i].prefix.bytes, 16) != 0)
			open_bracket(&w, &brackets[i]);
	while (w.depth)
		close_innermost(&w);
	return set;
}

/* ---- questions ---- */

bool address_set_has(const struct address_set *set, const uint8_t *address)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(set->ranges[middle].last, address, set->size) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && memcmp(set->ranges[low].first, address, set->size) <= 0;
}

/* ---- prefixes of a range ---- */

/* The widest prefix that begins at `first` and does not reach beyond `last`. */
static struct prefix widest(const uint8_t *first, const uint8_t *last, unsigned size, uint8_t end[16])
{
	struct prefix p = { .family = size == 4 ? AF_INET : AF_INET6, .length = (uint8_t)(size * 8) };

	memcpy(p.bytes, first, size);
	memcpy(end, p.bytes, 16);
	while (p.length > 0) {
		struct prefix wider = p;
		uint8_t wider_end[16];

		wider.length--;
		last_address(&wider, wider_end);
		if (prefix_has_host_bits(&wider) || memcmp(wider_end, last, size) > 0)
			break;
		p = wider;
		memcpy(end, wider_end, 16);
	}
	return p;
}

uint32_t address_range_split(struct arena *arena, const struct address_range *range, unsigned size,
			     struct prefix **prefixes)
{
	uint8_t at[16], end[16];
	uint32_t count = 0;

	*prefixes = ARENA_ARRAY(arena, struct prefix, 2 * 8 * size);
	memcpy(at, range->first, 16);
	do {
		(*prefixes)[count++] = widest(at, range->last, size, end);
		memcpy(at, end, 16);
	} while (increment(at, size) && memcmp(at, range->last, size) <= 0);
	return count;
}

int address_range_bits(const struct address_range *range, unsigned size)
{
	unsigned at = 0, bits = size * 8;
	uint8_t host; /* bits in which the two differ */

	while (at < size && range->first[at] == range->last[at])
		at++;
	if (at == size)
		return (int)bits;
	bits = at * 8;
	for (host = range->first[at] ^ range->last[at]; !(host & 0x80 >> bits % 8); bits++)
		;
	if ((host & (host + 1)) || (range->first[at] & host))
		return -1;
	while (++at < size)
		if (range->first[at] != 0 || range->last[at] != 0xff)
			return -1;
	return (int)bits;
}
