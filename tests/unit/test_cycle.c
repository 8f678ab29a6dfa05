/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service's cycle: every row of its table, by effects that record what they are asked for, and a clock that is set. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "firewall/service/cycle.h"

enum { MS = 1000, SECOND = 1000000 };

/* What the effects return, and what they were asked for. */
static struct {
	uint64_t now, used, cost, duration, again; /* cost: of a cycle, in processor time */
	uint64_t timers[CYCLE_TIMERS];
	bool readable, refused, stale, contents, failed, recovered, removed;
	enum cycle_event patched, compared_as, compiled, loaded, rolled_back;
	enum cycle_event during_load; /* comes while rules are loaded; CYCLE_DONE: none */
	bool compared;                /* at the last load */
	bool in_force;                /* guests' files can be patched */
	const char *during_patch;     /* the file that changes while others are patched; NULL: none */
	bool rules_during_patch;      /* others change rules at that time */
	bool others_during_compare;   /* others change rules while they are compared */
	unsigned patched_files, compares, compiles;
	uint64_t patch_time; /* of one patch */
	char calls[2048];
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

/* Guests' files have numbers. */
static bool fake_can_patch(void *context, const char *file)
{
	(void)context;
	return world.in_force && strncmp(file, "firewall/", 9) == 0 && file[9] >= '0' && file[9] <= '9';
}

static enum cycle_event fake_patch(void *context, const struct cycle_files *files)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_PATCHING);
	ck_assert_uint_eq(cycle.files.count, 0);
	note("patch");
	for (unsigned i = 0; i < files->count; i++)
		note(files->names[i] + 9);
	world.patched_files += files->count;
	world.now += world.patch_time;
	if (world.during_patch)
		cycle_tree_changed(&cycle, world.during_patch);
	world.during_patch = NULL;
	if (world.rules_during_patch)
		cycle_handle(&cycle, CYCLE_RULES_CHANGED);
	return world.patched;
}

static enum cycle_event fake_compare(void *context)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_COMPARING);
	note("compare");
	world.compares++;
	world.used += world.cost;
	cycle.compare |= world.others_during_compare;
	return world.compared_as;
}

static enum cycle_event fake_compile(void *context, uint64_t *again)
{
	(void)context;
	ck_assert_int_eq(cycle.state, CYCLE_COMPILING);
	note("compile");
	world.compiles++;
	world.used += world.cost;
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
	.can_patch = fake_can_patch,
	.patch = fake_patch,
	.compare = fake_compare,
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
	world.cost = 100 * MS;
	world.readable = world.in_force = true;
	world.patched = CYCLE_PATCHED;
	world.compared_as = CYCLE_COMPARED;
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
	case CYCLE_UNCOMPARED:
	case CYCLE_WAITING:
		change("firewall/100.fw");
		if (state == CYCLE_UNCOMPARED)
			send(CYCLE_DUE);
		break;
	case CYCLE_DOUBTING:
		change("firewall/cluster.fw");
		pass(SECOND / 100);
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

#define CYCLE_FULL "compile load finished"
#define CYCLE_SHORT "compare finished"
#define CYCLE_CALLS "read " CYCLE_FULL

static const struct row {
	enum cycle_event event;
	const char *next; /* the states that follow STARTING, IDLE, UNCOMPARED, WAITING, DOUBTING, FAILED, RETRYING and STOPPED */
	const char *calls[8]; /* NULL: none */
} rows[] = {
	{ CYCLE_START, "IIUWDFRX", { "roll_back " CYCLE_CALLS } },
	{ CYCLE_TREE_CHANGED, "SWWWDRRX", { NULL } },
	{ CYCLE_GUEST_CHANGED, "SWWWDRRX", { NULL } },
	{ CYCLE_SURROUNDINGS_CHANGED, "SWWWDRRX", { NULL } },
	{ CYCLE_RULES_CHANGED, "SWWWDRRX", { NULL } },
	{ CYCLE_POLL, "SIUWDFRX",
	  { NULL, "keep stale? contents?", "keep stale? contents?", "keep", "keep", "keep stale? contents?", "keep" } },
	{ CYCLE_VERIFY, "SWWWDRRX", { NULL, "forget", "forget", "forget", "forget", "forget", "forget" } },
	{ CYCLE_ENABLE_EXPIRED, "SWWWDRRX", { NULL } },
	{ CYCLE_RETRY_REFUSED, "SWWWDRRX",
	  { NULL, "retry_refused", "retry_refused", "retry_refused", "retry_refused", "retry_refused", "retry_refused" } },
	{ CYCLE_DUE, "SIIUIIIX",
	  { NULL, CYCLE_FULL, CYCLE_FULL, "patch 100.fw", CYCLE_FULL, CYCLE_FULL, CYCLE_FULL } },
	{ CYCLE_COMPARE, "SIIWDFRX", { NULL, NULL, CYCLE_SHORT } },
	{ CYCLE_APPLY, "SIIIIIIX", { NULL, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS, CYCLE_CALLS } },
	{ CYCLE_RELOAD, "SIIIIIIX",
	  { NULL, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS, "forget " CYCLE_CALLS,
	    "forget " CYCLE_CALLS, "forget " CYCLE_CALLS } },
	{ CYCLE_CONFIRM_TIMEOUT, "SIUWDFRX",
	  { NULL, "roll_back", "roll_back", "roll_back", "roll_back", "roll_back", "roll_back" } },
	{ CYCLE_STOP, "XXXXXXXX", { "end", "end", "end", "end", "end", "end", "end" } },
	{ CYCLE_LEAVE, "XXXXXXXX", { "end", "end", "end", "end", "end", "end", "end" } },
};

enum { RESTING = 8 };

static const enum cycle_state resting[RESTING] = { CYCLE_STARTING, CYCLE_IDLE, CYCLE_UNCOMPARED, CYCLE_WAITING,
						   CYCLE_DOUBTING, CYCLE_FAILED, CYCLE_RETRYING, CYCLE_STOPPED };

static char letter(enum cycle_state state)
{
	return "SIUWDFR......X"[state];
}

START_TEST(each_row)
{
	const struct row *row = &rows[_i];

	for (unsigned i = 0; i < RESTING; i++) {
		bool ours, due;

		reach(resting[i]);
		send(row->event);
		ck_assert_msg(letter(cycle.state) == row->next[i], "event %d in state %d: state %d", (int)row->event,
			      (int)resting[i], (int)cycle.state);
		ck_assert_str_eq(world.calls, row->calls[i] ? row->calls[i] : "");
		/* What waits for a cycle has a timer; what does not has none. */
		ours = cycle.state >= CYCLE_IDLE && cycle.state <= CYCLE_RETRYING;
		due = cycle.state != CYCLE_IDLE && cycle.state != CYCLE_UNCOMPARED && cycle.state != CYCLE_FAILED;
		if (ours)
			ck_assert_int_eq(cycle.due != 0, due);
		if (cycle.state == CYCLE_UNCOMPARED || cycle.state == CYCLE_IDLE)
			ck_assert_int_eq(cycle.compare_due != 0, cycle.state == CYCLE_UNCOMPARED);
		ck_assert_uint_eq(world.timers[CYCLE_TIMER_COMPARE], cycle.compare_due);
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
		for (unsigned i = 0; i < RESTING && !is_row; i++) {
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

/* Many that take a full cycle: the first is compiled at once, the others when they have come to an end, but not later than
 * 0.7 s. */
START_TEST(many_changes)
{
	reach(CYCLE_IDLE);
	change("firewall/cluster.fw");
	pass(MS);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	for (int i = 0; i < 18; i++) {
		pass(40 * MS);
		change("nodes/n/host.fw");
		ck_assert_uint_le(due_in(), 50 * MS);
		ck_assert_uint_le(cycle.due, cycle.first_change + 700 * MS);
	}
	ck_assert_uint_eq(cycle.due, cycle.first_change + 700 * MS);
	change("firewall/100.fw"); /* is no exception */
	ck_assert_uint_eq(cycle.due, cycle.first_change + 700 * MS);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
}
END_TEST

/* Where cycles take long, so do writers. */
START_TEST(quiet_by_duration)
{
	reach(CYCLE_IDLE);
	world.duration = 100 * MS;
	change("firewall/cluster.fw");
	pass(2 * MS); /* later than the cycle that was due */
	change(NULL);
	ck_assert_uint_eq(cycle.due, cycle.first_change + MS); /* which is not put off */
	send(CYCLE_DUE);
	pass(10 * MS);
	change("firewall/cluster.fw");
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
	expect(CYCLE_IDLE, "patch 100.fw " CYCLE_FULL);
}
END_TEST

START_TEST(no_patch)
{
	reach(CYCLE_WAITING);
	send(CYCLE_RULES_CHANGED);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.compared);
	reach(CYCLE_WAITING);
	send(CYCLE_SURROUNDINGS_CHANGED);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	reach(CYCLE_WAITING);
	send(CYCLE_ENABLE_EXPIRED);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	reach(CYCLE_RETRYING);
	change("firewall/100.fw");
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.recovered);
	reach(CYCLE_IDLE); /* what is loaded is not what was compiled last */
	world.in_force = false;
	change("firewall/100.fw");
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
}
END_TEST

/* cluster.fw before a guest's file, or after it. */
START_TEST(mixed_changes)
{
	const char *files[2] = { "firewall/cluster.fw", "firewall/100.fw" };

	for (unsigned i = 0; i < 2; i++) {
		reach(CYCLE_IDLE);
		change(files[i]);
		change(files[!i]);
		ck_assert_uint_le(due_in(), MS);
		send(CYCLE_DUE);
		expect(CYCLE_IDLE, CYCLE_FULL);
		ck_assert_uint_eq(cycle.files.count, 0);
		reach(CYCLE_UNCOMPARED);
		change(files[i]);
		change(files[!i]);
		ck_assert_uint_le(due_in(), MS);
		send(CYCLE_DUE);
		expect(CYCLE_IDLE, CYCLE_FULL);
		ck_assert_uint_eq(cycle.compare_due, 0);
	}
}
END_TEST

/* A change that comes while another one is patched is the next patch, after a pause of twice its duration. */
START_TEST(second_guest_while_patching)
{
	reach(CYCLE_WAITING);
	world.patch_time = 20 * MS;
	world.during_patch = "firewall/101.fw";
	send(CYCLE_DUE);
	expect(CYCLE_WAITING, "patch 100.fw");
	ck_assert_uint_le(due_in(), MS); /* it was noticed before it was known how long the patch takes */
	pass(due_in());
	send(CYCLE_DUE);
	expect(CYCLE_UNCOMPARED, "patch 101.fw");
	change("firewall/102.fw");
	ck_assert_uint_eq(due_in(), 40 * MS);
	change("firewall/103.fw");
	change("firewall/102.fw"); /* the same again */
	pass(due_in());
	send(CYCLE_DUE);
	expect(CYCLE_UNCOMPARED, "patch 102.fw 103.fw");
	world.patch_time = 300 * MS;
	change("firewall/104.fw");
	send(CYCLE_DUE);
	change("firewall/105.fw");
	ck_assert_uint_eq(due_in(), 100 * MS);
}
END_TEST

/* Sends what is due until the time has come. */
static void run_until(uint64_t time)
{
	for (;;) {
		uint64_t due = world.timers[CYCLE_TIMER_DUE], compare = world.timers[CYCLE_TIMER_COMPARE];
		enum cycle_timer next = due && (!compare || due <= compare) ? CYCLE_TIMER_DUE : CYCLE_TIMER_COMPARE;
		uint64_t at = world.timers[next];

		if (!at || at > time)
			break;
		world.now = at > world.now ? at : world.now;
		world.timers[next] = 0;
		cycle_handle(&cycle, next == CYCLE_TIMER_DUE ? CYCLE_DUE : CYCLE_COMPARE);
	}
	world.now = time > world.now ? time : world.now;
}

static void change_number(unsigned number)
{
	char name[CYCLE_FILE_SIZE];

	snprintf(name, sizeof(name), "firewall/%u.fw", number);
	change(name);
}

START_TEST(fifty_guests)
{
	uint64_t begin;

	reach(CYCLE_IDLE);
	world.patch_time = 30 * MS;
	world.compares = world.compiles = world.patched_files = 0;
	begin = world.now;
	for (unsigned i = 0; i < 50; i++) {
		change_number(100 + i);
		run_until(begin + (i + 1) * 20 * MS);
	}
	run_until(begin + SECOND + 150 * MS);
	ck_assert_uint_eq(world.patched_files, 50);
	ck_assert_uint_eq(world.compiles, 0);
	ck_assert_int_eq(cycle.state, CYCLE_UNCOMPARED);
	run_until(world.now + SECOND);
	ck_assert_uint_eq(world.compares, 1);
	ck_assert_uint_eq(world.compiles, 0);
	ck_assert_int_eq(cycle.state, CYCLE_IDLE);
}
END_TEST

/* More than the fast path takes. */
START_TEST(too_many_guests)
{
	reach(CYCLE_IDLE);
	world.compiles = 0;
	for (unsigned i = 0; i <= CYCLE_FILES_MOST; i++)
		change_number(100 + i);
	run_until(world.now + SECOND);
	ck_assert_uint_eq(world.patched_files, 0);
	ck_assert_uint_eq(world.compiles, 1);
}
END_TEST

/* The comparison that follows patches comes in a quiet second. */
START_TEST(compared_when_quiet)
{
	reach(CYCLE_UNCOMPARED);
	ck_assert_uint_eq(cycle.compare_due, world.now + SECOND);
	pass(900 * MS);
	change("firewall/101.fw");
	pass(due_in());
	send(CYCLE_DUE);
	expect(CYCLE_UNCOMPARED, "patch 101.fw");
	ck_assert_uint_eq(cycle.compare_due, world.now + SECOND);
	pass(SECOND);
	send(CYCLE_COMPARE);
	expect(CYCLE_IDLE, CYCLE_SHORT);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_COMPARE], 0);
	send(CYCLE_COMPARE); /* nothing was patched since */
	expect(CYCLE_IDLE, "");
	/* A change that is due is patched before, or compiled with all. */
	reach(CYCLE_UNCOMPARED);
	pass(SECOND);
	change("firewall/101.fw");
	send(CYCLE_COMPARE);
	expect(CYCLE_IDLE, "patch 101.fw " CYCLE_SHORT);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_DUE], 0);
	ck_assert_uint_eq(cycle.files.count, 0);
	reach(CYCLE_UNCOMPARED);
	pass(SECOND);
	world.patched = CYCLE_NOT_PATCHED;
	change("firewall/101.fw");
	send(CYCLE_COMPARE);
	expect(CYCLE_IDLE, "patch 101.fw " CYCLE_FULL);
	reach(CYCLE_UNCOMPARED);
	change("firewall/cluster.fw");
	send(CYCLE_COMPARE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	reach(CYCLE_UNCOMPARED);
	send(CYCLE_RULES_CHANGED);
	send(CYCLE_COMPARE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.compared);
}
END_TEST

/* A stream without a quiet second has one each five seconds; one with pauses has not more, where it is expensive. */
static void stream(uint64_t interval, uint64_t cost, uint64_t seconds, unsigned least, unsigned most)
{
	uint64_t begin, last, longest = 0;
	unsigned compares;

	reach(CYCLE_IDLE);
	world.cost = cost;
	world.patch_time = 10 * MS;
	begin = last = world.now;
	world.compares = compares = 0;
	for (unsigned i = 0; world.now - begin < seconds * SECOND; i++) {
		change_number(100 + i % 7);
		run_until(begin + (i + 1) * interval);
		if (world.compares == compares)
			continue;
		ck_assert_uint_eq(world.compares, compares + 1);
		compares = world.compares;
		longest = world.now - last > longest ? world.now - last : longest;
		last = world.now;
	}
	ck_assert_uint_ge(world.compares, least);
	ck_assert_uint_le(world.compares, most);
	ck_assert_uint_le(longest, 5 * SECOND + 2 * interval);
}

START_TEST(stream_is_compared)
{
	stream(100 * MS, 300 * MS, 60, 11, 12);
	stream(100 * MS, 5 * MS, 60, 11, 12);
	stream(900 * MS, 300 * MS, 60, 9, 12);
	stream(1500 * MS, 300 * MS, 60, 9, 13);
	stream(1500 * MS, 5 * MS, 60, 39, 41);   /* in each quiet second */
	stream(3000 * MS, 20 * MS, 60, 19, 21);
	stream(10000 * MS, 300 * MS, 60, 5, 6);
}
END_TEST

/* Who asks for it does not wait. */
START_TEST(compared_on_request)
{
	reach(CYCLE_UNCOMPARED);
	cycle_compare(&cycle);
	expect(CYCLE_IDLE, CYCLE_SHORT);
	reach(CYCLE_WAITING);
	cycle_compare(&cycle); /* nothing was patched */
	expect(CYCLE_WAITING, "");
	reach(CYCLE_UNCOMPARED);
	send(CYCLE_APPLY);
	expect(CYCLE_IDLE, CYCLE_CALLS);
	ck_assert_uint_eq(world.timers[CYCLE_TIMER_COMPARE], 0);
}
END_TEST

START_TEST(comparison_fails)
{
	reach(CYCLE_UNCOMPARED);
	world.compared_as = CYCLE_NOT_COMPARED;
	world.loaded = CYCLE_NOT_LOADED;
	pass(SECOND);
	send(CYCLE_COMPARE);
	expect(CYCLE_RETRYING, "compare " CYCLE_FULL);
	ck_assert_uint_eq(cycle.compare_rest, 5 * SECOND); /* both were expensive */
	ck_assert_uint_eq(cycle.compare_due, 0);
	ck_assert_uint_eq(due_in(), 2 * (uint64_t)SECOND); /* ten times what both took */
}
END_TEST

/* Others change rules while guests are patched. */
START_TEST(repair_after_patch)
{
	reach(CYCLE_WAITING);
	world.rules_during_patch = true;
	send(CYCLE_DUE);
	expect(CYCLE_WAITING, "patch 100.fw");
	ck_assert_uint_le(due_in(), MS);
	pass(due_in());
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.compared && !cycle.compare);
	reach(CYCLE_UNCOMPARED);
	send(CYCLE_RULES_CHANGED);
	ck_assert_uint_le(due_in(), MS);
	change("firewall/101.fw");
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.compared);
	/* Or while what was patched is compared. */
	reach(CYCLE_UNCOMPARED);
	pass(SECOND);
	world.others_during_compare = true;
	send(CYCLE_COMPARE);
	expect(CYCLE_WAITING, CYCLE_SHORT);
	ck_assert_uint_eq(due_in(), SECOND);
	pass(SECOND);
	send(CYCLE_DUE);
	expect(CYCLE_IDLE, CYCLE_FULL);
	ck_assert(world.compared && !cycle.compare);
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
	tcase_add_test(tests, mixed_changes);
	tcase_add_test(tests, second_guest_while_patching);
	tcase_add_test(tests, fifty_guests);
	tcase_add_test(tests, too_many_guests);
	tcase_add_test(tests, compared_when_quiet);
	tcase_add_test(tests, stream_is_compared);
	tcase_add_test(tests, compared_on_request);
	tcase_add_test(tests, comparison_fails);
	tcase_add_test(tests, repair_after_patch);
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
