/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc lint: reports what is wrong and makes nothing.
 *
 * The diagnostics are the product and go to standard output; with --diff, the diff is.
 *
 * A path is a tree, which is compiled as a whole; another folder, of which
 * every .fw file is taken; or one file (single.h).  All diagnostics of a run are
 * printed together.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "fix.h"
#include "lint.h"
#include "lint_config.h"
#include "lint_watch.h"
#include "single.h"

struct lint {
	struct run *run;
	struct single single;
};

/* ---- trees ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder with firewall/, nodes/ or sdn/ in it. */
static bool is_tree(struct arena *arena, const char *path)
{
	static const char *const parts[] = { "firewall", "nodes", "sdn" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (is_folder(arena_printf(arena, "%s/%s", path, parts[i])))
			return true;
	return false;
}

static void check_tree(struct lint *lint, const char *root)
{
	struct input_options options = lint->run->options;

	if (root)
		options.root = root;
	if (lint->run->cli->value[CLI_ALL_NODES])
		options.nodes = NULL;
	lint_tree(&options, &lint->run->diags, NULL);
}

/* ---- single files ---- */

static void lint_file(struct lint *lint, const char *path)
{
	struct single_file file;

	if (single_open(&lint->single, path, "the file is not checked", &file))
		single_check(&lint->single, &file, &lint->run->diags);
}

/* ---- folders ---- */

static int is_fw_entry(const struct dirent *entry)
{
	return is_fw_name(entry->d_name);
}

/* Order of bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void lint_folder(struct lint *lint, const char *path)
{
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	struct dirent **entries;
	int count = scandir(path, &entries, is_fw_entry, by_name);

	if (count < 0) {
		diag_unreadable(&lint->run->diags, path, errno);
		return;
	}
	if (count == 0) {
		cli_error("there is no .fw file in %s", path);
		lint->run->failed = true;
	}
	for (int i = 0; i < count; i++) {
		lint_file(lint, arena_printf(&lint->run->arena, "%s%s%s", path, slash,
					     entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
}

static void lint_path(struct lint *lint, const char *path)
{
	if (!is_folder(path))
		lint_file(lint, path);
	else if (is_tree(&lint->run->arena, path))
		check_tree(lint, path);
	else
		lint_folder(lint, path);
}

/* Everything that the command line names. */
static void lint_all(struct run *run)
{
	struct lint lint = { .run = run, .single = { .run = run } };

	if (!run->cli->operand_count)
		check_tree(&lint, NULL);
	for (int i = 0; i < run->cli->operand_count; i++)
		lint_path(&lint, run->cli->operands[i]);
}

/* ---- fixes ---- */

static bool print_diff(struct run *run)
{
	struct fixes fixes;
	struct out out;

	run_choose(run);
	fixes = fixes_collect(&run->diags);
	stdout_open(&out);
	fixes_diff(&fixes, &out);
	return stdout_close(&out) == EXIT_CLEAN;
}

/* A run of its own: what it would report is reported by the next one, unless it is fixed.
 * False: nothing was fixed, and *status is the exit status. */
static bool fix_all(const struct cli *cli, int *status)
{
	struct fixes fixes;
	struct run run;
	struct out out;
	bool done;

	if (run_begin(&run, cli)) {
		run.stream = STDOUT_FILENO;
		lint_all(&run);
	}
	if (run.failed) {
		*status = run_end(&run);
		return false;
	}
	run_choose(&run);
	fixes = fixes_collect(&run.diags);
	/* Standard output has what is left, in the format that was asked for. */
	out_init_fd(&out, STDERR_FILENO);
	done = fixes_write(&fixes, &out);
	done = !is_write_failure(out_flush(&out)) && done;
	out_free(&out);
	run_drop(&run);
	*status = EXIT_TROUBLE;
	return done;
}

static int lint(const struct cli *cli)
{
	struct run run;
	int status;

	if (cli->value[CLI_ALL_NODES] && cli->nodes && cli_shown(cli, CLI_NODE)[0] == '-')
		return cli_error("--all-nodes and --node exclude each other");
	if (cli->value[CLI_FIX] && cli->value[CLI_DIFF])
		return cli_error("--fix and --diff exclude each other");
	if (cli->value[CLI_FIX] && !fix_all(cli, &status))
		return status;
	if (run_begin(&run, cli)) {
		run.stream = cli->value[CLI_DIFF] ? STDERR_FILENO : STDOUT_FILENO;
		lint_all(&run);
		if (cli->value[CLI_DIFF] && !print_diff(&run))
			run.failed = true;
	}
	return run_end(&run);
}

/* Takes the configuration, too; `watch` learns what it names. */
static int lint_once(const struct cli *given, struct lint_watch *watch)
{
	struct arena arena = { 0 };
	struct cli cli = *given;
	int status = EXIT_TROUBLE;

	if (lint_config(&cli, &arena)) {
		if (watch)
			lint_watch_names(watch, &cli);
		status = lint(&cli);
	}
	arena_free(&arena);
	return status;
}

int cmd_lint(const struct cli *cli)
{
	return cli->value[CLI_WATCH] ? lint_watch(cli, lint_once) : lint_once(cli, NULL);
}
