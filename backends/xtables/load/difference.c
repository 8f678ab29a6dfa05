/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In what two lists of lines differ, for people. */
#include "xtables/load/xt_state.h"

static void add_lines(struct object_map *map, struct text rest)
{
	long end;

	for (; rest.len && (end = text_find(rest, '\n')) >= 0; rest = (struct text){ rest.ptr + end + 1, rest.len - (uint32_t)end - 1 })
		object_map_add(map, 0, (struct text){ rest.ptr, (uint32_t)end }, TEXT(""), NULL);
}

static struct text first_of(const struct object_map *map, enum object_change change)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (map->objects[map->sorted[i]].change == change)
			return map->objects[map->sorted[i]].name;
	return TEXT("");
}

struct xt_difference xt_difference_of(struct text desired, struct text found)
{
	struct arena arena = { 0 };
	struct object_map have = { .arena = &arena }, want = { .arena = &arena };
	struct object_counts counts;
	struct xt_difference d;

	add_lines(&have, found);
	add_lines(&want, desired);
	counts = object_maps_compare(&have, &want, NULL);
	d = (struct xt_difference){ counts.added, counts.removed, first_of(&want, OBJECT_ADDED), first_of(&have, OBJECT_REMOVED) };
	arena_free(&arena);
	return d;
}

void xt_difference_print(struct out *out, const struct xt_difference *d, const char *thing)
{
	if (!d->missing && !d->foreign)
		out_printf(out, "the %ss are in a different order", thing);
	if (d->missing)
		out_printf(out, "%u %s%s missing", d->missing, thing, d->missing == 1 ? "" : "s");
	if (d->missing && d->foreign)
		out_string(out, ", ");
	if (d->foreign)
		out_printf(out, "%u foreign %s%s", d->foreign, thing, d->foreign == 1 ? "" : "s");
}
