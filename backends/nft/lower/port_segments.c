/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports are halved until few rules are left for a range, or until all that are left match each of its ports:
 * a binary trie of 16 bits.  Its nodes have fixed borders, so that a rule that is added or removed changes the
 * segments near its own ports only.  Leaves that are neighbours and have equal lists become one segment.
 *
 * A rule is in at most two nodes of a depth that it does not cover; nodes that it covers are divided only for
 * others, and each leaf counts against the limit.  The work is at most 16 times the limit.
 */
#include "nft/lower/port_segments.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct port_divider {
	struct arena *arena;
	struct arena scratch;
	const struct port_member *members;
	struct port_segments *made;
	uint32_t list_max, weight_max;
	uint32_t segment_room, list_room;
	uint32_t *table; /* of lists by contents: 1 + index, or 0; open addressing */
	uint32_t table_room;
};

static uint64_t port_list_hash(const uint32_t *members, uint32_t count)
{
	return XXH3_64bits(members, count * sizeof(*members));
}

/* The place of the list in the table, or where it belongs. */
static uint32_t *divider_find(struct port_divider *d, const uint32_t *members, uint32_t count)
{
	uint32_t at = (uint32_t)port_list_hash(members, count) & (d->table_room - 1);

	for (; d->table[at]; at = (at + 1) & (d->table_room - 1)) {
		const struct port_list *list = &d->made->lists[d->table[at] - 1];

		if (list->count == count && (!count || memcmp(list->members, members, count * sizeof(*members)) == 0))
			break;
	}
	return &d->table[at];
}

static void divider_grow_table(struct port_divider *d)
{
	d->table_room = d->table_room ? d->table_room * 2 : 64;
	d->table = ARENA_ARRAY(d->arena, uint32_t, d->table_room);
	for (uint32_t i = 0; i < d->made->list_count; i++)
		*divider_find(d, d->made->lists[i].members, d->made->lists[i].count) = i + 1;
}

/* The index of the list; one that is new is copied, and weighed. */
static uint32_t divider_list(struct port_divider *d, const uint32_t *members, uint32_t count, uint16_t first)
{
	struct port_segments *made = d->made;
	struct port_list *list;
	uint32_t *place, *copy;

	if (made->list_count >= d->table_room / 2)
		divider_grow_table(d);
	place = divider_find(d, members, count);
	if (*place)
		return *place - 1;
	if (made->list_count == d->list_room) {
		struct port_list *more;

		d->list_room = d->list_room * 2 + 16;
		more = ARENA_ARRAY(d->arena, struct port_list, d->list_room);
		if (made->list_count)
			memcpy(more, made->lists, made->list_count * sizeof(*more));
		made->lists = more;
	}
	copy = ARENA_ARRAY(d->arena, uint32_t, count);
	if (count)
		memcpy(copy, members, count * sizeof(*copy));
	list = &made->lists[made->list_count++];
	*list = (struct port_list){ .members = copy, .count = count, .first = first };
	for (uint32_t i = 0; i < count; i++)
		made->weight += d->members[members[i]].weight;
	*place = made->list_count;
	return made->list_count - 1;
}

static void divider_leaf(struct port_divider *d, uint16_t first, uint16_t last, const uint32_t *members, uint32_t count)
{
	struct port_segments *made = d->made;
	uint32_t list = divider_list(d, members, count, first);

	if (made->segment_count && made->segments[made->segment_count - 1].list == list) {
		made->segments[made->segment_count - 1].last = last;
		return;
	}
	if (made->segment_count == d->segment_room) {
		struct port_segment *more;

		d->segment_room = d->segment_room * 2 + 16;
		more = ARENA_ARRAY(d->arena, struct port_segment, d->segment_room);
		if (made->segment_count)
			memcpy(more, made->segments, made->segment_count * sizeof(*more));
		made->segments = more;
	}
	made->segments[made->segment_count++] = (struct port_segment){ first, last, list };
}

/* Whether each member matches all ports of the range. */
static bool divider_all_cover(const struct port_divider *d, uint16_t first, uint16_t last, const uint32_t *members,
			      uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (d->members[members[i]].first > first || d->members[members[i]].last < last)
			return false;
	return true;
}

/* False: the limit is exceeded. */
static bool divider_divide(struct port_divider *d, uint16_t first, uint16_t last, const uint32_t *parent, uint32_t parent_count)
{
	struct arena_mark mark = arena_mark(&d->scratch);
	uint32_t *members = ARENA_ARRAY(&d->scratch, uint32_t, parent_count), count = 0;
	uint16_t middle = (uint16_t)(first + (last - first) / 2);
	bool done = true;

	for (uint32_t i = 0; i < parent_count; i++)
		if (d->members[parent[i]].first <= last && d->members[parent[i]].last >= first)
			members[count++] = parent[i];
	if (count <= d->list_max || divider_all_cover(d, first, last, members, count))
		divider_leaf(d, first, last, members, count);
	else
		done = divider_divide(d, first, middle, members, count) &&
		       divider_divide(d, (uint16_t)(middle + 1), last, members, count);
	arena_release(&d->scratch, mark);
	return done && d->made->weight <= d->weight_max;
}

bool port_segments_make(struct arena *arena, const struct port_member *members, uint32_t count, uint32_t list_max,
			uint32_t weight_max, struct port_segments *segments)
{
	struct port_divider d = { .arena = arena, .members = members, .made = segments, .list_max = list_max,
				  .weight_max = weight_max };
	uint32_t *all = ARENA_ARRAY(&d.scratch, uint32_t, count);
	bool done;

	*segments = (struct port_segments){ .segments = NULL };
	for (uint32_t i = 0; i < count; i++)
		all[i] = i;
	done = divider_divide(&d, 0, UINT16_MAX, all, count);
	arena_free(&d.scratch);
	for (uint32_t i = 0; i < segments->segment_count; i++) {
		const struct port_segment *segment = &segments->segments[i];
		struct port_list *list = &segments->lists[segment->list];

		if (list->first == segment->first)
			list->last = segment->last;
		list->highest = segment->last;
	}
	return done;
}
