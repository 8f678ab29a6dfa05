/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of packets, exactly.
 *
 * A packet is a point with seven coordinates: interface, protocol, ports, ICMP
 * type and code, addresses; the two IP versions are two spaces.  What a rule
 * matches is a union of boxes, each the product of one set of numbers for every
 * coordinate.
 *
 * This is set arithmetic of our own and no BDD: the one library of them that
 * Debian has for C, BuDDy, keeps its nodes in global tables and has had no
 * release for many years, and rules are boxes already.  Taking boxes away from a
 * box leaves at most seven times as many pieces each time, in practice one or
 * two, and the pieces say directly which packet is an example.  A bound on their
 * number, and on all comparisons for a chain, keeps hostile input short.
 */
#ifndef PVEFW_LINT_SPACE_H
#define PVEFW_LINT_SPACE_H

#include "resolve/config.h"

/* An address of IPv6, or any smaller number in `low`. */
struct number {
	uint64_t high, low;
};

struct number_range {
	struct number first, last;
};

/* Sorted ranges, disjoint and not touching each other. */
struct values {
	const struct number_range *ranges;
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

struct box {
	unsigned version; /* IPV4 or IPV6 */
	struct values side[DIMENSIONS];
};

struct region {
	struct box *boxes;
	uint32_t count, room;
};

/* Remembers what sets and interfaces stand for, with memory of its own; regions are from the
 * arena it was made with, and can be released before it. */
struct space;

struct space *space_new(struct arena *arena);
void space_free(struct space *space);

/* What a rule (not GROUP) matches; of `iface` those packets only if its len is not 0. */
struct region space_rule(struct space *space, const struct rule *rule, struct text iface);
/* The addresses of one IP version that an endpoint or a set stands for. */
struct values space_endpoint(struct space *space, const struct endpoint *endpoint, unsigned version);
struct values space_set(struct space *space, const struct ipset *set, unsigned version);
/* All packets of one IP version. */
struct box space_everything(unsigned version);
/* All packets of one protocol to one range of ports. */
struct box space_service(struct space *space, unsigned version, uint8_t proto, uint16_t first, uint16_t last);

/* All addresses of an IP version. */
struct values space_everyone(unsigned version);

bool values_are_all(const struct values *values, enum dimension dimension, unsigned version);
/* Ranges in any order, which may overlap; they are sorted in place. */
struct values values_normal(struct number_range *ranges, uint32_t count);
struct values values_without(struct arena *arena, const struct values *a, const struct values *b);
/* Whether all of `b` is in `a`, in O(b log a). */
bool values_hold(const struct values *a, const struct values *b);
bool values_overlap(const struct values *a, const struct values *b);
struct number_range number_range_of(const struct prefix *prefix);

bool box_overlaps(const struct box *a, const struct box *b);
/* What is in both, of two that overlap. */
struct box box_common(struct arena *arena, const struct box *a, const struct box *b);
bool region_overlaps(const struct region *a, const struct region *b);
void region_add(struct arena *arena, struct region *region, const struct box *box);
/* Takes `hole` out of a region, whose pieces are from the arena; true if that made a difference. */
bool region_take(struct arena *arena, struct region *region, const struct box *hole);

/* "tcp from 192.0.2.1 port 40000 to 192.0.2.2 port 22": one packet of a box. */
const char *space_example(struct arena *arena, const struct box *box);
/* The box of one packet at the other end of a box; its ranges are in `point`. */
struct box space_last_packet(const struct box *box, struct number_range point[DIMENSIONS]);

#endif
