/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc load: compiles a tree and loads it into the current network namespace,
 * all or nothing, or takes away what was loaded.
 *
 * As with compile, input that cannot be read loads nothing, and lines that are
 * wrong yield diagnostics and the ruleset without them.
 */
#include "cmd_backend.h"
#include "commands.h"

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

/* `config` NULL: takes away. */
static bool load(struct run *run, const struct backend *backend, const struct config *config)
{
	struct backend_loading loading = { .arena = &run->arena,
					   .whole = run->cli->value[CLI_WHOLE] != NULL };
	bool loaded = backend->load(&loading, config);

	for (const struct backend_problem *p = loading.problems; p; p = p->next)
		print_problem(&run->map, p);
	if (loaded && run->cli->value[CLI_STATS])
		loaded = print_stats(&loading);
	return loaded;
}

static bool use(struct run *run, const struct backend *backend, const struct inputs *inputs,
		const struct config *config)
{
	(void)inputs;
	return load(run, backend, config);
}

int cmd_load(const struct cli *cli)
{
	const struct backend *backend = cmd_backend(cli, DEFAULT_TARGET);
	struct run run;

	if (!backend)
		return EXIT_TROUBLE;
	if (cli->operand_count)
		return cli_error("load takes no operand; --root names the tree");
	if (run_begin(&run, cli) &&
	    !(cli->value[CLI_REMOVE] ? load(&run, backend, NULL) : cmd_pipeline(&run, backend, use)))
		run.failed = true;
	return run_end(&run);
}
