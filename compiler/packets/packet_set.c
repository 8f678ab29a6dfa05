/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic on intervals and cubes, and the translation of rules into cubes.  The addresses of an IP set are computed
 * once and cached by the set's pointer; interfaces are numbered in the order of their first use.
 */
#include "packets/packet_set.h"

#include <stdlib.h>

#include "net/prefix_set.h"

/* ---- numbers ---- */

static int number_compare(struct number a, struct number b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return (a.low > b.low) - (a.low < b.low);
}

static struct number number_next(struct number n)
{
	n.low++;
	n.high += n.low == 0;
	return n;
}

static struct number number_small(uint64_t n)
{
	return (struct number){ 0, n };
}

static struct number number_max(struct number a, struct number b)
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

/* All values of each dimension; of addresses those of IPv6. */
static const struct interval everything[DIMENSIONS] = {
	[DIM_IFACE] = { { 0, 0 }, { 0, UINT32_MAX } },
	[DIM_PROTO] = { { 0, 0 }, { 0, UINT8_MAX } },
	[DIM_DPORT] = { { 0, 0 }, { 0, UINT16_MAX } },
	[DIM_SPORT] = { { 0, 0 }, { 0, UINT16_MAX } },
	[DIM_ICMP] = { { 0, 0 }, { 0, UINT16_MAX } },
	[DIM_SOURCE] = { { 0, 0 }, { UINT64_MAX, UINT64_MAX } },
	[DIM_DEST] = { { 0, 0 }, { UINT64_MAX, UINT64_MAX } },
};

static const struct interval every_ipv4 = { { 0, 0 }, { 0, UINT32_MAX } };

static struct interval_set interval_set_full(enum dimension dimension, unsigned family_mask)
{
	bool ipv4 = family_mask == IPV4 && (dimension == DIM_SOURCE || dimension == DIM_DEST);

	return (struct interval_set){ ipv4 ? &every_ipv4 : &everything[dimension], 1 };
}

struct interval_set space_everyone(unsigned family_mask)
{
	return interval_set_full(DIM_SOURCE, family_mask);
}

bool interval_set_is_full(const struct interval_set *values, enum dimension dimension, unsigned family_mask)
{
	struct interval_set all = interval_set_full(dimension, family_mask);

	return values->count == 1 && number_compare(values->ranges[0].first, all.ranges[0].first) == 0 &&
	       number_compare(values->ranges[0].last, all.ranges[0].last) == 0;
}

static int by_first(const void *a, const void *b)
{
	return number_compare(((const struct interval *)a)->first,
			      ((const struct interval *)b)->first);
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

bool interval_set_overlaps(const struct interval_set *a, const struct interval_set *b)
{
	uint32_t i = 0, j = 0;

	if (a->ranges == b->ranges && a->count)
		return true;
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

struct interval_set interval_set_intersect(struct arena *arena, const struct interval_set *a, const struct interval_set *b)
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

struct interval_set interval_set_subtract(struct arena *arena, const struct interval_set *a, const struct interval_set *b)
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
		for (uint32_t k = j; k < b->count && !over && number_compare(b->ranges[k].first, rest.last) <= 0; k++) {
			struct number before = b->ranges[k].first;

			before.high -= before.low == 0;
			before.low--;
			if (number_compare(rest.first, b->ranges[k].first) < 0)
				ranges[count++] = (struct interval){ rest.first, before };
			over = number_compare(b->ranges[k].last, rest.last) >= 0;
			rest.first = number_next(b->ranges[k].last);
		}
		if (!over)
			ranges[count++] = rest;
	}
	return (struct interval_set){ ranges, count };
}

struct interval_set interval_set_of_prefixes(struct arena *arena, const struct prefix *prefixes, uint32_t count,
					     unsigned family_mask)
{
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, count);
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++)
		if (prefix_family_mask(&prefixes[i]) == family_mask)
			ranges[found++] = interval_of_prefix(&prefixes[i]);
	return interval_set_normalize(ranges, found);
}

/* ---- cubes ---- */

bool cube_overlaps(const struct cube *a, const struct cube *b)
{
	if (a->family_mask != b->family_mask)
		return false;
	for (int d = 0; d < DIMENSIONS; d++)
		if (!interval_set_overlaps(&a->side[d], &b->side[d]))
			return false;
	return true;
}

struct cube cube_intersect(struct arena *arena, const struct cube *a, const struct cube *b)
{
	struct cube common = { .family_mask = a->family_mask };

	for (int d = 0; d < DIMENSIONS; d++)
		common.side[d] = interval_set_intersect(arena, &a->side[d], &b->side[d]);
	return common;
}

bool packet_set_overlaps(const struct packet_set *a, const struct packet_set *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++)
			if (cube_overlaps(&a->cubes[i], &b->cubes[j]))
				return true;
	return false;
}

void packet_set_add(struct arena *arena, struct packet_set *set, const struct cube *cube)
{
	if (set->count == set->room) {
		struct cube *cubes = ARENA_ARRAY(arena, struct cube, set->room * 2 + 1);

		if (set->count)
			memcpy(cubes, set->cubes, set->count * sizeof(*cubes));
		set->cubes = cubes;
		set->room = set->room * 2 + 1;
	}
	set->cubes[set->count++] = *cube;
}

void packet_set_add_all(struct arena *arena, struct packet_set *set, const struct packet_set *other)
{
	for (uint32_t i = 0; i < other->count; i++)
		packet_set_add(arena, set, &other->cubes[i]);
}

/* Adds the pieces of `cube` outside of `hole` to `pieces`: one for each dimension in which the cube is not inside. */
static void cube_subtract(struct arena *arena, struct cube cube, const struct cube *hole, struct packet_set *pieces)
{
	for (int d = 0; d < DIMENSIONS; d++) {
		const struct interval_set *a = &cube.side[d], *b = &hole->side[d];
		struct cube piece = cube;

		/* The usual case, and quick to test: all of `a` is in the only interval of `b`. */
		if (b->count == 1 && number_compare(b->ranges[0].first, a->ranges[0].first) <= 0 &&
		    number_compare(a->ranges[a->count - 1].last, b->ranges[0].last) <= 0)
			continue;
		piece.side[d] = interval_set_subtract(arena, a, b);
		if (piece.side[d].count)
			packet_set_add(arena, pieces, &piece);
		cube.side[d] = interval_set_intersect(arena, a, b);
	}
}

bool packet_set_subtract(struct arena *arena, struct packet_set *set, const struct cube *hole)
{
	uint32_t kept = 0, count = set->count;
	struct packet_set pieces = { .count = 0 };

	for (uint32_t i = 0; i < count; i++) {
		if (cube_overlaps(&set->cubes[i], hole))
			cube_subtract(arena, set->cubes[i], hole, &pieces);
		else
			set->cubes[kept++] = set->cubes[i];
	}
	set->count = kept;
	packet_set_add_all(arena, set, &pieces);
	return kept != count;
}

void packet_set_subtract_all(struct arena *arena, struct packet_set *set, const struct packet_set *holes)
{
	for (uint32_t i = 0; i < holes->count && set->count; i++)
		packet_set_subtract(arena, set, &holes->cubes[i]);
}

/* ---- sets, interfaces, addresses ---- */

struct cached_set {
	const struct ipset *set;
	struct interval_set values[2]; /* IPv4, IPv6 */
	UT_hash_handle hh;
};

struct numbered_iface {
	struct text name;
	struct interval number;
	UT_hash_handle hh;
};

struct space {
	struct arena *arena;           /* of results; the caller may release them */
	struct arena kept;             /* of the caches */
	struct cached_set *sets;       /* uthash */
	struct numbered_iface *ifaces; /* uthash */
};

struct space *space_new(struct arena *arena)
{
	struct space *space = ARENA_NEW(arena, struct space);

	space->arena = arena;
	return space;
}

void space_free(struct space *space)
{
	HASH_CLEAR(hh, space->sets);
	HASH_CLEAR(hh, space->ifaces);
	arena_free(&space->kept);
}

static struct interval_set one_range(struct space *space, struct number first, struct number last)
{
	struct interval *range = ARENA_NEW(space->arena, struct interval);

	*range = (struct interval){ first, last };
	return (struct interval_set){ range, 1 };
}

static struct interval_set iface_values(struct space *space, struct text name)
{
	struct numbered_iface *cached = NULL;

	if (space->ifaces)
		HASH_FIND(hh, space->ifaces, name.ptr, name.len, cached);
	if (!cached) {
		cached = ARENA_NEW(&space->kept, struct numbered_iface);
		cached->name = name;
		cached->number.first = cached->number.last = number_small(HASH_COUNT(space->ifaces) + 1);
		HASH_ADD_KEYPTR(hh, space->ifaces, cached->name.ptr, cached->name.len, cached);
	}
	return (struct interval_set){ &cached->number, 1 };
}

static struct interval_set resolve_set(struct space *space, const struct ipset *set, unsigned family_mask)
{
	uint32_t count = 0;
	struct prefix_entry *entries;
	struct interval *ranges;
	struct address_set found;

	for (const struct set_entry *e = set->entries; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(&space->kept, struct prefix_entry, count);
	count = 0;
	for (const struct set_entry *e = set->entries; e; e = e->next)
		if (!e->alias || e->alias->valid)
			entries[count++] = (struct prefix_entry){ e->alias ? e->alias->prefix : e->prefix, e->nomatch };
	found = prefix_set_resolve(&space->kept, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	ranges = ARENA_ARRAY(&space->kept, struct interval, found.count);
	for (uint32_t i = 0; i < found.count; i++)
		ranges[i] = (struct interval){ number_of_address(found.ranges[i].first, found.size),
					       number_of_address(found.ranges[i].last, found.size) };
	return (struct interval_set){ ranges, found.count };
}

struct interval_set space_set(struct space *space, const struct ipset *set, unsigned family_mask)
{
	struct cached_set *cached;

	HASH_FIND_PTR(space->sets, &set, cached);
	if (!cached) {
		cached = ARENA_NEW(&space->kept, struct cached_set);
		cached->set = set;
		cached->values[0] = resolve_set(space, set, IPV4);
		cached->values[1] = resolve_set(space, set, IPV6);
		HASH_ADD_PTR(space->sets, set, cached);
	}
	return cached->values[family_mask == IPV6];
}

struct interval_set space_endpoint(struct space *space, const struct endpoint *endpoint, unsigned family_mask)
{
	const struct prefix *p = endpoint->prefixes;

	switch (endpoint->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		return space_set(space, endpoint->ipset, family_mask);
	case ENDPOINT_ALIAS:
		return interval_set_of_prefixes(space->arena, &endpoint->alias->prefix, 1, family_mask);
	case ENDPOINT_RANGE:
		if (prefix_family_mask(&p[0]) != family_mask)
			return (struct interval_set){ NULL, 0 };
		return one_range(space, interval_of_prefix(&p[0]).first, interval_of_prefix(&p[1]).last);
	case ENDPOINT_LIST:
		return interval_set_of_prefixes(space->arena, p, endpoint->count, family_mask);
	}
	return interval_set_full(DIM_SOURCE, family_mask);
}

/* ---- rules ---- */

static struct interval_set port_values(struct space *space, const struct ports *ports, enum dimension dimension)
{
	struct interval *ranges;

	if (!ports || !ports->count)
		return interval_set_full(dimension, 0);
	ranges = ARENA_ARRAY(space->arena, struct interval, ports->count);
	for (uint32_t i = 0; i < ports->count; i++)
		ranges[i] = (struct interval){ number_small(ports->ranges[i].first), number_small(ports->ranges[i].last) };
	return interval_set_normalize(ranges, ports->count);
}

static struct interval_set icmp_type_values(struct space *space, const struct icmp_type *type)
{
	uint64_t first = (uint64_t)type->type << 8;

	if (type->code >= 0)
		return one_range(space, number_small(first | (uint64_t)type->code), number_small(first | (uint64_t)type->code));
	return one_range(space, number_small(first), number_small(first | 0xff));
}

static struct interval_set icmp_values(struct space *space, const struct icmp_match *match)
{
	uint64_t number;

	if (match->type && match->type->type >= 0)
		return icmp_type_values(space, match->type);
	if (match->type || !text_to_number(match->text, UINT8_MAX, &number))
		return interval_set_full(DIM_ICMP, 0);
	return one_range(space, number_small(number << 8), number_small(number << 8 | 0xff));
}

static void add_condition(struct space *space, struct packet_set *set, struct cube cube,
			  const struct condition *condition)
{
	struct interval_set second = icmp_values(space, &condition->icmp[1]);

	cube.side[DIM_PROTO] = proto_is_any(&condition->proto)
				       ? interval_set_full(DIM_PROTO, 0)
				       : one_range(space, number_small(condition->proto.number), number_small(condition->proto.number));
	cube.side[DIM_DPORT] = port_values(space, condition->dport, DIM_DPORT);
	cube.side[DIM_SPORT] = port_values(space, condition->sport, DIM_SPORT);
	cube.side[DIM_ICMP] = icmp_values(space, &condition->icmp[0]);
	cube.side[DIM_ICMP] = interval_set_intersect(space->arena, &cube.side[DIM_ICMP], &second);
	for (int d = 0; d < DIMENSIONS; d++)
		if (!cube.side[d].count)
			return;
	packet_set_add(space->arena, set, &cube);
}

struct packet_set space_rule(struct space *space, const struct rule *rule, struct text iface)
{
	struct packet_set set = { .count = 0 };

	if (!iface.len)
		iface = rule->iface;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct cube cube = { .family_mask = family_mask };

		if (!(rule->family_mask & family_mask))
			continue;
		cube.side[DIM_IFACE] = iface.len ? iface_values(space, iface) : interval_set_full(DIM_IFACE, family_mask);
		cube.side[DIM_SOURCE] = space_endpoint(space, rule->source, family_mask);
		cube.side[DIM_DEST] = space_endpoint(space, rule->dest, family_mask);
		for (uint32_t i = 0; i < rule->condition_count; i++)
			if (rule->conditions[i].family_mask & family_mask)
				add_condition(space, &set, cube, &rule->conditions[i]);
	}
	return set;
}

struct cube space_everything(unsigned family_mask)
{
	struct cube cube = { .family_mask = family_mask };

	for (int d = 0; d < DIMENSIONS; d++)
		cube.side[d] = interval_set_full((enum dimension)d, family_mask);
	return cube;
}

struct cube space_service(struct space *space, unsigned family_mask, uint8_t proto, uint16_t first, uint16_t last)
{
	struct cube cube = space_everything(family_mask);

	cube.side[DIM_PROTO] = one_range(space, number_small(proto), number_small(proto));
	cube.side[DIM_DPORT] = one_range(space, number_small(first), number_small(last));
	return cube;
}

struct cube space_packets(struct space *space, unsigned family_mask, const struct implied_packets *packets)
{
	struct cube cube = space_everything(family_mask);

	cube.side[DIM_PROTO] = one_range(space, number_small(packets->proto), number_small(packets->proto));
	cube.side[DIM_SPORT] = port_values(space, &packets->sport, DIM_SPORT);
	cube.side[DIM_DPORT] = port_values(space, &packets->dport, DIM_DPORT);
	if (packets->icmp)
		cube.side[DIM_ICMP] = icmp_type_values(space, icmp_type_find(family_mask, text_of(packets->icmp)));
	return cube;
}

/* ---- examples ---- */

/* A value of one dimension; addresses for documentation (RFC 5737, 3849) where all match. */
static struct number example_of(const struct cube *cube, enum dimension dimension)
{
	static const uint64_t usual[DIMENSIONS] = {
		[DIM_PROTO] = 6, [DIM_DPORT] = 80, [DIM_SPORT] = 40000, [DIM_ICMP] = 8 << 8
	};
	const struct interval_set *side = &cube->side[dimension];

	if (!interval_set_is_full(side, dimension, cube->family_mask)) {
		const struct interval *range = &side->ranges[0];
		bool network = number_compare(range->first, range->last) < 0 &&
			       (dimension == DIM_SOURCE || dimension == DIM_DEST);

		/* No host has the first address of a network. */
		return network ? number_next(range->first) : range->first;
	}
	if (dimension != DIM_SOURCE && dimension != DIM_DEST)
		return number_small(usual[dimension]);
	if (cube->family_mask == IPV4)
		return number_small(dimension == DIM_SOURCE ? 0xc0000201 : 0xc6336401); /* 192.0.2.1, 198.51.100.1 */
	return (struct number){ 0x20010db800000000, dimension == DIM_SOURCE ? 1 : 2 };
}

struct cube space_last_packet(const struct cube *cube, struct interval point[DIMENSIONS])
{
	struct cube packet = { .family_mask = cube->family_mask };

	for (int d = 0; d < DIMENSIONS; d++) {
		const struct interval_set *side = &cube->side[d];

		point[d].first = point[d].last = side->ranges[side->count - 1].last;
		packet.side[d] = (struct interval_set){ &point[d], 1 };
	}
	return packet;
}

static const char *address_text(struct arena *arena, struct number n, unsigned family_mask)
{
	struct prefix prefix = { .family = family_mask == IPV4 ? AF_INET : AF_INET6, .length = family_mask == IPV4 ? 32 : 128 };
	char text[PREFIX_TEXT_SIZE];
	uint32_t len;

	for (int i = 0; i < 8; i++) {
		if (family_mask == IPV6) {
			prefix.bytes[i] = (uint8_t)(n.high >> (56 - 8 * i));
			prefix.bytes[8 + i] = (uint8_t)(n.low >> (56 - 8 * i));
		} else if (i < 4) {
			prefix.bytes[i] = (uint8_t)(n.low >> (24 - 8 * i));
		}
	}
	len = prefix_format(&prefix, text);
	return arena_string(arena, (struct text){ text, len });
}

static const char *proto_text(struct arena *arena, unsigned proto)
{
	static const struct {
		unsigned number;
		const char *name;
	} names[] = { { 1, "icmp" },    { 6, "tcp" },    { 17, "udp" },     { 33, "dccp" },
		      { 58, "icmpv6" }, { 132, "sctp" }, { 136, "udplite" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == proto)
			return names[i].name;
	return arena_printf(arena, "protocol %u", proto);
}

const char *space_example(struct arena *arena, const struct cube *cube)
{
	unsigned proto = (unsigned)example_of(cube, DIM_PROTO).low;
	const char *name = proto_text(arena, proto);
	const char *source = address_text(arena, example_of(cube, DIM_SOURCE), cube->family_mask);
	const char *dest = address_text(arena, example_of(cube, DIM_DEST), cube->family_mask);
	unsigned icmp = (unsigned)example_of(cube, DIM_ICMP).low, dport = (unsigned)example_of(cube, DIM_DPORT).low;

	if (proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136)
		return arena_printf(arena, "%s from %s port %u to %s port %u", name, source,
				    (unsigned)example_of(cube, DIM_SPORT).low, dest, dport);
	if (proto == 1 || proto == 58)
		return arena_printf(arena, "%s type %u code %u from %s to %s", name, icmp >> 8, icmp & 0xff,
				    source, dest);
	return arena_printf(arena, "%s from %s to %s", name, source, dest);
}
