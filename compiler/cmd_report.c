/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc report: what a node enforces, and from where it comes, for people who must
 * answer for it.  Diagnostics are in it, and on standard error as with every command.
 */
#include "commands.h"
#include "compile.h"
#include "lint.h"
#include "out_files.h"
#include "report.h"
#include "run.h"

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

static bool pipeline(struct run *run)
{
	struct inputs inputs = { 0 };
	struct config *config;
	bool done = false;

	if (!inputs_load(&inputs, &run->options, &run->diags))
		return false;
	config = compile(&inputs, &run->diags);
	if (!run->diags.unreadable) {
		lint_run(config, &inputs, &run->diags);
		run->diags.linted = true;
		run_choose(run);
		done = write_out(run, report_new(config, &inputs, run->cli->value[CLI_NOW]));
	}
	config_free(config);
	return done;
}

int cmd_report(const struct cli *cli)
{
	struct run run;

	if (cli->operand_count)
		return cli_error("report takes no operand; --root names the tree");
	if (run_begin(&run, cli) && !pipeline(&run))
		run.failed = true;
	return run_end(&run);
}
