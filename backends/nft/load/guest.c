/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change of one guest's file, without the other guests: a difference of the guest's own chains.
 *
 * The guest is lowered alone, as it was and as it is.  What it shares with others (the base chains, maps and sets of all
 * guests) then holds nothing but its own part; where that part is the same both times, the whole is, too, and only
 * the guest's own chains can differ.  Their rules name sets of all kinds: one that is loaded with the same contents,
 * under whatever name, is the one they mean.
 *
 * Everything else, such as a NIC that comes, an option that puts other chains in front, or a set that another guest has
 * under the same name, is left to loading all.
 */
#include <stdio.h>

#include "base/parallel_for.h"
#include "nft/load/objects.h"

/* The guest at one time. */
struct guest_side {
	struct guest_view view;
	struct arena arena;
	const struct nft_ruleset *ruleset;
	struct nft_objects objects;
};

struct guest_load {
	struct backend_loading *loading;
	struct nft_cache *cache;
	char prefixes[3][32]; /* of the guest's own chains */
	struct guest_side sides[2];
	struct object_map *old, *new;
};

/* tap100i0-in, veth100i0-out-2, guest-100-in-1; see lower/guests.c and lower/rules.c. */
static bool is_own_chain(void *context, const struct object *object)
{
	const struct guest_load *g = context;

	for (unsigned i = 0; object->kind == NFT_OBJECT_CHAIN && i < 3; i++)
		if (text_starts(object->name, g->prefixes[i]))
			return true;
	return false;
}

static struct object *find_cached(struct guest_load *g, const struct object *object)
{
	return object_map_find(&g->cache->loaded.tables[NFT_BRIDGE], object->kind, object->name);
}

static bool is_as_before(const struct object *object)
{
	return object->other && text_equal(object->other->content, object->content);
}

/* A security group's chains depend on cluster.fw alone: one that is not loaded is new.  False: a chain that is not the
 * guest's own would change. */
static bool compare_shared_chain(struct guest_load *g, struct object *object)
{
	const struct object *cached = find_cached(g, object);

	if (is_as_before(object))
		return true;
	if (!object->other && !cached && text_starts(object->name, "group-")) {
		object->change = OBJECT_ADDED;
		return true;
	}
	return cached && text_equal(cached->content, object->content);
}

static bool is_written(const struct object *object)
{
	return object->change == OBJECT_ADDED || object->change == OBJECT_CHANGED;
}

/* Turns differences between the old and the new view into differences from the loaded ruleset. */
static bool compare_chains(struct guest_load *g)
{
	const struct object_comparison comparison = { .is_included = is_own_chain, .context = g };

	object_maps_compare(g->old, g->new, &comparison);
	for (uint32_t i = 0; i < g->new->count; i++) {
		struct object *object = &g->new->objects[i];

		if (object->kind == NFT_OBJECT_CHAIN && object->change == OBJECT_EXCLUDED && !compare_shared_chain(g, object))
			return false;
		if (object->kind == NFT_OBJECT_CHAIN && is_written(object))
			object->change = find_cached(g, object) ? OBJECT_CHANGED : OBJECT_ADDED;
	}
	for (uint32_t i = 0; i < g->old->count; i++)
		if (g->old->objects[i].change == OBJECT_REMOVED && !find_cached(g, &g->old->objects[i]))
			g->old->objects[i].change = OBJECT_EXCLUDED;
	return true;
}

/* ---- sets ---- */

/* Gives the set the name under which it is loaded, or adds it; false if its name means another one. */
static bool find_set(struct guest_load *g, struct object *object)
{
	struct nft_set *set = (struct nft_set *)(uintptr_t)nft_object_of(object)->set; /* of this lowering */
	struct nft_digest contents = nft_digest_contents(set);
	const struct object *named = find_cached(g, object), *loaded = named;

	if (!named || memcmp(&nft_object_of(named)->contents, &contents, sizeof(contents)) != 0)
		loaded = nft_cache_find_contents(g->cache, NFT_BRIDGE, &contents);
	object->change = loaded ? OBJECT_SAME : OBJECT_ADDED;
	if (loaded)
		set->name = loaded->name;
	return loaded || !named;
}

static struct object *object_of_set(struct guest_load *g, const struct nft_set *set)
{
	for (uint32_t i = 0; i < g->new->count; i++)
		if (g->new->objects[i].kind == NFT_OBJECT_SET && nft_object_of(&g->new->objects[i])->set == set)
			return &g->new->objects[i];
	return NULL;
}

/* Sets that the written chains do not use are about all guests: they must be as they were. */
static bool compare_sets(struct guest_load *g)
{
	for (uint32_t i = 0; i < g->new->count; i++) {
		const struct nft_object *o = nft_object_of(&g->new->objects[i]);

		if (g->new->objects[i].kind != NFT_OBJECT_CHAIN || !is_written(&g->new->objects[i]))
			continue;
		for (const struct nft_rule *rule = o->chain->first; rule; rule = rule->next)
			for (uint32_t n = 0; n < rule->statement_count; n++) {
				const struct nft_set *set = nft_statement_set(&rule->statements[n]);
				struct object *object = set ? object_of_set(g, set) : NULL;

				if (object && object->change == OBJECT_EXCLUDED && !find_set(g, object))
					return false;
			}
	}
	for (uint32_t i = 0; i < g->new->count; i++) {
		const struct object *object = &g->new->objects[i];

		if (object->kind == NFT_OBJECT_SET && object->change == OBJECT_EXCLUDED && !is_as_before(object))
			return false;
	}
	return true;
}

/* ---- sending ---- */

/* Replaces the digests of the loaded objects by those of the written ones. */
static void list_digests(struct guest_load *g, struct nft_change *c)
{
	const struct object *cached;

	c->loaded_digests.arena = c->desired_digests.arena = c->arena;
	for (uint32_t i = 0; i < g->new->count; i++) {
		struct object *object = &g->new->objects[i];

		if (!is_written(object))
			continue;
		cached = find_cached(g, object);
		if (cached)
			nft_digests_add(&c->loaded_digests, &nft_object_of(cached)->digest);
		if (object->kind == NFT_OBJECT_CHAIN) /* sets have other names now */
			nft_object_of(object)->digest = nft_digest_chain(nft_object_of(object)->chain);
		nft_digests_add(&c->desired_digests, &nft_object_of(object)->digest);
	}
	for (uint32_t i = 0; i < g->old->count; i++)
		if (g->old->objects[i].change == OBJECT_REMOVED)
			nft_digests_add(&c->loaded_digests, &nft_object_of(find_cached(g, &g->old->objects[i]))->digest);
}

static void update_cache(struct guest_load *g, struct nft_kernel *kernel)
{
	struct object_map *map = &g->cache->loaded.tables[NFT_BRIDGE];

	for (uint32_t i = 0; i < g->new->count; i++)
		if (is_written(&g->new->objects[i]))
			nft_cache_put(g->cache, NFT_BRIDGE, &g->new->objects[i]);
	for (uint32_t i = 0; i < g->old->count; i++)
		if (g->old->objects[i].change == OBJECT_REMOVED)
			object_map_remove(map, find_cached(g, &g->old->objects[i]));
	object_map_sort(map);
	if (nft_kernel_read_generation(kernel, &g->cache->generation) != 0)
		nft_cache_forget(g->cache);
}

/* When the kernel refuses, be it only because others have changed something, all is as it was. */
static bool send_change(struct guest_load *g, struct nft_change *c, struct nft_batch *batch)
{
	struct nft_answers answers;
	struct nft_kernel kernel;
	bool done = nft_kernel_open(&kernel) == 0;

	if (!done)
		return false;
	nft_batch_begin(batch, g->cache->generation);
	nft_write_change(c);
	nft_batch_end(batch);
	nft_loading_note(g->loading, batch);
	if (!nft_batch_is_empty(batch)) {
		done = nft_kernel_send(&kernel, g->loading->arena, batch, false, &answers);
		g->loading->kernel_time = answers.nanoseconds;
	}
	if (done)
		update_cache(g, &kernel);
	nft_kernel_close(&kernel);
	return done;
}

/* Both sides at the same time. */
static void lower_side(void *context, unsigned worker, unsigned n)
{
	struct guest_side *side = &((struct guest_load *)context)->sides[n];

	(void)worker;
	side->ruleset = nft_lower_bridge(&side->arena, &side->view.config);
	side->objects = nft_objects_of(&side->arena, side->ruleset);
}

bool nft_guest_load(struct backend_loading *loading, struct nft_cache *cache, const struct config *config,
		    const struct guest *old, const struct guest *new)
{
	struct guest_load g = { .loading = loading, .cache = cache };
	struct guest_side *now = &g.sides[1];
	struct nft_batch batch;
	bool done = false;

	if (!cache->valid)
		return false;
	snprintf(g.prefixes[0], sizeof(g.prefixes[0]), "tap%ui", old->vmid);
	snprintf(g.prefixes[1], sizeof(g.prefixes[1]), "veth%ui", old->vmid);
	snprintf(g.prefixes[2], sizeof(g.prefixes[2]), "guest-%u-", old->vmid);
	guest_view_init(&g.sides[0].view, config, old);
	guest_view_init(&now->view, config, new);
	parallel_run(2, 2, lower_side, &g);
	g.old = &g.sides[0].objects.tables[NFT_BRIDGE];
	g.new = &now->objects.tables[NFT_BRIDGE];
	if (g.old->count && g.new->count && compare_chains(&g) && compare_sets(&g)) {
		struct nft_change c = { .arena = &now->arena, .loaded = g.old, .desired = g.new };

		nft_batch_init(&batch);
		c.w = nft_writer_of(&batch, now->ruleset, NFT_BRIDGE);
		list_digests(&g, &c);
		done = send_change(&g, &c, &batch);
		nft_batch_free(&batch);
	}
	arena_free(&g.sides[0].arena);
	arena_free(&now->arena);
	return done;
}
