/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of values: two values are of one class exactly if no collected set tells them apart. */
#include "fixture.h"
#include "random_programs.h"

#include <signal.h>

#include "model/model_state.h"

enum { QUESTIONS = 400, LITERALS_MOST = 30, VALUES = 60 };

static struct arena arena;
static struct model *model;

static void start(void)
{
	model = model_new(NULL, (struct model_budget){ 0 });
}

static void end(void)
{
	model_free(model);
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

static bool is_in(const struct interval *ranges, uint32_t count, struct number value)
{
	for (uint32_t i = 0; i < count; i++)
		if (number_compare(ranges[i].first, value) <= 0 && number_compare(value, ranges[i].last) <= 0)
			return true;
	return false;
}

/* Small numbers, so that sets overlap and touch, and the largest ones. */
static struct number crowded_value(enum model_field field)
{
	struct number top = top_of(field), n = number_small(below(25));

	if (below(3) == 0)
		n = (struct number){ top.high, top.low - below(5) };
	if (top.high && below(3) == 0)
		n = (struct number){ below(4), below(2) ? UINT64_MAX - below(3) : below(3) };
	n.low &= top.low;
	return n;
}

static struct model_match crowded_match(enum model_field field)
{
	uint32_t count = 1 + below(4);
	struct interval *ranges = ARENA_ARRAY(&arena, struct interval, count);

	for (uint32_t i = 0; i < count; i++) {
		struct number a = crowded_value(field), b = below(3) ? crowded_value(field) : a;

		ranges[i] = number_compare(a, b) <= 0 ? (struct interval){ a, b } : (struct interval){ b, a };
	}
	return (struct model_match){ field, false, interval_set_normalize(ranges, count) };
}

/* Whether a set that was collected tells them apart. */
static bool told_apart(enum model_field field, struct number a, struct number b)
{
	for (uint32_t i = 1; i <= model->literal_count; i++) {
		const struct literal *l = &model->literals[i];

		if (l->field == field && is_in(l->ranges, l->count, a) != is_in(l->ranges, l->count, b))
			return true;
	}
	return false;
}

static bool literal_has_class(const struct literal *l, uint32_t class)
{
	for (uint32_t i = 0; i < l->run_count; i++)
		if (l->runs[i].first <= class && class <= l->runs[i].last)
			return true;
	return false;
}

static void check_value(enum model_field field, struct number value)
{
	uint32_t class = classes_of_value(model, field, value);

	ck_assert_uint_lt(class, model->fields[field].count);
	for (uint32_t i = 1; i <= model->literal_count; i++) {
		const struct literal *l = &model->literals[i];

		if (l->field == field)
			ck_assert_int_eq(literal_has_class(l, class), is_in(l->ranges, l->count, value));
	}
}

static void check_field(enum model_field field)
{
	struct number values[VALUES];

	for (int i = 0; i < VALUES; i++) {
		values[i] = crowded_value(field);
		check_value(field, values[i]);
	}
	check_value(field, top_of(field));
	check_value(field, number_small(0));
	for (int i = 1; i < VALUES; i++)
		ck_assert_int_eq(classes_of_value(model, field, values[i]) !=
					 classes_of_value(model, field, values[i - 1]),
				 told_apart(field, values[i], values[i - 1]));
}

/* Runs ascend, and do not touch. */
static void check_runs(void)
{
	for (uint32_t i = 1; i <= model->literal_count; i++) {
		const struct literal *l = &model->literals[i];

		for (uint32_t k = 0; k < l->run_count; k++) {
			ck_assert_uint_le(l->runs[k].first, l->runs[k].last);
			if (k)
				ck_assert_uint_gt(l->runs[k].first, l->runs[k - 1].last + 1);
		}
	}
}

START_TEST(random_sets)
{
	for (int i = 0; i < tries(QUESTIONS); i++) {
		uint32_t count = 1 + below(LITERALS_MOST);
		struct model_match *matches = ARENA_ARRAY(&arena, struct model_match, count);
		enum model_field only = (enum model_field)below(MODEL_FIELDS);

		model_reuse(model, NULL);
		for (uint32_t k = 0; k < count; k++) {
			matches[k] = crowded_match(below(2) ? only : (enum model_field)below(MODEL_FIELDS));
			model_add_match(model, &matches[k]);
		}
		model_seal(model);
		check_runs();
		for (int f = 0; f < MODEL_FIELDS; f++)
			check_field((enum model_field)f);
		/* A set and all that is not in it are what has the field. */
		for (uint32_t k = 0; k < count; k++) {
			struct model_match other = matches[k];
			packets in = model_match(model, &matches[k]), out;

			other.negated = true;
			out = model_match(model, &other);
			ck_assert_uint_eq(model_and(model, in, out), PACKETS_NONE);
			ck_assert_uint_eq(
				model_or(model, in, out),
				model_and(model, model_world(model), world_applies(model, other.field)));
		}
		ck_assert(!model_over(model, NULL));
		arena_reset(&arena);
	}
}
END_TEST

/* What a set of packets has of a field is what the set of values was. */
START_TEST(values_come_back)
{
	for (int i = 0; i < tries(QUESTIONS); i++) {
		enum model_field field = (enum model_field[]){ MODEL_DPORT, MODEL_SOURCE6, MODEL_SOURCE_MAC,
							       MODEL_ICMP_TYPE }[below(4)];
		struct model_match match = crowded_match(field), other = crowded_match(field);
		struct interval_set values;
		packets set;

		model_reuse(model, NULL);
		model_add_match(model, &match);
		model_add_match(model, &other);
		model_seal(model);
		set = model_match(model, &match);
		values = model_values(model, &arena, set, field);
		ck_assert_uint_eq(values.count, match.values.count);
		ck_assert_mem_eq(values.ranges, match.values.ranges, values.count * sizeof(*values.ranges));
		/* It was not collected, but consists of classes. */
		match.values = interval_set_intersect(&arena, &match.values, &other.values);
		ck_assert_uint_eq(model_match(model, &match),
				  model_and(model, set, model_match(model, &other)));
		arena_reset(&arena);
	}
}
END_TEST

/* The number of classes does not depend on how many values a set has. */
START_TEST(large_set)
{
	enum { PREFIXES = 100000 };
	struct interval *ranges = ARENA_ARRAY(&arena, struct interval, PREFIXES);
	struct model_match match = { MODEL_SOURCE6, false, { ranges, PREFIXES } };

	for (uint64_t i = 0; i < PREFIXES; i++)
		ranges[i] = (struct interval){ { 0x20010db800000000 + 3 * i, 0 },
					       { 0x20010db800000000 + 3 * i, UINT64_MAX } };
	model_add_match(model, &match);
	model_seal(model);
	/* The set, multicast addresses, all others. */
	ck_assert_uint_eq(model->fields[MODEL_SOURCE6].count, 3);
	check_value(MODEL_SOURCE6, ranges[4711].first);
	check_value(MODEL_SOURCE6, ranges[4711].last);
	check_value(MODEL_SOURCE6, number_next(ranges[4711].last));
	ck_assert_uint_lt(model_steps(model), 100);
}
END_TEST

/* A set that cuts classes cannot be asked for: any answer would be wrong. */
START_TEST(forgotten_set)
{
	const struct interval port = { number_small(22), number_small(22) };
	struct model_match match = { MODEL_DPORT, false, { &port, 1 } };

	model_seal(model);
	model_match(model, &match);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("packet_classes");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, random_sets);
	tcase_add_test(tcase, values_come_back);
	tcase_add_test(tcase, large_set);
	tcase_add_test_raise_signal(tcase, forgotten_set, SIGABRT);
	return run_suite("packet_classes", tcase);
}
