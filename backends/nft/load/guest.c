/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of guests' files, without the other guests: a difference of the guests' own chains, in one
 * transaction, or two (nft_write_first()).
 *
 * The guests are lowered alone, as they were and as they are.  What they share with others (the base chains, maps and sets
 * of all guests) then holds nothing but their own part; where that part is the same both times, the whole is, too, and only
 * the guests' own chains and port maps can differ.  Their rules name sets of all kinds: one that is loaded with the same
 * contents, under whatever name, is the one they mean.
 *
 * Everything else, such as a NIC that comes, an option that puts other chains in front, or a set that another guest has
 * under the same name, is left to loading all.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/parallel_for.h"
#include "nft/load/objects.h"

/* The guests at one time. */
struct guest_side {
	const struct config *config;
	struct arena arena;
	const struct nft_ruleset *ruleset;
	struct nft_objects objects;
};

/* A set of the new side, and its object. */
struct set_object {
	const struct nft_set *set;
	struct object *object;
};

struct guest_load {
	struct backend_loading *loading;
	struct nft_cache *cache;
	uint32_t *vmids; /* sorted */
	unsigned count;
	struct guest_side sides[2];
	struct object_map *old, *new;
	struct set_object *sets; /* sorted by the address of the set */
	uint32_t set_count;
};

static int compare_vmids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_port_map(const struct object *object)
{
	const struct nft_set *set = object->kind == NFT_OBJECT_SET ? nft_object_of(object)->set : NULL;

	return set && set->verdicts && set->interval;
}

/* tap100i0-in, veth100i0-out-2, guest-100-in-1; see lower/guests.c, lower/rules.c and lower/port_map.c. */
static bool is_own(void *context, const struct object *object)
{
	static const struct {
		struct text prefix;
		char end;
	} kinds[] = { { TEXT_INIT("tap"), 'i' }, { TEXT_INIT("veth"), 'i' }, { TEXT_INIT("guest-"), '-' } };
	const struct guest_load *g = context;

	if (object->kind != NFT_OBJECT_CHAIN && !is_port_map(object))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct text rest = text_skip(object->name, kinds[i].prefix.len);
		uint32_t vmid = 0, len = 0;

		if (!text_starts(object->name, kinds[i].prefix.ptr))
			continue;
		for (; len < rest.len && len < 9 && rest.ptr[len] >= '0' && rest.ptr[len] <= '9'; len++)
			vmid = 10 * vmid + (uint32_t)(rest.ptr[len] - '0');
		if (len && len < rest.len && rest.ptr[len] == kinds[i].end &&
		    bsearch(&vmid, g->vmids, g->count, sizeof(vmid), compare_vmids))
			return true;
	}
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

/* False: a port map would change that is in use, so its name has stopped to stand for its contents. */
static bool compare_port_map(struct guest_load *g, struct object *object)
{
	const struct object *cached = find_cached(g, object);

	if (object->change == OBJECT_CHANGED || (cached && !text_equal(cached->content, object->content)))
		return false;
	object->change = cached ? OBJECT_SAME : OBJECT_ADDED;
	return true;
}

/* Turns differences between the old and the new view into differences from the loaded ruleset. */
static bool compare_chains(struct guest_load *g)
{
	const struct object_comparison comparison = { .is_included = is_own, .context = g };

	object_maps_compare(g->old, g->new, &comparison);
	for (uint32_t i = 0; i < g->new->count; i++) {
		struct object *object = &g->new->objects[i];

		if (object->kind == NFT_OBJECT_CHAIN && object->change == OBJECT_EXCLUDED && !compare_shared_chain(g, object))
			return false;
		if (object->kind == NFT_OBJECT_SET && object->change != OBJECT_EXCLUDED && !compare_port_map(g, object))
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

static int compare_set_objects(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct set_object *)a)->set, y = (uintptr_t)((const struct set_object *)b)->set;

	return x < y ? -1 : x > y;
}

static void index_sets(struct guest_load *g)
{
	g->sets = ARENA_ARRAY(&g->sides[1].arena, struct set_object, g->new->count);
	for (uint32_t i = 0; i < g->new->count; i++)
		if (g->new->objects[i].kind == NFT_OBJECT_SET)
			g->sets[g->set_count++] =
				(struct set_object){ nft_object_of(&g->new->objects[i])->set, &g->new->objects[i] };
	if (g->set_count)
		qsort(g->sets, g->set_count, sizeof(*g->sets), compare_set_objects);
}

static struct object *object_of_set(const struct guest_load *g, const struct nft_set *set)
{
	const struct set_object key = { set, NULL };
	const struct set_object *found =
		g->set_count ? bsearch(&key, g->sets, g->set_count, sizeof(key), compare_set_objects) : NULL;

	return found ? found->object : NULL;
}

/* Sets that the written chains do not use are about all guests: they must be as they were. */
static bool compare_sets(struct guest_load *g)
{
	index_sets(g);
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

static int compare_addresses(const void *a, const void *b)
{
	const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Finds come first, as additions and removals leave the map unsorted; the last ones go first, as others take their place. */
static void update_cache(struct guest_load *g, struct nft_kernel *kernel)
{
	struct object_map *map = &g->cache->loaded.tables[NFT_BRIDGE];
	struct object **removed = ARENA_ARRAY(&g->sides[1].arena, struct object *, g->old->count + 1);
	uint32_t count = 0;

	for (uint32_t i = 0; i < g->old->count; i++)
		if (g->old->objects[i].change == OBJECT_REMOVED)
			removed[count++] = find_cached(g, &g->old->objects[i]);
	for (uint32_t i = 0; i < g->new->count; i++)
		if (g->new->objects[i].change == OBJECT_CHANGED)
			nft_cache_put(g->cache, NFT_BRIDGE, find_cached(g, &g->new->objects[i]), &g->new->objects[i]);
	qsort(removed, count, sizeof(struct object *), compare_addresses);
	for (uint32_t i = 0; i < count; i++)
		object_map_remove(map, removed[i]);
	for (uint32_t i = 0; i < g->new->count; i++)
		if (g->new->objects[i].change == OBJECT_ADDED)
			nft_cache_put(g->cache, NFT_BRIDGE, NULL, &g->new->objects[i]);
	object_map_sort(map);
	if (nft_kernel_read_generation(kernel, &g->cache->generation) != 0)
		nft_cache_forget(g->cache);
}

/* When the kernel refuses, be it only because others have changed something, all is as it was. */
static bool send_change(struct guest_load *g, struct nft_change *c, const struct nft_ruleset *ruleset)
{
	struct nft_answers answers = { .count = 0 };
	const struct nft_batch *refused = NULL;
	struct nft_batches batches;
	struct nft_kernel kernel;
	bool done = nft_kernel_open(&kernel) == 0;

	if (!done) {
		g->loading->stale = true;
		return false;
	}
	nft_batches_begin(&batches, g->cache->generation);
	c->w = nft_writer_of(&batches.second, ruleset, NFT_BRIDGE);
	nft_write_first(c, &batches.first);
	nft_write_change(c);
	nft_batches_end(&batches);
	nft_batches_note(g->loading, &batches);
	done = nft_batches_send(&kernel, g->loading, &batches, &refused, &answers);
	/* Others have changed something since, or what is loaded is not known, or it is a part. */
	g->loading->stale = !done && (!answers.count || answers.error || answers.refusals[0].error == ERESTART ||
				      answers.refusals[0].error == EAGAIN ||
				      (refused == &batches.second && !nft_batch_is_empty(&batches.first)));
	if (done)
		update_cache(g, &kernel);
	nft_batches_free(&batches);
	nft_kernel_close(&kernel);
	return done;
}

/* Both sides at the same time. */
static void lower_side(void *context, unsigned worker, unsigned n)
{
	struct guest_side *side = &((struct guest_load *)context)->sides[n];

	(void)worker;
	side->ruleset = nft_lower_bridge(&side->arena, side->config);
	side->objects = nft_objects_of(&side->arena, side->ruleset);
}

static void lower_sides(struct guest_load *g, const struct config *config, const struct guest_change *changes)
{
	g->vmids = ARENA_ARRAY(&g->sides[0].arena, uint32_t, g->count);
	for (unsigned i = 0; i < g->count; i++)
		g->vmids[i] = changes[i].old->vmid;
	qsort(g->vmids, g->count, sizeof(*g->vmids), compare_vmids);
	for (unsigned n = 0; n < 2; n++)
		g->sides[n].config = config_of_changes(&g->sides[n].arena, config, changes, g->count, n == 1);
	parallel_run(2, 2, lower_side, g);
	g->old = &g->sides[0].objects.tables[NFT_BRIDGE];
	g->new = &g->sides[1].objects.tables[NFT_BRIDGE];
}

bool nft_guests_load(struct backend_loading *loading, struct nft_cache *cache, const struct config *config,
		     const struct guest_change *changes, unsigned count)
{
	struct guest_load g = { .loading = loading, .cache = cache, .count = count };
	struct guest_side *now = &g.sides[1];
	bool done = false;

	loading->stale = !cache->valid;
	if (!cache->valid || !count)
		return cache->valid;
	lower_sides(&g, config, changes);
	if (g.old->count && g.new->count && compare_chains(&g) && compare_sets(&g)) {
		struct nft_change c = { .arena = &now->arena, .loaded = g.old, .desired = g.new };

		list_digests(&g, &c);
		done = send_change(&g, &c, now->ruleset);
	}
	arena_free(&g.sides[0].arena);
	arena_free(&now->arena);
	return done;
}
