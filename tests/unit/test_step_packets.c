/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of single steps and packets, against the model: random steps over a few values. */
#include <check.h>
#include <stdlib.h>

#include "fixture.h"
#include "model/step_packets.h"

enum { ROUNDS = 2000, STEPS = 6 };

static uint32_t seed = 4711;

static unsigned below(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* IPv4 and TCP, and ranges of a few fields. */
static struct model_step random_step(struct arena *arena)
{
	static const enum model_field fields[] = { MODEL_DPORT, MODEL_SPORT, MODEL_SOURCE4, MODEL_DEST4 };
	static const struct interval ip = { { 0, 0x0800 }, { 0, 0x0800 } }, tcp = { { 0, 6 }, { 0, 6 } };
	struct model_match *matches = ARENA_ARRAY(arena, struct model_match, 6);
	struct model_step step = { .matches = matches,
				   .match_count = 2,
				   .effect = below(2) ? MODEL_ACCEPT : MODEL_DROP };

	matches[0] = (struct model_match){ MODEL_ETHERTYPE, false, { &ip, 1 } };
	matches[1] = (struct model_match){ MODEL_PROTOCOL, false, { &tcp, 1 } };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct interval *ranges = ARENA_ARRAY(arena, struct interval, 2);
		uint64_t first = 0x0a000001 + below(12), last = first + below(6);

		if (fields[i] == MODEL_DPORT || fields[i] == MODEL_SPORT) {
			first &= 0xff;
			last &= 0xff;
		}
		if (!below(3))
			continue;
		ranges[0] = (struct interval){ number_small(first), number_small(last) };
		ranges[1] = (struct interval){ number_small(last + 2), number_small(last + 2 + below(3)) };
		matches[step.match_count++] = (struct model_match){ fields[i],
								    false,
								    { ranges, 1 + below(2) } };
	}
	return step;
}

static packets set_of(struct model *m, const struct model_step *step)
{
	packets set = model_world(m);

	for (uint32_t i = 0; i < step->match_count; i++)
		set = model_and(m, set, model_match(m, &step->matches[i]));
	return set;
}

static void check_pair(struct model *m, const struct model_step *a, const struct model_step *b)
{
	packets x = set_of(m, a), y = set_of(m, b);
	struct model_packet packet;

	ck_assert(!model_steps_are_apart(a, b) || model_and(m, x, y) == PACKETS_NONE);
	ck_assert(!model_step_contains(a, b) || model_minus(m, y, x) == PACKETS_NONE);
	if (model_steps_last(a, b, &packet)) {
		ck_assert(model_step_has(a, &packet) && model_step_has(b, &packet));
		ck_assert_uint_ne(model_and(m, x, y), PACKETS_NONE);
	}
	if (model_step_last(a, &packet))
		ck_assert(model_has(m, x, &packet));
}

/* One packet of each verdict fares as in the program. */
static void check_run(struct model *m, const struct model_program *program)
{
	struct model_walk walk = { .live = model_ordinary(m) };
	struct model_result result = model_walk(m, program, &walk);

	for (uint32_t i = 0; i < result.count; i++) {
		struct model_packet packet;
		struct span line;
		enum model_effect effect;

		ck_assert(model_pick(m, result.outcomes[i].set, &packet));
		effect = model_run(program, &packet, &line);
		ck_assert_int_eq(effect == MODEL_ACCEPT, result.outcomes[i].verdict == MODEL_PASSED);
	}
}

START_TEST(as_the_model_says)
{
	struct model *m = model_new(NULL, (struct model_budget){ 0 });
	struct arena arena = { 0 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct model_step steps[STEPS],
			outer[2] = { { .effect = MODEL_JUMP }, { .effect = MODEL_DROP } };
		struct model_chain inner = { .name = TEXT("inner"), .steps = steps, .count = STEPS },
				   chain = { .name = TEXT("chain"), .steps = outer, .count = 2 };
		struct model_stage stage = { &chain, "stage" };
		struct model_program program = { &stage, 1 };

		for (unsigned i = 0; i < STEPS; i++)
			steps[i] = random_step(&arena);
		outer[0].to = &inner;
		model_reuse(m, NULL);
		model_add(m, &program);
		model_seal(m);
		for (unsigned i = 1; i < STEPS; i++) {
			check_pair(m, &steps[i - 1], &steps[i]);
			check_pair(m, &steps[i], &steps[i]);
		}
		check_run(m, &program);
		arena_reset(&arena);
	}
	model_free(m);
	arena_free(&arena);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("step_packets");

	tcase_add_test(tcase, as_the_model_says);
	return run_suite("step_packets", tcase);
}
