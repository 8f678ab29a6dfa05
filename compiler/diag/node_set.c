/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/node_set.h"

enum { WORD_BITS = 64 };

static unsigned words_of(const struct node_names *of)
{
	return (of->count + WORD_BITS - 1) / WORD_BITS;
}

static struct node_set *new_set(struct arena *arena, const struct node_names *of)
{
	struct node_set *set = arena_alloc(arena, sizeof(*set) + words_of(of) * sizeof(set->bits[0]));

	set->of = of;
	return set;
}

const struct node_set *node_set_one(struct arena *arena, const struct node_names *of, unsigned node)
{
	struct node_set *set = new_set(arena, of);

	set->bits[node / WORD_BITS] = UINT64_C(1) << node % WORD_BITS;
	return set;
}

const struct node_set *node_set_join(struct arena *arena, const struct node_set *a, const struct node_set *b)
{
	struct node_set *set;

	if (!a || !b)
		return NULL;
	set = new_set(arena, a->of);
	for (unsigned i = 0; i < words_of(a->of); i++)
		set->bits[i] = a->bits[i] | b->bits[i];
	return set;
}

const struct node_set *node_set_without(struct arena *arena, const struct node_set *a, const struct node_set *b,
					bool *left)
{
	struct node_set *set = new_set(arena, b->of);

	*left = false;
	for (unsigned i = 0; i < b->of->count; i++)
		if (node_set_has(a, i) && !node_set_has(b, i)) {
			set->bits[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
			*left = true;
		}
	return set;
}

bool node_set_has(const struct node_set *set, unsigned node)
{
	return !set || set->bits[node / WORD_BITS] >> node % WORD_BITS & 1;
}

bool node_set_has_earlier(const struct node_set *set, unsigned node)
{
	for (unsigned i = 0; i < node; i++)
		if (node_set_has(set, i))
			return true;
	return false;
}

bool node_set_overlap(const struct node_set *a, const struct node_set *b)
{
	if (!a || !b)
		return true;
	for (unsigned i = 0; i < words_of(a->of); i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

bool node_set_is_full(const struct node_set *set)
{
	for (unsigned i = 0; set && i < set->of->count; i++)
		if (!node_set_has(set, i))
			return false;
	return true;
}

bool node_set_equal(const struct node_set *a, const struct node_set *b)
{
	if (!a || !b)
		return node_set_is_full(a) && node_set_is_full(b);
	for (unsigned i = 0; i < words_of(a->of); i++)
		if (a->bits[i] != b->bits[i])
			return false;
	return true;
}

const char *node_set_text(struct arena *arena, const struct node_set *set)
{
	const char *text = "";

	for (unsigned i = 0; set && i < set->of->count; i++)
		if (node_set_has(set, i))
			text = arena_printf(arena, "%s%s%.*s", text, text[0] ? ", " : "",
					    TEXT_ARG(set->of->names[i]));
	return text;
}
