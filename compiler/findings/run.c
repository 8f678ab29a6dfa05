/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings/run.h"

#include <unistd.h>

#include "base/atomic_files.h"
#include "base/errno_text.h"
#include "findings/findings.h"

/* Takes all values of an option that may be repeated. */
static bool filter_by_option(struct run *run, unsigned option,
			     const char *(*take)(struct diag_filter *, struct arena *, const char *))
{
	for (const struct cli_value *v = run->cli->values; v; v = v->next) {
		const char *wrong = v->option == option ? take(&run->filter, &run->arena, v->text) : NULL;

		if (wrong) {
			cli_error("%s: %s", v->shown, wrong);
			return false;
		}
	}
	return true;
}

bool run_begin(struct run *run, const struct cli *cli)
{
	*run = (struct run){ .cli = cli, .format = diag_formats[0], .stream = STDERR_FILENO };
	source_map_init(&run->map, &run->arena);
	diags_init(&run->diags, &run->arena, &run->map);
	run->options = cli_inputs(cli);
	if (cli->value[CLI_FORMAT])
		run->format = diag_format_find(text_of(cli->value[CLI_FORMAT]));
	run->failed = !filter_by_option(run, CLI_SELECT, diag_filter_select) ||
		      !filter_by_option(run, CLI_WARNING, diag_filter_warning) || !findings_begin(run);
	/* An empty report would say that all is right. */
	if (run->failed)
		run->format = NULL;
	return !run->failed;
}

void run_filter(struct run *run)
{
	if (!run->filtered)
		diags_choose(&run->diags, &run->filter);
	run->filtered = true;
}

bool run_finds(const struct run *run)
{
	const char *level = run->cli->value[CLI_FAIL_ON] ? run->cli->value[CLI_FAIL_ON] : "error";

	if (run->cli->value[CLI_EXIT_ZERO] || strcmp(level, "never") == 0)
		return false;
	for (int i = SEVERITY_ERROR; i >= SEVERITY_NOTE; i--) {
		if (run->diags.counts[i])
			return true;
		if (strcmp(level, severity_name((enum severity)i)) == 0)
			break;
	}
	return false;
}

static void print_to_stream(struct run *run, int stream)
{
	struct out out;
	int reason;

	out_init_fd(&out, stream);
	findings_print(run, &out, wants_colour(stream, run->cli->value[CLI_COLOR]));
	reason = out_flush(&out);
	out_free(&out);
	if (!is_write_failure(reason))
		return;
	run->failed = true;
	/* Where standard error cannot be written, only the exit status says so. */
	if (stream == STDOUT_FILENO)
		cli_error("cannot write standard output: %s", error_text(reason));
}

static void print_to_file(struct run *run, const char *path)
{
	struct out_files files = { .arena = &run->arena };
	struct out *out = out_files_open(&files, path);

	if (out)
		findings_print(run, out, wants_colour(-1, run->cli->value[CLI_COLOR]));
	if (!cli_commit_files(&files))
		run->failed = true;
}

void run_drop(struct run *run)
{
	arena_free(&run->arena);
}

int run_end(struct run *run)
{
	const char *path = run->cli->value[CLI_OUTPUT];
	bool prints, finds;
	int status;

	run_filter(run);
	prints = run->format && findings_compare(run);
	finds = run_finds(run);
	if (prints && path && !is_standard_stream(path))
		print_to_file(run, path);
	else if (prints)
		print_to_stream(run, path ? STDOUT_FILENO : run->stream);
	status = run->failed || run->diags.unreadable ? EXIT_ERROR : finds ? EXIT_FOUND : EXIT_CLEAN;
	run_drop(run);
	return status;
}
