/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decision diagrams: against BuDDy (libbdd), for all values of the variables; and their budget. */
#include "fixture.h"
#include "model/packet_dd.h"

#include <bdd.h>

enum { FORMULAS = 10000, VARS = 9, DEPTH = 6 };

static struct dd dd;
static uint64_t seed = 0x853c49e6748fea9b;

static uint32_t below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20) % limit;
}

static void start(void)
{
	dd.step_budget = UINT64_MAX;
	dd.byte_budget = SIZE_MAX;
	dd_reset(&dd, VARS);
}

static void end(void)
{
	dd_free(&dd);
}

static void start_buddy(void)
{
	ck_assert_int_eq(bdd_init(100000, 10000), 0);
	bdd_gbc_hook(NULL); /* else it prints */
	bdd_setvarnum(VARS);
}

/* A formula, and BuDDy's, to which one reference is held. */
struct pair {
	uint32_t ours;
	BDD theirs;
};

static struct pair variable(uint32_t number)
{
	return (struct pair){ dd_make(&dd, number, DD_FALSE, DD_TRUE), bdd_addref(bdd_ithvar((int)number)) };
}

static struct pair combine(struct pair a, struct pair b)
{
	struct pair result;

	switch (below(4)) {
	case 0:
		result = (struct pair){ dd_and(&dd, a.ours, b.ours),
					bdd_apply(a.theirs, b.theirs, bddop_and) };
		break;
	case 1:
		result = (struct pair){ dd_or(&dd, a.ours, b.ours), bdd_apply(a.theirs, b.theirs, bddop_or) };
		break;
	case 2:
		result = (struct pair){ dd_minus(&dd, a.ours, b.ours),
					bdd_apply(a.theirs, b.theirs, bddop_diff) };
		break;
	default:
		result = (struct pair){ dd_xor(&dd, a.ours, b.ours),
					bdd_apply(a.theirs, b.theirs, bddop_xor) };
		break;
	}
	bdd_addref(result.theirs);
	bdd_delref(a.theirs);
	bdd_delref(b.theirs);
	return result;
}

/* One that says more about some variables, as rules do. */
static struct pair formula(unsigned depth)
{
	struct pair a;

	if (!depth || below(8) == 0)
		return variable(below(2) ? below(VARS) : below(3));
	a = formula(depth - 1);
	if (below(8) == 0) {
		struct pair negated = { dd_not(&dd, a.ours), bdd_addref(bdd_not(a.theirs)) };

		bdd_delref(a.theirs);
		a = negated;
	}
	return combine(a, formula(depth - 1));
}

static bool our_truth(uint32_t a, uint32_t values)
{
	while (a > DD_TRUE)
		a = values >> dd.nodes[a].var & 1 ? dd.nodes[a].high : dd.nodes[a].low;
	return a == DD_TRUE;
}

static bool their_truth(BDD a, uint32_t values)
{
	while (a != bddtrue && a != bddfalse)
		a = values >> bdd_var(a) & 1 ? bdd_high(a) : bdd_low(a);
	return a == bddtrue;
}

/* Whether values of the variables outside of [first, first + count) make it true. */
static bool projected_truth(uint32_t a, uint32_t values, uint32_t first, uint32_t count)
{
	uint32_t kept = ((1u << count) - 1) << first;

	for (uint32_t other = 0; other < 1u << VARS; other++)
		if ((other & kept) == (values & kept) && our_truth(a, other))
			return true;
	return false;
}

START_TEST(same_truth)
{
	start_buddy();
	for (int i = 0; i < FORMULAS; i++) {
		struct pair p;

		if (i % 100 == 0)
			dd_reset(&dd, VARS);
		p = formula(1 + below(DEPTH));
		for (uint32_t values = 0; values < 1u << VARS; values++)
			if (our_truth(p.ours, values) != their_truth(p.theirs, values))
				ck_abort_msg("formula %d differs from BuDDy's for %x", i, values);
		/* Both are canonical, so that equal functions have equally many nodes. */
		ck_assert_uint_eq(dd_size(&dd, p.ours), (unsigned)bdd_nodecount(p.theirs));
		bdd_delref(p.theirs);
	}
	bdd_done();
}
END_TEST

START_TEST(projections)
{
	start_buddy();
	for (int i = 0; i < 300; i++) {
		uint32_t first = below(VARS), count = below(VARS - first + 1), a;
		struct pair p = formula(DEPTH);

		a = dd_project(&dd, p.ours, first, count);
		for (int k = 0; k < 20; k++) {
			uint32_t values = below(1u << VARS);

			ck_assert_int_eq(our_truth(a, values), projected_truth(p.ours, values, first, count));
		}
		bdd_delref(p.theirs);
		if (i % 2)
			dd_reset(&dd, VARS);
	}
	bdd_done();
}
END_TEST

START_TEST(equal_functions_are_equal)
{
	for (int i = 0; i < 1000; i++) {
		uint32_t a = dd_make(&dd, below(4), DD_FALSE, DD_TRUE),
			 b = dd_make(&dd, 4 + below(4), DD_TRUE, DD_FALSE);

		ck_assert_uint_eq(dd_and(&dd, a, b), dd_minus(&dd, a, dd_not(&dd, b)));
		ck_assert_uint_eq(dd_xor(&dd, a, b), dd_minus(&dd, dd_or(&dd, a, b), dd_and(&dd, a, b)));
		ck_assert_uint_eq(dd_not(&dd, dd_not(&dd, a)), a);
	}
}
END_TEST

/* A function that needs many nodes: x0 x16 or x1 x17 or ... */
static uint32_t large(uint32_t pairs)
{
	struct dd empty = { .step_budget = dd.step_budget, .byte_budget = dd.byte_budget };
	uint32_t all = DD_FALSE;

	dd_free(&dd);
	dd = empty;
	dd_reset(&dd, 2 * pairs);
	for (uint32_t i = 0; i < pairs; i++)
		all = dd_or(&dd, all,
			    dd_and(&dd, dd_make(&dd, i, DD_FALSE, DD_TRUE),
				   dd_make(&dd, pairs + i, DD_FALSE, DD_TRUE)));
	return all;
}

START_TEST(budgets)
{
	uint64_t steps;
	size_t bytes;

	large(14);
	ck_assert(!dd.over);
	steps = dd.steps;
	bytes = dd_bytes(&dd);
	dd.step_budget = steps;
	large(14);
	ck_assert(!dd.over);
	dd.step_budget = steps - 1;
	large(14);
	ck_assert(dd.over);
	ck_assert_uint_le(dd.steps, steps);
	/* And with it, the next one begins anew. */
	dd_reset(&dd, 4);
	ck_assert(!dd.over);
	dd.step_budget = UINT64_MAX;
	dd.byte_budget = bytes;
	large(14);
	ck_assert(!dd.over);
	ck_assert_uint_le(dd_bytes(&dd), bytes);
	dd.byte_budget = bytes - 1;
	large(14);
	ck_assert(dd.over);
	ck_assert_uint_lt(dd_bytes(&dd), bytes);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("packet_dd");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, same_truth);
	tcase_add_test(tcase, projections);
	tcase_add_test(tcase, equal_functions_are_equal);
	tcase_add_test(tcase, budgets);
	return run_suite("packet_dd", tcase);
}
