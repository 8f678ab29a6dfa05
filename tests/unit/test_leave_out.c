/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for what is refused, against a target that refuses some rules; and what is remembered of it. */
#include <stdio.h>

#include "pipeline/leave_out.h"
#include "fixture.h"

enum { MOST = 2000 };

/* A target of `count` rules, rule N of line N, of which some are refused. */
struct target {
	struct fixture f;
	struct arena arena;
	struct left_out left_out;
	uint32_t count, loads;
	bool refused[MOST];
	bool numbered;  /* the refusal says which rule it is */
	bool lines;     /* rules come from lines */
	uint32_t deaf;  /* so many loads fail whatever they are given */
	uint32_t fewest; /* rules that were in force at a time */
};

static const char *rule_text(struct target *t, uint32_t n)
{
	return arena_printf(&t->arena, "-A X rule %u", n);
}

/* Begins with the position of the line. */
static uint32_t position(struct target *t, uint32_t n)
{
	return t->lines ? source_line(&t->f.map, t->f.map.sources[0], n + 1).begin : 0;
}

static bool is_sent(struct target *t, uint32_t n)
{
	const char *text = rule_text(t, n);

	return !left_out_find_rule(&t->left_out, text, strlen(text)) &&
	       (!t->lines || !left_out_find(&t->left_out, t->f.map.sources[0], position(t, n)));
}

static void refuse(struct target *t, struct backend_loading *loading, uint32_t n)
{
	struct backend_problem *problem =
		backend_problem_add(loading, (struct span){ t->numbered ? position(t, n) : 0, 0 }, "no rule %u", n);

	if (t->numbered) {
		problem->refused = true;
		problem->rule = rule_text(t, n);
	}
	loading->suspects = ARENA_ARRAY(loading->arena, struct backend_suspect, t->count);
	loading->suspicion = "no";
	for (uint32_t i = 0; i < t->count; i++)
		loading->suspects[loading->suspect_count++] =
			(struct backend_suspect){ { position(t, i), 0 }, rule_text(t, i), LAYERS, STAND_IN_NOTHING };
}

static bool attempt(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct target *t = context;
	uint32_t sent = 0;

	t->loads++;
	*map = &t->f.map;
	*loading = (struct backend_loading){ .arena = &t->arena };
	for (uint32_t i = 0; i < t->count; i++) {
		if (!is_sent(t, i))
			continue;
		sent++;
		if (t->refused[i] || t->loads <= t->deaf) {
			refuse(t, loading, i);
			return false;
		}
	}
	if (t->loads <= t->deaf)
		return false;
	t->fewest = sent;
	return true;
}

static void start(struct target *t, uint32_t count)
{
	char text[MOST * 12];
	size_t len = 0;

	memset(t, 0, sizeof(*t));
	fixture_start(&t->f);
	t->count = count;
	t->lines = true;
	for (uint32_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "line %u\n", i);
	source_add(&t->f.map, "firewall/cluster.fw", text, len);
}

static void end(struct target *t)
{
	left_out_clear(&t->left_out);
	arena_free(&t->arena);
	fixture_end(&t->f);
}

static bool load(struct target *t)
{
	struct leave_out l = { .left_out = &t->left_out, .attempt = attempt, .context = t };
	struct backend_loading loading = { .arena = &t->arena };

	return leave_out_load(&l, &loading);
}

/* What is left out is what is refused, and nothing is guarded. */
static void check_exact(struct target *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		ck_assert_int_eq(is_sent(t, i), !t->refused[i]);
	for (const struct left_out_rule *rule = t->left_out.rules; rule; rule = rule->hh.next)
		ck_assert(!rule->guarded);
}

START_TEST(numbers_are_believed)
{
	struct target t;

	start(&t, 100);
	t.numbered = t.refused[7] = t.refused[93] = true;
	ck_assert(load(&t));
	check_exact(&t);
	ck_assert_uint_eq(t.loads, 3);
	ck_assert_uint_eq(HASH_COUNT(t.left_out.lines), 2);
	ck_assert_uint_eq(t.left_out.lines->number, 8);
	ck_assert_str_eq(t.left_out.lines->text, "line 7");
	end(&t);
}
END_TEST

START_TEST(one_among_many_is_found)
{
	for (uint32_t n = 0; n < 1000; n += 333) {
		struct target t;

		start(&t, 1000);
		t.refused[n] = true;
		ck_assert(load(&t));
		check_exact(&t);
		ck_assert_uint_le(t.loads, 26); /* 2 log2(1000), and what begins and ends the search */
		end(&t);
	}
}
END_TEST

START_TEST(some_among_many_are_found)
{
	struct target t;

	start(&t, 1000);
	t.refused[0] = t.refused[500] = t.refused[501] = t.refused[999] = true;
	ck_assert(load(&t));
	check_exact(&t);
	ck_assert_uint_le(t.loads, LEAVE_OUT_ATTEMPTS);
	end(&t);
}
END_TEST

START_TEST(rules_without_lines_are_found)
{
	struct target t;

	start(&t, 50);
	t.lines = false;
	t.refused[20] = true;
	ck_assert(load(&t));
	check_exact(&t);
	ck_assert_ptr_null(t.left_out.lines);
	end(&t);
}
END_TEST

/* Too many to be found one by one: what is still in question is left out, and the rest is loaded. */
START_TEST(the_search_is_bounded)
{
	struct target t;

	start(&t, MOST);
	for (uint32_t i = 0; i < MOST; i += 20)
		t.refused[i] = true;
	ck_assert(load(&t));
	ck_assert_uint_le(t.loads, LEAVE_OUT_ATTEMPTS + 2);
	for (uint32_t i = 0; i < MOST; i++)
		ck_assert(!t.refused[i] || !is_sent(&t, i));
	ck_assert_uint_gt(t.fewest, 0);
	end(&t);
}
END_TEST

/* A tool that blames rules which have nothing to do with it */
START_TEST(wrong_numbers_are_not_believed_for_ever)
{
	struct target t;

	start(&t, 1000);
	t.numbered = true;
	t.deaf = UINT32_MAX;
	ck_assert(!load(&t));
	ck_assert_uint_le(t.loads, LEAVE_OUT_ATTEMPTS + 4);
	ck_assert(left_out_is_empty(&t.left_out));
	end(&t);
}
END_TEST

START_TEST(a_whim_costs_nothing)
{
	struct target t;

	start(&t, 100);
	t.deaf = 1;
	ck_assert(load(&t));
	ck_assert(left_out_is_empty(&t.left_out));
	ck_assert_uint_eq(t.loads, 2);
	end(&t);
}
END_TEST

START_TEST(a_changed_file_is_tried_again)
{
	struct target t;
	struct source_map other;

	start(&t, 10);
	t.numbered = t.refused[3] = true;
	ck_assert(load(&t));
	ck_assert(!left_out_expire(&t.left_out, &t.f.map));
	source_map_init(&other, &t.arena);
	source_add(&other, "firewall/cluster.fw", "line 3\nline 4\n", 14);
	ck_assert(left_out_expire(&t.left_out, &other));
	ck_assert(left_out_is_empty(&t.left_out));
	end(&t);
}
END_TEST

START_TEST(a_layer_is_left_out_once)
{
	struct left_out left_out = { .lines = NULL };

	ck_assert(left_out_add_layer(&left_out, LAYER_EBTABLES, "no table"));
	ck_assert(!left_out_add_layer(&left_out, LAYER_EBTABLES, "no table"));
	ck_assert(left_out_layer(&left_out, LAYER_EBTABLES));
	ck_assert(!left_out_layer(&left_out, LAYER_NFLOG));
	left_out_remove_layer(&left_out, LAYER_EBTABLES);
	ck_assert(left_out_is_empty(&left_out));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("leave out");
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(all, numbers_are_believed);
	tcase_add_test(all, one_among_many_is_found);
	tcase_add_test(all, some_among_many_are_found);
	tcase_add_test(all, rules_without_lines_are_found);
	tcase_add_test(all, the_search_is_bounded);
	tcase_add_test(all, wrong_numbers_are_not_believed_for_ever);
	tcase_add_test(all, a_whim_costs_nothing);
	tcase_add_test(all, a_changed_file_is_tried_again);
	tcase_add_test(all, a_layer_is_left_out_once);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
