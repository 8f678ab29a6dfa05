/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads back what is loaded: everything, with the -save tools, which run in parallel; or, after a change of a few
 * chains and sets, these alone.
 */
#include <stdio.h>

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

bool xt_read_can_be_short(const struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++)
		if (plan->scripts[step].shape || touched_by(&plan->scripts[step]) > FEW)
			return false;
	return true;
}

/* Reading one chain or set. */
struct reading {
	struct process process;
	const char *argv[8];
	const struct xt_touched *touched;
	enum xt_step step;
};

static void start_reading(struct reading *r, enum xt_step step, const struct xt_touched *touched)
{
	r->step = step;
	r->touched = touched;
	if (step == XT_STEP_SETS) {
		memcpy(r->argv, (const char *[]){ "ipset", "save", touched->name, NULL }, 4 * sizeof(char *));
	} else {
		const struct xt_table_row *row = &xt_table_rows[step - XT_STEP_TABLES];

		memcpy(r->argv,
		       (const char *[]){ row->family_mask == IPV4 ? "iptables" : "ip6tables", "--wait=20", "-t",
					 row->name, "-S", touched->name, NULL },
		       7 * sizeof(char *));
	}
	xt_tool_start(&r->process, r->argv, NULL, 0);
}

static uint32_t start_readings(struct reading *readings, const struct xt_plan *plan)
{
	uint32_t count = 0;

	for (unsigned step = 0; step < XT_STEPS; step++) {
		const struct xt_script *script = &plan->scripts[step];
		const struct xt_touched *touched = (const struct xt_touched *)script->touched.data;

		for (uint32_t i = 0; i < touched_by(script); i++)
			start_reading(&readings[count++], (enum xt_step)step, &touched[i]);
	}
	return count;
}

static bool chain_is_as_desired(const struct reading *r, struct xt_loaded *read)
{
	struct text name = text_of(r->touched->name);
	const struct xt_object *object;

	xt_loaded_take_chain(&read->tables[0], name, xt_tool_output(&r->process));
	object = xt_object_find(read->tables[0].chains, name);
	return object && object->rules == r->touched->rules && strcmp(object->digest, r->touched->digest) == 0;
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
	bool same = r->step == XT_STEP_SETS ? set_is_as_desired(r, &read) : chain_is_as_desired(r, &read);

	if (!same)
		backend_problem_add(
			loading, SPAN_NONE,
			"%s did not load what it was given, or another program changed it since: %s",
			xt_step_tool(r->step)[0], r->touched->name);
	xt_loaded_free(&read);
	return same;
}

/* Stores the listing of a chain that we have just loaded: its rules need no comparison. */
static void xt_read_take(struct xt_loaded *loaded, const struct reading *r)
{
	struct text name = text_of(r->touched->name), output = xt_tool_output(&r->process);
	struct xt_loaded_table *table;

	if (r->step == XT_STEP_SETS) {
		xt_loaded_take_set(loaded, name, output);
		return;
	}
	table = &loaded->tables[r->step - XT_STEP_TABLES];
	xt_loaded_take_chain(table, name, output);
	xt_object_find(table->chains, name)->compared = true;
}

bool xt_read_touched(struct backend_loading *loading, struct xt_loaded *loaded, const struct xt_plan *plan)
{
	struct reading readings[FEW * XT_STEPS];
	uint32_t count = start_readings(readings, plan);
	bool right = true;

	for (uint32_t i = 0; i < count; i++)
		right &= xt_tool_finish(loading, &readings[i].process, NULL);
	for (uint32_t i = 0; i < count && right; i++)
		right &= is_as_desired(loading, &readings[i]);
	for (uint32_t i = 0; i < count; i++) {
		if (right)
			xt_read_take(loaded, &readings[i]);
		process_free(&readings[i].process);
	}
	return right;
}
