/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of the nodes that one run is about.
 *
 * When several nodes of a tree are checked together, a finding that is not true of all of them carries the
 * set of those it is true of. Where a set may be NULL, that means all nodes: a run about one node makes no
 * sets.
 */
#ifndef PVEFW_NODE_SET_H
#define PVEFW_NODE_SET_H

#include "base/arena.h"

/* The nodes of a run, sorted by name. */
struct node_names {
	const struct text *names;
	unsigned count;
};

struct node_set {
	const struct node_names *of;
	uint64_t bits[]; /* one for each of them */
};

/* The set that holds the node of that index alone. */
const struct node_set *node_set_one(struct arena *arena, const struct node_names *of, unsigned node);
/* The nodes that are in either; NULL (all) if one of them is. */
const struct node_set *node_set_join(struct arena *arena, const struct node_set *a, const struct node_set *b);
/* The nodes of `a` that are not in `b`, which is not NULL; `*left` tells whether there are any. */
const struct node_set *node_set_without(struct arena *arena, const struct node_set *a, const struct node_set *b,
					bool *left);
bool node_set_has(const struct node_set *set, unsigned node);
/* Whether the first node of the set comes before this one. */
bool node_set_has_earlier(const struct node_set *set, unsigned node);
/* Whether a node is in both. */
bool node_set_overlap(const struct node_set *a, const struct node_set *b);
bool node_set_equal(const struct node_set *a, const struct node_set *b);
/* Whether it is all nodes, of which there is more than one or not. */
bool node_set_is_full(const struct node_set *set);
/* "pve1, pve3" */
const char *node_set_text(struct arena *arena, const struct node_set *set);

#endif
