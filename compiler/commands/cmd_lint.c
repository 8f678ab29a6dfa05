/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc lint: reports diagnostics; writes no other output.
 *
 * Diagnostics are the product and go to standard output; with --diff, the diff does.  A path is a tree, which
 * is compiled as a whole, another folder, a file, or standard input (single_file.h).  All diagnostics of a
 * run are printed together.
 */
#include <stdlib.h>
#include <unistd.h>

#include <uthash.h>

#include "base/real_path.h"
#include "commands/commands.h"
#include "commands/lint_config.h"
#include "commands/lint_watch.h"
#include "commands/single_file.h"
#include "inputs/fw_walk.h"
#include "pipeline/pipeline.h"
#include "policy/policy_suite.h"
#include "rewrite/fix.h"

struct lint_run {
	struct run *run;
	struct single single;
	unsigned tree_count;
};

/* ---- tests ---- */

/* Checks files of tests against the configurations of a tree, if `p` has any. */
static void lint_tests(struct lint_run *lint, const struct pipeline *p, struct diags *diags, struct source *const *files,
		       unsigned count)
{
	const struct policy_suite_options options = { .configs = p ? p->configs.configs : NULL,
						      .count = p ? p->configs.count : 0 };
	struct policy_suite suite = { .arena = diags->arena,
				      .diags = diags,
				      .netdb = p ? p->configs.configs[0]->netdb : lint->single.inputs.netdb,
				      .is_partial = p && p->options->nodes };

	policy_suite_open(&suite, &options);
	for (unsigned i = 0; i < count; i++)
		policy_suite_file(&suite, files[i], false);
	policy_suite_close(&suite);
}

/* Those of a tree that was compiled. */
static void lint_tests_of_tree(struct lint_run *lint, const struct pipeline *p, const char *root, struct diags *diags)
{
	struct fw_walk walk;

	fw_walk_init(&walk, diags, true);
	fw_walk_tests(&walk, root);
	for (const struct fw_item *item = walk.first; item; item = item->next) {
		struct source *source = fw_walk_load(&walk, root, item);

		if (!source)
			continue;
		source->is_fw = true;
		lint_tests(lint, p, diags, &source, 1);
	}
}

/* A file of tests by itself: the tree that it is in has the names. */
static void lint_test_file(void *context, const struct single_file *file)
{
	struct lint_run *lint = context;
	struct input_options options = lint->run->options;
	struct diags *diags = &lint->run->diags, found;
	struct pipeline p = { .options = &options, .diags = &found, .all_nodes = true };
	struct source *source = file->source;
	uint32_t before = diags->map->count;

	if (!options.root)
		options.root = single_tree_of_test(&lint->run->arena, file);
	if (!options.root) {
		diag_help(diag(diags, SPAN_NONE, DIAG_TEST_NO_TREE, "names in %s cannot be checked: it is in no tree",
			       file->shown),
			  "name the tree with --root");
		lint_tests(lint, NULL, diags, &source, 1);
		return;
	}
	diags_init(&found, diags->arena, diags->map);
	if (pipeline_run(&p)) {
		/* They were read for their names. */
		for (uint32_t i = before; i < diags->map->count; i++)
			diags->map->sources[i]->unasked = true;
		lint_tests(lint, &p, diags, &source, 1);
	} else {
		diags_append(diags, &found);
	}
	pipeline_end(&p);
}

/* `root` NULL: the tree of --root. */
static void lint_tree(void *context, const char *root)
{
	struct lint_run *lint = context;
	struct input_options options = lint->run->options;
	struct diags *diags = &lint->run->diags, found;
	struct pipeline p = { .options = &options, .diags = &found, .all_nodes = true, .checks = true };

	lint->tree_count++;
	if (root)
		options.root = root;
	options.overlay = stdin_file_overlay(&lint->single.in, &lint->run->arena,
					     options.root ? options.root : "/etc/pve");
	if (lint->run->cli->value[CLI_ALL_NODES])
		options.nodes = NULL;
	diags_init(&found, diags->arena, diags->map);
	if (pipeline_run(&p) && p.configs.count)
		lint_tests_of_tree(lint, &p, options.root ? options.root : "/etc/pve", &found);
	pipeline_end(&p);
	/* On a node, a tree without .fw files is one without a firewall; elsewhere it is more likely a mistake. */
	if (options.root && !found.unreadable && !fw_walk_tree_has_files(diags, options.root) &&
	    !lint->single.in.overlay.count)
		fw_walk_report_none(&found, options.root);
	diags_append(diags, &found);
}

/* A file or folder that was linted. */
struct linted_place {
	const char *place;
	UT_hash_handle hh;
};

/* Lints everything that the command line names, each once. */
static void lint_all(struct run *run)
{
	struct lint_run lint = { .run = run,
				 .single = { .run = run,
					     .take_test = lint_test_file,
					     .take_tree = lint_tree,
					     .context = &lint,
					     .fate = { "the file is not checked", "it is not checked" } } };
	struct linted_place *all = NULL, *known;
	struct place_memo places = { .folder = NULL };

	/* With operands, the tree of --root is not checked; but naming a folder that is not a tree is a mistake. */
	if (run->cli->operand_count && run->cli->value[CLI_ROOT])
		inputs_check_root(&run->diags, run->cli->value[CLI_ROOT]);
	stdin_file_open(&lint.single.in, run);
	if (!run->cli->operand_count)
		lint_tree(&lint, NULL);
	for (int i = 0; i < run->cli->operand_count; i++) {
		const char *path = run->cli->operands[i],
			   *place = is_standard_stream(path) ? path : place_memo_of(&places, &run->arena, path);

		HASH_FIND_STR(all, place, known);
		if (known)
			continue;
		known = ARENA_NEW(&run->arena, struct linted_place);
		known->place = place;
		HASH_ADD_KEYPTR(hh, all, place, strlen(place), known);
		single_take(&lint.single, path);
	}
	HASH_CLEAR(hh, all);
	place_memo_free(&places);
	single_end(&lint.single);
	run->map.names_roots = lint.tree_count && lint.tree_count + lint.single.file_count > 1;
}

/* ---- fixes ---- */

static bool print_diff(struct run *run)
{
	struct fixes fixes;
	struct out out;

	run_filter(run);
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
	run_filter(&run);
	fixes = fixes_collect(&run.diags);
	/* Standard output has what is left, in the format that was asked for. */
	out_init_fd(&out, STDERR_FILENO);
	done = write_fixes(&fixes, &out);
	done = !is_write_failure(out_flush(&out)) && done;
	out_free(&out);
	run_drop(&run);
	*status = EXIT_ERROR;
	return done;
}

static bool options_fit(const struct cli *cli)
{
	if (cli->value[CLI_ALL_NODES] && cli_names_node(cli))
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

/* Reads the configuration, too; `watch`, unless NULL, learns which files it names. */
static int lint_once(const struct cli *given, struct lint_watch *watch)
{
	struct arena arena = { 0 };
	struct cli cli = *given;
	bool configured;
	int status = EXIT_ERROR;

	cli.arena = &arena;
	configured = lint_config(&cli);
	/* Also if the configuration is wrong: it may be fixed meanwhile. */
	if (watch)
		lint_watch_names(watch, &cli);
	if (configured)
		status = lint(&cli);
	arena_free(&arena);
	return status;
}

/* A wrong command line stays wrong, and ends the command; a baseline that is missing may still come. */
static bool can_be_watched(const struct cli *given)
{
	struct cli cli = *given;
	struct run run;
	bool good;

	if (cli.value[CLI_CONFIG] && cli.value[CLI_NO_CONFIG])
		return lint_config(&cli);
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
