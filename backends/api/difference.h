/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is loaded and what is desired, as two maps from the names of objects to their contents, and the difference of
 * the two.  Objects are chains, sets, elements of a set, lines of a chain: whatever has a name or is one.
 *
 *     object_map_add(&loaded, ...);
 *     object_map_add(&desired, ...);
 *     object_maps_compare(&loaded, &desired, &comparison);
 *     for (i = 0; i < desired.count; i++)
 *             if (desired.objects[i].change == OBJECT_ADDED) ...
 */
#ifndef PVEFW_API_DIFFERENCE_H
#define PVEFW_API_DIFFERENCE_H

#include "base/arena.h"

enum object_change {
	OBJECT_SAME,
	OBJECT_EXCLUDED, /* not compared, whatever it is */
	OBJECT_CHANGED,  /* other contents */
	OBJECT_REPLACED, /* cannot be changed in place: deleted and created again */
	OBJECT_ADDED,    /* of desired ones: is not loaded */
	OBJECT_REMOVED,  /* of loaded ones: is not desired */
};

struct object {
	struct text name;
	struct text content;
	void *item;           /* private to the creator of the map */
	struct object *other; /* of the same kind and name in the other map, or NULL */
	uint8_t kind;
	uint8_t change; /* enum object_change */
};

/* Objects in the order in which they were added.  Zeroed but for the arena, it is empty. */
struct object_map {
	struct arena *arena; /* of the arrays; names and contents are the caller's */
	struct object *objects;
	uint32_t count, room;
	uint32_t *sorted; /* indices by kind and name; NULL: not sorted yet */
	uint32_t *indices; /* room for them, kept while objects come and go */
	uint32_t index_room;
};

/* Makes room for `count` objects at once. */
void object_map_reserve(struct object_map *map, uint32_t count);
/* Valid until the next one is added. */
struct object *object_map_add(struct object_map *map, uint8_t kind, struct text name, struct text content, const void *item);
/* The first one of that name, or NULL. */
struct object *object_map_find(struct object_map *map, uint8_t kind, struct text name);

/* The last one takes its place. */
void object_map_remove(struct object_map *map, struct object *object);

/* Makes `sorted`, which the functions below do when they need it: for a map that outlives an arena_mark(). */
void object_map_sort(struct object_map *map);

struct object_comparison {
	/* Says how a loaded object differs from the desired one: OBJECT_SAME, CHANGED or REPLACED.  NULL: by the bytes of
	 * the contents.  Called in the order of the desired map. */
	enum object_change (*compare)(void *context, const struct object *loaded, const struct object *desired);
	/* A subset: the others become OBJECT_EXCLUDED.  NULL: all are included. */
	bool (*is_included)(void *context, const struct object *object);
	void *context;
};

/* How many have that change; `changed` counts the replaced ones, too. */
struct object_counts {
	uint32_t added, changed, removed;
};

/*
 * Sets `change` and `other` of all objects in both maps.  Of several objects with one kind and name in a map, the first
 * belongs to the first of the other map, the second to the second.  `comparison` NULL: all, by their contents.
 */
struct object_counts object_maps_compare(struct object_map *loaded, struct object_map *desired,
					 const struct object_comparison *comparison);

/* ---- contents whose order counts ---- */

/*
 * Finds a longest sequence that two lists have in common, so that of a rule that was moved the others stay.  keys[i] of
 * `size` bytes are equal where the items are.  pair[i] becomes the index in `loaded` of what desired[i] is, or
 * UINT32_MAX; the pairs are in order.  Lists whose differing parts are longer than 1,024 on both sides are paired one by
 * one, which may leave out some.  What is needed on the way is from `arena`.
 */
void sequence_pair(struct arena *arena, const void *loaded, uint32_t loaded_count, const void *desired,
		   uint32_t desired_count, size_t size, uint32_t *pair);

#endif
