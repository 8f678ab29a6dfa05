/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning and the end of a run.  Diagnostics are printed at the end, all
 * at once and sorted, whatever has happened.
 */
#include "cli/run.h"

#include <stdlib.h>
#include <unistd.h>

#include "findings/findings.h"
#include "base/atomic_files.h"
#include "base/errno_text.h"

/* Takes all values of an option that may be repeated. */
static bool choose_by_options(struct run *run, unsigned option,
			      const char *(*choose)(struct diag_filter *, struct arena *, const char *))
{
	for (const struct cli_value *v = run->cli->values; v; v = v->next) {
		const char *wrong = v->option == option ? choose(&run->choice, &run->arena, v->text) : NULL;

		if (wrong) {
			cli_error("%s: %s", v->shown, wrong);
			return false;
		}
	}
	return true;
}

bool run_begin(struct run *run, const struct cli *cli)
{
	const char *const *value = cli->value;

	*run = (struct run){ .cli = cli, .format = diag_formats[0], .stream = STDERR_FILENO };
	source_map_init(&run->map, &run->arena);
	diags_init(&run->diags, &run->arena, &run->map);
	run->options = cli_inputs(cli);
	if (value[CLI_FORMAT])
		run->format = diag_format_find(text_of(value[CLI_FORMAT]));
	run->failed = !choose_by_options(run, CLI_SELECT, diag_filter_select) ||
		      !choose_by_options(run, CLI_WARNING, diag_filter_warning) || !findings_begin(run);
	/* An empty report would say that all is right. */
	if (run->failed)
		run->format = NULL;
	return !run->failed;
}

void run_choose(struct run *run)
{
	if (!run->chosen)
		diags_choose(&run->diags, &run->choice);
	run->chosen = true;
}

/* On `stream`, or in a file if that is -1. */
static bool wants_colour(const struct cli *cli, int stream)
{
	const char *when = cli->value[CLI_COLOR], *no_color = getenv("NO_COLOR"),
		   *terminal = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return stream >= 0 && !(no_color && no_color[0]) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(stream);
}

static void print(struct run *run, int stream)
{
	struct out out;
	int reason;

	out_init_fd(&out, stream);
	findings_print(run, &out, wants_colour(run->cli, stream));
	reason = out_flush(&out);
	out_free(&out);
	if (!is_write_failure(reason))
		return;
	run->failed = true;
	/* That standard error cannot be written can be told by the exit status only. */
	if (stream == STDOUT_FILENO)
		cli_error("cannot write standard output: %s", error_text(reason));
}

/* To the file of --output. */
static void write_file(struct run *run, const char *path)
{
	struct out_files files = { .arena = &run->arena };
	struct out *out = out_files_open(&files, path);

	if (out)
		findings_print(run, out, wants_colour(run->cli, -1));
	if (!out_files_commit(&files))
		run->failed = true;
}

bool run_finds(const struct run *run)
{
	const char *level = run->cli->value[CLI_FAIL_ON];

	if (run->cli->value[CLI_EXIT_ZERO])
		return false;
	for (int i = SEVERITY_ERROR; i >= SEVERITY_NOTE; i--) {
		if (level && strcmp(level, "never") == 0)
			return false;
		if (run->diags.counts[i])
			return true;
		if (strcmp(level ? level : "error", severity_name((enum severity)i)) == 0)
			return false;
	}
	return false;
}

void run_drop(struct run *run)
{
	arena_free(&run->arena);
}

int run_end(struct run *run)
{
	const char *path = run->cli->value[CLI_OUTPUT];
	bool finds;
	int status;

	run_choose(run);
	if (run->format && !findings_compare(run))
		run->format = NULL;
	finds = run_finds(run);
	if (run->format && path && !is_standard_stream(path))
		write_file(run, path);
	else if (run->format)
		print(run, path ? STDOUT_FILENO : run->stream);
	status = run->failed || run->diags.unreadable ? EXIT_ERROR
		 : finds			      ? EXIT_FOUND
						      : EXIT_CLEAN;
	run_drop(run);
	return status;
}
