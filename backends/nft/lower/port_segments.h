/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segments of ports: for a list of rules with ranges of ports, which rules can match a port. */
#ifndef PVEFW_NFT_LOWER_PORT_SEGMENTS_H
#define PVEFW_NFT_LOWER_PORT_SEGMENTS_H

#include "base/arena.h"

/* A rule of the list: its ports, all of them if it does not ask. */
struct port_member {
	uint16_t first, last;
	uint32_t weight; /* what a copy of it costs */
};

/* Members that can match the ports of a segment, as ascending indices. */
struct port_list {
	const uint32_t *members;
	uint32_t count;
	uint16_t first, last; /* the lowest segment that has the list */
	uint16_t highest;     /* the last port of the highest one */
};

struct port_segment {
	uint16_t first, last;
	uint32_t list; /* an index of `lists` */
};

/* Segments cover all ports, in ascending order, and neighbours have different lists. */
struct port_segments {
	struct port_segment *segments;
	struct port_list *lists; /* distinct */
	uint32_t segment_count, list_count;
	uint32_t weight; /* of all members of all lists */
};

/*
 * Divides the ports so that a list has at most `list_max` members, unless all of them match each port of its
 * segment.  Returns false if the lists weigh more than `weight_max`.  All is from `arena`.
 */
bool port_segments_make(struct arena *arena, const struct port_member *members, uint32_t count, uint32_t list_max,
			uint32_t weight_max, struct port_segments *segments);

#endif
