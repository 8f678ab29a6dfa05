/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparing the kernel with the loaded objects that a service remembers, and removing those that changes of guests have left
 * unused: sets, groups' chains and port maps.  Objects that were unused when everything was loaded are left alone.
 */
#include <stdlib.h>

#include "nft/load/objects.h"

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
	nft_objects_reach(t->arena, t->cached);
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
