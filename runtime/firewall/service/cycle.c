/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *                tree, rules or machine changed,
 *                verify, apply, reload               due, guests' files only       no
 *     STARTING        .----------.                  .------------> PATCHING --------.
 *        | start      |          v                  |                 | patched     |
 *        |          IDLE      WAITING --------------+                 v             |
 *        |            ^        ^ ^  ^               |   .------- UNCOMPARED         |
 *        |            |        | |  |           due |   |             | quiet, late |
 *        |            |        | |  '---------------+---' changed     v             |
 *        |            |<-------+-+------------------+------------ COMPARING         |
 *        |            | loaded | | loaded           v                 | no          v
 *        '-----------------------------------> COMPILING <------------+-------------'
 *                     |          |              |  |  |
 *                     '-- LOADING <-------------'  |  '--> DOUBTING: disabled?  -- half a second --> COMPILING
 *                            | refused             | cannot be compiled
 *                            v                     v
 *                         RETRYING <---------------+--> FAILED: tree cannot be read, waits for a change
 *                            | due, later and later
 *                            '--> COMPILING
 *
 *     CONFIRM_TIMEOUT: ROLLING_BACK, then COMPILING, or back.   STOP, LEAVE: STOPPED, from anywhere.
 *
 * A failed cycle leaves in force what was.  Whether a confirmation is awaited is not a state of its own: it is on disk
 * (confirm.h), survives the service, and does not change what the other events do.
 *
 * Guests' changes are patched: a transaction for those that have come since the last one.  A comparison follows in a quiet
 * second: a stream of changes has one each five seconds, and not fewer.
 */
#include "firewall/service/cycle.h"

#include <stddef.h>
#include <string.h>

/* Microseconds. */
enum {
	SETTLE = 1000,             /* from the first sign of a change to a cycle */
	QUIET = 50000,             /* when there are many, this long after the last, or */
	QUIET_CYCLES = 3,          /* this many times what the last cycle took, if that is longer, */
	LATEST = 700000,           /* but not later than this after the first */
	BURST = 250000,            /* changes this soon after a cycle belong to it */
	PATCH_REST = 2,            /* the pause between two patches is this many times what the last one took, */
	PATCH_REST_MOST = 100000,  /* but not longer: changes meanwhile are one patch */
	COMPARE_QUIET = 1000000,   /* from the last patch to the comparison, */
	COMPARE_LATEST = 5000000,  /* but not later than this after the first */
	COMPARE_REST = 100,        /* and the pause between two is this many times their processor time, up to COMPARE_LATEST */
	RETRY_FIRST = 1000000,
	RETRY_LAST = 60000000,
	RETRY_REST = 10,           /* the pause is this many times the processor time of what has failed */
	DOUBT = 500000,            /* until a tree that disables the firewall is believed: editors truncate files */
	REPAIR_PAUSE = 1000000,    /* between two repairs, so that a fight with another program does not use up the machine */
	REFUSED_FIRST = 60000000,  /* until what was refused is tried again; doubled each time */
	REFUSED_LAST = 600000000,
	POLL = 1000000,
	POLL_CONTENTS = 8000000,
	VERIFY = 600000000,
};

static uint64_t cycle_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t cycle_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t cycle_now(const struct cycle *c)
{
	return c->effects->now(c->context);
}

static bool is_failing_state(enum cycle_state state)
{
	return state == CYCLE_FAILED || state == CYCLE_RETRYING;
}

bool cycle_is_failing(const struct cycle *c)
{
	return is_failing_state(c->state);
}

/* ---- when the next cycle is due ---- */

static void cycle_set_due(struct cycle *c, uint64_t due)
{
	c->due = due;
	c->effects->arm(c->context, CYCLE_TIMER_DUE, due);
	if (c->state == CYCLE_IDLE || c->state == CYCLE_UNCOMPARED)
		c->state = CYCLE_WAITING;
	else if (c->state == CYCLE_FAILED)
		c->state = CYCLE_RETRYING;
}

/* In `delay`, or earlier if one is due before that. */
static void cycle_schedule(struct cycle *c, uint64_t delay)
{
	uint64_t due = cycle_now(c) + delay;

	if (!c->due || due < c->due)
		cycle_set_due(c, due);
}

/* The next cycle is a full one. */
static void cycle_schedule_full(struct cycle *c, uint64_t delay)
{
	c->full = true;
	cycle_schedule(c, delay);
}

static void cycle_schedule_repair(struct cycle *c)
{
	uint64_t since = cycle_now(c) - c->last;

	cycle_schedule_full(c, since > REPAIR_PAUSE ? SETTLE : REPAIR_PAUSE - since);
}

/* ---- events ---- */

static enum cycle_event do_ignore(struct cycle *c)
{
	(void)c;
	return CYCLE_DONE;
}

/*
 * A single file that was written is compiled at once.  Of many, the first is; the others are left to come to an end.
 * Where the processors are busy, writers are slow and cycles expensive: the wait grows with the duration of a cycle.
 */
static enum cycle_event do_settle(struct cycle *c)
{
	uint64_t now = cycle_now(c), quiet = cycle_max(QUIET, QUIET_CYCLES * c->effects->duration(c->context));
	bool is_first = !c->full;

	c->full = true;
	if (!c->first_change)
		c->first_change = now;
	if (is_first && now - c->last > BURST)
		cycle_schedule(c, SETTLE);
	else if (!c->due || c->due > c->first_change + SETTLE)
		cycle_set_due(c, cycle_min(now + quiet, c->first_change + LATEST));
	return CYCLE_DONE;
}

/* One of `files` has changed.  While a patch is loaded, and for a while after, changes gather for the next. */
static enum cycle_event do_gather(struct cycle *c)
{
	uint64_t now = cycle_now(c);

	if (c->full)
		return do_settle(c);
	cycle_schedule(c, cycle_max(now + SETTLE, c->patch_rest) - now);
	return CYCLE_DONE;
}

static enum cycle_event do_soon(struct cycle *c)
{
	cycle_schedule_full(c, SETTLE);
	return CYCLE_DONE;
}

static enum cycle_event do_at_once(struct cycle *c)
{
	cycle_schedule_full(c, 0);
	return CYCLE_DONE;
}

static enum cycle_event do_repair(struct cycle *c)
{
	c->compare = true;
	cycle_schedule_repair(c);
	return CYCLE_DONE;
}

/* A cycle is due, and compares the rules. */
static enum cycle_event do_keep(struct cycle *c)
{
	c->polls++;
	c->effects->keep_settings(c->context);
	c->effects->arm(c->context, CYCLE_TIMER_POLL, cycle_now(c) + POLL);
	return CYCLE_DONE;
}

static enum cycle_event do_poll(struct cycle *c)
{
	uint64_t now = cycle_now(c);
	bool changed;

	c->polls++;
	c->effects->keep_settings(c->context);
	changed = c->effects->is_stale(c->context);
	if (!changed && now >= c->next_contents) {
		c->next_contents = now + POLL_CONTENTS;
		changed = c->effects->contents_changed(c->context);
	}
	if (changed)
		cycle_schedule_repair(c);
	c->effects->arm(c->context, CYCLE_TIMER_POLL, now + POLL);
	return CYCLE_DONE;
}

static enum cycle_event do_verify(struct cycle *c)
{
	c->effects->forget_loaded(c->context);
	cycle_schedule_full(c, 0);
	c->effects->arm(c->context, CYCLE_TIMER_VERIFY, cycle_now(c) + VERIFY);
	return CYCLE_DONE;
}

static enum cycle_event do_refused(struct cycle *c)
{
	c->effects->retry_refused(c->context);
	cycle_schedule_full(c, 0);
	c->refused_pause = cycle_min(2 * c->refused_pause, REFUSED_LAST);
	c->effects->arm(c->context, CYCLE_TIMER_REFUSED, cycle_now(c) + c->refused_pause);
	return CYCLE_DONE;
}

static enum cycle_event do_stop(struct cycle *c)
{
	c->state = CYCLE_STOPPED;
	c->effects->end(c->context, true);
	return CYCLE_DONE;
}

static enum cycle_event do_leave(struct cycle *c)
{
	c->state = CYCLE_STOPPED;
	c->effects->end(c->context, false);
	return CYCLE_DONE;
}

/* ---- a cycle ---- */

/* Notes in which state the cycle began: that says whether the one before had failed. */
static void cycle_enter(struct cycle *c, enum cycle_state busy)
{
	if (c->state < CYCLE_READING)
		c->rested = c->state;
	c->state = busy;
}

static void cycle_clear_due(struct cycle *c)
{
	if (c->due)
		c->effects->arm(c->context, CYCLE_TIMER_DUE, 0);
	c->due = 0;
}

/* What the cycle is about to do includes the comparison.  A comparison that becomes a full cycle goes on. */
static void cycle_begin(struct cycle *c, enum cycle_state busy)
{
	if (c->state != CYCLE_COMPARING) {
		c->began = c->effects->processor_time(c->context);
		c->comparing = c->compare_due != 0;
	}
	cycle_enter(c, busy);
	if (c->compare_due)
		c->effects->arm(c->context, CYCLE_TIMER_COMPARE, 0);
	c->first_patch = c->compare_due = 0;
	cycle_clear_due(c);
}

static enum cycle_event do_compile(struct cycle *c)
{
	enum cycle_event result;
	uint64_t again = 0;

	cycle_begin(c, CYCLE_COMPILING);
	c->first_change = 0;
	c->files.count = 0;
	c->full = false;
	result = c->effects->compile(c->context, &again);
	if (again)
		cycle_schedule_full(c, again);
	return result;
}

static enum cycle_event do_apply(struct cycle *c)
{
	cycle_enter(c, CYCLE_READING);
	c->effects->read_tree(c->context);
	c->believe = true;
	return do_compile(c);
}

static enum cycle_event do_reload(struct cycle *c)
{
	c->effects->forget_loaded(c->context);
	return do_apply(c);
}

static enum cycle_event do_rollback(struct cycle *c)
{
	cycle_enter(c, CYCLE_ROLLING_BACK);
	return c->effects->roll_back(c->context);
}

/* The confirmation may have timed out while no service ran. */
static enum cycle_event do_start(struct cycle *c)
{
	do_rollback(c);
	return do_apply(c);
}

static enum cycle_event do_resume(struct cycle *c)
{
	c->state = c->rested;
	return CYCLE_DONE;
}

static enum cycle_event do_patch(struct cycle *c)
{
	const struct cycle_files files = c->files;
	enum cycle_event result;
	uint64_t began;

	if (!files.count || c->full || c->compare)
		return do_compile(c);
	cycle_enter(c, CYCLE_PATCHING);
	began = cycle_now(c);
	cycle_clear_due(c);
	c->files.count = 0;
	result = c->effects->patch(c->context, &files);
	c->patch_rest = cycle_now(c) + cycle_min(PATCH_REST * (cycle_now(c) - began), PATCH_REST_MOST);
	return result;
}

static enum cycle_event do_patched(struct cycle *c)
{
	uint64_t now = cycle_now(c);

	c->state = c->due ? CYCLE_WAITING : CYCLE_UNCOMPARED;
	if (!c->first_patch)
		c->first_patch = now;
	c->compare_due = cycle_min(cycle_max(now + COMPARE_QUIET, c->last + c->compare_rest), c->first_patch + COMPARE_LATEST);
	c->effects->arm(c->context, CYCLE_TIMER_COMPARE, c->compare_due);
	if (c->compare) /* others were at work in the kernel at the same time */
		cycle_schedule_repair(c);
	return CYCLE_DONE;
}

static enum cycle_event do_compare(struct cycle *c)
{
	if (!c->compare_due) /* nothing was patched */
		return CYCLE_DONE;
	if (c->files.count && !c->full && !c->compare && do_patch(c) != CYCLE_PATCHED)
		return do_compile(c);
	if (c->full || c->compare)
		return do_compile(c);
	cycle_begin(c, CYCLE_COMPARING);
	return c->effects->compare(c->context);
}

static enum cycle_event cycle_finish(struct cycle *c, bool done)
{
	bool readable = c->effects->tree_is_readable(c->context), failed = !done || !readable;

	c->last = cycle_now(c);
	if (c->comparing)
		c->compare_rest = cycle_min(COMPARE_REST * (c->effects->processor_time(c->context) - c->began), COMPARE_LATEST);
	if (c->believe)
		c->disabled_since = 0;
	c->believe = false;
	c->succeeded = !failed;
	if (!failed) {
		c->retry = 0;
	} else if (readable) { /* else a change of the tree schedules the next cycle */
		c->failures++;
		c->retry = cycle_max(c->retry ? 2 * c->retry : RETRY_FIRST,
				     RETRY_REST * (c->effects->processor_time(c->context) - c->began));
		c->retry = cycle_min(c->retry, RETRY_LAST);
		cycle_schedule(c, c->retry);
	}
	if (failed)
		c->state = c->due ? CYCLE_RETRYING : CYCLE_FAILED;
	else
		c->state = c->disabled_since ? CYCLE_DOUBTING : c->due ? CYCLE_WAITING : CYCLE_IDLE;
	c->effects->finished(c->context, failed, is_failing_state(c->rested));
	if (c->rested == CYCLE_STARTING) {
		c->effects->arm(c->context, CYCLE_TIMER_POLL, cycle_now(c) + POLL);
		c->effects->arm(c->context, CYCLE_TIMER_VERIFY, cycle_now(c) + VERIFY);
	}
	return CYCLE_DONE;
}

static enum cycle_event do_fail(struct cycle *c)
{
	return cycle_finish(c, false);
}

static enum cycle_event cycle_load(struct cycle *c)
{
	enum cycle_event result;

	c->state = CYCLE_LOADING;
	result = c->effects->load(c->context);
	if (!c->effects->has_refused(c->context)) {
		c->effects->arm(c->context, CYCLE_TIMER_REFUSED, 0);
		c->refused_pause = 0;
	} else if (!c->refused_pause) {
		c->refused_pause = c->refused_first;
		c->effects->arm(c->context, CYCLE_TIMER_REFUSED, cycle_now(c) + c->refused_pause);
	}
	return result;
}

static enum cycle_event do_load(struct cycle *c)
{
	c->disabled_since = 0;
	return cycle_load(c);
}

/* An editor may begin to write cluster.fw with a part of it, which must not open everything. */
static enum cycle_event do_disable(struct cycle *c)
{
	uint64_t now = cycle_now(c);

	if (!c->disabled_since)
		c->disabled_since = now;
	if (c->believe || now - c->disabled_since >= DOUBT)
		return cycle_load(c);
	cycle_schedule(c, c->disabled_since + DOUBT - now);
	return cycle_finish(c, true);
}

static enum cycle_event do_compared(struct cycle *c)
{
	if (c->compare) /* others were at work in the kernel at the same time */
		cycle_schedule_full(c, REPAIR_PAUSE);
	return cycle_finish(c, true);
}

static enum cycle_event do_loaded(struct cycle *c)
{
	c->compare = false;
	c->disabled_since = 0;
	return cycle_finish(c, true);
}

/* Others were at work in the kernel at the same time: everything is compared, after a pause. */
static enum cycle_event do_recheck(struct cycle *c)
{
	c->compare = true;
	c->disabled_since = 0;
	cycle_schedule_full(c, REPAIR_PAUSE);
	return cycle_finish(c, true);
}

/* ---- the machine ---- */

typedef enum cycle_event transition(struct cycle *c);

static transition *const transitions[CYCLE_EVENTS][CYCLE_STATES] = {
#define EVENT(ID, starting, idle, uncompared, waiting, doubting, failed, retrying, busy, stopped) \
	[CYCLE_##ID] = { [CYCLE_STARTING] = do_##starting, [CYCLE_IDLE] = do_##idle, [CYCLE_UNCOMPARED] = do_##uncompared, \
			 [CYCLE_WAITING] = do_##waiting, [CYCLE_DOUBTING] = do_##doubting, [CYCLE_FAILED] = do_##failed, [CYCLE_RETRYING] = do_##retrying, \
			 [CYCLE_READING] = do_##busy, [CYCLE_ROLLING_BACK] = do_##busy, [CYCLE_PATCHING] = do_##busy, \
			 [CYCLE_COMPARING] = do_##busy, \
			 [CYCLE_COMPILING] = do_##busy, [CYCLE_LOADING] = do_##busy, [CYCLE_STOPPED] = do_##stopped },
#define RESULT(ID, state, transition) [CYCLE_##ID] = { [CYCLE_##state] = do_##transition },
#include "firewall/service/cycle.def"
};

void cycle_init(struct cycle *c, const struct cycle_effects *effects, void *context, uint64_t refused_first)
{
	*c = (struct cycle){ .effects = effects, .context = context,
			     .refused_first = refused_first ? refused_first : REFUSED_FIRST };
}

void cycle_handle(struct cycle *c, enum cycle_event event)
{
	while (event != CYCLE_DONE) {
		transition *next = transitions[event][c->state];

		event = next ? next(c) : CYCLE_DONE;
	}
}

/* False: too many have changed for the fast path to be one. */
static bool add_file(struct cycle_files *files, const char *name)
{
	for (unsigned i = 0; i < files->count; i++)
		if (strcmp(files->names[i], name) == 0)
			return true;
	if (files->count == CYCLE_FILES_MOST || strlen(name) >= CYCLE_FILE_SIZE)
		return false;
	strcpy(files->names[files->count++], name);
	return true;
}

void cycle_tree_changed(struct cycle *c, const char *file)
{
	bool is_guest = file && c->effects->can_patch(c->context, file) && add_file(&c->files, file);

	cycle_handle(c, is_guest ? CYCLE_GUEST_CHANGED : CYCLE_TREE_CHANGED);
}

bool cycle_request(struct cycle *c, enum cycle_event event)
{
	c->succeeded = false;
	cycle_handle(c, event);
	return c->succeeded;
}

void cycle_compare(struct cycle *c)
{
	cycle_handle(c, CYCLE_COMPARE);
}
