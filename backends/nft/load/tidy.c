/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing the kernel with the loaded objects that a service remembers, and removing those that changes of guests have left
 * unused: sets, groups' chains and port maps.
 *
 * Each object keeps hashes of the names it refers to: a rule's sets, chains and helper, the chains of a verdict map.  What
 * cannot be reached from a base chain is unused.  Objects that could not be reached when everything was loaded are left alone.
 * Two names of one hash only keep an object that is unused.
 */
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "nft/load/objects.h"

/* ---- references ---- */

static uint64_t hash_name(enum nft_object_kind kind, struct text name)
{
	return XXH3_64bits_withSeed(name.ptr, name.len, kind);
}

/* A growing list of hashes; a name that comes twice in a row is in it once. */
struct reference_list {
	struct arena *arena;
	uint64_t *hashes;
	uint32_t count, room;
};

static void add_reference(struct reference_list *list, enum nft_object_kind kind, struct text name)
{
	uint64_t hash = hash_name(kind, name), *grown;

	if (list->count && list->hashes[list->count - 1] == hash)
		return;
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		grown = ARENA_ARRAY(list->arena, uint64_t, list->room);
		if (list->count)
			memcpy(grown, list->hashes, list->count * sizeof(*grown));
		list->hashes = grown;
	}
	list->hashes[list->count++] = hash;
}

static void add_of_chain(struct reference_list *list, const struct nft_chain *chain)
{
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->statement_count; i++) {
			const struct nft_statement *s = &rule->statements[i];
			const struct nft_set *set = nft_statement_set(s);

			if (set)
				add_reference(list, NFT_OBJECT_SET, set->name);
			if (s->kind == NFT_STMT_VERDICT && s->verdict.chain)
				add_reference(list, NFT_OBJECT_CHAIN, s->verdict.chain->name);
			if (s->kind == NFT_STMT_CT_HELPER)
				add_reference(list, NFT_OBJECT_HELPER, s->helper->name);
		}
}

static void add_of_set(struct reference_list *list, const struct nft_set *set)
{
	for (uint32_t i = 0; set->verdicts && i < set->element_count; i++)
		if (set->elements[i].verdict.chain)
			add_reference(list, NFT_OBJECT_CHAIN, set->elements[i].verdict.chain->name);
}

void nft_object_refer(struct arena *arena, struct nft_object *copy, const struct object *object)
{
	struct reference_list list = { .arena = arena };

	if (object->kind == NFT_OBJECT_CHAIN)
		add_of_chain(&list, nft_object_of(object)->chain);
	else if (object->kind == NFT_OBJECT_SET)
		add_of_set(&list, nft_object_of(object)->set);
	copy->references = list.hashes;
	copy->reference_count = list.count;
}

/* ---- what is reached ---- */

struct hashed_object {
	uint64_t hash;
	struct object *object;
};

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = ((const struct hashed_object *)a)->hash, y = ((const struct hashed_object *)b)->hash;

	return x < y ? -1 : x > y;
}

/* Marks all objects of that hash; the new ones are appended to the queue. */
static void reach(struct hashed_object *all, uint32_t count, uint64_t hash, struct object **queue, uint32_t *queued)
{
	const struct hashed_object key = { hash, NULL };
	struct hashed_object *found = bsearch(&key, all, count, sizeof(key), compare_hashes), *at = found;

	while (found && at > all && at[-1].hash == hash)
		at--;
	for (; found && at < all + count && at->hash == hash; at++)
		if (!nft_object_of(at->object)->is_reached) {
			nft_object_of(at->object)->is_reached = true;
			queue[(*queued)++] = at->object;
		}
}

/* Sets is_reached of all objects. */
static void find_reached(struct arena *arena, struct object_map *map)
{
	struct hashed_object *all = ARENA_ARRAY(arena, struct hashed_object, map->count);
	struct object **queue = ARENA_ARRAY(arena, struct object *, map->count);
	const struct nft_shape regular = nft_chain_shape(NFT_HOOK_NONE, 0, false);
	uint32_t queued = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		struct object *object = &map->objects[i];
		struct nft_object *o = nft_object_of(object);

		all[i] = (struct hashed_object){ hash_name((enum nft_object_kind)object->kind, object->name), object };
		o->is_reached = object->kind == NFT_OBJECT_CHAIN && memcmp(&o->shape, &regular, sizeof(regular)) != 0;
		if (o->is_reached)
			queue[queued++] = object;
	}
	if (map->count)
		qsort(all, map->count, sizeof(*all), compare_hashes);
	for (uint32_t i = 0; i < queued; i++) {
		const struct nft_object *o = nft_object_of(queue[i]);

		for (uint32_t n = 0; n < o->reference_count; n++)
			reach(all, map->count, o->references[n], queue, &queued);
	}
}

void nft_cache_exempt_unused(struct nft_cache *cache)
{
	struct arena arena = { 0 };

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct object_map *map = &cache->loaded.tables[i];

		find_reached(&arena, map);
		for (uint32_t n = 0; n < map->count; n++)
			nft_object_of(&map->objects[n])->is_exempt = !nft_object_of(&map->objects[n])->is_reached;
	}
	arena_free(&arena);
}

/* ---- removing ---- */

/* Tidying one table. */
struct table_tidy {
	struct arena *arena;
	struct nft_cache *cache;
	struct object_map *cached;
	struct object_map unused; /* whose items are those of the cache */
	struct object_map nothing;
	struct nft_change change;
};

static void find_unused(struct table_tidy *t)
{
	find_reached(t->arena, t->cached);
	for (uint32_t i = 0; i < t->cached->count; i++) {
		const struct object *object = &t->cached->objects[i];
		const struct nft_object *o = nft_object_of(object);

		if (o->is_reached || o->is_exempt)
			continue;
		object_map_add(&t->unused, object->kind, object->name, object->content, object->item)->change = OBJECT_REMOVED;
		nft_digests_add(&t->change.loaded_digests, &o->digest);
	}
}

static bool is_unused(const struct object *object)
{
	return !nft_object_of(object)->is_reached && !nft_object_of(object)->is_exempt;
}

static void remove_unused(struct object_map *cached)
{
	for (uint32_t i = cached->count; i-- > 0;)
		if (is_unused(&cached->objects[i]))
			object_map_remove(cached, &cached->objects[i]);
	object_map_sort(cached);
}

/* Writes what is to be removed; `digests` is the ruleset of an empty table, with its set of digests. */
static void write_unused(struct table_tidy *t, struct nft_batch *batch, const struct nft_ruleset *digests, unsigned table)
{
	t->unused.arena = t->nothing.arena = t->arena;
	t->change = (struct nft_change){ .w = nft_writer_of(batch, digests, table), .arena = t->arena, .loaded = &t->unused,
					 .desired = &t->nothing };
	t->change.loaded_digests.arena = t->change.desired_digests.arena = t->arena;
	find_unused(t);
	if (t->unused.count)
		nft_write_change(&t->change);
}

/* Whether the kernel has exactly the digests of the cached objects. */
static bool has_digests_of(struct arena *arena, const struct nft_loaded_table *table, const struct object_map *cached)
{
	struct nft_digest *digests = ARENA_ARRAY(arena, struct nft_digest, cached->count);

	if (table->exists != (cached->count != 0) || table->dormant)
		return false;
	if (!cached->count)
		return true;
	if (!table->known || table->digest_count != cached->count)
		return false;
	for (uint32_t i = 0; i < cached->count; i++)
		digests[i] = nft_object_of(&cached->objects[i])->digest;
	qsort(digests, cached->count, sizeof(*digests), compare_digests_16);
	return memcmp(digests, table->digests, cached->count * sizeof(*digests)) == 0;
}

/* Tables without objects, for their sets of digests. */
static const struct nft_ruleset *empty_ruleset(struct arena *arena)
{
	struct nft_ruleset *ruleset = ARENA_NEW(arena, struct nft_ruleset);

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct nft_table *table = ARENA_NEW(arena, struct nft_table);

		*table = (struct nft_table){ .family = nft_families[i], .name = NFT_TABLE_NAME };
		table->last_set = &table->sets;
		table->last_chain = &table->chains;
		table->last_helper = &table->helpers;
		ruleset->tables[i] = table;
	}
	nft_objects_of(arena, ruleset);
	return ruleset;
}

static bool send_tidy(struct nft_kernel *kernel, struct backend_loading *loading, struct nft_cache *cache,
		      const struct nft_batches *batches)
{
	const struct nft_batch *refused;
	struct nft_answers answers;

	nft_batches_note(loading, batches);
	if (nft_batches_are_empty(batches))
		return true;
	if (!nft_batches_send(kernel, loading, batches, &refused, &answers))
		return false;
	for (unsigned i = 0; i < NFT_TABLES; i++)
		remove_unused(&cache->loaded.tables[i]);
	return nft_kernel_read_generation(kernel, &cache->generation) == 0;
}

bool nft_cache_tidy(struct backend_loading *loading, struct nft_cache *cache)
{
	struct arena arena = { 0 };
	struct table_tidy tables[NFT_TABLES];
	const struct nft_ruleset *digests;
	struct nft_loaded loaded;
	struct nft_kernel kernel;
	struct nft_batches batches;
	bool done = cache->valid && nft_kernel_open(&kernel) == 0;

	if (!done)
		return false;
	done = nft_kernel_read(&kernel, &arena, &loaded) == 0;
	for (unsigned i = 0; i < NFT_TABLES && done; i++)
		done = has_digests_of(&arena, &loaded.tables[i], &cache->loaded.tables[i]);
	if (done) {
		nft_batches_begin(&batches, loaded.generation);
		digests = empty_ruleset(&arena);
		for (unsigned i = 0; i < NFT_TABLES; i++) {
			tables[i] = (struct table_tidy){ .arena = &arena, .cache = cache, .cached = &cache->loaded.tables[i] };
			write_unused(&tables[i], &batches.second, digests, i);
		}
		nft_batches_end(&batches);
		cache->generation = loaded.generation;
		done = send_tidy(&kernel, loading, cache, &batches);
		nft_batches_free(&batches);
	}
	if (!done)
		nft_cache_forget(cache);
	nft_kernel_close(&kernel);
	arena_free(&arena);
	return done;
}
