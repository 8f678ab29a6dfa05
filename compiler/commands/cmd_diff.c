/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc diff: what a change of the tree changes, or with --targets whether all targets do the same.
 *
 * An operand is a tree, or a revision of the git repository that --root is in.  Both versions are read into
 * one source map, so that a position says which version it is in.
 */
#include <sys/stat.h>

#include "commands/commands.h"
#include "commands/question_options.h"
#include "findings/run.h"
#include "format/diag_json.h"
#include "inputs/revision.h"
#include "pipeline/pipeline.h"
#include "questions/diff_print.h"

/* ---- options ---- */

enum { LIMIT_DEFAULT = 20, LIMIT_MOST = 100000, THREADS_MOST = 8, PAIRS_DEFAULT = 50 };

static bool diff_format_is(const struct cli *cli, const char *name)
{
	return cli->value[CLI_DIFF_FORMAT] && strcmp(cli->value[CLI_DIFF_FORMAT], name) == 0;
}

static bool read_count(const struct cli *cli, unsigned option, uint64_t least, uint64_t most, uint32_t *count)
{
	uint64_t number;

	if (!cli->value[option])
		return true;
	if (!text_to_number(text_of(cli->value[option]), most, &number) || number < least) {
		cli_error("%s takes a number from %u to %u, not `%s`", cli_shown(cli, option),
			  (unsigned)least, (unsigned)most, cli->value[option]);
		return false;
	}
	*count = (uint32_t)number;
	return true;
}

/* ---- trees ---- */

/* A version of the tree; its texts are the run's. */
struct diff_tree {
	const char *name;         /* as given */
	struct revision revision; /* archive NULL: a folder */
	struct input_options options;
	struct pipeline pipeline;
	bool compiled;
};

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Finds the tree that an operand names.  False was reported. */
static bool diff_find_tree(struct run *run, struct diff_tree *tree, const char *name)
{
	const char *folder = run->options.root ? run->options.root : ".";

	tree->name = name;
	tree->options = run->options;
	tree->options.root = name;
	if (is_directory(name))
		return true;
	tree->revision = revision_read(&run->arena, folder, name);
	if (tree->revision.problem) {
		cli_error("%s", tree->revision.problem);
		return false;
	}
	tree->options.root = arena_printf(&run->arena, "%s:", name);
	tree->options.overlay = &tree->revision.overlay;
	return true;
}

/* Compiles all nodes of the tree, or those of --node. */
static bool compile_tree(struct run *run, struct diff_tree *tree)
{
	bool done;

	tree->pipeline = (struct pipeline){ .options = &tree->options,
					    .diags = &run->diags,
					    .all_nodes = true };
	tree->compiled = true;
	run->map.names_roots = true;
	done = pipeline_run(&tree->pipeline);
	run->map.overlay = NULL;
	revision_free(&tree->revision);
	return done;
}

static void end_tree(struct diff_tree *tree)
{
	if (tree->compiled)
		pipeline_end(&tree->pipeline);
	revision_free(&tree->revision);
}

/* Says how many errors the files of a version have: their lines are ignored, and lint explains them. */
static void count_errors(struct run *run, const struct diff_tree *tree)
{
	unsigned errors = run->diags.counts[SEVERITY_ERROR];

	if (errors)
		cli_error("%s: %u %s, which pvefw-cc lint explains; the wrong lines count as left out",
			  tree->name, errors, errors == 1 ? "error" : "errors");
	diags_clear(&run->diags);
}

/* ---- two versions ---- */

static int cmd_diff_print(const struct cli *cli, const struct diff *diff)
{
	struct out out;

	stdout_open(&out);
	if (diff_format_is(cli, "json"))
		json_print(&out, diff_json(diff));
	else if (diff_format_is(cli, "markdown"))
		diff_print_markdown(&out, diff);
	else
		diff_print_text(&out, diff, cli_answer_colour());
	if (stdout_close(&out) != EXIT_CLEAN || diff->undecided)
		return EXIT_ERROR;
	return diff_is_empty(diff) ? EXIT_CLEAN : EXIT_FOUND;
}

/*
 * The target of each node.  Without --target it is the one that the host's options choose; but what is
 * written costs less than what nftables makes of it, and is the same.
 */
static const struct backend **choose_targets(struct run *run, const struct node_configs *nodes)
{
	const char *name = run->cli->value[CLI_ASKED_TARGET];
	const struct backend **targets = ARENA_ARRAY(&run->arena, const struct backend *, nodes->count + 1);

	for (unsigned i = 0; i < nodes->count; i++) {
		const struct backend *of_host = backend_of_host(nodes->configs[i]);

		if (name)
			targets[i] = backend_find(text_of(name)); /* NULL for "written" */
		else
			targets[i] = of_host->forwards ? NULL : of_host;
	}
	return targets;
}

static int diff_trees(struct run *run, struct diff_tree trees[DIFF_SIDES])
{
	const struct cli *cli = run->cli;
	struct diff diff = { .map = &run->map,
			     .arena = &run->arena,
			     .limit = LIMIT_DEFAULT,
			     .any_state = cli->value[CLI_DIFF_STATE] &&
					  strcmp(cli->value[CLI_DIFF_STATE], "any") == 0 };

	if (!read_count(cli, CLI_LIMIT, 1, LIMIT_MOST, &diff.limit) ||
	    !cli_read_budget(cli, CLI_BUDGET, &diff.budget))
		return EXIT_ERROR;
	for (int side = 0; side < DIFF_SIDES; side++)
		if (!diff_find_tree(run, &trees[side], cli->operands[side]))
			return EXIT_ERROR;
	/* What the node knows, as its network, holds for both versions, or differs. */
	if (inputs_is_own_root(trees[DIFF_OLD].name) || inputs_is_own_root(trees[DIFF_NEW].name))
		trees[DIFF_OLD].options.on_node = trees[DIFF_NEW].options.on_node = true;
	for (int side = 0; side < DIFF_SIDES; side++) {
		if (!compile_tree(run, &trees[side]))
			return EXIT_ERROR;
		count_errors(run, &trees[side]);
		diff.configs[side] = trees[side].pipeline.configs.configs;
		diff.config_count[side] = trees[side].pipeline.configs.count;
		diff.targets[side] = choose_targets(run, &trees[side].pipeline.configs);
	}
	diff_run(&diff);
	return cmd_diff_print(cli, &diff);
}

/* ---- one version, several targets ---- */

static bool add_target(struct proof *proof, struct arena *arena, struct text name)
{
	bool plain = text_is(name, "nft-plain");
	const struct backend *backend = backend_find(plain ? TEXT("nft") : name);

	if (!backend && !text_is(name, "written")) {
		cli_error("--targets: there is no target `%.*s`: give a list of iptables, nft, nft-plain and written",
			  TEXT_ARG(name));
		return false;
	}
	for (uint32_t i = 0; i < proof->target_count; i++)
		if (text_is(name, proof->targets[i].name)) {
			cli_error("--targets: %.*s is named twice", TEXT_ARG(name));
			return false;
		}
	if (proof->target_count == PROOF_TARGETS_MAX) {
		cli_error("--targets: there are at most %d targets", PROOF_TARGETS_MAX);
		return false;
	}
	proof->targets[proof->target_count++] = (struct proof_target){ arena_string(arena, name), backend, plain };
	return true;
}

static bool read_targets(const struct cli *cli, struct proof *proof)
{
	struct text rest = text_of(cli->value[CLI_TARGETS]);

	for (;;) {
		long comma = text_find(rest, ',');
		struct text name = text_trim(
			(struct text){ rest.ptr, comma < 0 ? rest.len : (uint32_t)comma });

		if (!add_target(proof, proof->arena, name))
			return false;
		if (comma < 0)
			break;
		rest = text_skip(rest, (uint32_t)comma + 1);
	}
	if (proof->target_count < 2)
		cli_error("--targets: name two or more targets, as in iptables,nft,written");
	return proof->target_count >= 2;
}

static int print_proof(const struct cli *cli, const struct proof *proof, const struct source_map *map)
{
	struct out out;

	stdout_open(&out);
	if (diff_format_is(cli, "json"))
		json_print(&out, proof_json(proof, map));
	else
		proof_print_text(&out, proof, map);
	if (stdout_close(&out) != EXIT_CLEAN || proof->undecided)
		return EXIT_ERROR;
	return proof->differences ? EXIT_FOUND : EXIT_CLEAN;
}

static int prove_tree(struct run *run, struct diff_tree *tree)
{
	const struct cli *cli = run->cli;
	struct proof proof = { .arena = &run->arena, .pairs = PAIRS_DEFAULT };
	uint32_t workers = 0;

	if (!read_targets(cli, &proof) || !cli_read_budget(cli, CLI_BUDGET, &proof.budget) ||
	    !read_count(cli, CLI_THREADS, 1, THREADS_MOST, &workers) ||
	    !read_count(cli, CLI_PAIRS, 0, UINT32_MAX, &proof.pairs))
		return EXIT_ERROR;
	proof.workers = workers;
	if (cli->operand_count ? !diff_find_tree(run, tree, cli->operands[0]) : !cli->value[CLI_ROOT])
		return cli->operand_count ? EXIT_ERROR : cli_error("diff --targets: name the tree");
	if (!cli->operand_count)
		tree->options = run->options;
	tree->name = tree->options.root;
	if (!compile_tree(run, tree))
		return EXIT_ERROR;
	count_errors(run, tree);
	proof.configs = tree->pipeline.configs.configs;
	proof.config_count = tree->pipeline.configs.count;
	proof_run(&proof);
	return print_proof(cli, &proof, &run->map);
}

/* ---- the command ---- */

/* Whether the options fit each other; false was reported. */
static bool diff_options_fit(const struct cli *cli)
{
	static const unsigned of_trees[] = { CLI_ASKED_TARGET, CLI_DIFF_STATE, CLI_LIMIT },
			      of_targets[] = { CLI_THREADS, CLI_PAIRS };
	bool targets = cli->value[CLI_TARGETS] != NULL;

	for (size_t i = 0; i < sizeof(of_trees) / sizeof(of_trees[0]) && targets; i++)
		if (cli->value[of_trees[i]]) {
			cli_error("%s has no meaning with --targets", cli_shown(cli, of_trees[i]));
			return false;
		}
	for (size_t i = 0; i < sizeof(of_targets) / sizeof(of_targets[0]) && !targets; i++)
		if (cli->value[of_targets[i]]) {
			cli_error("%s needs --targets", cli_shown(cli, of_targets[i]));
			return false;
		}
	if (targets && diff_format_is(cli, "markdown")) {
		cli_error("--format markdown has no meaning with --targets");
		return false;
	}
	if (targets ? cli->operand_count > 1 : cli->operand_count != 2) {
		cli_error(
			targets ? "diff --targets takes one tree"
				: "diff takes two operands, OLD and NEW: trees, or revisions of a git repository");
		return false;
	}
	return true;
}

int cmd_diff(const struct cli *cli)
{
	struct diff_tree trees[DIFF_SIDES] = { 0 };
	struct run run;
	int status = EXIT_ERROR, ended;

	if (!diff_options_fit(cli))
		return EXIT_ERROR;
	if (run_begin(&run, cli)) {
		status = cli->value[CLI_TARGETS] ? prove_tree(&run, &trees[0]) : diff_trees(&run, trees);
		for (int side = 0; side < DIFF_SIDES; side++)
			end_tree(&trees[side]);
	}
	ended = run_end(&run);
	return ended == EXIT_CLEAN ? status : ended;
}
