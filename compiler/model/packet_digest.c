/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digests of programs and chains, in which a step that jumps holds the digest of the chain.  Steps that only
 * log are left out.  The hash is XXH3 with a secret of each run, so that nobody can write rules which collide.
 */
#include "model/packet_digest.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/xmalloc.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct model_digests {
	uint64_t seed;
	struct arena arena, path_arena;
	struct packet_index chains;      /* by their place: number of the digest */
	struct packet_index path_chains; /* of the present program only */
	struct model_digest *digests;
	uint32_t count, room;
};

/* It cannot fail: 8 bytes are given in one piece. */
static uint64_t digest_random(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		abort();
	return number;
}

struct model_digests *model_digests_new(void)
{
	struct model_digests *d = xcalloc(1, sizeof(*d));

	d->seed = digest_random();
	return d;
}

void model_digests_free(struct model_digests *digests)
{
	if (!digests)
		return;
	arena_free(&digests->arena);
	arena_free(&digests->path_arena);
	free(digests->digests);
	free(digests);
}

void model_digests_forget(struct model_digests *digests)
{
	arena_reset(&digests->arena);
	arena_reset(&digests->path_arena);
	digests->chains = digests->path_chains = (struct packet_index){ 0 };
	digests->count = 0;
}

bool model_digest_equal(struct model_digest a, struct model_digest b)
{
	return a.high == b.high && a.low == b.low;
}

static void digest_add(XXH3_state_t *state, uint64_t a, uint64_t b)
{
	const uint64_t pair[2] = { a, b };

	XXH3_128bits_update(state, pair, sizeof(pair));
}

static struct model_digest digest_finish(const XXH3_state_t *state)
{
	XXH128_hash_t hash = XXH3_128bits_digest(state);

	return (struct model_digest){ hash.high64, hash.low64 };
}

/* What an effect needs besides its kind and chain; a step of unknown meaning equals no other one. */
static uint64_t digest_detail(const struct model_step *step)
{
	switch (step->effect) {
	case MODEL_REJECT:
		return step->reject;
	case MODEL_QUEUE:
		return (uint64_t)step->queue.first << 16 | step->queue.last;
	case MODEL_MARK:
		return (uint64_t)step->mark.keep << 32 | step->mark.bits;
	case MODEL_UNKNOWN:
		return digest_random();
	default:
		return 0;
	}
}

static void digest_add_step(XXH3_state_t *state, const struct model_step *step)
{
	digest_add(state, (uint64_t)step->effect << 32 | step->match_count, digest_detail(step));
	digest_add(state, (uint64_t)step->mark_mask << 32 | step->mark_value,
		   step->mark_mask && step->mark_negated);
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *match = &step->matches[i];

		digest_add(state, (uint64_t)match->field << 1 | match->negated, match->values.count);
		if (match->values.count)
			XXH3_128bits_update(state, match->values.ranges,
					    match->values.count * sizeof(*match->values.ranges));
	}
}

struct model_digest digest_step(const struct model_digests *digests, const struct model_step *step)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_128bits_reset_withSeed(&state, digests->seed);
	digest_add_step(&state, step);
	return digest_finish(&state);
}

static struct model_digest digest_steps(struct model_digests *digests, const struct model_chain *chain)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_128bits_reset_withSeed(&state, digests->seed);
	for (uint32_t i = 0; chain && i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		if (digest_is_idle(step))
			continue;
		digest_add_step(&state, step);
		if (digest_calls(step)) {
			struct model_digest called = digest_chain(digests, step->to);

			digest_add(&state, called.high, called.low);
		}
	}
	return digest_finish(&state);
}

static uint32_t digest_keep(struct model_digests *d, struct model_digest digest)
{
	if (d->count == d->room) {
		d->room = d->room ? d->room * 2 : 256;
		d->digests = xrealloc(d->digests, d->room * sizeof(digest));
	}
	d->digests[d->count] = digest;
	return d->count++;
}

struct model_digest digest_chain(struct model_digests *digests, const struct model_chain *chain)
{
	bool of_path = !chain || chain->of_path;
	struct packet_index *index = of_path ? &digests->path_chains : &digests->chains;
	const uint32_t *known = packet_index_find(index, (uintptr_t)chain, 0);
	struct model_digest digest;
	bool added;

	if (known)
		return digests->digests[*known];
	digest = digest_steps(digests, chain);
	*packet_index_add(of_path ? &digests->path_arena : &digests->arena, index, (uintptr_t)chain, 0,
			  &added) = digest_keep(digests, digest);
	return digest;
}

void digest_begin_path(struct model_digests *digests)
{
	/* Their digests stay where they are: few, and of 16 bytes. */
	arena_reset(&digests->path_arena);
	digests->path_chains = (struct packet_index){ 0 };
}

struct model_digest model_program_hash(struct model_digests *digests, const struct model_program *program)
{
	XXH3_state_t state;

	digest_begin_path(digests);
	XXH3_INITSTATE(&state);
	XXH3_128bits_reset_withSeed(&state, digests->seed);
	for (uint32_t i = 0; i < program->count; i++) {
		struct model_digest chain = digest_chain(digests, program->stages[i].chain);

		digest_add(&state, chain.high, chain.low);
	}
	return digest_finish(&state);
}
