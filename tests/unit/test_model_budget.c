/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions that exceed the budget: they say so and where, and are answered in parts if these are small
 * enough. */
#include "fixture.h"
#include "random_programs.h"

enum { RULES = 150 };

static const struct text names[IFACES] = { TEXT_INIT("eth0"), TEXT_INIT("eth1"), TEXT_INIT("vmbr0") };
static const struct model_ifaces ifaces = { names, IFACES };

static struct arena arena;

static void end(void)
{
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

static struct model_match some(enum model_field field, uint32_t bits)
{
	struct interval *range = ARENA_NEW(&arena, struct interval);
	uint64_t first = below(1u << bits), last = first + below(1u << (bits - 2));

	*range = (struct interval){ number_small(first), number_small(last) };
	return (struct model_match){ field, false, { range, 1 } };
}

/* Rules that overlap in four fields: nothing is harder.  `fields` of them are asked. */
static struct model_chain *hard_chain(struct text name, uint32_t fields)
{
	static const enum model_field asked[] = { MODEL_SOURCE4, MODEL_DEST4, MODEL_DPORT, MODEL_SPORT };
	struct model_chain *chain = ARENA_NEW(&arena, struct model_chain);
	struct model_step *steps = ARENA_ARRAY(&arena, struct model_step, RULES);

	for (uint32_t i = 0; i < RULES; i++) {
		struct model_match *matches = ARENA_ARRAY(&arena, struct model_match, 4);

		for (uint32_t k = 0; k < fields; k++)
			matches[k] = some(asked[k], 14);
		steps[i] = (struct model_step){ .matches = matches,
						.match_count = fields,
						.effect = below(2) ? MODEL_ACCEPT : MODEL_DROP };
	}
	*chain = (struct model_chain){ .name = name, .steps = steps, .count = RULES, .of_path = true };
	return chain;
}

/* A stage that jumps to the hard chain. */
static struct model_program *hard_program(struct text name, uint32_t fields)
{
	struct model_program *program = ARENA_NEW(&arena, struct model_program);
	struct model_stage *stage = ARENA_NEW(&arena, struct model_stage);
	struct model_chain *outer = ARENA_NEW(&arena, struct model_chain);
	struct model_step *jump = ARENA_NEW(&arena, struct model_step);

	*jump = (struct model_step){ .effect = MODEL_JUMP, .to = hard_chain(name, fields) };
	*outer = (struct model_chain){ .name = TEXT("outer"), .steps = jump, .count = 1, .of_path = true };
	*stage = (struct model_stage){ outer, "stage" };
	*program = (struct model_program){ stage, 1 };
	return program;
}

static struct model *new_model(const struct model_program *program, struct model_budget budget)
{
	struct model *model = model_new(&ifaces, budget);

	model_add(model, program);
	model_seal(model);
	return model;
}

static struct model_result walk_all(struct model *model, const struct model_program *program)
{
	return model_walk(model, program, &(struct model_walk){ .live = model_world(model) });
}

START_TEST(steps_are_exceeded)
{
	const struct model_program *program = hard_program(TEXT("tap100i0-IN"), 4);
	struct model *model = new_model(program, (struct model_budget){ .steps = 20000 });
	struct text chain = TEXT("none");
	struct model_packet packet;

	ck_assert(!model_over(model, &chain));
	ck_assert_uint_eq(chain.len, 0);
	walk_all(model, program);
	ck_assert(model_over(model, &chain));
	ck_assert_text(chain, "tap100i0-IN");
	ck_assert_uint_le(model_steps(model), 20010);
	/* Nothing can be asked any more. */
	ck_assert(!model_pick(model, model_world(model), &packet));
	model_restart(model);
	ck_assert(!model_over(model, &chain));
	ck_assert(model_pick(model, model_world(model), &packet));
	model_free(model);
}
END_TEST

/* A part of a list is not what an administrator knows: the list is. */
START_TEST(list_of_a_part_is_named)
{
	const struct model_program *program = hard_program(TEXT("tap100i0-in-tcp-0-16383"), 4);
	struct model *model = new_model(program, (struct model_budget){ .steps = 20000 });
	struct model_chain *part = (struct model_chain *)(uintptr_t)program->stages[0].chain->steps[0].to;
	struct text chain;

	part->list = TEXT("tap100i0-in");
	walk_all(model, program);
	ck_assert(model_over(model, &chain));
	ck_assert_text(chain, "tap100i0-in");
	model_free(model);
}
END_TEST

START_TEST(memory_is_exceeded)
{
	const struct model_program *program = hard_program(TEXT("tap100i0-IN"), 4);
	const size_t bytes = (size_t)1 << 20;
	struct model *model = new_model(program, (struct model_budget){ .bytes = bytes });
	struct text chain;

	walk_all(model, program);
	ck_assert(model_over(model, &chain));
	ck_assert_text(chain, "tap100i0-IN");
	ck_assert_uint_le(model_bytes(model), bytes);
	model_free(model);
}
END_TEST

START_TEST(default_budget)
{
	const struct model_program *program = hard_program(TEXT("hard"), 2);
	struct model *model = new_model(program, (struct model_budget){ 0 });

	walk_all(model, program);
	ck_assert(!model_over(model, NULL));
	model_free(model);
}
END_TEST

/* Chains that call themselves do not crash us; no kernel takes them. */
START_TEST(circle)
{
	struct model_chain chain = { .name = TEXT("circle"), .steps = NULL, .count = 1, .of_path = true };
	struct model_step step = { .effect = MODEL_JUMP, .to = &chain };
	struct model_stage stage = { &chain, "stage" };
	struct model_program program = { &stage, 1 };
	struct model *model;
	struct text name;

	chain.steps = &step;
	model = new_model(&program, (struct model_budget){ 0 });
	walk_all(model, &program);
	ck_assert(model_over(model, &name));
	ck_assert_text(name, "circle");
	model_free(model);
}
END_TEST

/* ---- parts ---- */

struct asking {
	const struct model_program *program;
	struct model_packet packets[200];
	bool is_seen[200];
	unsigned parts, over;
};

/* Each packet belongs to one part that is answered, and what is answered about it is right. */
static void ask(void *context, struct model *m, packets part)
{
	struct asking *a = context;
	struct model_result result = model_walk(m, a->program, &(struct model_walk){ .live = part });

	a->parts++;
	if (model_over(m, NULL)) {
		a->over++;
		return;
	}
	for (unsigned i = 0; i < 200; i++) {
		enum model_verdict verdict = interpret(&a->packets[i], a->program, SPAN_NONE).verdict;

		if (!model_has(m, part, &a->packets[i]))
			continue;
		ck_assert(!a->is_seen[i]);
		a->is_seen[i] = true;
		ck_assert(model_has(m, model_result_of(m, &result, verdict), &a->packets[i]));
	}
}

static struct asking new_asking(const struct model_program *program)
{
	struct asking a = { .program = program };

	for (unsigned i = 0; i < 200; i++) {
		a.packets[i] = random_packet();
		if (i % 2) {
			a.packets[i].value[MODEL_DPORT] = number_small(below(1u << 14));
			a.packets[i].value[MODEL_SOURCE4] = number_small(1 + below(1u << 14));
			a.packets[i].value[MODEL_SOURCE_TYPE].low = type_of(
				&a.packets[i], MODEL_SOURCE4, MODEL_SOURCE6, MODEL_TYPE_UNICAST);
		}
	}
	return a;
}

static uint64_t steps_needed(const struct model_program *program)
{
	struct model *model = new_model(program, (struct model_budget){ UINT64_MAX / 64, (size_t)1 << 32 });
	uint64_t steps;

	walk_all(model, program);
	ck_assert(!model_over(model, NULL));
	steps = model_steps(model);
	model_free(model);
	return steps;
}

START_TEST(whole)
{
	const struct model_program *program = hard_program(TEXT("hard"), 3);
	struct asking a = new_asking(program);
	struct model *model = new_model(program, (struct model_budget){ .steps = 2 * steps_needed(program) });

	ck_assert(model_ask(model, ask, &a));
	ck_assert_uint_eq(a.parts, 1);
	for (unsigned i = 0; i < 200; i++)
		ck_assert(a.is_seen[i]);
	model_free(model);
}
END_TEST

START_TEST(in_parts)
{
	const struct model_program *program = hard_program(TEXT("hard"), 3);
	struct asking a = new_asking(program);
	struct model *model = new_model(program, (struct model_budget){ .steps = steps_needed(program) / 3 });

	ck_assert(model_ask(model, ask, &a));
	ck_assert(!model_over(model, NULL));
	ck_assert_uint_gt(a.over, 0);
	ck_assert_uint_gt(a.parts, a.over + 1);
	for (unsigned i = 0; i < 200; i++)
		ck_assert(a.is_seen[i]);
	model_free(model);
}
END_TEST

/* No part is small enough, or there are too many: it ends, and says where. */
START_TEST(not_decided)
{
	const struct model_program *program = hard_program(TEXT("hard"), 4);
	struct asking a = new_asking(program);
	struct model *model = new_model(program, (struct model_budget){ .steps = 3000 });
	struct text chain;

	ck_assert(!model_ask(model, ask, &a));
	ck_assert(model_over(model, &chain));
	ck_assert_text(chain, "hard");
	ck_assert_uint_le(a.parts, 100);
	model_free(model);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("model_budget");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, end);
	tcase_add_test(tcase, steps_are_exceeded);
	tcase_add_test(tcase, list_of_a_part_is_named);
	tcase_add_test(tcase, memory_is_exceeded);
	tcase_add_test(tcase, default_budget);
	tcase_add_test(tcase, circle);
	tcase_add_test(tcase, whole);
	tcase_add_test(tcase, in_parts);
	tcase_add_test(tcase, not_decided);
	return run_suite("model_budget", tcase);
}
