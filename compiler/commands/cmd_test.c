/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc test: asks whether a tree does what tests say.
 *
 * The files are those that are named, or all of the tree.  They are asked of each node that has the guests of a
 * test.  What lint says of the tree's own files is not repeated; but a line with an error is ignored, so that the
 * number of errors is.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "commands/commands.h"
#include "commands/question_options.h"
#include "commands/single_file.h"
#include "findings/run.h"
#include "inputs/fw_walk.h"
#include "inputs/netdb.h"
#include "pipeline/pipeline.h"
#include "policy/policy_suite.h"

struct test_run {
	struct run run;
	struct policy_suite suite;
	struct policy_covered covered;
	bool rows;
};

static bool test_has(const struct test_run *test, unsigned option)
{
	return test->run.cli->value[option] != NULL;
}

static const struct backend *test_target(const void *context, const struct config *config)
{
	const struct cli *cli = context;

	return cli_asked_target(cli->value[CLI_ASKED_TARGET], config);
}

/* ---- the files ---- */

/* Standard input is read to its end, as it may be a pipe. */
static struct source *test_load_stdin(struct test_run *test)
{
	struct source *source = NULL;
	char piece[1 << 14];
	struct out bytes;
	ssize_t n;

	out_init_memory(&bytes);
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			out_bytes(&bytes, piece, (size_t)n);
	if (n == 0)
		source = source_add(&test->run.map, "<stdin>", bytes.data ? bytes.data : "", bytes.len);
	out_free(&bytes);
	return source;
}

static struct source *test_load(struct test_run *test, const char *path)
{
	return is_standard_stream(path) ? test_load_stdin(test) : source_load(&test->run.map, AT_FDCWD, path, path);
}

/* `source` NULL: it could not be read, which was reported. */
static void test_source(struct test_run *test, struct source *source)
{
	if (!source)
		return;
	source->is_fw = true; /* comments in it can be for us */
	policy_suite_file(&test->suite, source, test->rows);
}

static void test_file(struct test_run *test, const char *path)
{
	struct source *source = test_load(test, path);

	if (!source)
		diag_unreadable(&test->run.diags, path, errno);
	test_source(test, source);
}

/* All files of tests of the tree. */
static void test_tree(struct test_run *test)
{
	const char *root = test->run.options.root ? test->run.options.root : "/etc/pve";
	struct fw_walk walk;

	fw_walk_init(&walk, &test->run.diags, true);
	fw_walk_tests(&walk, root);
	for (const struct fw_item *item = walk.first; item; item = item->next)
		test_source(test, fw_walk_load(&walk, root, item));
	if (!walk.first && !test->run.diags.unreadable) {
		cli_error("no .fwtest file in %s/firewall", root);
		test->run.failed = true;
	}
}

/* A folder stands for the files of tests in it. */
static void test_operand(struct test_run *test, const char *path)
{
	struct fw_walk walk;

	if (!is_folder(path)) {
		test_file(test, path);
		return;
	}
	fw_walk_init(&walk, &test->run.diags, true);
	fw_walk_tests_below(&walk, path);
	for (const struct fw_item *item = walk.first; item; item = item->next)
		test_file(test, item->path);
	if (!walk.first && !test->run.diags.unreadable) {
		cli_error("no .fwtest file in %s", path);
		test->run.failed = true;
	}
}

/* ---- asking ---- */

static void test_ask(struct test_run *test, const struct pipeline *p, struct model_budget budget)
{
	const struct cli *cli = test->run.cli;
	const struct policy_suite_options options = { .configs = p->configs.configs,
						      .count = p->configs.count,
						      .target = test_target,
						      .context = cli,
						      .budget = budget };
	struct policy_coverage coverage = { .met = NULL };

	test->suite = (struct policy_suite){ .arena = &test->run.arena,
					     .diags = &test->run.diags,
					     .netdb = p->configs.configs[0]->netdb,
					     .is_asked = true,
					     .coverage = test_has(test, CLI_COVERAGE) ? &coverage : NULL };
	policy_suite_open(&test->suite, &options);
	for (int i = 0; i < cli->operand_count; i++)
		test_operand(test, cli->operands[i]);
	if (!cli->operand_count)
		test_tree(test);
	if (test->suite.coverage)
		policy_coverage_report(&coverage, p->configs.configs, p->configs.count, &test->run.diags, &test->covered);
	policy_suite_close(&test->suite);
	policy_coverage_free(&coverage);
}

/* ---- printing ---- */

/* The diagnostics, without their number: tests are counted. */
static void test_print_diagnostics(struct test_run *test, const struct diag_format *format, struct out *out)
{
	struct diags shown = test->run.diags;

	memset(shown.counts, 0, sizeof(shown.counts));
	format->print(out, &shown, cli_answer_colour());
}

static bool test_print(struct test_run *test)
{
	const char *format = test->run.cli->value[CLI_TEST_FORMAT];
	struct out out;

	run_filter(&test->run);
	stdout_open(&out);
	if (format && strcmp(format, "tap") == 0) {
		policy_print_tap(&out, &test->suite);
	} else if (format && strcmp(format, "junit") == 0) {
		policy_print_junit(&out, &test->suite);
	} else if (format && strcmp(format, "json") == 0) {
		policy_print_json(&out, &test->suite, &test->covered);
	} else {
		bool github = format && strcmp(format, "github") == 0;

		test_print_diagnostics(test, github ? &diag_format_github : &diag_format_text, &out);
		policy_print_summary(&out, &test->suite, &test->covered);
	}
	return stdout_close(&out) == EXIT_CLEAN;
}

/* The exit status that the tests make. */
static int test_status(const struct test_run *test)
{
	const struct policy_suite *suite = &test->suite;

	if (test->run.failed || test->run.diags.unreadable || suite->results[POLICY_UNDECIDED] || suite->results[POLICY_ERROR])
		return EXIT_ERROR;
	if (!suite->count)
		return cli_error("no test found: the file%s contain%s none", suite->files == 1 ? "" : "s",
				 suite->files == 1 ? "s" : "");
	return suite->results[POLICY_FAILED] ? EXIT_FOUND : EXIT_CLEAN;
}

/* ---- the command ---- */

/* What is wrong with the tree itself: lint says it, but not that there is anything. */
static void test_note_errors(const struct diags *found)
{
	unsigned errors = found->counts[SEVERITY_ERROR];

	if (errors)
		cli_error("the tree has %u line%s with errors, which %s ignored; pvefw-cc lint reports them", errors,
			  errors == 1 ? "" : "s", errors == 1 ? "is" : "are");
}

static int test_run_tree(struct test_run *test, struct model_budget budget)
{
	const char *target = test->run.cli->value[CLI_ASKED_TARGET];
	struct run *run = &test->run;
	struct diags found;
	struct pipeline p = { .options = &run->options,
			      .diags = &found,
			      .all_nodes = true,
			      .backend = target ? backend_find(text_of(target)) : NULL };
	bool usable;
	int status = EXIT_ERROR;

	diags_init(&found, &run->arena, &run->map);
	usable = pipeline_run(&p);
	if (usable) {
		test_note_errors(&found);
		test_ask(test, &p, budget);
		status = test_print(test) ? test_status(test) : EXIT_ERROR;
	} else {
		diags_append(&run->diags, &found);
	}
	pipeline_end(&p);
	if (!usable)
		return run_end(run);
	run_drop(run);
	return status;
}

int cmd_test(const struct cli *cli)
{
	const char *input = cli->value[CLI_TEST_INPUT];
	struct test_run test = { .rows = input && strcmp(input, "perl") == 0 };
	struct model_budget budget;

	if (test.rows && !cli->operand_count)
		return cli_error("--format-in perl needs the files of rows, or - for standard input");
	if (!cli_read_budget(cli, CLI_BUDGET, &budget))
		return EXIT_ERROR;
	if (!run_begin(&test.run, cli))
		return run_end(&test.run);
	return test_run_tree(&test, budget);
}
