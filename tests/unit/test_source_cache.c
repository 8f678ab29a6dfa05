/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are read once, and those that are read again. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "source_cache.h"

static char folder[] = "/tmp/pvefw-test-XXXXXX";
static char original[sizeof(folder)];
static struct arena arena;
static struct source_map map;
static int dir;

static void setup(void)
{
	arena = (struct arena){ 0 };
	source_map_init(&map, &arena);
	map.cache = source_cache_new();
	memcpy(original, folder, sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	dir = open(".", O_RDONLY | O_DIRECTORY);
}

static void teardown(void)
{
	unlink("a");
	unlink("b");
	close(dir);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	memcpy(folder, original, sizeof(folder));
	source_cache_free(map.cache);
	arena_free(&arena);
}

/* Writes a file whose time of change is `age` seconds ago. */
static void put(const char *path, const char *text, int age)
{
	struct timespec times[2];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age;
	times[1] = times[0];
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static const char *load(const char *path)
{
	struct source *source = source_load(&map, dir, path, path);

	return source ? source->text : NULL;
}

static uint64_t reads(void)
{
	return source_cache_reads(map.cache);
}

START_TEST(read_once)
{
	put("a", "first", 10);
	put("b", "", 10);
	ck_assert_str_eq(load("a"), "first");
	ck_assert_str_eq(load("a"), "first");
	ck_assert_str_eq(load("b"), "");
	ck_assert_str_eq(load("b"), "");
	ck_assert_uint_eq(reads(), 2);
}
END_TEST

START_TEST(changed)
{
	put("a", "first", 10);
	ck_assert_str_eq(load("a"), "first");
	put("a", "other", 5);
	ck_assert_str_eq(load("a"), "other");
	ck_assert_uint_eq(reads(), 2);
	unlink("a");
	ck_assert_ptr_null(load("a"));
}
END_TEST

/* What has just changed may change again within the same tick of the clock. */
START_TEST(young)
{
	put("a", "first", 0);
	ck_assert_str_eq(load("a"), "first");
	ck_assert_str_eq(load("a"), "first");
	ck_assert_uint_eq(reads(), 2);
}
END_TEST

START_TEST(forgotten)
{
	put("a", "first", 10);
	load("a");
	source_cache_forget(map.cache, "a");
	source_cache_forget(map.cache, "never seen");
	load("a");
	load("a");
	ck_assert_uint_eq(reads(), 2);
}
END_TEST

static int count(void *context, const char *shown, const char *bytes, uint32_t size)
{
	ck_assert_str_eq(shown, "b");
	ck_assert(size == 1 && bytes[0] == 'B');
	++*(int *)context;
	return 0;
}

START_TEST(swept)
{
	int found = 0;

	put("a", "A", 10);
	put("b", "B", 10);
	load("a");
	load("b");
	source_cache_sweep(map.cache);
	load("b");
	source_cache_sweep(map.cache);
	ck_assert_int_eq(source_cache_each(map.cache, &found, count), 0);
	ck_assert_int_eq(found, 1);
	ck_assert_uint_eq(reads(), 2);
}
END_TEST

/* Files that are not of the tree. */
START_TEST(elsewhere)
{
	put("a", "A", 10);
	ck_assert_ptr_nonnull(source_load(&map, AT_FDCWD, "a", "a"));
	ck_assert_uint_eq(reads(), 0);
}
END_TEST

START_TEST(many)
{
	struct source_request requests[] = { { .path = "a", .shown = "a" }, { .path = "b", .shown = "b" } };

	put("a", "A", 10);
	put("b", "B", 10);
	for (int time = 0; time < 3; time++) {
		source_load_all(&map, dir, requests, 2);
		ck_assert_str_eq(requests[0].source->text, "A");
		ck_assert_str_eq(requests[1].source->text, "B");
	}
	ck_assert_uint_eq(reads(), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source cache");
	TCase *tests = tcase_create("source cache");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, read_once);
	tcase_add_test(tests, changed);
	tcase_add_test(tests, young);
	tcase_add_test(tests, forgotten);
	tcase_add_test(tests, swept);
	tcase_add_test(tests, elsewhere);
	tcase_add_test(tests, many);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
