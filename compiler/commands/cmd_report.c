/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc report: what a node enforces, and from where it comes, for people who must
 * answer for it.  Diagnostics are in it, and on standard error as with every command.
 */
#include "commands/commands.h"
#include "resolve/compile.h"
#include "lint/lint.h"
#include "pipeline/lint_config.h"
#include "pipeline/node_files.h"
#include "findings/node_views.h"
#include "base/atomic_files.h"
#include "report/report.h"
#include "cli/run.h"
#include "base/text_memo.h"

static void print(const struct run *run, struct out *out, const struct report *report)
{
	const char *format = run->cli->value[CLI_PAGE_FORMAT];

	if (format && strcmp(format, "xml") == 0)
		report_xml(out, report);
	else
		report_html(out, report);
}

static bool write_out(struct run *run, const struct report *report)
{
	struct out_files files = { .arena = &run->arena };
	const char *path = run->cli->value[CLI_WRITE];
	struct out out, *file;

	if (!path || is_standard_stream(path)) {
		stdout_open(&out);
		print(run, &out, report);
		return stdout_close(&out) == EXIT_CLEAN;
	}
	file = out_files_open(&files, path);
	if (file)
		print(run, file, report);
	return out_files_commit(&files);
}

/* To `out`, or if that is NULL to where the command line says. `memo`, which may be NULL, has what pages share. */
static bool pipeline(struct run *run, struct out *out, struct text_memo *memo)
{
	struct inputs inputs = { 0 };
	struct report *report;
	struct config *config;
	bool done = false;

	if (!inputs_load(&inputs, &run->options, &run->diags))
		return false;
	config = compile(&inputs, &run->diags);
	config->memo = memo;
	if (!run->diags.unreadable) {
		lint_run(config, &inputs, &run->diags);
		run->diags.linted = true;
		run_choose(run);
		report = report_new(config, &inputs, run->cli->value[CLI_NOW]);
		if (out)
			print(run, out, report);
		done = out || write_out(run, report);
	}
	config_free(config);
	return done;
}

/* ---- all nodes ---- */

struct all_nodes {
	const struct run *run;
	struct node_inputs nodes;
	const struct node_views *views; /* NULL: each node has a run of its own */
	struct text_memo *memo;
};

static const char *file_name(void *context, unsigned file, struct arena *arena)
{
	const struct all_nodes *all = context;
	const char *format = all->run->cli->value[CLI_PAGE_FORMAT];

	(void)file;
	(void)arena;
	return format && strcmp(format, "xml") == 0 ? "report.xml" : "report.html";
}

static bool run_node(const struct all_nodes *all, struct out *out, unsigned node)
{
	bool done = false;
	struct run run;

	if (run_begin(&run, all->run->cli)) {
		run.options.node = all->nodes.names->names[node].ptr;
		done = pipeline(&run, out, all->memo);
	}
	run_drop(&run);
	return done;
}

/* From what was found for all; false if that does not say what a run about the node does. */
static bool print_view(const struct all_nodes *all, struct out *out, unsigned node)
{
	struct arena arena = { 0 };
	struct node_view view;
	bool made = all->views && node_view_make(&view, all->views, node, &arena);

	if (made) {
		view.config.memo = all->memo;
		diags_choose(&view.diags, &all->run->choice);
		print(all->run, out,
		      report_new(&view.config, &all->nodes.inputs[node], all->run->cli->value[CLI_NOW]));
	}
	arena_free(&arena);
	return made;
}

static bool print_node(void *context, struct out *out, unsigned node, unsigned file)
{
	const struct all_nodes *all = context;

	(void)file;
	return print_view(all, out, node) || run_node(all, out, node);
}

static bool write_nodes(struct run *run, struct all_nodes *all)
{
	struct node_files files = { .nodes = all->nodes.names,
				    .count = 1,
				    .name = file_name,
				    .print = print_node,
				    .context = all };
	bool done;

	all->memo = text_memo_new();
	done = node_files_write(run, &files);
	text_memo_free(all->memo);
	return done;
}

static bool report_all(struct run *run)
{
	struct all_nodes all = { .run = run };
	struct node_configs configs;
	struct diags found;
	bool done = false;

	diags_init(&found, &run->arena, &run->map);
	run->options.nodes = NULL;
	if (inputs_load_nodes(&all.nodes, &run->options, &found)) {
		configs = compile_nodes(&all.nodes, &found);
		lint_run_nodes(&configs, &all.nodes, &found);
		found.linted = true;
		if (!all.nodes.listed)
			cli_error("%s has no folder in nodes/, and so no node to report on",
				  run->options.root ? run->options.root : "/etc/pve");
		else if (!found.unreadable) {
			all.views = node_views_new(&all.nodes, &configs, &found);
			done = write_nodes(run, &all);
		}
		node_configs_free(&configs);
	}
	diags_merge(&found);
	diags_append(&run->diags, &found);
	return done;
}

static int run_report(const struct cli *cli)
{
	bool all, valid;
	struct run run;

	if (cli->operand_count)
		return cli_error("report takes no operand; --root names the tree");
	all = node_files_asked(cli, &valid);
	if (!valid || !cli_may_write(cli, CLI_WRITE))
		return EXIT_ERROR;
	if (run_begin(&run, cli) && !(all ? report_all(&run) : pipeline(&run, NULL, NULL)))
		run.failed = true;
	return run_end(&run);
}

int cmd_report(const struct cli *cli)
{
	return lint_config_run(cli, run_report);
}
