/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads back what is loaded: everything, with the -save tools, which run in parallel; or, after a change of a few
 * chains and sets, these alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xtables/load/xt_state.h"

/* ---- everything ---- */

enum saver {
	SAVER_IPV4,
	SAVER_IPV6,
	SAVER_SETS,
	SAVER_BRIDGE,
	SAVERS,
};

static const char *const savers[SAVERS][4] = {
	[SAVER_IPV4] = { "iptables-save", "-c" },
	[SAVER_IPV6] = { "ip6tables-save", "-c" },
	[SAVER_SETS] = { "ipset", "save" },
	[SAVER_BRIDGE] = { "ebtables-save" },
};

static bool take_tables(struct backend_loading *loading, struct xt_loaded *loaded, unsigned family_mask,
			const struct process *process)
{
	if (xt_loaded_take_tables(loaded, family_mask, xt_tool_output(process)))
		return true;
	backend_problem_add(loading, SPAN_NONE, "%s cannot list a table that contains rules added with nft",
			    process->argv[0]);
	return false;
}

static bool take_output(struct backend_loading *loading, struct xt_loaded *loaded, enum saver saver,
			struct process *process)
{
	if (!xt_tool_finish(loading, process, NULL))
		return false;
	if (saver == SAVER_SETS)
		xt_loaded_take_sets(loaded, xt_tool_output(process));
	else if (saver == SAVER_BRIDGE)
		xt_loaded_take_bridge(loaded, xt_tool_output(process));
	else
		return take_tables(loading, loaded, saver == SAVER_IPV4 ? IPV4 : IPV6, process);
	return true;
}

/* A layer other than IPv4 that cannot be read counts as empty: the others can be changed nevertheless. */
static bool finish_saver(struct backend_loading *loading, struct xt_loaded *loaded, enum saver saver,
			 struct process *process)
{
	static const enum layer optional[SAVERS] = {
		[SAVER_IPV4] = LAYERS, /* none: must be read */
		[SAVER_IPV6] = LAYER_IP6TABLES,
		[SAVER_SETS] = LAYER_SETS,
		[SAVER_BRIDGE] = LAYER_EBTABLES,
	};
	enum layer layer = optional[saver];
	struct backend_loading aside = { .arena = loading->arena };

	if (layer == LAYERS)
		return take_output(loading, loaded, saver, process);
	loaded->lacking[layer][0] = '\0';
	if (!take_output(&aside, loaded, saver, process))
		snprintf(loaded->lacking[layer], XT_WORDS_SIZE, "%s", aside.problems->text);
	return true;
}

bool xt_read_all(struct backend_loading *loading, struct xt_loaded *loaded)
{
	struct process processes[SAVERS];
	bool read = true;

	xt_bridge_free(&loaded->bridge);
	for (unsigned i = 0; i < SAVERS; i++)
		xt_tool_start(&processes[i], savers[i], NULL, 0);
	for (unsigned i = 0; i < SAVERS; i++) {
		read &= finish_saver(loading, loaded, (enum saver)i, &processes[i]);
		process_free(&processes[i]);
	}
	return read;
}

static bool read_one(struct backend_loading *loading, struct xt_loaded *loaded, enum saver saver)
{
	struct process process;
	bool read;

	xt_tool_start(&process, savers[saver], NULL, 0);
	read = finish_saver(loading, loaded, saver, &process);
	process_free(&process);
	return read;
}

bool xt_read_bridge(struct backend_loading *loading, struct xt_loaded *loaded)
{
	return read_one(loading, loaded, SAVER_BRIDGE);
}

bool xt_read_sets(struct backend_loading *loading, struct xt_loaded *loaded)
{
	return read_one(loading, loaded, SAVER_SETS);
}

/* ---- changed objects ---- */

enum { FEW = 4 }; /* more are read faster by the -save tools */

static uint32_t touched_by(const struct xt_script *script)
{
	return (uint32_t)(script->touched.len / sizeof(struct xt_touched));
}

static const struct xt_touched *touched_of(const struct xt_script *script)
{
	return (const struct xt_touched *)script->touched.data;
}

bool xt_read_can_be_short(const struct xt_plan *plan, bool only_guests)
{
	for (unsigned step = 0; step < XT_STEPS; step++)
		if (plan->scripts[step].shape || (!only_guests && touched_by(&plan->scripts[step]) > FEW))
			return false;
	return true;
}

/* Reading one chain or set, or a table for many of its chains. */
struct reading {
	struct process process;
	const char *argv[8];
	const struct xt_touched *touched; /* `count`: more than one for a table */
	uint32_t count;
	enum xt_step step;
};

static void start_reading(struct reading *r)
{
	const struct xt_table_row *row = &xt_table_rows[r->step == XT_STEP_SETS ? 0 : r->step - XT_STEP_TABLES];
	bool ipv4 = row->family_mask == IPV4;

	if (r->step == XT_STEP_SETS)
		memcpy(r->argv, (const char *[]){ "ipset", "save", r->touched->name, NULL }, 4 * sizeof(char *));
	else if (r->count > 1)
		memcpy(r->argv, (const char *[]){ ipv4 ? "iptables-save" : "ip6tables-save", "-t", row->name, NULL },
		       4 * sizeof(char *));
	else
		memcpy(r->argv,
		       (const char *[]){ ipv4 ? "iptables" : "ip6tables", "--wait=20", "-t", row->name, "-S", r->touched->name,
					 NULL },
		       7 * sizeof(char *));
	xt_tool_start(&r->process, r->argv, NULL, 0);
}

static uint32_t start_readings(struct reading *readings, const struct xt_plan *plan)
{
	uint32_t count = 0;

	for (unsigned step = 0; step < XT_STEPS; step++) {
		const struct xt_script *script = &plan->scripts[step];
		uint32_t touched = touched_by(script), at_once = touched > FEW && step != XT_STEP_SETS ? touched : 1;

		for (uint32_t i = 0; i < touched; i += at_once) {
			readings[count] = (struct reading){ .step = (enum xt_step)step, .touched = touched_of(script) + i,
							    .count = at_once };
			start_reading(&readings[count++]);
		}
	}
	return count;
}

static int compare_touched(const void *a, const void *b)
{
	return strcmp((*(const struct xt_touched *const *)a)->name, (*(const struct xt_touched *const *)b)->name);
}

/* Whether a line of iptables-save is a rule of one of the chains, which are sorted. */
static bool is_rule_of(const struct xt_touched *const *sorted, uint32_t count, struct text line)
{
	struct xt_touched name;
	const struct xt_touched *key = &name;
	uint32_t len = 0;

	if (!text_starts(line, "-A "))
		return false;
	line = text_skip(line, 3);
	while (len < line.len && line.ptr[len] != ' ' && line.ptr[len] != '\n')
		len++;
	if (len >= sizeof(name.name))
		return false;
	memcpy(name.name, line.ptr, len);
	name.name[len] = '\0';
	return bsearch(&key, sorted, count, sizeof(key), compare_touched) != NULL;
}

/* Takes the touched chains out of what a tool has listed.  The rules of a chain are in a row. */
static void take_listed(struct xt_loaded_table *table, const struct reading *r)
{
	struct text rest = xt_tool_output(&r->process), line, before = { NULL, 0 }, chain = { NULL, 0 };
	struct arena arena = { 0 };
	const struct xt_touched **sorted = ARENA_ARRAY(&arena, const struct xt_touched *, r->count);

	for (uint32_t i = 0; i < r->count; i++)
		sorted[i] = &r->touched[i];
	qsort(sorted, r->count, sizeof(*sorted), compare_touched);
	while (r->count > 1 && text_cut_line(&rest, &line)) {
		uint32_t len = 3;

		while (len < line.len && line.ptr[len] != ' ')
			len++;
		if (before.len && line.len > len && text_starts(line, "-A ") && len == before.len &&
		    memcmp(line.ptr, before.ptr, len + 1) == 0) {
			chain.len += chain.ptr ? line.len : 0;
			continue;
		}
		if (chain.ptr)
			xt_loaded_take_chain(table, text_skip(before, 3), chain);
		before = (struct text){ line.ptr, text_starts(line, "-A ") ? len : 0 };
		chain = is_rule_of(sorted, r->count, line) ? line : (struct text){ NULL, 0 };
	}
	if (chain.ptr)
		xt_loaded_take_chain(table, text_skip(before, 3), chain);
	if (r->count == 1)
		xt_loaded_take_chain(table, text_of(r->touched->name), xt_tool_output(&r->process));
	arena_free(&arena);
}

static bool chains_are_as_desired(const struct reading *r, struct xt_loaded *read, const struct xt_touched **wrong)
{
	take_listed(&read->tables[0], r);
	for (uint32_t i = 0; i < r->count; i++) {
		const struct xt_object *object = xt_object_find(read->tables[0].chains, text_of(r->touched[i].name));

		*wrong = &r->touched[i];
		if (!object || object->rules != r->touched[i].rules || strcmp(object->digest, r->touched[i].digest) != 0)
			return false;
	}
	return true;
}

static bool set_is_as_desired(const struct reading *r, struct xt_loaded *read)
{
	struct text name = text_of(r->touched->name);
	const struct xt_object *object;
	char digest[XT_DIGEST_SIZE];

	xt_loaded_take_set(read, name, xt_tool_output(&r->process));
	object = xt_object_find(read->sets, name);
	if (!object || !object->len)
		return false;
	xt_set_digest(xt_object_text(object), digest);
	return strcmp(digest, r->touched->digest) == 0;
}

static bool is_as_desired(struct backend_loading *loading, const struct reading *r)
{
	struct xt_loaded read = { .sets = NULL };
	const struct xt_touched *wrong = r->touched;
	bool same = r->step == XT_STEP_SETS ? set_is_as_desired(r, &read) : chains_are_as_desired(r, &read, &wrong);

	if (!same)
		backend_problem_add(
			loading, SPAN_NONE,
			"%s did not load what it was given, or another program changed it since: %s",
			xt_step_tool(r->step)[0], wrong->name);
	xt_loaded_free(&read);
	return same;
}

/* Stores the listing of chains that we have just loaded: their rules need no comparison. */
static void xt_read_take(struct xt_loaded *loaded, const struct reading *r)
{
	struct xt_loaded_table *table;

	if (r->step == XT_STEP_SETS) {
		xt_loaded_take_set(loaded, text_of(r->touched->name), xt_tool_output(&r->process));
		return;
	}
	table = &loaded->tables[r->step - XT_STEP_TABLES];
	take_listed(table, r);
	for (uint32_t i = 0; i < r->count; i++)
		xt_object_find(table->chains, text_of(r->touched[i].name))->compared = true;
}

bool xt_read_touched(struct backend_loading *loading, struct xt_loaded *loaded, const struct xt_plan *plan)
{
	struct arena arena = { 0 };
	uint32_t most = 0, count;
	struct reading *readings;
	bool right = true;

	for (unsigned step = 0; step < XT_STEPS; step++)
		most += touched_by(&plan->scripts[step]);
	readings = ARENA_ARRAY(&arena, struct reading, most);
	count = start_readings(readings, plan);
	for (uint32_t i = 0; i < count; i++)
		right &= xt_tool_finish(loading, &readings[i].process, NULL);
	for (uint32_t i = 0; i < count && right; i++)
		right &= is_as_desired(loading, &readings[i]);
	for (uint32_t i = 0; i < count; i++) {
		if (right)
			xt_read_take(loaded, &readings[i]);
		process_free(&readings[i].process);
	}
	arena_free(&arena);
	return right;
}
