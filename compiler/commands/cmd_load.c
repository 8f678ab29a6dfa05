/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc load: compiles a tree and loads it into the current network namespace, all or nothing, or removes
 * what was loaded.
 *
 * Nothing is loaded if input cannot be read, or if the folder is not a tree.  Lines that are wrong, or that
 * the kernel or a tool refuses, yield diagnostics, and the ruleset is loaded without them.
 */
#include "commands/commands.h"
#include "findings/run.h"
#include "pipeline/leave_out.h"
#include "pipeline/pipeline.h"

/* The default target of load: the netlink backend. */
#define DEFAULT_TARGET "netlink"

/* One `NAME VALUE` a line, for people and scripts. */
static bool print_stats(const struct backend_loading *l)
{
	struct out out;

	stdout_open(&out);
	out_printf(&out, "messages %u\nsets %u\nelements %u\nchains %u\nrules %u\ndeleted %u\nbytes %zu\n",
		   l->messages, l->sets, l->elements, l->chains, l->rules, l->deleted, l->bytes);
	out_printf(&out, "lower-ms %.3f\nread-ms %.3f\nbuild-ms %.3f\nkernel-ms %.3f\n", (double)l->lower_time / 1e6,
		   (double)l->read_time / 1e6, (double)l->build_time / 1e6, (double)l->kernel_time / 1e6);
	return stdout_close(&out) == EXIT_CLEAN;
}

static void print_problems(const struct run *run, const struct backend_loading *loading)
{
	for (const struct backend_problem *p = loading->problems; p; p = p->next) {
		struct place place = source_place(&run->map, p->span.begin);

		if (p->repeated)
			continue;
		if (place.source)
			cli_error("%s:%u: %s", place.source->path, place.line, p->text);
		else
			cli_error("%s", p->text);
	}
}

static struct backend_loading new_loading(struct run *run)
{
	return (struct backend_loading){ .arena = &run->arena,
					 .whole = run->cli->value[CLI_WHOLE] != NULL,
					 .strict = run->cli->value[CLI_STRICT] != NULL };
}

/* ---- loading what can be loaded ---- */

struct load_run {
	struct run run;
	const struct backend *backend;
	struct left_out left_out;
};

/* For leave_out_load(): reads and compiles the tree again each time.  Diagnostics of earlier attempts are dropped. */
static bool attempt_to_load(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct load_run *load = context;
	struct run *run = &load->run;
	struct pipeline p = { .options = &run->options, .diags = &run->diags, .backend = load->backend,
			      .plain_lists = run->cli->value[CLI_NO_OPTIMIZE] != NULL,
			      .left_out = &load->left_out };
	bool loaded;

	source_map_init(&run->map, &run->arena);
	diags_init(&run->diags, &run->arena, &run->map);
	*loading = new_loading(run);
	loaded = pipeline_run(&p) && backend_load_once(load->backend, loading, p.configs.configs[0]);
	pipeline_end(&p);
	*map = &run->map;
	return loaded;
}

/* Lines that were left out have diagnostics. */
static void print_left_out(const struct left_out *left_out)
{
	for (unsigned i = 0; i < LAYERS; i++)
		if (left_out_layer(left_out, (enum layer)i))
			cli_error("loaded without %s: %s (%s; %s)", layer_table[i].name, layer_table[i].effect,
				  left_out->layer_words[i], layer_table[i].remedy);
	for (const struct left_out_rule *rule = left_out->rules; rule; rule = rule->hh.next)
		cli_error("loaded %s a rule that belongs to no line: %s",
			  rule->guarded ? "with a rule that drops everything instead of" : "without",
			  rule->words);
}

/* Sets *status to EXIT_FOUND if something was left out. */
static bool load_tree(struct load_run *load, int *status)
{
	struct leave_out l = { .left_out = &load->left_out, .attempt = attempt_to_load, .context = load,
			       .strict = load->run.cli->value[CLI_STRICT] != NULL };
	struct backend_loading loading = new_loading(&load->run);
	bool loaded = leave_out_load(&l, &loading);

	if (!loaded)
		print_problems(&load->run, &loading);
	print_left_out(&load->left_out);
	if (!left_out_is_empty(&load->left_out))
		*status = EXIT_FOUND;
	left_out_clear(&load->left_out);
	return loaded && (!load->run.cli->value[CLI_STATS] || print_stats(&loading));
}

int cmd_load(const struct cli *cli)
{
	const char *target = cli->value[CLI_TARGET] ? cli->value[CLI_TARGET] : DEFAULT_TARGET;
	struct load_run load = { .backend = backend_find(text_of(target)) };
	struct run *run = &load.run;
	int status = EXIT_CLEAN, end;
	bool done;

	if (!cli_has_one_node(cli))
		return EXIT_ERROR;
	if (cli->operand_count)
		return cli_error("load does not take an operand; use --root for the tree");
	if (run_begin(run, cli)) {
		/* An empty folder would disable the firewall; a tree from elsewhere need not have all of a node's. */
		run->options.demand = cli->value[CLI_ROOT] ? TREE_USABLE : TREE_WHOLE;
		if (cli->value[CLI_REMOVE]) {
			struct backend_loading loading = new_loading(run);

			done = backend_load_once(load.backend, &loading, NULL);
			print_problems(run, &loading);
			done = done && (!cli->value[CLI_STATS] || print_stats(&loading));
		} else {
			done = load_tree(&load, &status);
		}
		if (!done)
			run->failed = true;
	}
	end = run_end(run);
	return end > status ? end : status;
}
