/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loaded objects refer to: hashes of the names of a rule's sets, chains and helper, and of the chains of a verdict map.
 * What cannot be reached from a base chain is unused.  Two names of one hash only keep an object that is unused.
 */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "nft/load/objects.h"

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

void nft_objects_reach(struct arena *arena, struct object_map *map)
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
