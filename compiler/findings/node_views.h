/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run for one node would have found, taken from a run for all nodes.
 *
 * A run for one node reads the files of all guests of the tree, but knows the NICs of its own guests only.  So what it
 * finds in the files of others differs from what is found for the nodes that have them.
 */
#ifndef PVEFW_NODE_VIEWS_H
#define PVEFW_NODE_VIEWS_H

#include "resolve/compile.h"

struct node_views;

/*
 * `found` is what was found for `nodes`, not merged yet; `configs` is what compile_nodes() made of them.  Views last as
 * long as the arena of `found`, and until it is merged.  Returns NULL where a run for one node can find something else.
 */
struct node_views *node_views_new(const struct node_inputs *nodes, const struct node_configs *configs,
				  struct diags *found);

/* One node's.  The configuration shares all but its memory and diagnostics with the node's of `configs`. */
struct node_view {
	struct source_map map;
	struct diags diags;
	struct config config;
};

/* Returns false if a run for this node finds something else.  Thread-safe; all memory is the arena's. */
bool node_view_make(struct node_view *view, const struct node_views *views, unsigned node, struct arena *arena);

#endif
