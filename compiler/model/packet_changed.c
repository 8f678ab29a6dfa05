/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that two programs may treat differently.
 *
 * The steps of two chains are aligned by a common subsequence (Myers' algorithm).  A packet that matches no
 * step outside of it meets the same list of steps.  Steps that are aligned but jump to different chains are
 * compared further: only packets that match them, and a step that those chains do not share, count.  Any
 * common subsequence would do, a longer one only makes the set smaller: the search is given up where chains
 * have little in common.
 */
#include "model/packet_digest.h"

#include <stdlib.h>

#include "base/xmalloc.h"

enum { CHANGED_MOST = 1000 }; /* steps that are not common, in all */

/* The steps of a chain that decide something. */
struct changed_list {
	const struct model_step **steps;
	struct model_digest *digests;
	int32_t count;
	int32_t *twin; /* of each step: the other list's that is aligned with it, or -1 */
};

struct changes {
	struct model *m;
	struct model_digests *digests;
	struct arena arena;
	struct packet_index known; /* pairs of chains */
};

static struct changed_list changed_list(struct changes *c, const struct model_chain *chain)
{
	struct changed_list list = { .count = 0 };
	uint32_t count = chain ? chain->count : 0;

	list.steps = ARENA_ARRAY(&c->arena, const struct model_step *, count);
	list.digests = ARENA_ARRAY(&c->arena, struct model_digest, count);
	list.twin = ARENA_ARRAY(&c->arena, int32_t, count);
	for (uint32_t i = 0; i < count; i++) {
		if (digest_is_idle(&chain->steps[i]))
			continue;
		list.steps[list.count] = &chain->steps[i];
		list.digests[list.count] = digest_step(c->digests, &chain->steps[i]);
		list.twin[list.count++] = -1;
	}
	return list;
}

/* ---- the common subsequence ---- */

static bool changed_align_two(struct changed_list *a, struct changed_list *b, int32_t i, int32_t j)
{
	if (!model_digest_equal(a->digests[i], b->digests[j]))
		return false;
	a->twin[i] = j;
	b->twin[j] = i;
	return true;
}

/* The part of two lists that is still to be aligned. */
struct changed_window {
	struct changed_list *a, *b;
	int32_t a_begin, a_end, b_begin, b_end;
};

static void changed_align_ends(struct changed_window *w)
{
	while (w->a_begin < w->a_end && w->b_begin < w->b_end &&
	       changed_align_two(w->a, w->b, w->a_begin, w->b_begin)) {
		w->a_begin++;
		w->b_begin++;
	}
	while (w->a_begin < w->a_end && w->b_begin < w->b_end &&
	       changed_align_two(w->a, w->b, w->a_end - 1, w->b_end - 1)) {
		w->a_end--;
		w->b_end--;
	}
}

/* Follows common steps from (x, x - k) on. */
static int32_t changed_slide(const struct changed_window *w, int32_t x, int32_t k)
{
	int32_t y = x - k;

	while (w->a_begin + x < w->a_end && w->b_begin + y < w->b_end &&
	       model_digest_equal(w->a->digests[w->a_begin + x], w->b->digests[w->b_begin + y])) {
		x++;
		y++;
	}
	return x;
}

/* Whether the way with `d` changes to diagonal `k` begins with a step down, from diagonal k + 1. */
static bool changed_is_down(const int32_t *reach, int32_t d, int32_t k)
{
	return k == -d || (k != d && reach[k - 1] < reach[k + 1]);
}

/* Goes back along the way that was found; reach[d] is of ways with d changes. */
static void changed_follow_back(struct changed_window *w, int32_t **reach, int32_t d, int32_t x, int32_t k)
{
	for (; d >= 0; d--) {
		int32_t start = 0, before = 0;

		if (d > 0) {
			bool down = changed_is_down(reach[d - 1], d, k);

			before = down ? k + 1 : k - 1;
			start = reach[d - 1][before] + !down;
		}
		while (x > start) {
			x--;
			changed_align_two(w->a, w->b, w->a_begin + x, w->b_begin + x - k);
		}
		x = d > 0 ? reach[d - 1][before] : 0;
		k = before;
	}
}

static void changed_align(struct changes *c, struct changed_list *a, struct changed_list *b)
{
	struct changed_window w = { a, b, 0, a->count, 0, b->count };
	int32_t *reach[CHANGED_MOST + 1];
	int32_t width, height;

	changed_align_ends(&w);
	width = w.a_end - w.a_begin;
	height = w.b_end - w.b_begin;
	if (!width || !height)
		return;
	for (int32_t d = 0; d <= CHANGED_MOST && d <= width + height; d++) {
		/* Room for one more diagonal at both sides. */
		reach[d] = ARENA_ARRAY(&c->arena, int32_t, 2 * d + 3) + d + 1;
		for (int32_t k = -d; k <= d; k += 2) {
			int32_t x = 0;

			if (d > 0)
				x = changed_is_down(reach[d - 1], d, k) ? reach[d - 1][k + 1]
									: reach[d - 1][k - 1] + 1;
			/* Outside of the lists. */
			if (x > width || x - k > height || x - k < 0) {
				reach[d][k] = x;
				continue;
			}
			x = changed_slide(&w, x, k);
			reach[d][k] = x;
			if (x == width && x - k == height) {
				changed_follow_back(&w, reach, d, x, k);
				return;
			}
		}
	}
}

/* ---- packets ---- */

static packets changed_chains(struct changes *c, const struct model_chain *before,
			      const struct model_chain *after);

/* Of the list: packets that match steps which the other list does not have. */
static packets changed_alone(struct changes *c, const struct changed_list *list)
{
	packets set = PACKETS_NONE;

	for (int32_t i = 0; i < list->count; i++)
		if (list->twin[i] < 0)
			set = dd_or(&c->m->dd, set, walk_condition(c->m, list->steps[i]));
	return set;
}

/* Packets that jump to chains that differ. */
static packets changed_calls(struct changes *c, const struct changed_list *before,
			     const struct changed_list *after)
{
	packets set = PACKETS_NONE;

	for (int32_t i = 0; i < before->count; i++) {
		const struct model_step *step = before->steps[i], *twin;
		packets inside;

		if (before->twin[i] < 0 || !digest_calls(step))
			continue;
		twin = after->steps[before->twin[i]];
		inside = changed_chains(c, step->to, twin->to);
		if (inside != PACKETS_NONE)
			set = dd_or(&c->m->dd, set, dd_and(&c->m->dd, walk_condition(c->m, step), inside));
	}
	return set;
}

static packets changed_chains(struct changes *c, const struct model_chain *before,
			      const struct model_chain *after)
{
	struct changed_list a, b;
	packets set;
	uint32_t *known;
	bool added;

	if (model_digest_equal(digest_chain(c->digests, before), digest_chain(c->digests, after)))
		return PACKETS_NONE;
	known = packet_index_find(&c->known, (uintptr_t)before, (uintptr_t)after);
	if (known)
		return *known;
	a = changed_list(c, before);
	b = changed_list(c, after);
	changed_align(c, &a, &b);
	set = dd_or(&c->m->dd, changed_alone(c, &a), changed_alone(c, &b));
	set = dd_or(&c->m->dd, set, changed_calls(c, &a, &b));
	*packet_index_add(&c->arena, &c->known, (uintptr_t)before, (uintptr_t)after, &added) = set;
	return set;
}

packets model_changed(struct model *m, struct model_digests *digests, const struct model_program *before,
		      const struct model_program *after)
{
	struct changes c = { .m = m, .digests = digests };
	packets set = PACKETS_NONE;

	if (before->count != after->count)
		return model_world(m);
	digest_begin_path(digests);
	for (uint32_t i = 0; i < before->count; i++)
		set = dd_or(&m->dd, set, changed_chains(&c, before->stages[i].chain, after->stages[i].chain));
	arena_free(&c.arena);
	return dd_and(&m->dd, set, model_world(m));
}
