/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text form of diagnostics, byte for byte. */
#include <check.h>
#include <stdlib.h>

#include "format/formats.h"

static struct arena arena;
static struct source_map map;
static struct diags diags;

static void setup(void)
{
	arena = (struct arena){ 0 };
	source_map_init(&map, &arena);
	diags_init(&diags, &arena, &map);
}

static void teardown(void)
{
	arena_free(&arena);
}

static struct source *add(const char *path, const char *text)
{
	return source_add(&map, path, text, strlen(text));
}

/* The span of the first `part` in the source. */
static struct span find(const struct source *source, const char *part)
{
	const char *at = strstr(source->text, part);
	uint32_t begin;

	ck_assert_ptr_nonnull(at);
	begin = source->base + (uint32_t)(at - source->text);
	return (struct span){ begin, begin + (uint32_t)strlen(part) };
}


static const char *printed(bool colour)
{
	struct out out;
	const char *text;

	out_init_memory(&out);
	diags_sort(&diags);
	diag_format_text.print(&out, &diags, colour);
	text = arena_string(&arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

#define ASSERT_PRINTED(expected) ck_assert_str_eq(printed(false), expected)

/* The example of the specification, 5.2. */
START_TEST(example)
{
	struct source *cluster = add("firewall/cluster.fw",
				     "[OPTIONS]\n\nenable: 1\n\n\n\n\n[ALIASES]\nwebserver 10.0.0.5\n");
	struct source *guest = add("firewall/100.fw",
				   "[RULES]\n\n\n\n\n\n\n\n\n\n\n\n\n"
				   "IN SSH(ACCEPT) -source webservr -log info\n");
	struct diagnostic *d = diag(&diags, find(guest, "webservr"), DIAG_UNKNOWN_ALIAS,
				    "alias `%s` is not defined", "webservr");

	diag_here(d, "not defined in this file or in cluster.fw");
	diag_label(d, find(cluster, "webserver"), "a similar name is defined here");
	diag_note(d, "the rule is ignored: the traffic falls through to policy_in DROP");
	diag_help(d, "did you mean `webserver`?");
	diag_fix(d, find(guest, "webservr"), "webserver");
	ASSERT_PRINTED("error[E0203]: alias `webservr` is not defined\n"
		       "  --> firewall/100.fw:14:24\n"
		       "   |\n"
		       "14 | IN SSH(ACCEPT) -source webservr -log info\n"
		       "   |                        ^^^^^^^^ not defined in this file or in cluster.fw\n"
		       "  ::: firewall/cluster.fw:9:1\n"
		       "   |\n"
		       " 9 | webserver 10.0.0.5\n"
		       "   | --------- a similar name is defined here\n"
		       "   = note: the rule is ignored: the traffic falls through to policy_in DROP\n"
		       "   = help: did you mean `webserver`?\n"
		       "\n"
		       "1 error\n");
}
END_TEST

START_TEST(nothing_for_no_diagnostics)
{
	ASSERT_PRINTED("");
}
END_TEST

START_TEST(no_place)
{
	struct diagnostic *d = diag_unreadable(&diags, "/etc/pve", 2);

	diag_note(d, "nothing is compiled");
	ASSERT_PRINTED("error[E0001]: cannot read /etc/pve: No such file or directory\n"
		       "  = note: nothing is compiled\n"
		       "\n"
		       "1 error\n");
}
END_TEST

START_TEST(counts)
{
	for (int i = 0; i < 2; i++)
		diag(&diags, SPAN_NONE, DIAG_CANNOT_READ, "e");
	diag(&diags, SPAN_NONE, DIAG_DUPLICATE_ALIAS, "w");
	diags.first->severity = SEVERITY_NOTE;
	diags.counts[SEVERITY_ERROR]--;
	diags.counts[SEVERITY_NOTE]++;
	ck_assert_ptr_nonnull(strstr(printed(false), "\n\n1 error, 1 warning, 1 note\n"));
	diag(&diags, SPAN_NONE, DIAG_DUPLICATE_ALIAS, "w");
	ck_assert_ptr_nonnull(strstr(printed(false), "\n\n1 error, 2 warnings, 1 note\n"));
}
END_TEST

/* Labels on the line of the carets go below them, others behind `:::`. */
START_TEST(labels)
{
	struct source *s = add("a.fw", "one two three\nfour\n");
	struct diagnostic *d = diag(&diags, find(s, "two"), DIAG_DUPLICATE_ALIAS, "message");

	diag_label(d, find(s, "four"), "below");
	diag_label(d, find(s, "three"), "the same line");
	diag_label(d, find(s, "our"), "again below");
	ASSERT_PRINTED("warning[W0206]: message\n"
		       " --> a.fw:1:5\n"
		       "  |\n"
		       "1 | one two three\n"
		       "  |     ^^^\n"
		       "  |         ----- the same line\n"
		       " ::: a.fw:2:1\n"
		       "  |\n"
		       "2 | four\n"
		       "  | ---- below\n"
		       "  |  --- again below\n"
		       "\n"
		       "1 warning\n");
}
END_TEST

/* Tabs reach to multiples of eight, wide characters take two columns. */
START_TEST(columns)
{
	struct source *s = add("a.fw", "\tone\ttwo # 日本 x\n");

	diag(&diags, find(s, "two"), DIAG_UNKNOWN_ALIAS, "m");
	diag(&diags, find(s, "本"), DIAG_UNKNOWN_ALIAS, "m");
	diag(&diags, find(s, "x"), DIAG_UNKNOWN_ALIAS, "m");
	diag(&diags, find(s, "\t"), DIAG_UNKNOWN_ALIAS, "m");
	ASSERT_PRINTED("error[E0203]: m\n"
		       " --> a.fw:1:1\n"
		       "  |\n"
		       "1 |         one     two # 日本 x\n"
		       "  | ^^^^^^^^\n"
		       "\n"
		       "error[E0203]: m\n"
		       " --> a.fw:1:6\n"
		       "  |\n"
		       "1 |         one     two # 日本 x\n"
		       "  |                 ^^^\n"
		       "\n"
		       "error[E0203]: m\n"
		       " --> a.fw:1:13\n"
		       "  |\n"
		       "1 |         one     two # 日本 x\n"
		       "  |                         ^^\n"
		       "\n"
		       "error[E0203]: m\n"
		       " --> a.fw:1:15\n"
		       "  |\n"
		       "1 |         one     two # 日本 x\n"
		       "  |                            ^\n"
		       "\n"
		       "4 errors\n");
}
END_TEST

/* Nothing that a terminal acts on gets through, nor what hides text. */
START_TEST(escapes)
{
	struct source *s = add("a\033.fw", "# \033[2J\x9b\xc2\x9b \xe2\x80\xae x\n");

	diag_here(diag(&diags, find(s, "x"), DIAG_UNKNOWN_ALIAS, "no `%s`", "\033]0;\a"), "\r\n");
	ASSERT_PRINTED("error[E0203]: no `\\x1b]0;\\x07`\n"
		       " --> a\\x1b.fw:1:12\n"
		       "  |\n"
		       "1 | # \\x1b[2J\\x9b\\u{9b} \\u{202e} x\n"
		       "  |                              ^ \\x0d\\x0a\n"
		       "\n"
		       "1 error\n");
}
END_TEST

/* Empty spans, at the end of a line and of an empty file; spans of several lines. */
START_TEST(odd_spans)
{
	struct source *empty = add("empty.fw", ""), *s = add("a.fw", "one\n\ntwo\nthree");
	uint32_t end = s->base + s->size;

	diag(&diags, (struct span){ empty->base, empty->base }, DIAG_UNKNOWN_ALIAS, "empty");
	diag_here(diag(&diags, (struct span){ s->base + 1, end }, DIAG_UNKNOWN_ALIAS, "all"), "x");
	diag_here(diag(&diags, (struct span){ s->base + 3, s->base + 3 }, DIAG_UNKNOWN_ALIAS, "end"),
		  "x");
	diag(&diags, (struct span){ s->base + 3, s->base + 4 }, DIAG_UNKNOWN_ALIAS, "line end");
	diag(&diags, (struct span){ s->base + 4, s->base + 5 }, DIAG_UNKNOWN_ALIAS, "no text");
	diag(&diags, (struct span){ end, end }, DIAG_UNKNOWN_ALIAS, "file end");
	diag(&diags, (struct span){ end + 7, end + 8 }, DIAG_UNKNOWN_ALIAS, "outside");
	ASSERT_PRINTED("error[E0203]: empty\n"
		       " --> empty.fw:1:1\n"
		       "  |\n"
		       "1 |\n"
		       "  | ^\n"
		       "\n"
		       "error[E0203]: all\n"
		       " --> a.fw:1:2\n"
		       "  |\n"
		       "1 | one\n"
		       "  |  ^^ x (to line 4)\n"
		       "\n"
		       "error[E0203]: end\n"
		       " --> a.fw:1:4\n"
		       "  |\n"
		       "1 | one\n"
		       "  |    ^ x\n"
		       "\n"
		       "error[E0203]: line end\n"
		       " --> a.fw:1:4\n"
		       "  |\n"
		       "1 | one\n"
		       "  |    ^\n"
		       "\n"
		       "error[E0203]: no text\n"
		       " --> a.fw:2:1\n"
		       "  |\n"
		       "2 |\n"
		       "  | ^\n"
		       "\n"
		       "error[E0203]: file end\n"
		       " --> a.fw:4:6\n"
		       "  |\n"
		       "4 | three\n"
		       "  |      ^\n"
		       "\n"
		       "error[E0203]: outside\n"
		       "\n"
		       "7 errors\n");
}
END_TEST

/* Line `number` (from 0) of a text, without its end. */
static struct text line_of(const char *text, int number)
{
	while (number-- > 0)
		text = strchr(text, '\n') + 1;
	return (struct text){ text, (uint32_t)strcspn(text, "\n") };
}

/* A long line is cut at both ends of the span's surroundings; the carets stand below it. */
START_TEST(long_line)
{
	char *text = malloc(100001);
	struct source *s;
	struct text shown, carets;
	const char *needle, *all;

	memset(text, '.', 100000);
	text[100000] = '\0';
	memcpy(text + 50000, "needle", 6);
	s = add("a.fw", text);
	diag(&diags, find(s, "needle"), DIAG_UNKNOWN_ALIAS, "m");
	all = printed(false);
	shown = line_of(all, 3);
	carets = line_of(all, 4);
	ck_assert(text_starts(shown, "1 | …...."));
	ck_assert_int_eq(memcmp(shown.ptr + shown.len - 3, "…", 3), 0);
	/* 160 columns behind the gutter; an ellipsis is three bytes. */
	ck_assert_uint_eq(shown.len, 4 + 160 + 2 * 2);
	needle = memmem(shown.ptr, shown.len, "needle", 6);
	ck_assert_ptr_nonnull(needle);
	ck_assert_uint_eq((uint32_t)(needle - shown.ptr) - 2, (uint32_t)text_find(carets, '^'));
	free(text);
}
END_TEST

/* A label that the cut leaves out gets a block of its own. */
START_TEST(long_line_label)
{
	char text[401];
	struct source *s;
	struct diagnostic *d;

	memset(text, '.', 400);
	text[400] = '\0';
	memcpy(text, "first", 5);
	memcpy(text + 390, "second", 6);
	s = add("a.fw", text);
	d = diag(&diags, find(s, "second"), DIAG_UNKNOWN_ALIAS, "m");
	diag_label(d, find(s, "first"), "here");
	ck_assert_ptr_nonnull(strstr(printed(false), "\n ::: a.fw:1:1\n  |\n1 | first."));
	ck_assert_ptr_nonnull(strstr(printed(false), "\n  | ----- here\n"));
}
END_TEST

/* A fix is shown as the line it makes; with others in that line, as one. */
START_TEST(fix_line)
{
	struct source *s = add("a.fw", "IN ACCEPT -p  tcp -dport  22\n");
	struct diagnostic *d = diag(&diags, find(s, "  "), DIAG_UNKNOWN_ALIAS, "m");

	diag_help(d, "write one blank");
	diag_fix(d, find(s, "  22"), " %d", 22);
	diag_fix(d, find(s, "  "), " ");
	ASSERT_PRINTED("error[E0203]: m\n"
		       " --> a.fw:1:13\n"
		       "  |\n"
		       "1 | IN ACCEPT -p  tcp -dport  22\n"
		       "  |             ^^\n"
		       "  = help: write one blank\n"
		       "  |\n"
		       "1 + IN ACCEPT -p tcp -dport 22\n"
		       "\n"
		       "1 error\n");
}
END_TEST

/* Moving a line up: it appears in one place and vanishes from another. */
START_TEST(fix_move)
{
	struct source *s = add("a.fw", "a\nb\nc\nd\ne\nf\ng\nh\nname 1.2.3.4\nj\n");
	struct diagnostic *d = diag(&diags, find(s, "b"), DIAG_UNKNOWN_ALIAS, "m");

	diag_fix(d, find(s, "name 1.2.3.4\n"), "%s", "");
	diag_fix(d, (struct span){ s->base + 2, s->base + 2 }, "name 1.2.3.4\n");
	ASSERT_PRINTED("error[E0203]: m\n"
		       " --> a.fw:2:1\n"
		       "  |\n"
		       "2 | b\n"
		       "  | ^\n"
		       "  |\n"
		       "2 + name 1.2.3.4\n"
		       "9 - name 1.2.3.4\n"
		       "\n"
		       "1 error\n");
}
END_TEST

/* A fix of every line end changes nothing that could be shown. */
START_TEST(fix_line_ends)
{
	struct source *s = add("a.fw", "a\r\nb\r\nc\r\n");
	struct diagnostic *d = diag(&diags, find(s, "\r"), DIAG_CRLF, "DOS line ends");

	for (uint32_t i = 0; i < 3; i++)
		diag_fix(d, (struct span){ s->base + 3 * i + 1, s->base + 3 * i + 2 }, "%s", "");
	diag_help(d, "convert to LF");
	ASSERT_PRINTED("error[E0005]: DOS line ends\n"
		       " --> a.fw:1:2\n"
		       "  |\n"
		       "1 | a\n"
		       "  |  ^\n"
		       "  = help: convert to LF\n"
		       "\n"
		       "1 error\n");
}
END_TEST

/* Notes of several lines line up. */
START_TEST(note_lines)
{
	diag_note(diag(&diags, SPAN_NONE, DIAG_CANNOT_READ, "m"), "one\ntwo");
	ASSERT_PRINTED("error[E0001]: m\n"
		       "  = note: one\n"
		       "          two\n"
		       "\n"
		       "1 error\n");
}
END_TEST

START_TEST(colour)
{
	struct source *s = add("a.fw", "x\n");

	diag_here(diag(&diags, find(s, "x"), DIAG_UNKNOWN_ALIAS, "m"), "here");
	ck_assert_str_eq(printed(true), "\033[1;31merror[E0203]\033[0m\033[1m: m\033[0m\n"
					"\033[1;34m --> \033[0ma.fw:1:1\n"
					"\033[1;34m  |\033[0m\n"
					"\033[1;34m1 |\033[0m x\n"
					"\033[1;34m  |\033[0m \033[1;31m^ here\033[0m\n"
					"\n"
					"\033[1;31m1 error\033[0m\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diag_text");
	TCase *tests = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, example);
	tcase_add_test(tests, nothing_for_no_diagnostics);
	tcase_add_test(tests, no_place);
	tcase_add_test(tests, counts);
	tcase_add_test(tests, labels);
	tcase_add_test(tests, columns);
	tcase_add_test(tests, escapes);
	tcase_add_test(tests, odd_spans);
	tcase_add_test(tests, long_line);
	tcase_add_test(tests, long_line_label);
	tcase_add_test(tests, fix_line);
	tcase_add_test(tests, fix_move);
	tcase_add_test(tests, fix_line_ends);
	tcase_add_test(tests, note_lines);
	tcase_add_test(tests, colour);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
