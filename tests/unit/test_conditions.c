/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions that last: each is logged when it begins and when it is over, and listed in between. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall/base/conditions.h"

static char path[64];
static struct log service_log;
static struct conditions conditions;

static void setup(void)
{
	int fd;

	strcpy(path, "/tmp/pvefw-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	log_open(&service_log, path, false);
	conditions_init(&conditions, &service_log);
}

static void teardown(void)
{
	conditions_free(&conditions);
	unlink(path);
}

/* How often `text` stands in the log. */
static unsigned logged(const char *text)
{
	char line[512];
	unsigned count = 0;
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, text) != NULL;
	fclose(file);
	return count;
}

static void state(const char *first, const char *second)
{
	struct log_about about = { NULL, "firewall/100.fw", 7 };

	conditions_begin(&conditions, CONDITION_LINE_LEFT_OUT);
	if (first)
		conditions_add(&conditions, &about, "%s", first);
	if (second)
		conditions_add(&conditions, NULL, "%s", second);
	conditions_end(&conditions);
}

START_TEST(logged_once)
{
	state("one", NULL);
	state("one", "two");
	state("one", "two");
	ck_assert_uint_eq(logged(": one"), 1);
	ck_assert_uint_eq(logged(": two"), 1);
	ck_assert_uint_eq(conditions_count(&conditions, CONDITION_LINE_LEFT_OUT), 2);
	state(NULL, "two");
	ck_assert_uint_eq(logged("over: one"), 1);
	state("one", "two");
	ck_assert_uint_eq(logged(": one") - logged("over: one"), 2);
	conditions_begin(&conditions, CONDITION_LINE_LEFT_OUT); /* and none is stated */
	conditions_end(&conditions);
	ck_assert_uint_eq(logged("over: two"), 1);
	ck_assert_ptr_null(conditions.first);
}
END_TEST

START_TEST(kinds_stay_apart)
{
	json_t *all;

	state("one", NULL);
	conditions_begin(&conditions, CONDITION_TREE_UNREADABLE);
	conditions_add(&conditions, NULL, "gone");
	conditions_end(&conditions);
	conditions_begin(&conditions, CONDITION_GUEST_UNFILTERED);
	conditions_add(&conditions, NULL, "guest");
	conditions_end(&conditions);
	all = conditions_json(&conditions);
	ck_assert_uint_eq(json_array_size(all), 3);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 0), "kind")), "tree_unreadable");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 1), "file")), "firewall/100.fw");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 2), "priority")), "critical");
	json_decref(all);
	conditions_begin(&conditions, CONDITION_LINE_LEFT_OUT); /* and none is stated */
	conditions_end(&conditions);
	ck_assert_uint_eq(conditions_count(&conditions, CONDITION_TREE_UNREADABLE), 1);
	ck_assert_uint_eq(conditions_count(&conditions, CONDITION_GUEST_UNFILTERED), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conditions");
	TCase *tests = tcase_create("conditions");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, logged_once);
	tcase_add_test(tests, kinds_stay_apart);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
