/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree in memory, and what is read from it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "diag/diag.h"
#include "inputs/directory.h"
#include "source/source_cache.h"

static struct arena arena;
static struct source_map map;
static struct diags diags;
static struct source_cache *cache;

static void setup(void)
{
	arena = (struct arena){ 0 };
	cache = source_cache_new();
	source_map_init(&map, &arena);
	map.cache = cache;
	diags_init(&diags, &arena, &map);
}

static void teardown(void)
{
	source_cache_free(cache);
	arena_free(&arena);
}

static void put(const char *shown, const char *text)
{
	source_cache_put(cache, shown, text, (uint32_t)strlen(text));
}

static const char *load(const char *shown)
{
	const struct source *source = source_load(&map, SOURCE_CACHED, shown, shown);

	return source ? source->text : NULL;
}

START_TEST(files_are_what_was_put_last)
{
	put("a", "first");
	put("b", "");
	put("a", "second, longer");
	ck_assert_str_eq(load("a"), "second, longer");
	ck_assert_str_eq(load("b"), "");
	ck_assert_ptr_null(load("c"));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_uint_eq(source_cache_reads(cache), 3);
	source_cache_remove(cache, "a");
	source_cache_remove(cache, "never there");
	ck_assert_ptr_null(load("a"));
}
END_TEST

START_TEST(what_was_known_stays)
{
	put("a", "text");
	source_cache_fail(cache, "a", false, EIO);
	ck_assert_str_eq(load("a"), "text");
	ck_assert_int_eq(source_cache_find(cache, "a")->reason, EIO);
	put("a", "new");
	ck_assert_int_eq(source_cache_find(cache, "a")->reason, 0);
	source_cache_fail(cache, "b", false, EIO);
	ck_assert_ptr_null(load("b"));
	ck_assert_int_eq(errno, EIO);
}
END_TEST

static int count(void *context, const char *shown, const char *bytes, uint32_t size)
{
	ck_assert_str_eq(shown, "firewall/b");
	ck_assert(size == 1 && bytes[0] == 'B');
	++*(int *)context;
	return EINTR;
}

START_TEST(each_known_file)
{
	int found = 0;

	source_cache_put_folder(cache, "firewall");
	source_cache_fail(cache, "firewall/a", false, EACCES);
	put("firewall/b", "B");
	ck_assert_int_eq(source_cache_each(cache, &found, count), EINTR);
	ck_assert_int_eq(found, 1);
}
END_TEST

START_TEST(a_folder_in_place_of_a_file)
{
	put("a", "text");
	source_cache_put_folder(cache, "a");
	ck_assert_ptr_null(load("a"));
	ck_assert_int_eq(errno, EISDIR);
	put("a", "text");
	ck_assert_str_eq(load("a"), "text");
}
END_TEST

START_TEST(names_in_a_folder)
{
	put("firewall/100.fw", "");
	put("a", "");
	ck_assert_str_eq(cached_source_name_in(source_cache_find(cache, "firewall/100.fw"), "firewall"), "100.fw");
	ck_assert_ptr_null(cached_source_name_in(source_cache_find(cache, "firewall/100.fw"), ""));
	ck_assert_ptr_null(cached_source_name_in(source_cache_find(cache, "firewall/100.fw"), "fire"));
	ck_assert_str_eq(cached_source_name_in(source_cache_find(cache, "a"), ""), "a");
}
END_TEST

START_TEST(folders_are_listed)
{
	struct folder root, nodes;

	ck_assert(!folder_open_root(&diags, "/tree", &root));
	ck_assert(diags.unreadable);
	source_cache_put_folder(cache, "");
	source_cache_put_folder(cache, "nodes");
	source_cache_put_folder(cache, "nodes/n");
	put("nodes/n/host.fw", "text");
	put("nodes/file", "");
	ck_assert(folder_open_root(&diags, "/tree", &root));
	ck_assert_uint_eq(root.count, 1);
	nodes = folder_open(&root, "nodes");
	ck_assert_uint_eq(nodes.count, 2);
	ck_assert(folder_has(&nodes, text_of("n")) && folder_is_folder(&nodes, "n"));
	ck_assert(!folder_is_folder(&nodes, "file"));
	ck_assert_ptr_nonnull(folder_load(&nodes, "file"));
	diags.unreadable = false;
	folder_open(&root, "firewall");
	ck_assert(!diags.unreadable);
	/* Listed by its parent, and never read: it is not taken as empty. */
	source_cache_fail(cache, "firewall", true, EIO);
	ck_assert(folder_open_root(&diags, "/tree", &root));
	folder_open(&root, "firewall");
	ck_assert(diags.unreadable);
}
END_TEST

/* Files that are not of the tree come from the disk. */
START_TEST(elsewhere)
{
	ck_assert_ptr_nonnull(source_load(&map, AT_FDCWD, "/proc/self/status", "/proc/self/status"));
	ck_assert_ptr_null(source_load(&map, SOURCE_CACHED, "/proc/self/status", "/proc/self/status"));
}
END_TEST

START_TEST(many)
{
	struct source_request requests[] = { { .path = "a", .shown = "a" },
					     { .path = "none", .shown = "none" },
					     { .path = "b", .shown = "b" } };

	put("a", "A");
	put("b", "B");
	source_load_all(&map, SOURCE_CACHED, requests, 3);
	ck_assert_str_eq(requests[0].source->text, "A");
	ck_assert_ptr_null(requests[1].source);
	ck_assert_int_eq(requests[1].reason, ENOENT);
	ck_assert_str_eq(requests[2].source->text, "B");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source cache");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, files_are_what_was_put_last);
	tcase_add_test(tests, what_was_known_stays);
	tcase_add_test(tests, each_known_file);
	tcase_add_test(tests, a_folder_in_place_of_a_file);
	tcase_add_test(tests, names_in_a_folder);
	tcase_add_test(tests, folders_are_listed);
	tcase_add_test(tests, elsewhere);
	tcase_add_test(tests, many);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
