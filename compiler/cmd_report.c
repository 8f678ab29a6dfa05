/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc report: what a node enforces, and from where it comes, for people who must
 * answer for it.  Diagnostics are in it, and on standard error as with every command.
 */
#include "commands.h"
#include "compile.h"
#include "lint.h"
#include "lint_config.h"
#include "node_files.h"
#include "out_files.h"
#include "report.h"
#include "run.h"
#include "text_memo.h"

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

/* To `out`, or if that is NULL to where the command line says. `memo`: what the pages of several nodes share; or NULL. */
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
	const struct cli *cli;
	struct node_names names;
	struct text_memo *memo;
};

static const char *file_name(void *context, unsigned file, struct arena *arena)
{
	const struct all_nodes *all = context;
	const char *format = all->cli->value[CLI_PAGE_FORMAT];

	(void)file;
	(void)arena;
	return format && strcmp(format, "xml") == 0 ? "report.xml" : "report.html";
}

/* A run of its own, as the page tells what was found for this node. */
static bool print_node(void *context, struct out *out, unsigned node, unsigned file)
{
	const struct all_nodes *all = context;
	bool done = false;
	struct run run;

	(void)file;
	if (run_begin(&run, all->cli)) {
		run.options.node = all->names.names[node].ptr;
		done = pipeline(&run, out, all->memo);
	}
	run_drop(&run);
	return done;
}

static bool report_all(struct run *run)
{
	struct all_nodes all = { .cli = run->cli };
	struct node_files files = { .nodes = &all.names, .count = 1, .name = file_name, .print = print_node,
				    .context = &all };
	bool done;

	run->options.nodes = NULL;
	if (!lint_tree(&run->options, &run->diags, &all.names) || run->diags.unreadable)
		return false;
	if (!all.names.count) {
		cli_error("%s has no folder in nodes/, and so no node to report on",
			  run->options.root ? run->options.root : "/etc/pve");
		return false;
	}
	all.memo = text_memo_new();
	done = node_files_write(run, &files);
	text_memo_free(all.memo);
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
		return EXIT_TROUBLE;
	if (run_begin(&run, cli) && !(all ? report_all(&run) : pipeline(&run, NULL, NULL)))
		run.failed = true;
	return run_end(&run);
}

int cmd_report(const struct cli *cli)
{
	return lint_config_run(cli, run_report);
}
