/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service's cycle: every row of its table, by effects that record what they are asked for, and a clock that is set. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "firewall/service/cycle.h"

enum { MS = 1000, SECOND = 1000000 };

/* What the effects return, and what they were asked for. */
static struct {
	uint64_t now, used, duration, again;
	uint64_t timers[CYCLE_TIMERS];
	bool readable, refused, stale, contents, failed, recovered, removed;
	enum cycle_event patched, compiled, loaded, rolled_back;
	enum cycle_event during_load; /* comes while rules are loaded; CYCLE_DONE: none */
	bool compared;                /* at the last load */
	char calls[512];
} world;
static struct cycle cycle;

static void note(const char *call)
{
	strcat(strcat(world.calls, world.calls[0] ? " " : ""), call);
}

static uint64_t fake_now(void *context)
{
	(void)context;
	return world.now;
}

static uint64_t fake_processor_time(void *context)
{
	(void)context;
	return world.used;
}

static uint64_t fake_duration(void *context)
{
	(void)context;
	return world.duration;
}

static void fake_arm(void *context, enum cycle_timer timer, uint64_t time)
{
	(void)context;
	world.timers[timer] = time;
}

static void fake_read_tree(void *context)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_READING);
	note("read");
}

static bool fake_tree_is_readable(void *context)
{
	(void)context;
	return world.readable;
}

static enum cycle_event fake_patch(void *context, const char *file)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_PATCHING);
	note("patch");
	note(file);
	return world.patched;
}

static enum cycle_event fake_compile(void *context, uint64_t *again)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_COMPILING);
	note("compile");
	world.used += 100 * MS;
	*again = world.again;
	return world.compiled;
}

static enum cycle_event fake_load(void *context)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_LOADING);
	note("load");
	if (world.during_load != CYCLE_DONE)
		cycle_handle(&cycle, world.during_load);
	world.compared = cycle.compare;
	return world.loaded;
}

static bool fake_has_refused(void *context)
{
	(void)context;
	return world.refused;
}

static void fake_retry_refused(void *context)
{
	(void)context;
	note("retry_refused");
}

static void fake_forget_loaded(void *context)
{
	(void)context;
	note("forget");
}

static void fake_keep_settings(void *context)
{
	(void)context;
	note("keep");
}

static bool fake_is_stale(void *context)
{
	(void)context;
	note("stale?");
	return world.stale;
}

static bool fake_contents_changed(void *context)
{
	(void)context;
	note("contents?");
	return world.contents;
}

static enum cycle_event fake_roll_back(void *context)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_ROLLING_BACK);
	note("roll_back");
	return world.rolled_back;
}

static void fake_finished(void *context, bool failed, bool recovered)
{
	(void)context;
	note("finished");
	world.failed = failed;
	world.recovered = recovered;
}

static void fake_end(void *context, bool remove)
{
	(void)context;
	note("end");
	world.removed = remove;
}

static const struct cycle_effects effects = {
	.now = fake_now,
	.processor_time = fake_processor_time,
	.duration = fake_duration,
	.arm = fake_arm,
	.read_tree = fake_read_tree,
	.tree_is_readable = fake_tree_is_readable,
	.patch = fake_patch,
	.compile = fake_compile,
	.load = fake_load,
	.has_refused = fake_has_refused,
	.retry_refused = fake_retry_refused,
	.forget_loaded = fake_forget_loaded,
	.keep_settings = fake_keep_settings,
	.is_stale = fake_is_stale,
	.contents_changed = fake_contents_changed,
	.roll_back = fake_roll_back,
	.finished = fake_finished,
	.end = fake_end,
};

static void setup(void)
{
	memset(&world, 0, sizeof(world));
	world.now = 1000 * (uint64_t)SECOND;
	world.readable = true;
	world.patched = CYCLE_PATCHED;
	world.compiled = CYCLE_COMPILED;
	world.loaded = CYCLE_LOADED;
	world.rolled_back = CYCLE_NOTHING_ROLLED_BACK;
	world.during_load = CYCLE_DONE;
	cycle_init(&cycle, &effects, NULL, 0);
}

static void send(enum cycle_event event)
{
	world.calls[0] = '\0';
	cycle_handle(&cycle, event);
}

static void change(const char *file)
{
	world.calls[0] = '\0';
	cycle_tree_changed(&cycle, file);
}

static void pass(uint64_t microseconds)
{
	world.now += microseconds;
}

/* Brings a new machine into a state by events alone, and lets an hour pass. */
static void reach(enum cycle_state state)
{
	setup();
	if (state == CYCLE_STARTING)
		return;
	send(CYCLE_START);
	pass(3600 * (uint64_t)SECOND);
	switch (state) {
	case CYCLE_WAITING:
		change("firewall/100.fw");
		break;
	case CYCLE_DOUBTING:
		change("firewall/cluster.fw");
		pass(SECOND / 100);
		world.patched = CYCLE_NOT_PATCHED;
		world.compiled = CYCLE_COMPILED_DISABLED;
		send(CYCLE_DUE);
		world.compiled = CYCLE_COMPILED;
		break;
	case CYCLE_FAILED:
		world.readable = false;
		send(CYCLE_APPLY);
		world.readable = true;
		pass(3600 * (uint64_t)SECOND);
		break;
	case CYCLE_RETRYING:
		world.loaded = CYCLE_NOT_LOADED;
		send(CYCLE_APPLY);
		world.loaded = CYCLE_LOADED;
		break;
	case CYCLE_STOPPED:
		send(CYCLE_STOP);
		break;
	default:
		break;
	}
	world.calls[0] = '\0';
	ck_assert_int_eq(cycle.state, state);
}

static uint64_t due_in(void)
{
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_DUE], cycle.due);
	return cycle.due - world.now;
}

static void expect(enum cycle_state state, const char *calls)
{
	ck_assert_int_eq(cycle.state, state);
	ck_assert_str_eq(world.calls, calls);
}

/* ---- every row ---- */

#define CYCLE_CALLS "read compile load finished"

static const struct row {
	enum cycle_event event;
	const char *next; /* the states that follow STARTING, IDLE, WAITING, DOUBTING, FAILED, RETRYING and STOPPED */
	const char *calls[7]; /* NULL: none */
} rows[] = {
	{ CYCLE_START, "IIWDFRX", { "roll_back " CYCLE_CALLS } },
	{ CYCLE_TREE_CHANGED, "SWWDRRX", { NULL } },
	{ CYCLE_SURROUNDINGS_CHANGED, "SWWDRRX", { NULL } },
	{ CYCLE_RULES_CHANGED, "SWWDRRX", { NULL } },
	{ CYCLE_POLL, "SIWDFRX", { NULL, "keep stale? contents?", "keep", "keep", "keep stale? contents?", "keep" } },
	{ CYCLE_VERIFY, "SWWDRRX", { NULL, "forget", "forget", "forget", "forget", "forget" } },
	{ CYCLE_ENABLE_EXPIRED, "SWWDRRX", { NULL } },
	{ CYCLE_RETRY_REFUSED, "SWWDRRX",
	  { NULL, "retry_refused", "retry_refused", "retry_refused", "retry_refused", "retry_refused" } },
	{ CYCLE_DUE, "SIWIIIX",
	  { NULL, "compile load finished", "patch firewall/100.fw", "compile load finished", "compile load finished",
	    "compile load finished" } },
	{ CYCLE_APPLY, "SIIIIIX", { NULL, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS } },
	{ CYCLE_RELOAD, "SIIIIIX",
	  { NULL, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS,
	    "forget " CYCLE_CALLS } },
	{ CYCLE_CONFIRM_TIMEOUT, "SIWDFRX", { NULL, "roll_back", "roll_back", "roll_back", "roll_back", "roll_back" } },
	{ CYCLE_STOP, "XXXXXXX", { "end", "end", "end", "end", "end", "end" } },
	{ CYCLE_LEAVE, "XXXXXXX", { "end", "end", "end", "end", "end", "end" } },
};

static const enum cycle_state resting[] = { CYCLE_STARTING, CYCLE_IDLE, CYCLE_WAITING, CYCLE_DOUBTING,
					    CYCLE_FAILED, CYCLE_RETRYING, CYCLE_STOPPED };

static char letter(enum cycle_state state)
{
	return "SIWDFR.....X"[state];
}

START_TEST(each_row)
{
	const struct row *row = &rows[_i];

	for (unsigned i = 0; i < 7; i++) {
		bool ours, due;

		reach(resting[i]);
		send(row->event);
		ck_assert_msg(letter(cycle.state) == row->next[i], "event %d in state %d: state %d", (int)row->event,
			      (int)resting[i], (int)cycle.state);
		ck_assert_str_eq(world.calls, row->calls[i] ? row->calls[i] : "");
		/* What waits for a cycle has a timer; what does not has none. */
		ours = cycle.state >= CYCLE_IDLE && cycle.state <= CYCLE_RETRYING;
		due = cycle.state != CYCLE_IDLE && cycle.state != CYCLE_FAILED;
		if (ours)
			ck_assert_int_eq(cycle.due != 0, due);
		if (row->event == CYCLE_STOP || row->event == CYCLE_LEAVE)
			ck_assert_int_eq(world.removed, row->event == CYCLE_STOP || resting[i] == CYCLE_STOPPED);
	}
}
END_TEST

/* No event is forgotten here, and those that effects report do nothing where no effect is running. */
START_TEST(results_elsewhere)
{
	unsigned count = 0;

	for (enum cycle_event event = 0; event < CYCLE_EVENTS; event++) {
		bool is_row = false;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			is_row |= rows[i].event == event;
		count += is_row;
		for (unsigned i = 0; i < 7 && !is_row; i++) {
			reach(resting[i]);
			send(event);
			expect(resting[i], "");
		}
	}
	ck_assert_uint_eq(count, sizeof(rows) / sizeof(rows[0]));
}
END_TEST

/* ---- when ---- */

START_TEST(first_change_at_once)
{
	reach(CYCLE_IDLE);
	change("firewall/100.fw");
	ck_assert_uint_eq(due_in(), MS);
	change("firewall/100.fw"); /* the same again */
	ck_assert_uint_eq(due_in(), MS);
}
END_TEST

/* Many: the first is compiled at once, the others when they have come to an end, but not later than 0.7 s. */
START_TEST(many_changes)
{
	reach(CYCLE_IDLE);
	change("firewall/100.fw");
	pass(MS);
	send(CYCLE_DUE);
	expect(CYCLE_WAITING, "patch firewall/100.fw");
	ck_assert_uint_eq(due_in(), 500 * MS);
	for (int i = 0; i < 18; i++) {
		pass(40 * MS);
		change("firewall/101.fw");
		ck_assert_uint_le(due_in(), 50 * MS);
		ck_assert_uint_le(cycle.due, cycle.first_change + 700 * MS);
	}
	ck_assert_uint_eq(cycle.due, cycle.first_change + 700 * MS);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished"); /* everything */
}
END_TEST

/* Where cycles take long, so do writers. */
START_TEST(quiet_by_duration)
{
	reach(CYCLE_IDLE);
	world.duration = 100 * MS;
	change("firewall/100.fw");
	pass(2 * MS); /* later than the cycle that was due */
	change(NULL);
	ck_assert_uint_eq(cycle.due, cycle.first_change + MS); /* which is not put off */
	send(CYCLE_DUE);
	pass(10 * MS);
	change("firewall/100.fw");
	ck_assert_uint_eq(due_in(), 300 * MS);
}
END_TEST

START_TEST(long_names_are_many)
{
	char name[CYCLE_FILE_SIZE + 1];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	reach(CYCLE_IDLE);
	change(name);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
}
END_TEST

/* ---- the fast path ---- */

START_TEST(patch_refused)
{
	reach(CYCLE_WAITING);
	world.patched = CYCLE_NOT_PATCHED;
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "patch firewall/100.fw compile load finished");
}
END_TEST

START_TEST(no_patch)
{
	reach(CYCLE_WAITING);
	change("firewall/101.fw"); /* two files */
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	reach(CYCLE_WAITING);
	send(CYCLE_RULES_CHANGED);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	ck_assert(world.compared);
	reach(CYCLE_WAITING);
	send(CYCLE_SURROUNDINGS_CHANGED);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	reach(CYCLE_RETRYING);
	change("firewall/100.fw");
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	ck_assert(world.recovered);
}
END_TEST

/* ---- failures ---- */

START_TEST(retries_later_and_later)
{
	uint64_t pause = SECOND;

	reach(CYCLE_IDLE);
	world.compiled = CYCLE_NOT_COMPILED;
	for (int i = 0; i < 10; i++) {
		ck_assert(!cycle_request(&cycle, CYCLE_APPLY));
		ck_assert_int_eq(cycle.state, CYCLE_RETRYING);
		ck_assert(cycle_is_failing(&cycle) && world.failed);
		ck_assert_uint_eq(due_in(), pause);
		pause = 2 * pause < 60 * (uint64_t)SECOND ? 2 * pause : 60 * (uint64_t)SECOND;
		pass(due_in());
	}
	ck_assert_uint_eq(cycle.failures, 10);
	world.compiled = CYCLE_COMPILED;
	ck_assert(cycle_request(&cycle, CYCLE_APPLY));
	ck_assert(world.recovered && !cycle_is_failing(&cycle));
	world.loaded = CYCLE_NOT_LOADED;
	send(CYCLE_APPLY);
	ck_assert_uint_eq(due_in(), SECOND); /* from the beginning */
	ck_assert(!world.recovered);
}
END_TEST

/* The pause is ten times the processor time of what has failed. */
static enum cycle_event compile_long(void *context, uint64_t *again)
{
	(void)context;
	*again = 0;
	world.used += 2 * SECOND;
	return CYCLE_NOT_COMPILED;
}

START_TEST(retry_rests)
{
	struct cycle_effects slow = effects;

	reach(CYCLE_IDLE);
	slow.compile = compile_long;
	cycle.effects = &slow;
	send(CYCLE_APPLY);
	ck_assert_uint_eq(due_in(), 20 * (uint64_t)SECOND);
	send(CYCLE_DUE);
	ck_assert_uint_eq(due_in(), 40 * (uint64_t)SECOND);
	send(CYCLE_DUE);
	ck_assert_uint_eq(due_in(), 60 * (uint64_t)SECOND);
}
END_TEST

/* Nothing but a change of the tree helps. */
START_TEST(unreadable_tree)
{
	reach(CYCLE_FAILED);
	ck_assert_uint_eq(cycle.due, 0);
	ck_assert_uint_eq(cycle.failures, 0);
	change(NULL);
	expect(CYCLE_RETRYING, "");
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	ck_assert(world.recovered);
	/* What is loaded of a tree that has vanished meanwhile does not count. */
	reach(CYCLE_IDLE);
	world.readable = false;
	ck_assert(!cycle_request(&cycle, CYCLE_APPLY));
	ck_assert_int_eq(cycle.state, CYCLE_FAILED);
}
END_TEST

START_TEST(compile_again)
{
	reach(CYCLE_IDLE);
	world.again = 300 * MS;
	send(CYCLE_APPLY);
	expect(CYCLE_WAITING, CYCLE_CALLS);
	ck_assert_uint_eq(due_in(), 300 * MS);
}
END_TEST

/* ---- the firewall is disabled ---- */

START_TEST(disabled_is_doubted)
{
	reach(CYCLE_DOUBTING);
	ck_assert_uint_eq(due_in(), 500 * MS);
	ck_assert(!world.failed);
	world.compiled = CYCLE_COMPILED_DISABLED;
	pass(200 * MS);
	send(CYCLE_DUE); /* too early */
	expect(CYCLE_DOUBTING, "compile finished");
	ck_assert_uint_eq(due_in(), 300 * MS);
	pass(300 * MS);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	ck_assert_uint_eq(cycle.disabled_since, 0);
}
END_TEST

START_TEST(disabled_for_a_moment)
{
	reach(CYCLE_DOUBTING);
	change("firewall/cluster.fw");
	expect(CYCLE_DOUBTING, "");
	pass(50 * MS);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, "compile load finished");
	world.compiled = CYCLE_COMPILED_DISABLED;
	change("firewall/cluster.fw");
	send(CYCLE_SURROUNDINGS_CHANGED);
	send(CYCLE_DUE); /* the time begins anew */
	expect(CYCLE_DOUBTING, "compile finished");
	ck_assert_uint_eq(cycle.due, cycle.disabled_since + 500 * MS);
}
END_TEST

/* Somebody who asks for it means it. */
START_TEST(disabled_by_request)
{
	reach(CYCLE_DOUBTING);
	world.compiled = CYCLE_COMPILED_DISABLED;
	ck_assert(cycle_request(&cycle, CYCLE_APPLY));
	ck_assert_int_eq(cycle.state, CYCLE_IDLE);
	ck_assert_uint_eq(cycle.disabled_since, 0);
	change("firewall/cluster.fw");
	pass(300 * MS);
	world.patched = CYCLE_NOT_PATCHED;
	send(CYCLE_DUE); /* but what comes later is as doubtful as ever */
	ck_assert_int_eq(cycle.state, CYCLE_DOUBTING);
}
END_TEST

/* ---- the kernel ---- */

START_TEST(repairs_pause)
{
	reach(CYCLE_IDLE);
	send(CYCLE_RULES_CHANGED);
	ck_assert_uint_eq(due_in(), MS);
	pass(MS);
	send(CYCLE_DUE);
	ck_assert(world.compared && !cycle.compare);
	pass(100 * MS);
	send(CYCLE_RULES_CHANGED);
	ck_assert_uint_eq(due_in(), 900 * MS);
}
END_TEST

START_TEST(others_at_the_same_time)
{
	reach(CYCLE_IDLE);
	world.loaded = CYCLE_LOADED_BESIDE_OTHERS;
	ck_assert(cycle_request(&cycle, CYCLE_APPLY));
	ck_assert_int_eq(cycle.state, CYCLE_WAITING);
	ck_assert_uint_eq(due_in(), SECOND);
	world.loaded = CYCLE_LOADED;
	send(CYCLE_DUE);
	ck_assert(world.compared);
	/* Messages about others that are read while rules are loaded: compared at once, and looked at again. */
	reach(CYCLE_IDLE);
	world.during_load = CYCLE_RULES_CHANGED;
	send(CYCLE_APPLY);
	ck_assert(world.compared && !cycle.compare);
	ck_assert_int_eq(cycle.state, CYCLE_WAITING);
	/* A change of the tree, or a request to end, is not lost either. */
	reach(CYCLE_IDLE);
	world.during_load = CYCLE_TREE_CHANGED;
	send(CYCLE_APPLY);
	ck_assert_int_eq(cycle.state, CYCLE_WAITING);
	reach(CYCLE_IDLE);
	world.during_load = CYCLE_STOP;
	send(CYCLE_APPLY);
	expect(CYCLE_STOPPED, "read compile load end");
}
END_TEST

START_TEST(polls)
{
	reach(CYCLE_IDLE);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_VERIFY], 1600 * (uint64_t)SECOND);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_POLL], 1001 * (uint64_t)SECOND);
	send(CYCLE_POLL);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_POLL], world.now + SECOND);
	pass(SECOND);
	send(CYCLE_POLL);
	expect(CYCLE_IDLE, "keep stale?"); /* contents each eight seconds */
	pass(7 * SECOND);
	world.contents = true;
	send(CYCLE_POLL);
	expect(CYCLE_WAITING, "keep stale? contents?");
	reach(CYCLE_FAILED);
	world.stale = true;
	send(CYCLE_POLL);
	expect(CYCLE_RETRYING, "keep stale?");
	send(CYCLE_VERIFY);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_VERIFY], world.now + 600 * (uint64_t)SECOND);
	ck_assert_uint_eq(due_in(), 0);
}
END_TEST

/* ---- what was refused ---- */

START_TEST(refused_is_tried_again)
{
	uint64_t pause = 60 * (uint64_t)SECOND;

	reach(CYCLE_IDLE);
	world.refused = true;
	send(CYCLE_APPLY);
	for (int i = 0; i < 6; i++) {
		ck_assert_uint_eq(world.timers[CYCLE_TIMER_REFUSED], world.now + pause);
		send(CYCLE_APPLY); /* does not begin anew */
		ck_assert_uint_eq(world.timers[CYCLE_TIMER_REFUSED], world.now + pause);
		pass(pause);
		send(CYCLE_RETRY_REFUSED);
		expect(CYCLE_WAITING, "retry_refused");
		ck_assert_uint_eq(due_in(), 0);
		send(CYCLE_DUE);
		pause = 2 * pause < 600 * (uint64_t)SECOND ? 2 * pause : 600 * (uint64_t)SECOND;
	}
	world.refused = false;
	send(CYCLE_APPLY);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_REFUSED], 0);
	world.refused = true;
	send(CYCLE_APPLY);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_REFUSED], world.now + 60 * (uint64_t)SECOND);
	cycle_init(&cycle, &effects, NULL, 5 * (uint64_t)SECOND);
	send(CYCLE_START);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_REFUSED], world.now + 5 * (uint64_t)SECOND);
}
END_TEST

/* ---- confirmation ---- */

START_TEST(confirmation_times_out)
{
	for (unsigned i = CYCLE_IDLE; i <= CYCLE_RETRYING; i++) {
		reach(i);
		world.rolled_back = CYCLE_ROLLED_BACK;
		send(CYCLE_CONFIRM_TIMEOUT);
		expect(CYCLE_IDLE, "roll_back " CYCLE_CALLS);
		ck_assert_int_eq(world.recovered, i == CYCLE_FAILED || i == CYCLE_RETRYING);
	}
}
END_TEST

START_TEST(first_cycle_fails)
{
	setup();
	world.loaded = CYCLE_NOT_LOADED;
	send(CYCLE_START);
	expect(CYCLE_RETRYING, "roll_back " CYCLE_CALLS);
	ck_assert(world.timers[CYCLE_TIMER_POLL] && world.timers[CYCLE_TIMER_VERIFY]);
	setup();
	world.readable = false;
	world.compiled = CYCLE_NOT_COMPILED;
	send(CYCLE_START);
	expect(CYCLE_FAILED, "roll_back read compile finished");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("cycle");
	Suite *suite = suite_create("cycle");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, each_row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tests, results_elsewhere);
	tcase_add_test(tests, first_change_at_once);
	tcase_add_test(tests, many_changes);
	tcase_add_test(tests, quiet_by_duration);
	tcase_add_test(tests, long_names_are_many);
	tcase_add_test(tests, patch_refused);
	tcase_add_test(tests, no_patch);
	tcase_add_test(tests, retries_later_and_later);
	tcase_add_test(tests, retry_rests);
	tcase_add_test(tests, unreadable_tree);
	tcase_add_test(tests, compile_again);
	tcase_add_test(tests, disabled_is_doubted);
	tcase_add_test(tests, disabled_for_a_moment);
	tcase_add_test(tests, disabled_by_request);
	tcase_add_test(tests, repairs_pause);
	tcase_add_test(tests, others_at_the_same_time);
	tcase_add_test(tests, polls);
	tcase_add_test(tests, refused_is_tried_again);
	tcase_add_test(tests, confirmation_times_out);
	tcase_add_test(tests, first_cycle_fails);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
