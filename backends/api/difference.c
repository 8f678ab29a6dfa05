/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both maps are sorted by kind and name, walked through together to find the pairs, and then compared pair by pair.
 * Sorting indices keeps the order of the objects, in which they are created and reported; a map that comes sorted, as
 * the elements of sets do, costs one pass.
 */
#include "api/difference.h"

#include <stdlib.h>

void object_map_reserve(struct object_map *map, uint32_t count)
{
	struct object *objects;

	if (count <= map->room)
		return;
	objects = ARENA_ARRAY(map->arena, struct object, count);
	if (map->count)
		memcpy(objects, map->objects, map->count * sizeof(*objects));
	map->objects = objects;
	map->room = count;
}

struct object *object_map_add(struct object_map *map, uint8_t kind, struct text name, struct text content, const void *item)
{
	if (map->count == map->room)
		object_map_reserve(map, map->room ? 2 * map->room : 64);
	map->sorted = NULL;
	map->objects[map->count] = (struct object){ .name = name, .content = content, .item = (void *)(uintptr_t)item, .kind = kind };
	return &map->objects[map->count++];
}

void object_map_remove(struct object_map *map, struct object *object)
{
	*object = map->objects[--map->count];
	map->sorted = NULL;
}

static int compare_keys(const struct object *a, const struct object *b)
{
	return a->kind != b->kind ? a->kind - b->kind : text_compare(a->name, b->name);
}

static int compare_indices(const void *a, const void *b, void *context)
{
	const struct object *objects = context;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = compare_keys(&objects[i], &objects[j]);

	return order ? order : i < j ? -1 : 1;
}

void object_map_sort(struct object_map *map)
{
	bool in_order = true;

	if (map->sorted || !map->count)
		return;
	if (map->index_room < map->count) {
		map->index_room = map->room;
		map->indices = ARENA_ARRAY(map->arena, uint32_t, map->index_room);
	}
	map->sorted = map->indices;
	for (uint32_t i = 0; i < map->count; i++) {
		map->sorted[i] = i;
		in_order = in_order && (!i || compare_keys(&map->objects[i - 1], &map->objects[i]) <= 0);
	}
	if (!in_order)
		qsort_r(map->sorted, map->count, sizeof(*map->sorted), compare_indices, map->objects);
}

struct object *object_map_find(struct object_map *map, uint8_t kind, struct text name)
{
	const struct object key = { .name = name, .kind = kind };
	uint32_t low = 0, high = map->count;

	object_map_sort(map);
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (compare_keys(&map->objects[map->sorted[middle]], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < map->count && compare_keys(&map->objects[map->sorted[low]], &key) == 0 ? &map->objects[map->sorted[low]] : NULL;
}

static void pair_objects(struct object_map *loaded, struct object_map *desired)
{
	uint32_t i = 0, j = 0;

	object_map_sort(loaded);
	object_map_sort(desired);
	while (i < loaded->count || j < desired->count) {
		struct object *l = i < loaded->count ? &loaded->objects[loaded->sorted[i]] : NULL;
		struct object *d = j < desired->count ? &desired->objects[desired->sorted[j]] : NULL;
		int order = !l ? 1 : !d ? -1 : compare_keys(l, d);

		if (order <= 0) {
			l->other = order ? NULL : d;
			i++;
		}
		if (order >= 0) {
			d->other = order ? NULL : l;
			j++;
		}
	}
}

static enum object_change compare_contents(void *context, const struct object *loaded, const struct object *desired)
{
	(void)context;
	return text_equal(loaded->content, desired->content) ? OBJECT_SAME : OBJECT_CHANGED;
}

struct object_counts object_maps_compare(struct object_map *loaded, struct object_map *desired,
					 const struct object_comparison *comparison)
{
	struct object_comparison c = comparison ? *comparison : (struct object_comparison){ .compare = compare_contents };
	struct object_counts counts = { 0 };

	if (!c.compare)
		c.compare = compare_contents;
	pair_objects(loaded, desired);
	for (uint32_t i = 0; i < desired->count; i++) {
		struct object *object = &desired->objects[i];
		bool included = !c.is_included || c.is_included(c.context, object);

		object->change = (uint8_t)(!included	   ? OBJECT_EXCLUDED
					   : object->other ? c.compare(c.context, object->other, object)
							   : OBJECT_ADDED);
		counts.added += object->change == OBJECT_ADDED;
		counts.changed += object->change == OBJECT_CHANGED || object->change == OBJECT_REPLACED;
		if (object->other)
			object->other->change = object->change;
	}
	for (uint32_t i = 0; i < loaded->count; i++) {
		struct object *object = &loaded->objects[i];

		if (object->other)
			continue;
		object->change = !c.is_included || c.is_included(c.context, object) ? OBJECT_REMOVED : OBJECT_EXCLUDED;
		counts.removed += object->change == OBJECT_REMOVED;
	}
	return counts;
}

/* ---- contents whose order counts ---- */

enum { PAIRS_MAX = 1 << 20 };

struct sequences {
	const char *loaded, *desired;
	size_t size;
	uint32_t *pair;
};

static bool items_equal(const struct sequences *s, uint32_t i, uint32_t j)
{
	return memcmp(s->desired + i * s->size, s->loaded + j * s->size, s->size) == 0;
}

/* Items [first, last_desired) and [first, last_loaded): each takes the next one that is equal. */
static void pair_next(struct sequences *s, uint32_t first, uint32_t last_desired, uint32_t last_loaded)
{
	uint32_t j = first;

	for (uint32_t i = first; i < last_desired; i++) {
		uint32_t k = j;

		while (k < last_loaded && !items_equal(s, i, k))
			k++;
		if (k == last_loaded)
			continue;
		s->pair[i] = k;
		j = k + 1;
	}
}

/* The same by the longest common subsequence. */
static void pair_most(struct sequences *s, struct arena *arena, uint32_t first, uint32_t last_desired, uint32_t last_loaded)
{
	uint32_t rows = last_desired - first, columns = last_loaded - first, i, j, width = columns + 1;
	struct arena_mark mark = arena_mark(arena);
	uint32_t *longest = ARENA_ARRAY(arena, uint32_t, (size_t)(rows + 1) * width); /* from a pair on */

	for (i = rows; i--;)
		for (j = columns; j--;) {
			uint32_t below = longest[(i + 1) * width + j], right = longest[i * width + j + 1];

			longest[i * width + j] = items_equal(s, first + i, first + j) ? longest[(i + 1) * width + j + 1] + 1 :
						 below > right			   ? below :
										     right;
		}
	for (i = j = 0; i < rows && j < columns;)
		if (items_equal(s, first + i, first + j))
			s->pair[first + i++] = first + j++;
		else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1])
			i++;
		else
			j++;
	arena_release(arena, mark);
}

void sequence_pair(struct arena *arena, const void *loaded, uint32_t loaded_count, const void *desired,
		   uint32_t desired_count, size_t size, uint32_t *pair)
{
	struct sequences s = { loaded, desired, size, pair };
	uint32_t first = 0;

	for (uint32_t i = 0; i < desired_count; i++)
		pair[i] = UINT32_MAX;
	for (; first < desired_count && first < loaded_count && items_equal(&s, first, first); first++)
		pair[first] = first;
	while (desired_count > first && loaded_count > first && items_equal(&s, desired_count - 1, loaded_count - 1))
		pair[--desired_count] = --loaded_count;
	if ((uint64_t)(desired_count - first) * (loaded_count - first) <= PAIRS_MAX)
		pair_most(&s, arena, first, desired_count, loaded_count);
	else
		pair_next(&s, first, desired_count, loaded_count);
}
