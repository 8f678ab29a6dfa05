/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines, and files that are written all or none. */
#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"
#include "base/atomic_files.h"
#include "pipeline/input_options.h"

static struct arena arena;
static char folder[] = "/tmp/pvefw-test-XXXXXX";
static char original[sizeof(folder)];

static void setup(void)
{
	arena = (struct arena){ 0 };
	memcpy(original, folder, sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	unlink("a");
	unlink("b");
	rmdir("new");
	ck_assert_int_eq(chdir("/"), 0);
	/* Nothing temporary is left behind. */
	ck_assert_int_eq(rmdir(folder), 0);
	memcpy(folder, original, sizeof(folder));
	arena_free(&arena);
}

/* Parses the words up to NULL. */
static bool parse(struct cli *cli, enum command_id command, char **words)
{
	int count = 0;

	*cli = (struct cli){ .program = &pvefw_cc, .command = command };
	while (words[count])
		count++;
	return cli_parse(cli, &arena, count, words);
}

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })

START_TEST(spellings)
{
	struct cli cli;

	ck_assert(parse(&cli, COMMAND_COMPILE, WORDS("--root=a", "--node", "n", "-oout", "-t", "nft")));
	ck_assert_str_eq(cli.value[CLI_ROOT], "a");
	ck_assert_str_eq(cli.value[CLI_NODE], "n");
	ck_assert_str_eq(cli.value[CLI_WRITE], "out");
	ck_assert_str_eq(cli.value[CLI_TARGET], "nft");
	ck_assert_ptr_null(cli.value[CLI_NOW]);
	ck_assert_int_eq(cli.operand_count, 0);
	ck_assert(parse(&cli, COMMAND_EXPLAIN, WORDS("-ah")));
	ck_assert(cli.value[CLI_ALL] && cli.value[CLI_HELP]);
	ck_assert(parse(&cli, COMMAND_LINT, WORDS("--now=", "--root", "--node")));
	ck_assert_str_eq(cli.value[CLI_NOW], "");
	ck_assert_str_eq(cli.value[CLI_ROOT], "--node");
}
END_TEST

START_TEST(operands)
{
	struct cli cli;

	ck_assert(parse(&cli, COMMAND_LINT, WORDS("a", "--resolve", "b", "-", "--", "--root")));
	ck_assert_int_eq(cli.operand_count, 4);
	ck_assert_str_eq(cli.operands[1], "b");
	ck_assert_str_eq(cli.operands[2], "-");
	ck_assert_str_eq(cli.operands[3], "--root");
	ck_assert_ptr_null(cli.value[CLI_ROOT]);
}
END_TEST

/* The last value counts, but altnames add up. */
START_TEST(repeated)
{
	const struct altname_option *altnames;
	struct cli cli;

	ck_assert(parse(&cli, COMMAND_LINT,
			WORDS("--node=a", "--altname=x=y", "--node=b", "--altname", "z=w")));
	ck_assert_str_eq(cli.value[CLI_NODE], "b");
	altnames = cli_inputs(&cli).altnames;
	ck_assert_str_eq(altnames->text, "x=y");
	ck_assert_str_eq(altnames->next->text, "z=w");
	ck_assert_ptr_null(altnames->next->next);
}
END_TEST

START_TEST(wrong)
{
	struct cli cli;

	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--roo", "x")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--root")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--resolve=1")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--color=sometimes")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--color=auto|always")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("--target=iptables")));
	ck_assert(!parse(&cli, COMMAND_LINT, WORDS("-z")));
	ck_assert(!parse(&cli, COMMAND_EXPLAIN, WORDS("-az")));
	ck_assert(parse(&cli, COMMAND_LINT, WORDS("--color=never")));
	ck_assert_ptr_null(command_find(&pvefw_cc, "lnit"));
	ck_assert_ptr_eq(command_find(&pvefw_cc, "lint"), &pvefw_cc.commands[COMMAND_LINT]);
}
END_TEST

START_TEST(values)
{
	struct out out;

	out_init_memory(&out);
	ck_assert(cli_option_values(&out, &pvefw_cc, &pvefw_cc.options[CLI_FAIL_ON], ", "));
	ck_assert(!cli_option_values(&out, &pvefw_cc, &pvefw_cc.options[CLI_WRITE], ", "));
	ck_assert(!cli_option_values(&out, &pvefw_cc, &pvefw_cc.options[CLI_RESOLVE], ", "));
	out_bytes(&out, "", 1);
	ck_assert_str_eq(out.data, "error, warning, note, never");
	out_free(&out);
}
END_TEST

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

START_TEST(files_together)
{
	struct out_files files = { .arena = &arena };
	struct stat st;

	umask(022);
	out_string(out_files_open(&files, "a"), "first");
	out_string(out_files_open(&files, "b"), "second");
	ck_assert(!exists("a") && !exists("b"));
	ck_assert(out_files_commit(&files));
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(st.st_size, 5);
	ck_assert_int_eq(stat("b", &st), 0);
	ck_assert_int_eq(st.st_size, 6);
}
END_TEST

/* One that cannot be written takes the others with it, and what was there stays. */
START_TEST(files_or_none)
{
	struct out_files files = { .arena = &arena };
	struct stat st;

	out_string(out_files_open(&files, "a"), "old");
	ck_assert(out_files_commit(&files));
	files = (struct out_files){ .arena = &arena };
	out_files_directory(&files, "new");
	out_string(out_files_open(&files, "a"), "newer");
	out_string(out_files_open(&files, "new/a"), "x");
	ck_assert_ptr_null(out_files_open(&files, "none/b"));
	ck_assert_ptr_null(out_files_open(&files, "b"));
	ck_assert(!out_files_commit(&files));
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_int_eq(st.st_size, 3);
	ck_assert(!exists("new"));
}
END_TEST

/* A device is written to; a full one is an error. */
START_TEST(files_in_place)
{
	struct out_files files = { .arena = &arena };

	out_string(out_files_open(&files, "/dev/null"), "x");
	ck_assert(out_files_commit(&files));
	ck_assert(exists("/dev/null"));
	files = (struct out_files){ .arena = &arena };
	out_string(out_files_open(&files, "a"), "x");
	out_string(out_files_open(&files, "/dev/full"), "x");
	ck_assert(!out_files_commit(&files));
	ck_assert(!exists("a") && exists("/dev/full"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tests = tcase_create("cli");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, spellings);
	tcase_add_test(tests, operands);
	tcase_add_test(tests, repeated);
	tcase_add_test(tests, wrong);
	tcase_add_test(tests, values);
	tcase_add_test(tests, files_together);
	tcase_add_test(tests, files_or_none);
	tcase_add_test(tests, files_in_place);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
