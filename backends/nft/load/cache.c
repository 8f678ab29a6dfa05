/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded objects by name: about 200 bytes for each chain and set, so that a service need not keep the ruleset itself,
 * nor ask the kernel for names.
 */
#include "nft/load/objects.h"

void nft_cache_forget(struct nft_cache *cache)
{
	arena_free(&cache->arena);
	*cache = (struct nft_cache){ .valid = false };
}

static void add_copy(struct nft_cache *cache, struct object_map *map, const struct object *object)
{
	struct nft_object *copy = ARENA_NEW(&cache->arena, struct nft_object);

	*copy = *nft_object_of(object);
	if (object->kind == NFT_OBJECT_SET)
		copy->contents = nft_digest_contents(copy->set);
	nft_object_refer(&cache->arena, copy, object);
	copy->is_exempt = false;
	copy->patch = NULL;
	copy->set = NULL; /* the ruleset goes */
	object_map_add(map, object->kind, arena_copy(&cache->arena, object->name), nft_digest_text(&copy->digest), copy);
}

/* What is not used now is not to be removed by nft_cache_tidy(). */
static void exempt_unused(struct nft_cache *cache)
{
	struct arena arena = { 0 };

	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct object_map *map = &cache->loaded.tables[i];

		nft_objects_reach(&arena, map);
		for (uint32_t n = 0; n < map->count; n++)
			nft_object_of(&map->objects[n])->is_exempt = !nft_object_of(&map->objects[n])->is_reached;
	}
	arena_free(&arena);
}

void nft_cache_fill(struct nft_cache *cache, struct nft_kernel *kernel, const struct nft_objects *objects)
{
	nft_cache_forget(cache);
	if (nft_kernel_read_generation(kernel, &cache->generation) != 0)
		return;
	for (unsigned i = 0; i < NFT_TABLES; i++) {
		struct object_map *map = &cache->loaded.tables[i];

		map->arena = &cache->arena;
		object_map_reserve(map, objects->tables[i].count + 16);
		for (uint32_t n = 0; n < objects->tables[i].count; n++)
			add_copy(cache, map, &objects->tables[i].objects[n]);
		object_map_sort(map); /* now, not in the way of the next change */
	}
	exempt_unused(cache);
	cache->valid = true;
}

void nft_cache_put(struct nft_cache *cache, unsigned table, struct object *cached, const struct object *object)
{
	if (!cached) {
		add_copy(cache, &cache->loaded.tables[table], object);
		return;
	}
	nft_object_of(cached)->digest = nft_object_of(object)->digest;
	nft_object_of(cached)->shape = nft_object_of(object)->shape;
	nft_object_refer(&cache->arena, nft_object_of(cached), object);
}

const struct object *nft_cache_find_contents(const struct nft_cache *cache, unsigned table, const struct nft_digest *contents)
{
	const struct object_map *map = &cache->loaded.tables[table];

	for (uint32_t i = 0; i < map->count; i++)
		if (map->objects[i].kind == NFT_OBJECT_SET &&
		    memcmp(&nft_object_of(&map->objects[i])->contents, contents, sizeof(*contents)) == 0)
			return &map->objects[i];
	return NULL;
}
