/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing diagnostics by options, and which of their fixes are made. */
#include "diag/filter.h"
#include "rewrite/fix.h"
#include "fixture.h"

static struct fixture f;
static struct diag_filter choice;

static void setup(void)
{
	fixture_start(&f);
	choice = (struct diag_filter){ .selected = false };
}

static void teardown(void)
{
	fixture_end(&f);
}

static const char *warn(const char *text)
{
	return diag_filter_warning(&choice, &f.arena, text);
}

static const char *choose(const char *text)
{
	return diag_filter_select(&choice, &f.arena, text);
}

START_TEST(warnings)
{
	ck_assert_ptr_null(warn("no-W0206"));
	ck_assert(choice.off[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_null(warn("duplicate-alias"));
	ck_assert(!choice.off[DIAG_DUPLICATE_ALIAS] && !choice.error[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_null(warn("error=duplicate-alias"));
	ck_assert(choice.error[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_null(warn("W0206"));
	ck_assert(choice.error[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_nonnull(warn("no-E0203"));
	ck_assert_ptr_nonnull(warn("no-"));
	ck_assert_ptr_nonnull(warn("error=no-W0206"));
	ck_assert_ptr_nonnull(warn("E0206"));
	ck_assert_ptr_nonnull(warn(""));
}
END_TEST

START_TEST(groups)
{
	ck_assert_int_eq(diag_find(TEXT("portability")), DIAG_COUNT);
	ck_assert_ptr_null(warn("no-portability"));
	ck_assert(choice.off[DIAG_HEADER_CASE] && choice.off[DIAG_REJECT_TO_GUEST]);
	ck_assert(!choice.off[DIAG_OPTION_COMMENT] && !choice.off[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_null(warn("error=portability"));
	ck_assert(!choice.off[DIAG_HEADER_CASE] && choice.error[DIAG_HEADER_CASE]);
	ck_assert_ptr_null(choose("portability"));
	ck_assert(!choice.off[DIAG_HEADER_CASE] && choice.off[DIAG_DUPLICATE_ALIAS]);
	ck_assert_ptr_nonnull(choose("no-portability"));
	ck_assert_ptr_nonnull(warn("portable"));
}
END_TEST

/* "no-section" is the name of one; so no other may be called "section". */
START_TEST(names_with_no)
{
	ck_assert_ptr_null(warn("no-section"));
	for (int i = 0; i < DIAG_COUNT; i++) {
		const char *name = diag_catalogue[i].name;

		if (strncmp(name, "no-", 3) == 0)
			ck_assert_int_eq(diag_find(text_of(name + 3)), DIAG_COUNT);
		ck_assert_int_ne(strncmp(name, "error=", 6), 0);
	}
}
END_TEST

START_TEST(selection)
{
	ck_assert_ptr_null(choose("W03"));
	ck_assert(!choice.off[DIAG_ENTRY_HOST_BITS]);
	ck_assert(choice.off[DIAG_DUPLICATE_ALIAS]);
	ck_assert(!choice.off[DIAG_UNKNOWN_ALIAS]);
	ck_assert_ptr_null(choose("duplicate-alias,n"));
	ck_assert(!choice.off[DIAG_ENTRY_HOST_BITS]);
	ck_assert(!choice.off[DIAG_DUPLICATE_ALIAS]);
	ck_assert(!choice.off[DIAG_COROSYNC_HOST_NAME]);
	ck_assert_ptr_nonnull(choose("W03060"));
	ck_assert_ptr_nonnull(choose("X"));
	ck_assert_ptr_nonnull(choose("W03,,N"));
	ck_assert_ptr_nonnull(choose(""));
}
END_TEST

/* ---- fixes ---- */

static struct source *source;

static struct diagnostic *fix(struct diagnostic *d, uint32_t begin, uint32_t end, const char *text)
{
	if (!d)
		d = diag(&f.diags, (struct span){ source->base + begin, source->base + end }, DIAG_PARAM_GAP, "m");
	return diag_fix(d, (struct span){ source->base + begin, source->base + end }, "%s", text);
}

static void assert_fixed(const char *expected)
{
	struct fixes fixes;
	struct file_edits file = { .count = 0 };
	struct out out;
	unsigned at = 0;

	diags_sort(&f.diags);
	fixes = fixes_collect(&f.diags);
	ck_assert(fixes_next_file(&fixes, &at, &file));
	out_init_memory(&out);
	fixes_apply(&out, &file, 0, source->size);
	out_char(&out, '\0');
	ck_assert_str_eq(out.data, expected);
	ck_assert(!fixes_next_file(&fixes, &at, &file));
	out_free(&out);
}

static void start(const char *text)
{
	source = source_add(&f.map, "a.fw", text, strlen(text));
	source->is_fw = true;
}

START_TEST(edits)
{
	start("0123456789");
	fix(NULL, 8, 9, "H");
	fix(NULL, 0, 0, "<");
	fix(NULL, 2, 4, "");
	fix(NULL, 4, 5, "E");
	fix(NULL, 10, 10, ">");
	assert_fixed("<01E567H9>");
}
END_TEST

/* All of a diagnostic or nothing; what comes first counts; the same twice is once. */
START_TEST(overlaps)
{
	start("0123456789");
	fix(fix(NULL, 1, 3, "A"), 8, 9, "A");
	fix(fix(NULL, 2, 4, "B"), 6, 7, "B");
	fix(NULL, 8, 9, "C");
	fix(fix(NULL, 1, 3, "A"), 8, 9, "A");
	assert_fixed("0A34567A9");
}
END_TEST

START_TEST(no_guesses)
{
	start("0123456789");
	diag_guess(fix(NULL, 1, 2, "A"), (struct span){ source->base + 3, source->base + 4 }, "B");
	fix(NULL, 5, 6, "C");
	assert_fixed("01234C6789");
}
END_TEST

/* Files that are not for us to change. */
START_TEST(other_files)
{
	unsigned at = 0;
	struct file_edits file;
	struct fixes fixes;

	start("0123456789");
	source->is_fw = false;
	fix(NULL, 5, 6, "C");
	fixes = fixes_collect(&f.diags);
	ck_assert(!fixes_next_file(&fixes, &at, &file));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("choice");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, warnings);
	tcase_add_test(tcase, groups);
	tcase_add_test(tcase, names_with_no);
	tcase_add_test(tcase, selection);
	tcase_add_test(tcase, edits);
	tcase_add_test(tcase, overlaps);
	tcase_add_test(tcase, no_guesses);
	tcase_add_test(tcase, other_files);
	return run_suite("choice", tcase);
}
