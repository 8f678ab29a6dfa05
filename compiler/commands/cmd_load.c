/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc load: compiles a tree and loads it into the current network namespace,
 * all or nothing, or takes away what was loaded.
 *
 * As with compile, input that cannot be read loads nothing, nor does a folder that is not a tree, and lines that are
 * wrong yield diagnostics and the ruleset without them.  So do lines that the kernel or a tool refuses.
 */
#include "pipeline/pipeline.h"
#include "pipeline/leave_out.h"
#include "commands/commands.h"

/* What the kernel is loaded with by default: the netlink backend's batch. */
#define DEFAULT_TARGET "netlink"

static void print_problem(const struct source_map *map, const struct backend_problem *problem)
{
	struct place place = source_place(map, problem->span.begin);

	if (place.source)
		cli_error("%s:%u: %s", place.source->path, place.line, problem->text);
	else
		cli_error("%s", problem->text);
}

static double milliseconds(int64_t nanoseconds)
{
	return (double)nanoseconds / 1e6;
}

/* One `NAME VALUE` a line, for people and scripts. */
static bool print_stats(const struct backend_loading *l)
{
	struct out out;

	stdout_open(&out);
	out_printf(&out, "messages %u\nsets %u\nelements %u\nchains %u\nrules %u\ndeleted %u\nbytes %zu\n",
		   l->messages, l->sets, l->elements, l->chains, l->rules, l->deleted, l->bytes);
	out_printf(&out, "lower-ms %.3f\nread-ms %.3f\nbuild-ms %.3f\nkernel-ms %.3f\n",
		   milliseconds(l->lower_time), milliseconds(l->read_time), milliseconds(l->build_time),
		   milliseconds(l->kernel_time));
	return stdout_close(&out) == EXIT_CLEAN;
}

static void print_problems(const struct run *run, const struct backend_loading *loading)
{
	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		if (!p->repeated)
			print_problem(&run->map, p);
}

static struct backend_loading new_loading(struct run *run)
{
	return (struct backend_loading){ .arena = &run->arena,
					 .whole = run->cli->value[CLI_WHOLE] != NULL,
					 .strict = run->cli->value[CLI_STRICT] != NULL };
}

static bool take_away(struct run *run, const struct backend *backend)
{
	struct backend_loading loading = new_loading(run);
	bool done = backend_load_once(backend, &loading, NULL);

	print_problems(run, &loading);
	return done && (!run->cli->value[CLI_STATS] || print_stats(&loading));
}

/* ---- loading what can be loaded ---- */

/* A run that may compile more than once. */
struct load_run {
	struct run run; /* the first member: use() is given this */
	const struct backend *backend;
	struct backend_loading loading; /* of the last attempt */
};

static bool use(struct run *run, const struct backend *backend, const struct inputs *inputs,
		const struct config *config)
{
	(void)inputs;
	return backend_load_once(backend, &((struct load_run *)run)->loading, config);
}

/* Diagnostics of the attempts before are dropped. */
static bool try_to_load(void *context, struct backend_loading *loading, const struct source_map **map)
{
	struct load_run *load = context;
	struct run *run = &load->run;
	bool loaded;

	source_map_init(&run->map, &run->arena);
	diags_init(&run->diags, &run->arena, &run->map);
	load->loading = new_loading(run);
	loaded = cmd_pipeline(run, load->backend, use);
	*loading = load->loading;
	*map = &run->map;
	return loaded;
}

/* Lines are told by diagnostics. */
static void print_left_out(const struct left_out *left_out)
{
	for (unsigned i = 0; i < LAYERS; i++)
		if (left_out_layer(left_out, (enum layer)i))
			cli_error("loaded without %s: %s (%s; %s)", layer_table[i].name, layer_table[i].effect,
				  left_out->layer_words[i], layer_table[i].remedy);
	for (const struct left_out_rule *rule = left_out->rules; rule; rule = rule->hh.next)
		cli_error("loaded %s a rule that no line asks for: %s",
			  rule->guarded ? "with a rule that drops everything in the place of" : "without", rule->words);
}

/* Loads; an exit status of its own is put into *status. */
static bool load(struct load_run *load, int *status)
{
	struct left_out left_out = { .lines = NULL };
	struct leave_out l = { .left_out = &left_out, .attempt = try_to_load, .context = load,
			       .strict = load->run.cli->value[CLI_STRICT] != NULL };
	struct backend_loading loading = new_loading(&load->run);
	bool loaded;

	load->run.left_out = &left_out;
	loaded = leave_out_load(&l, &loading);
	if (!loaded)
		print_problems(&load->run, &loading);
	print_left_out(&left_out);
	if (!left_out_is_empty(&left_out))
		*status = EXIT_FOUND;
	if (loaded && load->run.cli->value[CLI_STATS])
		loaded = print_stats(&loading);
	left_out_clear(&left_out);
	load->run.left_out = NULL;
	return loaded;
}

int cmd_load(const struct cli *cli)
{
	struct load_run load_run = { .backend = cmd_backend(cli, DEFAULT_TARGET) };
	struct run *run = &load_run.run;
	int status = EXIT_CLEAN, end;

	if (!load_run.backend)
		return EXIT_ERROR;
	if (!cli_has_one_node(cli))
		return EXIT_ERROR;
	if (cli->operand_count)
		return cli_error("load takes no operand; --root names the tree");
	if (run_begin(run, cli)) {
		/* An empty folder would disable the firewall; a tree from elsewhere need not have all of a node's. */
		run->options.demand = cli->value[CLI_ROOT] ? TREE_USABLE : TREE_WHOLE;
		if (!(cli->value[CLI_REMOVE] ? take_away(run, load_run.backend) : load(&load_run, &status)))
			run->failed = true;
	}
	end = run_end(run);
	return end > status ? end : status;
}
