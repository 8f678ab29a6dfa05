/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the formats for programs share: places in UTF-16, names of files, escapes, fingerprints. */
#include "format/formats.h"
#include "format/common.h"
#include "fixture.h"

static struct fixture f;

static void setup(void)
{
	fixture_start(&f);
}

static void teardown(void)
{
	fixture_end(&f);
}

static struct source *add(const char *path, const char *text)
{
	return source_add(&f.map, path, text, strlen(text));
}

/* The span of the first `part` in the source. */
static struct span find(const struct source *source, const char *part)
{
	uint32_t begin = source->base + (uint32_t)(strstr(source->text, part) - source->text);

	return (struct span){ begin, begin + (uint32_t)strlen(part) };
}

static const char *printed(const struct diag_format *format)
{
	struct out out;
	const char *text;

	out_init_memory(&out);
	diags_sort(&f.diags);
	format->print(&out, &f.diags, false);
	text = arena_string(&f.arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

/* Characters beyond U+FFFF are two units, all others one; so is a byte that is no UTF-8. */
START_TEST(columns)
{
	struct source *s = add("a.fw", "\n\u00e9\U0001f525\xff x\U0001f525 y\r\n");
	struct extent e = diag_extent(&f.diags, find(s, "x\U0001f525"));

	ck_assert_uint_eq(e.begin.line, 2);
	ck_assert_uint_eq(e.begin.column, 5);
	ck_assert_uint_eq(e.begin.column16, 6);
	ck_assert_uint_eq(e.end.column, 7);
	ck_assert_uint_eq(e.end.column16, 9);
	ck_assert_uint_eq(e.first_byte, 9);
	ck_assert_uint_eq(e.end_byte, 14);
	/* The line goes on from where it was counted before, and back. */
	ck_assert_uint_eq(source_place(&f.map, find(s, "y").begin).column16, 10);
	ck_assert_uint_eq(source_place(&f.map, find(s, "\U0001f525").begin).column16, 2);
}
END_TEST

START_TEST(ends)
{
	struct source *s = add("a.fw", "one\ntwo");
	struct extent e = diag_extent(&f.diags, (struct span){ s->base + 3, s->base + 4 });

	ck_assert_uint_eq(e.end.line, 2);
	ck_assert_uint_eq(e.end.column, 1);
	e = diag_extent(&f.diags, (struct span){ s->base + 7, s->base + 90 });
	ck_assert_uint_eq(e.end_byte, 7);
	ck_assert_uint_eq(e.end.column, 4);
	ck_assert_ptr_null(diag_extent(&f.diags, SPAN_NONE).file);
}
END_TEST

static void assert_file(const char *root, const char *path, const char *expected)
{
	struct source source = { .root = root, .path = path };

	ck_assert_str_eq(diag_file(&f.diags, &source), expected);
}

START_TEST(files)
{
	assert_file(NULL, "firewall/100.fw", "firewall/100.fw");
	assert_file(NULL, "./100.fw", "100.fw");
	assert_file(".", "firewall/100.fw", "firewall/100.fw");
	assert_file("./", "firewall/100.fw", "firewall/100.fw");
	assert_file("./pve//", "firewall/100.fw", "pve/firewall/100.fw");
	assert_file("/", "firewall/100.fw", "/firewall/100.fw");
	assert_file("/etc/pve", "firewall/100.fw", "/etc/pve/firewall/100.fw");
}
END_TEST

START_TEST(visible)
{
	ck_assert_str_eq(diag_escaped(&f.diags, "a\nb"), "a\nb");
	ck_assert_str_eq(diag_escaped(&f.diags, "\x1b[1m \xff \u202e"), "\\x1b[1m \\xff \\u{202e}");
	/* Not allowed in XML. */
	ck_assert_str_eq(diag_escaped(&f.diags, "\xef\xbf\xbe \xf0\x9f\xbf\xbf"), "\\u{fffe} \\u{1ffff}");
}
END_TEST

START_TEST(github)
{
	struct source *s = add("a,b:c%.fw", "one\n");
	struct diagnostic *d = diag(&f.diags, find(s, "one"), DIAG_PARAM_GAP, "100%%: a, b");

	diag_note(d, "note");
	diag_help(d, "first\nsecond");
	ck_assert_str_eq(printed(&diag_format_github),
			 "::error file=a%2Cb%3Ac%25.fw,line=1,endLine=1,col=1,endColumn=4,title=E0408 param-gap::"
			 "100%25: a, b%0Anote%0Afirst%0Asecond\n");
}
END_TEST

START_TEST(sarif_uri)
{
	struct source *s = add("/a b/\u00e9#?.fw", "one\n");

	diag(&f.diags, find(s, "one"), DIAG_PARAM_GAP, "message");
	ck_assert_ptr_nonnull(strstr(printed(&diag_format_sarif), "\"file:///a%20b/%C3%A9%23%3F.fw\""));
}
END_TEST

/* A fix whose bytes a format cannot carry is left out, not changed. */
START_TEST(fix_kinds)
{
	struct source *s = add("a.fw", "one two\n");
	struct diagnostic *d = diag(&f.diags, find(s, "one"), DIAG_PARAM_GAP, "message");

	ck_assert_int_eq(diag_fix_kind(&f.diags, d), FIX_NONE);
	diag_fix(d, find(s, "one"), "1");
	ck_assert_int_eq(diag_fix_kind(&f.diags, d), FIX_CERTAIN);
	diag_guess(d, find(s, "two"), "2");
	ck_assert_int_eq(diag_fix_kind(&f.diags, d), FIX_GUESS);
	diag_fix(d, find(s, "two"), "\xff");
	ck_assert_int_eq(diag_fix_kind(&f.diags, d), FIX_NONE);
}
END_TEST

/* The fingerprints of the diagnostics at each "x" of the text. */
static const char *const *fingerprints(const char *path, const char *text)
{
	struct source *s = add(path, text);

	diags_init(&f.diags, &f.arena, &f.map);
	for (uint32_t i = 0; i < s->size; i++)
		if (s->text[i] == 'x')
			diag(&f.diags, (struct span){ s->base + i, s->base + i + 1 }, DIAG_PARAM_GAP, "%u", i);
	return diag_fingerprints(&f.diags);
}

START_TEST(fingerprints_stay)
{
	const char *const *one = fingerprints("a.fw", "IN x y x\nIN x\nIN x\n");
	const char *const *two = fingerprints("a.fw", "# new\n\nIN x y x  \nother\nIN x\nIN x");
	const char *const *other = fingerprints("b.fw", "IN x y x\nIN x\nIN x\n");

	for (int i = 0; i < 4; i++) {
		ck_assert_str_eq(one[i], two[i]);
		ck_assert_str_ne(one[i], other[i]);
		ck_assert_uint_eq(strlen(one[i]), 32);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(one[i], one[j]);
	}
	ck_assert_str_ne(one[2], fingerprints("a.fw", "OUT x\n")[0]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("formats");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, columns);
	tcase_add_test(tcase, ends);
	tcase_add_test(tcase, files);
	tcase_add_test(tcase, visible);
	tcase_add_test(tcase, github);
	tcase_add_test(tcase, sarif_uri);
	tcase_add_test(tcase, fix_kinds);
	tcase_add_test(tcase, fingerprints_stay);
	return run_suite("formats", tcase);
}
