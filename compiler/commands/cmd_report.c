/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc report: what a node enforces, and which lines of the files cause it, for people who must answer for it.  The
 * report includes the diagnostics, which are on standard error, too, as with every command.
 */
#include "base/atomic_files.h"
#include "base/text_memo.h"
#include "commands/commands.h"
#include "commands/lint_config.h"
#include "commands/node_files.h"
#include "findings/node_views.h"
#include "report/report.h"

static bool is_xml(const struct cli *cli)
{
	return cli->value[CLI_PAGE_FORMAT] && strcmp(cli->value[CLI_PAGE_FORMAT], "xml") == 0;
}

static void print_report(struct out *out, const struct run *run, const struct config *config,
			 const struct inputs *inputs)
{
	const struct report *report = report_new(config, inputs, run->cli->value[CLI_NOW]);

	(is_xml(run->cli) ? report_xml : report_html)(out, report);
}

/* To standard output, or the file of -o. */
static bool write_report(struct run *run, const struct config *config, const struct inputs *inputs)
{
	struct out_files files = { .arena = &run->arena };
	const char *path = run->cli->value[CLI_WRITE];
	struct out out, *file;

	if (!path || is_standard_stream(path)) {
		stdout_open(&out);
		print_report(&out, run, config, inputs);
		return stdout_close(&out) == EXIT_CLEAN;
	}
	file = out_files_open(&files, path);
	if (file)
		print_report(file, run, config, inputs);
	return cli_commit_files(&files);
}

/* `out` NULL: where the command line says.  `memo`: what several nodes' pages share, or NULL. */
static bool report_node(struct run *run, struct out *out, struct text_memo *memo)
{
	struct pipeline p = { .options = &run->options, .diags = &run->diags, .checks = true };
	bool done = pipeline_run(&p);

	if (done) {
		run_filter(run);
		p.configs.configs[0]->memo = memo;
		if (out)
			print_report(out, run, p.configs.configs[0], p.nodes.inputs);
		else
			done = write_report(run, p.configs.configs[0], p.nodes.inputs);
	}
	pipeline_end(&p);
	return done;
}

/* ---- all nodes ---- */

struct all_reports {
	const struct run *run;
	const struct pipeline *pipeline;
	const struct node_views *views; /* NULL: each node has a run of its own */
	struct text_memo *memo;
};

/* From what was found for all; false if that does not say what a run about the node does. */
static bool print_view(const struct all_reports *all, struct out *out, unsigned node)
{
	struct arena arena = { 0 };
	struct node_view view;
	bool made = all->views && node_view_make(&view, all->views, node, &arena);

	if (made) {
		view.config.memo = all->memo;
		diags_choose(&view.diags, &all->run->filter);
		print_report(out, all->run, &view.config, &all->pipeline->nodes.inputs[node]);
	}
	arena_free(&arena);
	return made;
}

static bool print_node_report(void *context, struct out *out, unsigned node, unsigned file)
{
	const struct all_reports *all = context;
	struct run run;
	bool done = false;

	(void)file;
	if (print_view(all, out, node))
		return true;
	if (run_begin(&run, all->run->cli)) {
		run.options.node = all->pipeline->nodes.names->names[node].ptr;
		done = report_node(&run, out, all->memo);
	}
	run_drop(&run);
	return done;
}

static bool report_nodes(struct run *run)
{
	struct input_options options = run->options;
	struct diags found;
	struct pipeline p = { .options = &options, .diags = &found, .all_nodes = true, .checks = true };
	struct all_reports all = { .run = run, .pipeline = &p };
	const char *names[] = { is_xml(run->cli) ? "report.xml" : "report.html", NULL };
	bool done;

	diags_init(&found, &run->arena, &run->map);
	options.nodes = NULL;
	done = pipeline_run(&p);
	if (done) {
		all.views = node_views_new(&p.nodes, &p.configs, &found);
		all.memo = text_memo_new();
		done = node_files_write(run, &(struct node_files){ &p, "report on", names, print_node_report, &all });
		text_memo_free(all.memo);
	}
	pipeline_end(&p);
	diags_append(&run->diags, &found);
	return done;
}

static int run_report(const struct cli *cli)
{
	struct run run;

	if (cli->operand_count)
		return cli_error("report does not take an operand; use --root for the tree");
	if (!node_options_fit(cli) || !cli_may_write(cli, CLI_WRITE))
		return EXIT_ERROR;
	if (run_begin(&run, cli) && !(cli->value[CLI_ALL_NODES] ? report_nodes(&run) : report_node(&run, NULL, NULL)))
		run.failed = true;
	return run_end(&run);
}

int cmd_report(const struct cli *cli)
{
	return lint_config_run(cli, run_report);
}
