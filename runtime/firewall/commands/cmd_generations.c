/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall history and diff.  Both read the store themselves, whatever the service does: its files are complete, as they
 * are renamed into place. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "format/diag_json.h"
#include "firewall/view/bounded.h"
#include "firewall/service/confirm.h"
#include "firewall/commands/firewall.h"
#include "firewall/tree/line_diff.h"
#include "findings/run.h"
#include "base/errno_text.h"
#include "base/escape.h"

/* False: it was reported why the store cannot be read.  Close it in any case. */
static bool store_open(struct confirm *c, const struct cli *cli)
{
	confirm_open(c, firewall_state_dir(cli), firewall_run_dir(cli), false, NULL);
	if (c->reason && c->reason != ENOENT)
		cli_error("cannot read %s: %s", c->path, error_text(c->reason));
	return !c->reason || c->reason == ENOENT;
}

/* ---- history ---- */

/* A generation's state: for people, or for programs. */
static const char *generation_state(const struct confirm *c, uint64_t number, bool is_json)
{
	if (number != c->in_force)
		return confirm_was_rolled_back(c, number) ? "rejected" : is_json ? "past" : "";
	if (is_json)
		return c->pending ? "pending_confirmation" : "in_force";
	return c->pending ? "not confirmed yet" : "enforced";
}

/* A line for each, with its first change; further ones below it. */
static void history_print(struct out *out, const struct confirm *c, const struct generation *g)
{
	char when[GENERATION_TIME_SIZE];

	generation_time(when, g->time);
	out_printf(out, "%6" PRIu64 "  %s  %-17s  ", g->number, when, generation_state(c, g->number, false));
	if (!g->change_count)
		out_string(out, g->parent ? "-" : "the first one");
	for (unsigned i = 0; i < g->change_count; i++) {
		const struct generation_change *change = &g->changes[i];

		if (i)
			out_printf(out, "\n%6s  %19s  %17s  ", "", "", "");
		out_escaped(out, text_of(change->path));
		out_printf(out, " +%u -%u", change->added, change->removed);
		if (change->kind != CHANGE_EDITED)
			out_printf(out, " (%s)", change_kind_names[change->kind]);
	}
	out_char(out, '\n');
}

static json_t *text_json(const char *text)
{
	json_t *value = json_string(text);
	struct out out;

	if (value)
		return value;
	out_init_memory(&out); /* not UTF-8 */
	out_escaped(&out, text_of(text));
	value = json_stringn(out.data, out.len);
	out_free(&out);
	return value ? value : json_null();
}

static json_t *generation_number_json(uint64_t number)
{
	return number ? json_integer((json_int_t)number) : json_null();
}

static json_t *history_json(const struct confirm *c, const struct generation *g)
{
	json_t *changes = json_array();

	for (unsigned i = 0; i < g->change_count; i++)
		json_array_append_new(changes, json_pack("{s:o, s:s, s:i, s:i}", "file", text_json(g->changes[i].path), "kind",
							 change_kind_names[g->changes[i].kind], "added", (int)g->changes[i].added,
							 "removed", (int)g->changes[i].removed));
	return json_pack("{s:I, s:o, s:I, s:s, s:o}", "number", (json_int_t)g->number, "parent", generation_number_json(g->parent), "time",
			 (json_int_t)g->time, "state", generation_state(c, g->number, true), "changes", changes);
}

int cmd_history(const struct cli *cli)
{
	struct confirm c;
	json_t *all = json_array();
	struct out out;
	int status = EXIT_ERROR;

	if (cli->operand_count)
		return cli_error("history does not take an operand");
	if (store_open(&c, cli)) {
		stdout_open(&out);
		for (unsigned i = 0; i < c.generations.count && firewall_wants_json(cli); i++)
			json_array_append_new(all, history_json(&c, c.generations.all[i]));
		if (firewall_wants_json(cli))
			json_print(&out, json_pack("{s:o, s:O}", "in_force", generation_number_json(c.in_force), "generations", all));
		else if (c.generations.count)
			for (unsigned i = 0; i < c.generations.count; i++)
				history_print(&out, &c, c.generations.all[i]);
		else
			out_string(&out, "No generation is kept: nothing was loaded yet.\n");
		status = stdout_close(&out);
	}
	json_decref(all);
	confirm_close(&c);
	return status;
}

/* ---- diff ---- */

/* `then` or `now` may be NULL: there is no such file. */
static int diff_print_file(struct out *out, const struct confirm *c, uint64_t number, const struct generation_file *then,
		      const struct generation_file *now)
{
	const char *path = then ? then->path : now->path;
	struct out content;
	struct text before = { "", 0 };
	int reason = 0;

	out_init_memory(&content);
	if (then)
		reason = generations_content(&c->generations, &then->digest, &content);
	if (content.len)
		before = (struct text){ content.data, (uint32_t)content.len };
	if (!reason) {
		out_string(out, "--- ");
		if (then) {
			out_escaped(out, text_of(path));
			out_printf(out, "\tgeneration %" PRIu64, number);
		} else {
			out_string(out, "/dev/null");
		}
		out_string(out, "\n+++ ");
		if (now) {
			out_escaped(out, text_of(path));
			out_string(out, "\tnow");
		} else {
			out_string(out, "/dev/null");
		}
		out_char(out, '\n');
		line_diff_print(out, before, now ? now->content : (struct text){ "", 0 });
	}
	out_free(&content);
	return reason;
}

/* Appends the file to `files`. */
static int add_file_json(json_t *files, const struct confirm *c, uint64_t number, const struct generation_file *then,
			 const struct generation_file *now)
{
	enum change_kind kind = !then ? CHANGE_CREATED : !now ? CHANGE_DELETED : CHANGE_EDITED;
	struct out text;
	int reason;

	out_init_memory(&text);
	reason = diff_print_file(&text, c, number, then, now);
	out_bytes(&text, "", 1);
	json_array_append_new(files, json_pack("{s:o, s:s, s:o}", "file", text_json((then ? then : now)->path), "kind",
					       change_kind_names[kind], "diff", text_json(text.data)));
	out_free(&text);
	return reason;
}

/* Both lists are sorted.  Prints to `out`, or appends to `files` if that is not NULL. */
static int print_differences(struct out *out, json_t *files, const struct confirm *c, uint64_t number,
			     const struct file_list *then, const struct file_list *now)
{
	unsigned i = 0, j = 0;
	int reason = 0;

	while (!reason && (i < then->count || j < now->count)) {
		int order = i == then->count ? 1 : j == now->count ? -1 : strcmp(then->files[i].path, now->files[j].path);
		const struct generation_file *a = order <= 0 ? &then->files[i++] : NULL, *b = order >= 0 ? &now->files[j++] : NULL;

		if (a && b && content_digest_equal(&a->digest, &b->digest))
			continue;
		reason = files ? add_file_json(files, c, number, a, b) : diff_print_file(out, c, number, a, b);
	}
	return reason;
}

static int compare_with(const struct cli *cli, const struct confirm *c, uint64_t number, const struct source_map *map)
{
	json_t *files = firewall_wants_json(cli) ? json_array() : NULL;
	struct file_list then, now;
	int reason = generations_files(&c->generations, number, &then), status;
	struct out out;

	if (!reason) {
		stdout_open(&out);
		file_list_of_map(&now, map);
		reason = print_differences(&out, files, c, number, &then, &now);
		if (files && !reason)
			json_print(&out, json_pack("{s:I, s:O}", "generation", (json_int_t)number, "files", files));
		file_list_free(&now);
		file_list_free(&then);
		status = stdout_close(&out);
	} else {
		status = EXIT_ERROR;
	}
	json_decref(files);
	return reason ? cli_error("cannot read generation %" PRIu64 ": %s", number, error_text(reason)) : status;
}

static int diff_tree(const struct cli *cli, void *context)
{
	uint64_t number = *(const uint64_t *)context;
	struct inputs inputs;
	struct run run;
	struct confirm c;
	bool readable = run_begin(&run, cli);
	int status = EXIT_ERROR;

	run.options.resolve = false;
	readable = readable && inputs_load(&inputs, &run.options, &run.diags);
	bounded_done();
	if (!readable)
		return run_end(&run);
	HASH_CLEAR(hh, inputs.sdn.ipsets);
	if (store_open(&c, cli)) {
		if (!number)
			number = confirm_before(&c);
		if (!number)
			status = cli_error("there is no earlier generation to compare with; see pve-firewall history");
		else if (!generations_find(&c.generations, number))
			status = cli_error("there is no generation %" PRIu64 "; see pve-firewall history", number);
		else
			status = compare_with(cli, &c, number, &run.map);
	}
	confirm_close(&c);
	run_drop(&run); /* diagnostics are for status */
	return status;
}

int cmd_diff(const struct cli *cli)
{
	uint64_t number = 0;

	if (cli->operand_count > 1)
		return cli_error("diff needs the number of one generation");
	if (cli->operand_count && (!text_to_number(text_of(cli->operands[0]), INT64_MAX, &number) || !number))
		return cli_error("`%s` is not the number of a generation; see pve-firewall history", cli->operands[0]);
	return bounded_run(diff_tree, bounded_late, cli, &number);
}
