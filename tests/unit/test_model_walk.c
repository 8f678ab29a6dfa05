/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What random programs do to sets of packets: against an interpreter that takes one packet at a time. */
#include "fixture.h"
#include "random_programs.h"

enum { PROGRAMS = 3000, PACKETS = 60 };

static const struct text names[IFACES] = { TEXT_INIT("eth0"), TEXT_INIT("eth+"), TEXT_INIT("vmbr0") };
static const struct model_ifaces ifaces = { names, IFACES };
static struct arena arena;
static struct model *model;

static void start(void)
{
	model = model_new(&ifaces, (struct model_budget){ 0 });
}

static void end(void)
{
	model_free(model);
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

static const struct model_outcome *outcome_of(const struct model_result *result,
					      const struct model_packet *packet)
{
	const struct model_outcome *found = NULL;

	for (uint32_t i = 0; i < result->count; i++)
		if (model_has(model, result->outcomes[i].set, packet)) {
			ck_assert_ptr_null(found);
			found = &result->outcomes[i];
		}
	ck_assert_ptr_nonnull(found);
	return found;
}

static void assert_met(const struct model_result *result, const struct model_packet *packet, struct met met)
{
	const struct model_outcome *o = outcome_of(result, packet);

	if (o->verdict != met.verdict || o->queue != met.queue)
		ck_abort_msg("%s: %s instead of %s", model_packet_text(&arena, model, packet),
			     model_verdict_text(o->verdict), model_verdict_text(met.verdict));
}

static const struct model_program *new_question(void)
{
	const struct model_program *program = random_program(&arena);

	model_reuse(model, &ifaces);
	model_add(model, program);
	model_seal(model);
	return program;
}

/* Part of all packets: some side of a match of the program. */
static packets random_part(const struct model_program *program)
{
	const struct model_chain *chain = program->stages[0].chain;
	packets part = model_world(model);

	for (uint32_t i = 0; i < chain->count; i++)
		for (uint32_t k = 0; k < chain->steps[i].match_count; k++)
			if (below(4) == 0)
				part = model_minus(model, part,
						   model_match(model, &chain->steps[i].matches[k]));
	return part;
}

START_TEST(verdicts)
{
	for (int i = 0; i < tries(PROGRAMS); i++) {
		const struct model_program *program = new_question();
		struct model_result all = model_walk(model, program,
						     &(struct model_walk){ .live = model_world(model) });
		packets part = random_part(program);
		struct model_result some = model_walk(model, program, &(struct model_walk){ .live = part });

		for (int k = 0; k < PACKETS; k++) {
			struct model_packet packet = random_packet();
			struct met met = interpret(&packet, program, SPAN_NONE);

			ck_assert(model_has(model, model_world(model), &packet));
			assert_met(&all, &packet, met);
			if (model_has(model, part, &packet))
				assert_met(&some, &packet, met);
			else
				for (uint32_t o = 0; o < some.count; o++)
					ck_assert(!model_has(model, some.outcomes[o].set, &packet));
		}
		ck_assert(!model_over(model, NULL));
		arena_reset(&arena);
	}
}
END_TEST

/* ---- reasons ---- */

struct seen {
	struct model_packet packet;
	struct met met;
	unsigned stage, count;
};

static void see(void *context, const struct model_event *event)
{
	struct seen *seen = context;

	if (event->logs || !model_has(model, event->hit, &seen->packet))
		return;
	seen->stage = event->stage;
	seen->met = (struct met){ event->verdict != MODEL_PASSED, event->verdict, event->queue,
				  event->trail->step };
	seen->count++;
}

START_TEST(reasons)
{
	for (int i = 0; i < tries(PROGRAMS); i++) {
		const struct model_program *program = new_question();
		const struct model_chain *first = program->stages[0].chain;
		struct span without = below(2) ? first->steps[below(first->count)].span : SPAN_NONE;
		struct seen seen = { .packet = random_packet() };
		struct model_walk walk = { model_world(model), without, see, &seen };
		struct model_result result = model_walk(model, program, &walk);
		struct met met = interpret(&seen.packet, program, without);

		assert_met(&result, &seen.packet, met);
		ck_assert_int_eq(seen.met.verdict, met.verdict);
		if (program->stages[program->count - 1].chain || met.ends)
			ck_assert_ptr_eq(seen.met.step, met.step);
		ck_assert_uint_ge(seen.stage + 1, seen.count);
		arena_reset(&arena);
	}
}
END_TEST

/* ---- rows and examples ---- */

static bool row_has(const struct model_row *row, const struct model_packet *packet)
{
	for (int f = 0; f < MODEL_FIELDS; f++) {
		const struct interval value = { packet->value[f], packet->value[f] };

		if (row->side[f].count && has_field(packet, (enum model_field)f) &&
		    !interval_set_contains(&row->side[f], &(struct interval_set){ &value, 1 }))
			return false;
	}
	return true;
}

START_TEST(rows)
{
	for (int i = 0; i < tries(PROGRAMS / 4); i++) {
		const struct model_program *program = new_question();
		struct model_result result = model_walk(model, program,
							&(struct model_walk){ .live = model_world(model) });
		struct model_packet packet, packets_of[PACKETS];

		for (int k = 0; k < PACKETS; k++)
			packets_of[k] = random_packet();
		for (uint32_t o = 0; o < result.count; o++) {
			packets whole = result.outcomes[o].set,
				set = below(2) ? whole : model_and(model, whole, model_ordinary(model));
			packets left = set;
			struct model_row row;
			unsigned count = 0;

			ck_assert_int_eq(model_pick(model, set, &packet), set != PACKETS_NONE);
			ck_assert(set == PACKETS_NONE || model_has(model, set, &packet));
			while (model_row(model, &arena, left, &row)) {
				packets within = model_minus(model, row.set, set);

				ck_assert_uint_eq(within, PACKETS_NONE);
				for (int k = 0; k < PACKETS; k++)
					if (model_has(model, row.set, &packets_of[k]))
						ck_assert(row_has(&row, &packets_of[k]));
				ck_assert_uint_ne(model_minus(model, left, row.set), left);
				left = model_minus(model, left, row.set);
				ck_assert(*model_row_text(&arena, model, &row));
				ck_assert_uint_lt(count++, 10000);
			}
			ck_assert_uint_eq(left, PACKETS_NONE);
		}
		ck_assert(!model_over(model, NULL));
		arena_reset(&arena);
	}
}
END_TEST

/* Packets that are like one are decided as it is; with a field left open, the packet with another value of it
 * is among them, and no packet that differs in another field's class. */
START_TEST(likes)
{
	for (int i = 0; i < tries(PROGRAMS / 10); i++) {
		const struct model_program *program = new_question();
		struct model_result result = model_walk(model, program,
							&(struct model_walk){ .live = model_world(model) });

		for (int k = 0; k < PACKETS; k++) {
			struct model_packet packet = random_packet(), other = random_packet(), mixed = packet;
			packets like = model_like(model, &packet, 0);
			packets open = model_like(model, &packet, 1u << MODEL_DPORT);

			ck_assert(model_has(model, like, &packet));
			ck_assert_uint_eq(model_minus(model, like, outcome_of(&result, &packet)->set),
					  PACKETS_NONE);
			mixed.value[MODEL_DPORT] = other.value[MODEL_DPORT];
			ck_assert_int_eq(model_has(model, open, &mixed),
					 model_has(model, model_world(model), &mixed));
			ck_assert_uint_eq(model_minus(model, like, open), PACKETS_NONE);
			if (!model_has(model, like, &other) && model_has(model, open, &other)) {
				other.value[MODEL_DPORT] = packet.value[MODEL_DPORT];
				ck_assert(model_has(model, like, &other));
			}
		}
		ck_assert(!model_over(model, NULL));
		arena_reset(&arena);
	}
}
END_TEST

/* ---- one packet ---- */

/* The events of a walk, as text: what decided, in which stage, with which mark. */
struct told {
	const char *text;
};

static void tell(void *context, const struct model_event *event)
{
	struct told *told = context;

	told->text = arena_printf(&arena, "%s%u %d %d %u:", told->text, event->stage, event->logs,
				  (int)event->verdict, event->queue);
	for (const struct model_trail *t = event->trail; t; t = t->outer)
		told->text = arena_printf(&arena, "%s %p", told->text, (const void *)t->step);
	for (const struct model_trail *t = event->marked; t; t = t->outer)
		told->text = arena_printf(&arena, "%s m%p", told->text, (const void *)t->step);
	told->text = arena_printf(&arena, "%s\n", told->text);
}

/* Following one packet tells the same as walking the set of packets that are like it. */
START_TEST(follows)
{
	for (int i = 0; i < PROGRAMS / 3; i++) {
		const struct model_program *program = new_question();
		struct span without = below(2) ? SPAN_NONE : program->stages[0].chain->steps[0].span;

		for (int k = 0; k < 10; k++) {
			struct model_packet packet = random_packet();
			struct told walked = { "" }, followed = { "" };
			struct model_walk walk = { .live = model_like(model, &packet, 0),
						   .without = without,
						   .decided = tell,
						   .context = &walked };
			struct model_result result = model_walk(model, program, &walk);
			const struct model_outcome *wanted = outcome_of(&result, &packet);
			struct model_outcome found;

			walk.context = &followed;
			ck_assert(model_follow(&arena, program, &packet, &walk, &found));
			ck_assert_int_eq(found.verdict, wanted->verdict);
			ck_assert_uint_eq(found.queue, wanted->queue);
			ck_assert_str_eq(followed.text, walked.text);
		}
		ck_assert(!model_over(model, NULL));
		arena_reset(&arena);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("model_walk");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, verdicts);
	tcase_add_test(tcase, reasons);
	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, likes);
	tcase_add_test(tcase, follows);
	return run_suite("model_walk", tcase);
}
