/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/program_equal.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/xmalloc.h"

struct pair_key {
	const struct model_chain *a, *b;
};

struct chain_pair {
	struct pair_key key;
	bool equal;
	UT_hash_handle hh;
};

struct program_pairs {
	struct arena arena;
	struct chain_pair *table; /* uthash */
};

struct program_pairs *program_pairs_new(void)
{
	return xcalloc(1, sizeof(struct program_pairs));
}

void program_pairs_forget(struct program_pairs *pairs)
{
	HASH_CLEAR(hh, pairs->table);
	arena_reset(&pairs->arena);
}

void program_pairs_free(struct program_pairs *pairs)
{
	program_pairs_forget(pairs);
	arena_free(&pairs->arena);
	free(pairs);
}

static bool sets_equal(const struct interval_set *a, const struct interval_set *b)
{
	if (a->count != b->count)
		return false;
	return a->ranges == b->ranges || !a->count || memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)) == 0;
}

static bool matches_equal(const struct model_step *a, const struct model_step *b)
{
	if (a->match_count != b->match_count || a->mark_mask != b->mark_mask || a->mark_value != b->mark_value ||
	    a->mark_negated != b->mark_negated)
		return false;
	for (uint32_t i = 0; i < a->match_count; i++)
		if (a->matches[i].field != b->matches[i].field || a->matches[i].negated != b->matches[i].negated ||
		    !sets_equal(&a->matches[i].values, &b->matches[i].values))
			return false;
	return true;
}

static bool chains_equal(struct program_pairs *pairs, const struct model_chain *a, const struct model_chain *b);

static bool effects_equal(struct program_pairs *pairs, const struct model_step *a, const struct model_step *b)
{
	if (a->effect != b->effect)
		return false;
	switch (a->effect) {
	case MODEL_REJECT:
		return a->reject == b->reject;
	case MODEL_QUEUE:
		return a->queue.first == b->queue.first && a->queue.last == b->queue.last;
	case MODEL_JUMP:
	case MODEL_GOTO:
		return chains_equal(pairs, a->to, b->to);
	case MODEL_MARK:
		return a->mark.keep == b->mark.keep && a->mark.bits == b->mark.bits;
	case MODEL_ACCEPT:
	case MODEL_DROP:
	case MODEL_RETURN:
	case MODEL_LOG:
		break;
	}
	return true;
}

/* The next step that decides something, from `at` on. */
static uint32_t skip_logs(const struct model_chain *chain, uint32_t at)
{
	while (at < chain->count && chain->steps[at].effect == MODEL_LOG)
		at++;
	return at;
}

static bool steps_equal(struct program_pairs *pairs, const struct model_chain *a, const struct model_chain *b)
{
	uint32_t i = skip_logs(a, 0), j = skip_logs(b, 0);

	for (; i < a->count && j < b->count; i = skip_logs(a, i + 1), j = skip_logs(b, j + 1))
		if (!matches_equal(&a->steps[i], &b->steps[j]) || !effects_equal(pairs, &a->steps[i], &b->steps[j]))
			return false;
	return i >= a->count && j >= b->count;
}

static bool chains_equal(struct program_pairs *pairs, const struct model_chain *a, const struct model_chain *b)
{
	struct pair_key key = { a, b };
	struct chain_pair *pair;

	/* The chains of a path are gone after it. */
	if (a->of_path || b->of_path)
		return steps_equal(pairs, a, b);
	HASH_FIND(hh, pairs->table, &key, sizeof(key), pair);
	if (pair)
		return pair->equal;
	pair = ARENA_NEW(&pairs->arena, struct chain_pair);
	pair->key = key;
	pair->equal = steps_equal(pairs, a, b);
	HASH_ADD(hh, pairs->table, key, sizeof(key), pair);
	return pair->equal;
}

bool program_equal(struct program_pairs *pairs, const struct model_program *a, const struct model_program *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!chains_equal(pairs, a->stages[i].chain, b->stages[i].chain))
			return false;
	return true;
}
