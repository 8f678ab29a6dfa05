/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact sets of packets.
 *
 * A packet is a point in seven dimensions: interface, protocol, ports, ICMP type and code, addresses; IPv4 and IPv6
 * are two spaces.  A rule matches a union of cubes, each the product of one set of intervals per dimension.
 *
 * Why no BDD: BuDDy, the only library in Debian for C, keeps its nodes in global tables and is unmaintained, and rules
 * are cubes already.  Subtracting a cube from another leaves at most seven pieces, usually one or two, and each piece
 * yields an example packet.  Callers bound the number of pieces and of comparisons against hostile input.
 */
#ifndef PVEFW_PACKET_SET_H
#define PVEFW_PACKET_SET_H

#include "lang/implied.h"
#include "config/addresses.h"
#include "config/config.h"

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

/* Translates rules into packet sets; caches the addresses of IP sets and the numbers of interfaces.  Results are from
 * the arena it was made with, whose later part may be released before space_free(). */
struct space;

struct space *space_new(struct arena *arena);
void space_free(struct space *space);

/* The packets of a rule (not GROUP); if iface.len is not 0, only those of that interface. */
struct packet_set space_rule(struct space *space, const struct rule *rule, struct text iface);
/* The addresses of one family in an endpoint or an IP set. */
struct interval_set space_endpoint(struct space *space, const struct endpoint *endpoint, unsigned family_mask);
struct interval_set space_set(struct space *space, const struct ipset *set, unsigned family_mask);
/* All packets of one family. */
struct cube space_everything(unsigned family_mask);
/* All packets of one protocol to a range of ports. */
struct cube space_service(struct space *space, unsigned family_mask, uint8_t proto, uint16_t first, uint16_t last);
/* The packets of a row of lang/implied.def that has this family. */
struct cube space_packets(struct space *space, unsigned family_mask, const struct implied_packets *packets);

/* Whether it has all values that the dimension can have. */
bool interval_set_is_full(const struct interval_set *values, enum dimension dimension, unsigned family_mask);
bool cube_overlaps(const struct cube *a, const struct cube *b);
/* The intersection of two cubes that overlap. */
struct cube cube_intersect(struct arena *arena, const struct cube *a, const struct cube *b);
bool packet_set_overlaps(const struct packet_set *a, const struct packet_set *b);
void packet_set_add(struct arena *arena, struct packet_set *set, const struct cube *cube);
void packet_set_add_all(struct arena *arena, struct packet_set *set, const struct packet_set *other);
/* Returns whether the hole overlapped the set.  The pieces are from the arena. */
bool packet_set_subtract(struct arena *arena, struct packet_set *set, const struct cube *hole);
void packet_set_subtract_all(struct arena *arena, struct packet_set *set, const struct packet_set *holes);

/* One packet of a cube in words: "tcp from 192.0.2.1 port 40000 to 192.0.2.2 port 22". */
const char *space_example(struct arena *arena, const struct cube *cube);
/* The last packet of a cube in every dimension, as a cube whose intervals are in `point`. */
struct cube space_last_packet(const struct cube *cube, struct interval point[DIMENSIONS]);

#endif
