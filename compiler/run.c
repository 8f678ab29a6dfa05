/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning and the end of a run.  Diagnostics are printed at the end, all
 * at once and sorted, whatever has happened.
 */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

#include "out_files.h"
#include "strerror.h"

/* Takes all values of an option that may be repeated. */
static bool choose_by_options(struct run *run, unsigned option,
			      const char *(*choose)(struct diag_choice *, struct arena *, const char *))
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

	*run = (struct run){ .cli = cli, .format = diag_formats[0] };
	source_map_init(&run->map, &run->arena);
	diags_init(&run->diags, &run->arena, &run->map);
	run->options = cli_inputs(cli);
	if (value[CLI_FORMAT])
		run->format = diag_format_find(text_of(value[CLI_FORMAT]));
	if (!run->format)
		cli_error("%s: unknown format `%s`", cli_shown(cli, CLI_FORMAT), value[CLI_FORMAT]);
	run->failed = !run->format || !choose_by_options(run, CLI_SELECT, diag_choice_select) ||
		      !choose_by_options(run, CLI_WARNING, diag_choice_warning);
	return !run->failed;
}

void run_choose(struct run *run)
{
	if (!run->chosen)
		diags_choose(&run->diags, &run->choice);
	run->chosen = true;
}

static bool wants_colour(const struct cli *cli)
{
	const char *when = cli->value[CLI_COLOR], *no_color = getenv("NO_COLOR"),
		   *terminal = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return !cli->value[CLI_OUTPUT] && !(no_color && no_color[0]) && terminal &&
	       strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

/* To standard error. */
static void print(struct run *run)
{
	struct out out;

	out_init_fd(&out, STDERR_FILENO);
	run->format->print(&out, &run->diags, wants_colour(run->cli));
	/* There is no other place to say that this failed; the exit status does. */
	if (out_flush(&out))
		run->failed = true;
	out_free(&out);
}

/* To the file of --output. */
static void write_file(struct run *run, const char *path)
{
	struct out_files files = { .arena = &run->arena };
	struct out *out = out_files_open(&files, path);

	if (out)
		run->format->print(out, &run->diags, wants_colour(run->cli));
	if (!out_files_commit(&files))
		run->failed = true;
}

bool run_finds(const struct run *run)
{
	const char *level = run->cli->value[CLI_FAIL_ON];

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
	int status;

	run_choose(run);
	if (run->format && path)
		write_file(run, path);
	else if (run->format)
		print(run);
	status = run->failed || run->diags.unreadable ? EXIT_TROUBLE
		 : run_finds(run)		      ? EXIT_FOUND
						      : EXIT_CLEAN;
	run_drop(run);
	return status;
}
