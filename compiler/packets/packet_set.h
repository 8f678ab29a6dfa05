/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of packets, exactly.
 *
 * A packet is a point with seven coordinates: interface, protocol, ports, ICMP
 * type and code, addresses; the two IP versions are two spaces.  What a rule
 * matches is a union of cubes, each the product of one set of numbers for every
 * coordinate.
 *
 * This is set arithmetic of our own and no BDD: the one library of them that
 * Debian has for C, BuDDy, keeps its nodes in global tables and has had no
 * release for many years, and rules are cubes already.  Taking cubes away from a
 * cube leaves at most seven times as many pieces each time, in practice one or
 * two, and the pieces say directly which packet is an example.  A bound on their
 * number, and on all comparisons for a chain, keeps hostile input short.
 */
#ifndef PVEFW_PACKET_SET_H
#define PVEFW_PACKET_SET_H

#include "resolve/config.h"

/* An address of IPv6, or any smaller number in `low`. */
struct number {
	uint64_t high, low;
};

struct interval {
	struct number first, last;
};

/* Sorted ranges, disjoint and not touching each other. */
struct interval_set {
	const struct interval *ranges;
	uint32_t count;
};

enum dimension {
	DIM_IFACE,
	DIM_PROTO,
	DIM_DPORT,
	DIM_SPORT,
	DIM_ICMP, /* type * 256 + code */
	DIM_SOURCE,
	DIM_DEST,
	DIMENSIONS
};

struct cube {
	unsigned family_mask; /* IPV4 or IPV6 */
	struct interval_set side[DIMENSIONS];
};

struct packet_set {
	struct cube *cubes;
	uint32_t count, room;
};

/* Remembers what sets and interfaces stand for, with memory of its own; packet sets are from the
 * arena it was made with, and can be released before it. */
struct space;

struct space *space_new(struct arena *arena);
void space_free(struct space *space);

/* What a rule (not GROUP) matches; of `iface` those packets only if its len is not 0. */
struct packet_set space_rule(struct space *space, const struct rule *rule, struct text iface);
/* The addresses of one IP version that an endpoint or a set stands for. */
struct interval_set space_endpoint(struct space *space, const struct endpoint *endpoint, unsigned family_mask);
struct interval_set space_set(struct space *space, const struct ipset *set, unsigned family_mask);
/* All packets of one IP version. */
struct cube space_everything(unsigned family_mask);
/* All packets of one protocol to one range of ports. */
struct cube space_service(struct space *space, unsigned family_mask, uint8_t proto, uint16_t first, uint16_t last);

/* All addresses of an IP version. */
struct interval_set space_everyone(unsigned family_mask);

bool interval_set_is_full(const struct interval_set *values, enum dimension dimension, unsigned family_mask);
/* Ranges in any order, which may overlap; they are sorted in place. */
struct interval_set interval_set_normalize(struct interval *ranges, uint32_t count);
struct interval_set interval_set_subtract(struct arena *arena, const struct interval_set *a, const struct interval_set *b);
/* Whether all of `b` is in `a`, in O(b log a). */
bool interval_set_contains(const struct interval_set *a, const struct interval_set *b);
bool interval_set_overlaps(const struct interval_set *a, const struct interval_set *b);
struct interval interval_of_prefix(const struct prefix *prefix);

bool cube_overlaps(const struct cube *a, const struct cube *b);
/* What is in both, of two that overlap. */
struct cube cube_intersect(struct arena *arena, const struct cube *a, const struct cube *b);
bool packet_set_overlaps(const struct packet_set *a, const struct packet_set *b);
void packet_set_add(struct arena *arena, struct packet_set *set, const struct cube *cube);
/* Takes `hole` out of a set, whose pieces are from the arena; true if that made a difference. */
bool packet_set_subtract(struct arena *arena, struct packet_set *set, const struct cube *hole);

/* "tcp from 192.0.2.1 port 40000 to 192.0.2.2 port 22": one packet of a cube. */
const char *space_example(struct arena *arena, const struct cube *cube);
/* The cube of one packet at the other end of a cube; its ranges are in `point`. */
struct cube space_last_packet(const struct cube *cube, struct interval point[DIMENSIONS]);

#endif
