/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of all zones: those that say the same become one. */
#include <stdlib.h>

#include "questions/answers.h"
#include "questions/diff_rows.h"

/* A zone has at most one row of a key for each path. */
static void change_join(struct arena *arena, struct change *c, const struct change *other)
{
	c->more += other->more;
	if (c->newest == other->newest)
		return;
	c->newest = other->newest;
	*c->last_zone = ARENA_NEW(arena, struct change_zone);
	(*c->last_zone)->zone = other->newest;
	c->last_zone = &(*c->last_zone)->next;
	c->zone_count++;
}

static const char *keep_text(struct arena *arena, const char *text)
{
	return text ? arena_string(arena, text_of(text)) : NULL;
}

static struct change_values *keep_values(struct arena *arena, const struct change_values *values)
{
	struct change_values *first = NULL, **last = &first;

	for (; values; values = values->next) {
		*last = ARENA_NEW(arena, struct change_values);
		for (int i = 0; i < MODEL_FIELDS; i++)
			(*last)->exact[i] = keep_text(arena, values->exact[i]);
		last = &(*last)->next;
	}
	return first;
}

/* A copy with all that belongs to it. */
static struct change *change_keep(struct arena *arena, const struct change *c)
{
	struct change *kept = ARENA_NEW(arena, struct change);

	*kept = *c;
	kept->next = NULL;
	kept->peer = keep_text(arena, c->peer);
	kept->own = keep_text(arena, c->own);
	kept->what = keep_text(arena, c->what);
	kept->example = keep_text(arena, c->example);
	kept->from = keep_text(arena, c->from);
	kept->to = keep_text(arena, c->to);
	kept->key = keep_text(arena, c->key);
	for (int i = 0; i < MODEL_FIELDS; i++) {
		kept->exact[i] = keep_text(arena, c->exact[i]);
		kept->values[i] = keep_text(arena, c->values[i]);
	}
	kept->except = keep_values(arena, c->except);
	for (int side = 0; side < DIFF_SIDES; side++)
		kept->sides[side].decision = decision_keep(arena, &c->sides[side].decision);
	kept->zones = ARENA_NEW(arena, struct change_zone);
	kept->zones->zone = c->newest;
	kept->last_zone = &kept->zones->next;
	return kept;
}

void change_list_merge(struct arena *arena, struct change **table, const struct change *changes)
{
	for (const struct change *c = changes; c; c = c->next) {
		struct change *found;

		HASH_FIND_STR(*table, c->key, found);
		if (found) {
			change_join(arena, found, c);
			continue;
		}
		found = change_keep(arena, c);
		HASH_ADD_KEYPTR(hh, *table, found->key, strlen(found->key), found);
	}
}

/* Newly allowed first; within a kind ordinary packets, else as they were found. */
static int compare_changes(const void *a, const void *b)
{
	const struct change *x = *(struct change *const *)a, *y = *(struct change *const *)b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->ordinary != y->ordinary)
		return x->ordinary ? -1 : 1;
	return compare_numbers(x->number, y->number);
}

void change_list_finish(struct diff *diff, struct change *table)
{
	uint32_t count = HASH_COUNT(table), number = 0;
	struct change **sorted = ARENA_ARRAY(diff->arena, struct change *, count + 1),
		      **last = &diff->changes;

	for (struct change *c = table; c; c = c->hh.next) {
		c->number = number;
		sorted[number++] = c;
	}
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_changes);
	for (uint32_t i = 0; i < count && i < diff->limit; i++) {
		*last = sorted[i];
		last = &sorted[i]->next;
	}
	*last = NULL;
	diff->change_count = count < diff->limit ? count : diff->limit;
	diff->left_out = count - diff->change_count;
	HASH_CLEAR(hh, table);
}
