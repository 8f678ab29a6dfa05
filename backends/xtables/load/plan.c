/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of a change: one script for each tool that has to run, in this order.
 *
 *   1. ipset restore             sets that rules will ask for, changed sets swapped in
 *   2. iptables-restore -n       filter, then raw: each table in one transaction
 *   3. ip6tables-restore -n      the same, at the same time
 *   4. ipset restore             sets that no rule asks for any more
 *   5. ebtables-restore          the whole table, with what others have in it
 *
 * Within a table a packet is judged by the old chains or the new ones, never by none or
 * by some of each: the kernel replaces a table at once.  IPv4 and IPv6 never judge the
 * same packet, so neither need wait for the other.
 *
 * What cannot be guaranteed, because these tools know no transaction across tables:
 * between two steps the new members of a set are judged by the old rules, the new
 * filter table stands beside the old raw table, and new iptables beside old ebtables
 * rules.  A packet can pass in that time that old and new configuration both block
 * when what blocks it moves from one of them to the other: from a rule's own address
 * to a set, or from protection_synflood to a rule.  Each gap is as long as a tool
 * needs.  The nftables targets have none.
 */
#include "config/left_out.h"
#include "base/parallel_for.h"
#include "xtables/load/xt_state.h"

/* The context of the workers. */
struct making {
	struct xt_plan *plan;
	struct xt_loaded *loaded;
	const struct xt_desired *desired;
};

static void make_tables(const struct making *m, enum xt_table_id filter, enum xt_table_id raw)
{
	xt_script_table(&m->plan->scripts[XT_STEP_TABLES + filter], filter, &m->loaded->tables[filter],
			m->desired);
	xt_script_table(&m->plan->scripts[XT_STEP_TABLES + raw], raw, &m->loaded->tables[raw], m->desired);
}

static void make_half(void *context, unsigned worker, unsigned n)
{
	const struct making *m = context;
	struct xt_script *scripts = m->plan->scripts;

	(void)worker;
	if (m->desired->only_guests) { /* whose chains are in the filter tables */
		enum xt_table_id id = n == 0 ? XT_FILTER4 : XT_FILTER6;

		xt_script_table(&scripts[XT_STEP_TABLES + id], id, &m->loaded->tables[id], m->desired);
	} else if (n == 0) {
		make_tables(m, XT_FILTER4, XT_RAW4);
		xt_script_sets(&scripts[XT_STEP_SETS], &scripts[XT_STEP_SETS_AFTER], m->loaded, m->desired);
	} else {
		make_tables(m, XT_FILTER6, XT_RAW6);
		xt_script_bridge(&scripts[XT_STEP_BRIDGE], &m->loaded->bridge, m->desired);
	}
}

static void start_script(struct xt_plan *plan, unsigned step)
{
	out_init_memory(&plan->texts[step]);
	plan->scripts[step] = (struct xt_script){ .out = &plan->texts[step], .tracing = true };
	out_init_memory(&plan->scripts[step].origins);
	out_init_memory(&plan->scripts[step].touched);
	out_init_memory(&plan->scripts[step].differences);
}

/* ---- missing objects ---- */

/* Which step needs which layer. */
static const struct {
	enum layer layer;
	enum xt_step step;
} needs[] = {
	{ LAYER_SETS, XT_STEP_SETS },
	{ LAYER_SETS, XT_STEP_SETS_AFTER },
	{ LAYER_IP6TABLES, XT_STEP_TABLES + XT_FILTER6 },
	{ LAYER_IP6TABLES, XT_STEP_TABLES + XT_RAW6 },
	{ LAYER_RAW, XT_STEP_TABLES + XT_RAW4 },
	{ LAYER_RAW, XT_STEP_TABLES + XT_RAW6 },
	{ LAYER_EBTABLES, XT_STEP_BRIDGE },
};

enum { NEEDS = sizeof(needs) / sizeof(needs[0]) };

static void suppress_missing(struct xt_plan *plan, const struct xt_loaded *loaded, const struct xt_desired *desired)
{
	for (unsigned i = 0; i < NEEDS; i++) {
		struct xt_script *script = &plan->scripts[needs[i].step];

		if (!loaded->lacking[needs[i].layer][0] &&
		    !(desired->config && left_out_layer(desired->config->left_out, needs[i].layer)))
			continue;
		script->suppressed |= script->changes;
		script->changes = false;
	}
}

bool xt_plan_lacks(const struct xt_plan *plan, const struct xt_loaded *loaded, enum layer layer)
{
	for (unsigned i = 0; i < NEEDS && loaded->lacking[layer][0]; i++)
		if (needs[i].layer == layer && plan->scripts[needs[i].step].suppressed)
			return true;
	return false;
}

void xt_plan_make(struct xt_plan *plan, struct xt_loaded *loaded, const struct xt_desired *desired)
{
	struct making making = { plan, loaded, desired };

	for (unsigned step = 0; step < XT_STEPS; step++)
		start_script(plan, step);
	parallel_run(2, 2, make_half, &making);
	suppress_missing(plan, loaded, desired);
}

static void free_script(struct xt_plan *plan, unsigned step)
{
	xt_script_free(&plan->scripts[step]);
	out_free(&plan->texts[step]);
}

void xt_plan_make_again(struct xt_plan *plan, struct xt_loaded *loaded, const struct xt_desired *desired)
{
	static const enum xt_step again[] = { XT_STEP_SETS, XT_STEP_SETS_AFTER, XT_STEP_BRIDGE };

	for (unsigned i = 0; i < sizeof(again) / sizeof(again[0]); i++) {
		free_script(plan, again[i]);
		start_script(plan, again[i]);
	}
	xt_script_sets(&plan->scripts[XT_STEP_SETS], &plan->scripts[XT_STEP_SETS_AFTER], loaded, desired);
	xt_script_bridge(&plan->scripts[XT_STEP_BRIDGE], &loaded->bridge, desired);
	suppress_missing(plan, loaded, desired);
}

bool xt_plan_is_empty(const struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++)
		if (plan->scripts[step].changes)
			return false;
	return true;
}

void xt_plan_free(struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++)
		free_script(plan, step);
}
