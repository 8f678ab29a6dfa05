/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic on intervals and cubes, and the translation of rules into cubes.  The addresses of an IP set are computed
 * once and cached by the set's pointer; interfaces are numbered in the order of their first use.
 */
#include "packets/packet_set.h"

#include <stdlib.h>

#include "net/prefix_set.h"

/* ---- sets of numbers ---- */

/* All values of each dimension but addresses. */
static const struct interval everything[DIMENSIONS] = {
	[DIM_IFACE] = { { 0, 0 }, { 0, UINT32_MAX } },
	[DIM_PROTO] = { { 0, 0 }, { 0, UINT8_MAX } },
	[DIM_DPORT] = { { 0, 0 }, { 0, UINT16_MAX } },
	[DIM_SPORT] = { { 0, 0 }, { 0, UINT16_MAX } },
	[DIM_ICMP] = { { 0, 0 }, { 0, UINT16_MAX } },
};

static struct interval_set interval_set_full(enum dimension dimension, unsigned family_mask)
{
	if (dimension == DIM_SOURCE || dimension == DIM_DEST)
		return every_address(family_mask);
	return (struct interval_set){ &everything[dimension], 1 };
}

bool interval_set_is_full(const struct interval_set *values, enum dimension dimension, unsigned family_mask)
{
	struct interval_set all = interval_set_full(dimension, family_mask);

	return values->count == 1 && number_compare(values->ranges[0].first, all.ranges[0].first) == 0 &&
	       number_compare(values->ranges[0].last, all.ranges[0].last) == 0;
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

struct numbered_iface {
	struct text name;
	struct interval number;
	UT_hash_handle hh;
};

struct space {
	struct arena *arena;           /* of results; the caller may release them */
	struct arena kept;             /* of the caches */
	struct address_cache addresses;
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
	address_cache_free(&space->addresses);
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

struct interval_set space_endpoint(struct space *space, const struct endpoint *endpoint, unsigned family_mask)
{
	return endpoint_addresses(&space->addresses, space->arena, endpoint, family_mask);
}

struct interval_set space_set(struct space *space, const struct ipset *set, unsigned family_mask)
{
	return ipset_addresses(&space->addresses, set, family_mask);
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

static struct interval_set icmp_values(struct space *space, const struct icmp_match *match, unsigned family_mask)
{
	int number = icmp_match_type(match, family_mask);

	if (match->type && match->type->type >= 0)
		return icmp_type_values(space, match->type);
	if (match->type || number < 0)
		return interval_set_full(DIM_ICMP, 0);
	return one_range(space, number_small((uint64_t)number << 8), number_small((uint64_t)number << 8 | 0xff));
}

static void add_condition(struct space *space, struct packet_set *set, struct cube cube,
			  const struct condition *condition)
{
	struct interval_set second = icmp_values(space, &condition->icmp[1], condition->proto.icmp);

	cube.side[DIM_PROTO] = proto_is_any(&condition->proto)
				       ? interval_set_full(DIM_PROTO, 0)
				       : one_range(space, number_small(condition->proto.number), number_small(condition->proto.number));
	cube.side[DIM_DPORT] = port_values(space, condition->dport, DIM_DPORT);
	cube.side[DIM_SPORT] = port_values(space, condition->sport, DIM_SPORT);
	cube.side[DIM_ICMP] = icmp_values(space, &condition->icmp[0], condition->proto.icmp);
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
