/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax tree printed as a file: the canonical spelling of what there is,
 * and that the printed file gives the same tree, also for files made of random
 * pieces of the language.
 */
#include <check.h>
#include <stdlib.h>

#include "ast.h"
#include "base/output.h"

static struct arena arena;
static struct source_map map;

static void setup(void)
{
	arena = (struct arena){ 0 };
	source_map_init(&map, &arena);
}

static void teardown(void)
{
	arena_free(&arena);
}

static const struct ast_file *parse(struct text text, enum file_kind kind)
{
	return ast_parse(&arena, source_add(&map, "test.fw", text.ptr, text.len), kind);
}

/* What was written, with a NUL behind it; out is emptied. */
static struct text taken(struct out *out)
{
	struct text text = arena_copy(&arena, (struct text){ out->data, (uint32_t)out->len });

	out_free(out);
	return text;
}

static struct text printed(const struct ast_file *file)
{
	struct out out;

	out_init_memory(&out);
	ast_print(&out, file);
	return taken(&out);
}

static struct text dumped(const struct ast_file *file, bool spans)
{
	struct out out;

	out_init_memory(&out);
	ast_dump(&out, file, spans);
	return taken(&out);
}

/* The text, parsed and printed, gives a text that gives the same tree and itself. */
static struct text check_fixpoint(struct text text, enum file_kind kind)
{
	const struct ast_file *file = parse(text, kind), *again;
	struct text once = printed(file), twice;

	again = parse(once, kind);
	twice = printed(again);
	ck_assert_str_eq(dumped(file, false).ptr, dumped(again, false).ptr);
	ck_assert_uint_eq(once.len, twice.len);
	ck_assert(memcmp(once.ptr, twice.ptr, once.len) == 0);
	return once;
}

static void check_printed(enum file_kind kind, const char *text, const char *expected)
{
	ck_assert_str_eq(check_fixpoint(text_of(text), kind).ptr, expected);
}

START_TEST(sections)
{
	check_printed(FILE_CLUSTER, "", "");
	check_printed(FILE_CLUSTER,
		      "# first\n  lost  \n[options]\n[Rules] \n[ipset  Web]# x\n[GROUP\tg-1]   #y \n"
		      "[RULES] # no header\n[FOO]\n[ALIASES]",
		      "# first\nlost\n\n[OPTIONS]\n\n[RULES]\n\n[IPSET Web] # x\n\n[GROUP g-1] #y\n"
		      "[RULES] # no header\n[FOO]\n\n[ALIASES]\n");
	check_printed(FILE_GUEST, "[GROUP x]\n[IPSET ]#x]\n", "[GROUP x]\n\n[IPSET ]#x]\n");
}
END_TEST

START_TEST(options)
{
	check_printed(FILE_HOST,
		      "[OPTIONS]\nenable:1\nNDP:   \nlog_level_in: info # no\n:x\nfoo\n foo bar:\n#c\n",
		      "[OPTIONS]\nenable: 1\nNDP:\nlog_level_in: info # no\n:x\nfoo\nfoo bar:\n#c\n");
}
END_TEST

START_TEST(aliases)
{
	check_printed(FILE_CLUSTER,
		      "[ALIASES]\na 1.2.3.4#c\nb   1.2.3.4 # c\nfoo\nb\t::1\nfoo 1 2\nlast 1.2.3.4",
		      "[ALIASES]\na 1.2.3.4 #c\nb  1.2.3.4 # c\nfoo\nb ::1\nfoo 1 2\nlast 1.2.3.4\n");
}
END_TEST

START_TEST(entries)
{
	check_printed(FILE_CLUSTER,
		      "[IPSET a]\n10.0.0.0/8\n!  10.0.0.1 # no\n!!x\n1.1.1.1   extra words#c\n!\n! #c\n",
		      "[IPSET a]\n10.0.0.0/8\n!10.0.0.1 # no\n!!x\n1.1.1.1 extra words #c\n!\n! #c\n");
}
END_TEST

START_TEST(rules)
{
	check_printed(FILE_GUEST, "[RULES]\n\tIN   ACCEPT\t-p tcp   -dport 22# c\n|out DROP\n",
		      "[RULES]\nIN ACCEPT -p tcp -dport 22 # c\n|out DROP\n");
	check_printed(FILE_GUEST, "[RULES]\nIN ssh(ACCEPT) -i  net0 -log\n|  GROUP g -i\tnet0 # x\n",
		      "[RULES]\nIN ssh(ACCEPT) -i  net0 -log\n| GROUP g -i  net0 # x\n");
	check_printed(FILE_GUEST, "[RULES]\nIN\n|\n| #x\n|IN#\nIN ACCEPT x -p#c\nIN ACCEPT -p -p -p\n",
		      "[RULES]\nIN\n|\n| #x\n|IN #\nIN ACCEPT x -p #c\nIN ACCEPT -p -p -p\n");
}
END_TEST

START_TEST(macros)
{
	check_printed(FILE_GUEST, "[RULES]\nIN SSH()\nIN (x)\nIN a(b)c)\nIN a(b(c)\nIN ()\nIN a)\n",
		      "[RULES]\nIN SSH()\nIN (x)\nIN a(b)c)\nIN a(b(c)\nIN ()\nIN a)\n");
}
END_TEST

/* DOS line ends go, other carriage returns do not change the tree. */
START_TEST(carriage_returns)
{
	check_printed(FILE_GUEST, "[RULES]\r\nIN ACCEPT # c\r\n\r\n[OPTIONS]\r\nenable: 1\r\nx\r\n",
		      "[RULES]\nIN ACCEPT # c\n\n[OPTIONS]\nenable: 1\nx\n");
	check_fixpoint(TEXT("[RULES]\nIN \r ACCEPT\r\r\n\r\r\n|\r\r\n"), FILE_GUEST);
	check_fixpoint(TEXT("[ALIASES]\nfoo 1.2.3.4 \r\r\n[OPTIONS]\na: \r\r\n\r\r"), FILE_CLUSTER);
}
END_TEST

/* Bytes of any value stay what they are. */
START_TEST(bytes)
{
	static const char text[] = "\xff\n[RULES]\nIN \0SSH\0(A\0C) -p \x01\xc3 # \0\xe2\x82\xac\n";
	struct text once = check_fixpoint((struct text){ text, sizeof(text) - 1 }, FILE_GUEST);
	static const char expected[] =
		"\xff\n\n[RULES]\nIN \0SSH\0(A\0C) -p \x01\xc3 # \0\xe2\x82\xac\n";

	ck_assert_uint_eq(once.len, sizeof(expected) - 1);
	ck_assert(memcmp(once.ptr, expected, once.len) == 0);
}
END_TEST

START_TEST(listing)
{
	const struct ast_file *file =
		parse(TEXT("x\n[IPSET s] # c\n!a \"\\\n[RULES]\n| IN SSH(DROP) -p  tcp y -i # z\n"),
		      FILE_GUEST);

	ck_assert_str_eq(dumped(file, false).ptr,
			 "guest file\n"
			 "section -\n"
			 "  raw text=\"x\"\n"
			 "section IPSET name=\"s\" comment=\"# c\"\n"
			 "  entry nomatch address=\"a\" more=\"\\\"\\\\\"\n"
			 "section RULES\n"
			 "  rule disabled gap type=\"IN\" macro=\"SSH\" action=\"DROP\" comment=\"# z\"\n"
			 "    wide-gap key=\"-p\" value=\"tcp\"\n"
			 "    stray key=\"y\"\n"
			 "    no-value key=\"-i\"\n");
	file = parse(TEXT("[OPTIONS]\n enable: 1\n"), FILE_HOST);
	ck_assert_str_eq(dumped(file, true).ptr,
			 "host file\n"
			 "section -\n"
			 "section OPTIONS @0-9\n"
			 "  option @11-20 key=\"enable\"@11-17 value=\"1\"@19-20\n");
}
END_TEST

/* ---- random files ---- */

static const struct text pieces[] = {
#define P(literal) { literal, sizeof(literal) - 1 }
	P("[OPTIONS]"), P("[RULES]"), P("[ALIASES]"), P("[IPSET "), P("[GROUP "), P("]"), P("["),
	P("\n[OPTIONS]\n"), P("\n[RULES]\n"), P("\n[ALIASES]\n"), P("\n[IPSET x]\n"),
	P("\n[GROUP g]\n"), P("\n"), P("\n"), P("\r\n"), P("\r"), P("\r\r"), P(" "), P("  "),
	P("\t"), P("#"), P("# c"), P("|"), P("!"), P("("), P(")"), P(":"), P("-"), P("IN"),
	P("GROUP"), P("SSH(ACCEPT)"), P("ACCEPT"), P("-p"), P("-p "), P("-source"), P("tcp"),
	P("10.0.0.1"), P("+x"), P("enable"), P("enable:"), P("1"), P("name"), P("\0"), P("\xff"),
	P("\xc3\xa4"),
#undef P
};

/* The same numbers in every run. */
static uint32_t next_random(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

START_TEST(random_files)
{
	uint64_t state = (uint64_t)_i;
	struct out out;

	for (int i = 0; i < 2000; i++) {
		struct arena_mark mark = arena_mark(&arena);

		source_map_init(&map, &arena);
		out_init_memory(&out);
		for (uint32_t n = next_random(&state, 24); n > 0; n--)
			out_text(&out,
				 pieces[next_random(&state, sizeof(pieces) / sizeof(pieces[0]))]);
		check_fixpoint(taken(&out), (enum file_kind)next_random(&state, FILE_KINDS));
		arena_release(&arena, mark);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ast_print");
	TCase *tests = tcase_create("ast_print");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sections);
	tcase_add_test(tests, options);
	tcase_add_test(tests, aliases);
	tcase_add_test(tests, entries);
	tcase_add_test(tests, rules);
	tcase_add_test(tests, macros);
	tcase_add_test(tests, carriage_returns);
	tcase_add_test(tests, bytes);
	tcase_add_test(tests, listing);
	tcase_add_loop_test(tests, random_files, 0, 20);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
