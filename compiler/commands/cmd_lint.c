/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc lint: reports what is wrong and makes nothing.
 *
 * The diagnostics are the product and go to standard output; with --diff, the diff is.
 *
 * A path is a tree, which is compiled as a whole; another folder, of which
 * every .fw file and tree is taken (fw_walk.h); one file (single.h); or standard
 * input (stdin_file.h).  All diagnostics of a run are printed together.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"
#include "rewrite/fix.h"
#include "inputs/fw_walk.h"
#include "lint/lint.h"
#include "pipeline/lint_config.h"
#include "commands/lint_watch.h"
#include "base/real_path.h"
#include "pipeline/single_file.h"

struct lint {
	struct run *run;
	struct single single;
	struct stdin_file in;
	unsigned trees, files;
};

/* ---- trees ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void load_tree(struct lint *lint, const char *root)
{
	struct input_options options = lint->run->options;

	if (root)
		options.root = root;
	options.overlay = stdin_file_overlay(&lint->in, &lint->run->arena, options.root ? options.root : "/etc/pve");
	if (lint->run->cli->value[CLI_ALL_NODES])
		options.nodes = NULL;
	lint_tree(&options, &lint->run->diags, NULL);
}

/* ---- single files ---- */

static void lint_file(struct lint *lint, const char *path)
{
	struct single_file file;

	lint->files++;
	if (single_open(&lint->single, path, "the file is not checked", &file))
		single_check(&lint->single, &file, &lint->run->diags);
}

static void lint_stdin(struct lint *lint)
{
	struct single_file file;

	lint->files++;
	if (single_open_stdin(&lint->single, &lint->in, "it is not checked", &file))
		single_check(&lint->single, &file, &lint->run->diags);
}

/* ---- folders ---- */

/* On a node, a tree without .fw files is one without a firewall; elsewhere it is more likely a mistake. */
static void check_tree(struct lint *lint, const char *root)
{
	struct diags *diags = &lint->run->diags;
	const char *path = root ? root : lint->run->options.root;
	bool unreadable = diags->unreadable;

	lint->trees++;
	diags->unreadable = false;
	load_tree(lint, root);
	if (path && !diags->unreadable && !fw_walk_tree_has_files(diags, path) && !lint->in.overlay.count)
		fw_walk_report_none(diags, path);
	diags->unreadable |= unreadable;
}

static void lint_folder(struct lint *lint, const char *path)
{
	struct fw_walk walk;

	fw_walk_init(&walk, &lint->run->diags, false);
	fw_walk_folder(&walk, path);
	lint->single.is_walked = true;
	for (const struct fw_item *item = walk.first; item; item = item->next)
		if (item->is_tree)
			check_tree(lint, item->path);
		else
			lint_file(lint, item->path);
	lint->single.is_walked = false;
}

static void lint_path(struct lint *lint, const char *path)
{
	if (is_standard_stream(path))
		lint_stdin(lint);
	else if (is_folder(path))
		lint_folder(lint, path);
	else
		lint_file(lint, path);
}

/* An operand, and where it is. */
struct named_path {
	const char *place, *path;
	int order;
};

static int by_place(const void *a, const void *b)
{
	const struct named_path *x = a, *y = b;
	int order = strcmp(x->place, y->place);

	return order ? order : x->order - y->order;
}

static int by_order(const void *a, const void *b)
{
	const struct named_path *x = a, *y = b;

	return x->order - y->order;
}

/* The operands in their order, without those that name again what one before them names; returns how many. */
static int paths_of(struct run *run, struct named_path **paths)
{
	struct named_path *all = ARENA_ARRAY(&run->arena, struct named_path, (size_t)run->cli->operand_count + 1);
	int count = 0;

	for (int i = 0; i < run->cli->operand_count; i++) {
		const char *path = run->cli->operands[i];

		all[i] = (struct named_path){ is_standard_stream(path) ? path : place_of(&run->arena, path), path, i };
	}
	qsort(all, (size_t)run->cli->operand_count, sizeof(all[0]), by_place);
	for (int i = 0; i < run->cli->operand_count; i++)
		if (!count || strcmp(all[count - 1].place, all[i].place) != 0)
			all[count++] = all[i];
	qsort(all, (size_t)count, sizeof(all[0]), by_order);
	*paths = all;
	return count;
}

/* Everything that the command line names, each once. */
static void lint_all(struct run *run)
{
	const char *root = run->cli->value[CLI_ROOT];
	struct lint lint = { .run = run, .single = { .run = run } };
	struct named_path *paths;
	int count;

	/* The tree is not checked if there are operands, but who names one that is none is mistaken. */
	if (run->cli->operand_count && root)
		inputs_check_root(&run->diags, root);

	stdin_file_open(&lint.in, run);
	if (!run->cli->operand_count)
		check_tree(&lint, NULL);
	count = paths_of(run, &paths);
	for (int i = 0; i < count; i++)
		lint_path(&lint, paths[i].path);
	run->map.names_roots = lint.trees && lint.trees + lint.files > 1;
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
	*status = EXIT_ERROR;
	return done;
}

static bool options_fit(const struct cli *cli)
{
	if (cli->value[CLI_ALL_NODES] && cli->nodes && cli_shown(cli, CLI_NODE)[0] == '-')
		cli_error("--all-nodes and --node exclude each other");
	else if (cli->value[CLI_FIX] && cli->value[CLI_DIFF])
		cli_error("--fix and --diff exclude each other");
	else
		return stdin_file_check(cli);
	return false;
}

static int lint(const struct cli *cli)
{
	struct run run;
	int status;

	if (!options_fit(cli))
		return EXIT_ERROR;
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
	int status = EXIT_ERROR;

	bool configured = lint_config(&cli, &arena);

	/* Also of a configuration that is wrong: it may be put right. */
	if (watch)
		lint_watch_names(watch, &cli);
	if (configured)
		status = lint(&cli);
	arena_free(&arena);
	return status;
}

/* A command line that is wrong stays so, and ends the command; a baseline may still come. */
static bool can_be_watched(const struct cli *given)
{
	struct cli cli = *given;
	struct run run;
	bool good;

	if (cli.value[CLI_CONFIG] && cli.value[CLI_NO_CONFIG])
		return lint_config(&cli, NULL);
	if (lint_watch_refuses(&cli) || !options_fit(&cli))
		return false;
	cli.value[CLI_BASELINE] = NULL;
	good = run_begin(&run, &cli);
	run_drop(&run);
	return good;
}

int cmd_lint(const struct cli *cli)
{
	if (!cli->value[CLI_WATCH])
		return lint_once(cli, NULL);
	return can_be_watched(cli) ? lint_watch(cli, lint_once) : EXIT_ERROR;
}
