/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's findings are its part of those of all nodes, except in the files of guests that other nodes have.  For these
 * the tree is checked once more, for a node without guests.  What is found there depends only on host.fw (nftables,
 * nf_conntrack_helpers), so one such check is enough for all nodes with the same host.fw.
 */
#include "findings/node_views.h"

#include "lint/lint.h"

struct node_views {
	const struct node_inputs *nodes;
	const struct node_configs *configs;
	struct diags *found;
	struct diags **others; /* by node: findings in files of guests on other nodes */
	uint32_t file_count;   /* of guests */
};

static bool same_host(const struct source *a, const struct source *b)
{
	return a == b || (a && b && a->size == b->size && memcmp(a->text, b->text, a->size) == 0);
}

/* Checks the tree for a node with this one's host.fw, but without guests. */
static struct diags *check_without_guests(const struct node_views *views, unsigned node)
{
	struct inputs inputs = views->nodes->inputs[node];
	struct diags *diags = ARENA_NEW(views->found->arena, struct diags);
	struct config *config;

	diags_init(diags, views->found->arena, views->found->map);
	inputs.guests = NULL;
	inputs.guest_files = views->nodes->guest_files;
	/* Without a name, all guests are other nodes'. */
	inputs.node = (struct text){ "", 0 };
	config = compile(&inputs, diags);
	lint_run(config, &inputs, diags);
	/* The tables of the SDN's sets are shared with the nodes. */
	config->sdn = (struct scope){ .kind = config->sdn.kind };
	config_free(config);
	return diags;
}

/* With more different host.fw, a run for each node on all processors is faster. */
static bool is_worthwhile(const struct node_inputs *nodes)
{
	unsigned different = 0;

	for (unsigned i = 0; i < nodes->count; i++) {
		unsigned first = 0;

		while (!same_host(nodes->inputs[first].host, nodes->inputs[i].host))
			first++;
		different += first == i;
	}
	return different * 2 <= nodes->count;
}

struct node_views *node_views_new(const struct node_inputs *nodes, const struct node_configs *configs,
				  struct diags *found)
{
	struct node_views *views = ARENA_NEW(found->arena, struct node_views);

	/* Of nodes that compile cluster.fw differently each sees only what its like says about it; and only the node
	 * itself can ask its kernel. */
	if (configs->owner_count != 1 || nodes->inputs[0].on_node || !is_worthwhile(nodes))
		return NULL;
	*views = (struct node_views){ nodes, configs, found,
				      ARENA_ARRAY(found->arena, struct diags *, nodes->count), 0 };
	for (const struct input_file *f = nodes->guest_files; f; f = f->next)
		views->file_count++;
	for (unsigned i = 0; i < nodes->count; i++) {
		unsigned first = 0;

		while (!same_host(nodes->inputs[first].host, nodes->inputs[i].host))
			first++;
		views->others[i] = first < i ? views->others[first] : check_without_guests(views, i);
	}
	return views;
}

/* ---- one node ---- */

static bool is_other_host(const struct node_views *views, const struct source *source, unsigned node)
{
	for (unsigned i = 0; i < views->nodes->count; i++)
		if (source == views->nodes->inputs[i].host)
			return i != node;
	return false;
}

static void view_map(struct node_view *view, const struct node_views *views, unsigned node, struct arena *arena)
{
	const struct source_map *all = views->found->map;

	/* The beginnings of lines, which files get on first use, are the arena's of all: they stay. */
	view->map = *all;
	view->map.sources = ARENA_ARRAY(arena, struct source *, all->count + 1);
	view->map.count = view->map.room = 0;
	for (uint32_t i = 0; i < all->count; i++)
		if (!all->sources[i]->is_fw || !is_other_host(views, all->sources[i], node))
			view->map.sources[view->map.count++] = all->sources[i];
	view->map.room = view->map.count;
}

static bool add_all(struct node_view *view, const struct node_views *views, unsigned node, bool of_others,
		    unsigned check)
{
	const struct diagnostic *d = of_others ? views->others[node]->first : views->found->first;

	for (; d; d = d->next) {
		const struct source *source = d->check != check ? NULL : source_find(views->found->map, d->span.begin);
		/* The file of a guest that the node does not have. */
		bool of_other = source && (source->is_homeless || (source->is_guest && !node_set_has(source->nodes, node)));
		struct diagnostic *copy;

		if (d->check != check || of_other != of_others || (!of_others && !node_set_has(d->nodes, node)))
			continue;
		for (const struct diag_part *p = d->parts; p; p = p->next)
			if (p->span.begin && is_other_host(views, source_find(views->found->map, p->span.begin), node))
				return false;
		copy = ARENA_NEW(view->diags.arena, struct diagnostic);
		*copy = *d;
		copy->owner = &view->diags;
		copy->nodes = NULL;
		diags_add(&view->diags, copy);
	}
	return true;
}

static void add_strangers(struct node_view *view, const struct node_views *views, unsigned node)
{
	uint32_t own = 0, strangers = 0;

	for (const struct input_file *f = views->nodes->inputs[node].guest_files; f; f = f->next)
		own++;
	for (const struct guest *g = view->config.strangers; g; g = g->next)
		strangers++;
	for (uint32_t all = views->file_count - own + strangers; strangers < all; strangers++) {
		struct guest *guest = ARENA_NEW(view->config.arena, struct guest);

		guest->next = view->config.strangers;
		view->config.strangers = guest;
	}
}

bool node_view_make(struct node_view *view, const struct node_views *views, unsigned node, struct arena *arena)
{
	view_map(view, views, node, arena);
	diags_init(&view->diags, arena, &view->map);
	/* In the order of a run about one node. */
	for (unsigned check = 0; check <= lint_count; check++)
		if (!add_all(view, views, node, false, check) || !add_all(view, views, node, true, check))
			return false;
	view->diags.linted = true;
	view->config = *views->configs->configs[node];
	view->config.arena = arena;
	view->config.diags = &view->diags;
	add_strangers(view, views, node);
	return true;
}
