/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Applying: read what is loaded unless it is known, plan, run the tools whose script
 * has something to do, read back and compare.
 *
 * When a tool fails, or has loaded something else than it was told, what was loaded
 * before is desired by a second plan, made from what is found now: that undoes
 * whatever has been done, in whatever state the tool has left its table.  The same way
 * the next load repairs what a kill has left half-way, since it starts from what it
 * finds and not from what it remembers.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "xtables/load/xt_state.h"
#include "base/clock.h"


/* The rules of iptables-legacy are looked at again after this many times the processor time of the last look. */
enum { LEGACY_REST = 2000 };

/* ---- running the tools ---- */

/* Where the steps begin that run at the same time: IPv4 and IPv6 do not depend on each other. */
static const unsigned waves[] = { XT_STEP_SETS,
				  XT_STEP_TABLES + XT_FILTER4,
				  XT_STEP_TABLES + XT_RAW4,
				  XT_STEP_SETS_AFTER,
				  XT_STEP_BRIDGE,
				  XT_STEPS };

enum { WAVES = sizeof(waves) / sizeof(waves[0]) - 1 };

static bool run_wave(struct backend_loading *loading, const struct xt_session *s,
		     const struct xt_plan *plan, unsigned wave)
{
	struct process processes[XT_STEPS];
	bool done = true;

	for (unsigned step = waves[wave]; step < waves[wave + 1]; step++)
		if (plan->scripts[step].changes)
			xt_tool_start(&processes[step], xt_step_tool((enum xt_step)step),
				      plan->scripts[step].out, s->lock.file);
	for (unsigned step = waves[wave]; step < waves[wave + 1]; step++) {
		if (!plan->scripts[step].changes)
			continue;
		done &= xt_tool_finish(loading, &processes[step], &plan->scripts[step]);
		process_free(&processes[step]);
	}
	return done;
}

/* Runs the waves until one fails.  Sets *only_bridge if that is ebtables: everything else is loaded and stays so. */
static bool run_plan(struct backend_loading *loading, const struct xt_session *s,
		     const struct xt_plan *plan, bool *only_bridge)
{
	for (unsigned wave = 0; wave < WAVES; wave++) {
		if (run_wave(loading, s, plan, wave))
			continue;
		*only_bridge = waves[wave] == XT_STEP_BRIDGE && !loading->strict;
		for (struct backend_problem *p = *only_bridge ? loading->problems : NULL; p; p = p->next)
			if (p->part == LAYER_EBTABLES && !p->refused)
				p->layer = LAYER_EBTABLES;
		return false;
	}
	return true;
}

/* How many transactions of nf_tables a plan can make. */
static uint32_t transactions(const struct xt_plan *plan)
{
	uint32_t count = 0;

	for (unsigned step = 0; step < XT_STEPS; step++)
		if (step != XT_STEP_SETS && step != XT_STEP_SETS_AFTER)
			count += plan->scripts[step].changes;
	return count;
}

void xt_loading_note(struct backend_loading *loading, const struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++) {
		const struct xt_script *script = &plan->scripts[step];

		if (!script->changes)
			continue;
		loading->messages++;
		loading->bytes += script->out->len;
		loading->sets += script->sets;
		loading->elements += script->elements;
		loading->chains += script->chains;
		loading->rules += script->rules;
		loading->deleted += script->deleted;
	}
}

/* ---- going back ---- */

static void replace_loaded(struct xt_session *s, struct xt_loaded *loaded)
{
	xt_loaded_free(&s->loaded);
	s->loaded = *loaded;
}

/* Reads the kernel's present state into `loaded`; true if it is the desired one. */
static bool reached(struct backend_loading *loading, struct xt_loaded *loaded, struct xt_loaded *before,
		    const struct xt_desired *desired)
{
	struct xt_desired once = { .config = desired->config, .snapshot = desired->snapshot };
	struct xt_plan plan;
	bool empty;

	if (!xt_read_all(loading, loaded))
		return false;
	xt_loaded_inherit(loaded, before, true);
	xt_plan_make(&plan, loaded, &once);
	empty = xt_plan_is_empty(&plan);
	for (unsigned step = 0; step < XT_STEPS && !empty; step++)
		if (plan.scripts[step].changes)
			backend_problem_add(
				loading, SPAN_NONE,
				"%s did not load what it was given, or another program changed it since",
				xt_step_tool((enum xt_step)step)[0]);
	xt_plan_free(&plan);
	return empty;
}

/* All steps are tried: the more of the old rules are there again, the better. */
static bool undo(struct backend_loading *loading, const struct xt_session *s, struct xt_loaded *found,
		 const struct xt_desired *before)
{
	struct xt_plan plan;
	bool undone = true;

	xt_plan_make(&plan, found, before);
	for (unsigned wave = 0; wave < WAVES; wave++)
		undone &= run_wave(loading, s, &plan, wave);
	xt_plan_free(&plan);
	return undone;
}

static void roll_back(struct backend_loading *loading, struct xt_session *s)
{
	struct xt_desired before = { .snapshot = &s->loaded };
	struct xt_loaded found = { .sets = NULL }, again = { .sets = NULL };
	uint32_t suspects = loading->suspect_count;
	struct backend_problem **after = loading->last_problem;
	bool back = xt_read_all(loading, &found) && undo(loading, s, &found, &before) &&
		    reached(loading, &again, &found, &before);

	/* Refused parts of the old ruleset do not concern the new one. */
	loading->suspect_count = suspects;
	for (struct backend_problem *p = after ? *after : NULL; p; p = p->next)
		p->refused = false;
	if (!back)
		backend_problem_add(
			loading, SPAN_NONE,
			"ROLLBACK FAILED: the loaded rules are a mix of the old and the new ruleset");
	s->known = false;
	xt_loaded_free(&found);
	xt_loaded_free(&again);
}

/* ---- forward ---- */

static bool xt_verify(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired,
		   const struct xt_plan *plan)
{
	struct xt_loaded found = { .sets = NULL };

	if (xt_read_can_be_short(plan, desired->only_guests))
		return xt_read_touched(loading, &s->loaded, plan);
	if (reached(loading, &found, &s->loaded, desired)) {
		replace_loaded(s, &found);
		return true;
	}
	xt_loaded_free(&found);
	return false;
}

static bool changes_tables(const struct xt_plan *plan)
{
	for (unsigned step = XT_STEP_TABLES; step < XT_STEP_TABLES + XT_TABLES; step++)
		if (plan->scripts[step].changes)
			return true;
	return false;
}

/* Rules of large nodes are many megabytes: they are looked at more seldom. */
static uint64_t look_at_legacy(struct xt_session *s)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC), used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t sum = xt_contents_legacy();

	s->legacy_due = begin + (clock_ns(CLOCK_THREAD_CPUTIME_ID) - used) * LEGACY_REST;
	return sum;
}

/* Only for changed objects; the remaining checks detect changes by other programs. */
static void take_contents(struct xt_session *s, const struct xt_plan *plan)
{
	if (plan->scripts[XT_STEP_SETS].changes || plan->scripts[XT_STEP_SETS_AFTER].changes)
		s->contents.sets = xt_contents_sets();
	if (plan->scripts[XT_STEP_BRIDGE].changes)
		s->contents.bridge = xt_contents_bridge();
	if (changes_tables(plan))
		s->contents.legacy = look_at_legacy(s);
}

/* The generation is read before the tables: what others do meanwhile makes it stale. */
bool xt_carry_out(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired,
		  const struct xt_plan *plan)
{
	struct xt_generation before = s->generation;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool drifted = changes_tables(plan) && xt_contents_legacy() != s->contents.legacy;
	bool only_bridge = false, refused = false, done = run_plan(loading, s, plan, &only_bridge);

	loading->kernel_time = clock_ns(CLOCK_MONOTONIC) - begin;
	begin = clock_ns(CLOCK_MONOTONIC);
	s->generation = xt_generation_read();
	take_contents(s, plan);
	done = done && xt_verify(loading, s, desired, plan);
	if (only_bridge)
		s->known = false;
	else if (!done)
		roll_back(loading, s);
	else if (drifted || s->generation.generation - before.generation > transactions(plan))
		s->known = false; /* others were at work, too */
	loading->read_time += clock_ns(CLOCK_MONOTONIC) - begin;
	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		refused |= p->refused;
	return done || (only_bridge && !refused);
}

static bool refresh(struct backend_loading *loading, struct xt_session *s)
{
	struct xt_loaded found = { .sets = NULL };
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	if (!xt_is_stale(&s->base))
		return true;
	s->generation = xt_generation_read();
	s->contents = (struct xt_contents){ xt_contents_sets(), xt_contents_bridge(), look_at_legacy(s) };
	s->known = xt_read_all(loading, &found);
	if (s->known) {
		xt_loaded_inherit(&found, &s->loaded, false);
		replace_loaded(s, &found);
	} else {
		xt_loaded_free(&found);
	}
	loading->read_time += clock_ns(CLOCK_MONOTONIC) - begin;
	return s->known;
}

/* What has no generation, or is replaced with all that others have in it, is read before it is changed. */
static bool read_again(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired,
		       struct xt_plan *plan)
{
	bool sets = plan->scripts[XT_STEP_SETS].changes || plan->scripts[XT_STEP_SETS_AFTER].changes;
	bool bridge = plan->scripts[XT_STEP_BRIDGE].changes;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool read = (!sets || xt_read_sets(loading, &s->loaded)) &&
		    (!bridge || xt_read_bridge(loading, &s->loaded));

	loading->read_time += clock_ns(CLOCK_MONOTONIC) - begin;
	if (!read)
		s->known = false;
	else if (sets || bridge)
		xt_plan_make_again(plan, &s->loaded, desired);
	return read;
}

/* Says which layers are missing that something would be loaded into.  False: not even the rest can be loaded. */
static bool note_missing(struct backend_loading *loading, const struct xt_session *s, const struct xt_plan *plan)
{
	bool any = false;

	for (unsigned layer = 0; layer < LAYERS; layer++) {
		if (!xt_plan_lacks(plan, &s->loaded, (enum layer)layer) ||
		    (layer == LAYER_IP6TABLES && access("/proc/net/if_inet6", F_OK) != 0)) /* there is no IPv6 */
			continue;
		backend_problem_add(loading, SPAN_NONE, "%s", s->loaded.lacking[layer])->layer = (enum layer)layer;
		any = true;
	}
	return !xt_plan_lacks(plan, &s->loaded, LAYER_SETS) && !(any && loading->strict);
}

/* Reports the differences from the desired state that the scripts found. */
static void take_differences(struct backend_loading *loading, const struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++) {
		const struct out *lines = &plan->scripts[step].differences;
		struct text rest = { lines->data, (uint32_t)lines->len };

		while (rest.len) {
			uint32_t len = (uint32_t)text_find(rest, '\n');

			backend_difference_add(loading, rest.ptr[0] == '!', (struct text){ rest.ptr + 1, len - 1 });
			rest = (struct text){ rest.ptr + len + 1, rest.len - len - 1 };
		}
	}
}

static bool change(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired,
		   bool known)
{
	struct xt_plan plan;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool done;

	xt_plan_make(&plan, &s->loaded, desired);
	loading->build_time = clock_ns(CLOCK_MONOTONIC) - begin;
	done = !known || read_again(loading, s, desired, &plan);
	take_differences(loading, &plan);
	xt_loading_note(loading, &plan);
	done = note_missing(loading, s, &plan) && done;
	if (done && !xt_plan_is_empty(&plan))
		done = xt_carry_out(loading, s, desired, &plan);
	xt_plan_free(&plan);
	return done;
}

bool xt_load(struct backend_session *session, struct backend_loading *loading, const struct config *config)
{
	struct xt_session *s = (struct xt_session *)session;
	struct xt_desired desired = { .config = config, .whole = loading->whole };
	bool known, done;

	if (!xt_lock_take(loading, &s->lock))
		return false;
	known = !xt_is_stale(session);
	desired.explain = !known;
	done = refresh(loading, s) && change(loading, s, &desired, known);
	for (unsigned i = 0; i < XT_TABLES; i++) /* counts are old a moment after they were read */
		for (struct xt_object *chain = s->loaded.tables[i].chains; chain; chain = chain->hh.next) {
			free(chain->counts);
			chain->counts = NULL;
		}
	xt_lock_give(&s->lock);
	return done;
}

bool xt_is_in_force(struct arena *arena)
{
	struct backend_loading loading = { .arena = arena };
	struct xt_loaded found = { .sets = NULL };
	bool in_force = false;

	if (xt_read_all(&loading, &found))
		for (unsigned i = 0; i < XT_TABLES; i++)
			for (unsigned n = 0; n < XT_HOOKS_MOST; n++)
				in_force |= found.tables[i].hooks[n].count > 0 && HASH_COUNT(found.tables[i].chains) > XT_HOOKS_MOST;
	xt_loaded_free(&found);
	return in_force;
}

bool xt_differs(struct backend_session *session, struct backend_loading *loading, const struct config *config)
{
	struct xt_session *s = (struct xt_session *)session;
	struct xt_desired desired = { .config = config, .explain = loading->dry };
	struct xt_plan plan;
	bool differs;

	if (!refresh(loading, s))
		return true;
	xt_plan_make(&plan, &s->loaded, &desired);
	differs = !xt_plan_is_empty(&plan);
	take_differences(loading, &plan);
	xt_loading_note(loading, &plan);
	xt_plan_free(&plan);
	return differs;
}

/* ---- sessions ---- */

void xt_close(struct backend_session *session)
{
	xt_loaded_free(&((struct xt_session *)session)->loaded);
	free(session);
}

void xt_forget(struct backend_session *session)
{
	((struct xt_session *)session)->known = false;
}

bool xt_is_stale(struct backend_session *session)
{
	const struct xt_session *s = (struct xt_session *)session;
	struct xt_generation now;

	if (!s->known)
		return true;
	now = xt_generation_read();
	return !xt_generation_equal(&now, &s->generation);
}

bool xt_has_changed(struct backend_session *session)
{
	struct xt_session *s = (struct xt_session *)session;

	return !s->known || xt_contents_sets() != s->contents.sets || xt_contents_bridge() != s->contents.bridge ||
	       (clock_ns(CLOCK_MONOTONIC) >= s->legacy_due && look_at_legacy(s) != s->contents.legacy);
}
