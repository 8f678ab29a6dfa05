/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service keeps in its run directory: files and the lock; and what it has told already. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "firewall/base/logged_diagnostics.h"
#include "fixture.h"

static char folder[64], run_path[128];
static int dir;

static void setup(void)
{
	strcpy(folder, "/tmp/pvefw-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(run_path, sizeof(run_path), "%s/a/b/run", folder);
	dir = rundir_open(run_path);
	ck_assert_int_ge(dir, 0);
}

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void teardown(void)
{
	close(dir);
	nftw(folder, delete_one, 16, FTW_DEPTH | FTW_PHYS);
	ck_assert_int_eq(access(folder, F_OK), -1);
}

/* ---- files ---- */

static void check_file(const char *name, const char *wanted)
{
	struct out out;

	out_init_memory(&out);
	ck_assert_int_eq(rundir_read(dir, name, &out), 0);
	out_char(&out, '\0');
	ck_assert_str_eq(out.data, wanted);
	out_free(&out);
}

START_TEST(files_are_replaced)
{
	struct out out;

	out_init_memory(&out);
	ck_assert_int_eq(rundir_read(dir, "x", &out), ENOENT);
	ck_assert_int_eq(rundir_remove(dir, "x"), 0);
	ck_assert_int_eq(rundir_write(dir, "x", "first", 5), 0);
	check_file("x", "first");
	ck_assert_int_eq(rundir_write(dir, "x", "2", 1), 0);
	check_file("x", "2");
	ck_assert_int_eq(faccessat(dir, ".x.new", F_OK, 0), -1);
	ck_assert_int_eq(rundir_remove(dir, "x"), 0);
	ck_assert_int_eq(rundir_read(dir, "x", &out), ENOENT);
	out_free(&out);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_stays)
{
	ck_assert_int_eq(mkdirat(dir, "x", 0700), 0);
	ck_assert_int_ne(rundir_write(dir, "x", "1", 1), 0);
	ck_assert_int_eq(faccessat(dir, ".x.new", F_OK, 0), -1);
	ck_assert_int_eq(rundir_open("/proc/self/nowhere/run"), -1);
	ck_assert_int_eq(rundir_open_existing("/nowhere"), -1);
}
END_TEST

static int read_error(const char *name, bool untrusted, size_t max)
{
	struct out out;
	int reason;

	out_init_memory(&out);
	out_string(&out, "before");
	reason = untrusted ? rundir_read_untrusted(dir, name, max, &out) : rundir_read(dir, name, &out);
	ck_assert_uint_eq(out.len, reason ? 6 : 6 + 3);
	out_free(&out);
	return reason;
}

/* None of these may be waited for or followed: the test would not end, or read without end. */
START_TEST(only_files_are_read)
{
	char path[256];

	ck_assert_int_eq(mkdirat(dir, "theirs", 0755), 0);
	ck_assert_int_eq(mkfifoat(dir, "theirs/fifo", 0644), 0);
	ck_assert_int_eq(symlinkat("/dev/zero", dir, "theirs/zero"), 0);
	ck_assert_int_eq(mkdirat(dir, "theirs/folder", 0755), 0);
	ck_assert_int_eq(rundir_write(dir, "file", "abc", 3), 0);
	ck_assert_int_eq(symlinkat("../file", dir, "theirs/link"), 0);
	ck_assert_int_eq(symlinkat(".", dir, "way"), 0);
	for (int untrusted = 0; untrusted < 2; untrusted++) {
		ck_assert_int_eq(read_error("theirs/fifo", untrusted, 10), EINVAL);
		ck_assert_int_eq(read_error("theirs/zero", untrusted, 10), ELOOP);
		ck_assert_int_eq(read_error("theirs/folder", untrusted, 10), EINVAL);
		ck_assert_int_eq(read_error("theirs/link", untrusted, 10), ELOOP);
		ck_assert_int_eq(read_error("way/file", untrusted, 10), ENOTDIR);
		ck_assert_int_eq(read_error("theirs/none/file", untrusted, 10), ENOENT);
		ck_assert_int_eq(read_error("file", untrusted, 3), 0);
	}
	ck_assert_int_eq(read_error("file", true, 2), EFBIG);
	snprintf(path, sizeof(path), "%s/file", run_path);
	ck_assert_int_eq(truncate(path, RUNDIR_FILE_MAX + 1L), 0);
	ck_assert_int_eq(read_error("file", false, 0), EFBIG);
	if (geteuid() == 0) {
		ck_assert_int_eq(truncate(path, 3), 0);
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
		ck_assert_int_eq(read_error("file", false, 0), EPERM);
		ck_assert_int_eq(read_error("file", true, 10), 0);
	}
}
END_TEST

/* What is written goes into a file of its own, whatever lies where it is made. */
START_TEST(nothing_is_written_through_a_link)
{
	ck_assert_int_eq(rundir_write(dir, "other", "abc", 3), 0);
	ck_assert_int_eq(symlinkat("other", dir, ".x.new"), 0);
	ck_assert_int_eq(rundir_write(dir, "x", "new", 3), 0);
	check_file("other", "abc");
	check_file("x", "new");
	ck_assert_int_eq(mkfifoat(dir, ".x.new", 0644), 0);
	ck_assert_int_eq(rundir_write(dir, "x", "2", 1), 0);
	check_file("x", "2");
}
END_TEST

/* ---- the lock ---- */

START_TEST(one_process_has_the_lock)
{
	int ends[2], lock;
	pid_t holder = 0, child;
	char word;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(rundir_lock_holder(dir), 0);
	child = fork();
	if (child == 0) {
		lock = rundir_lock(dir, 0, &holder);
		if (write(ends[1], "", 1) == 1 && lock >= 0)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ends[0], &word, 1), 1);
	ck_assert_int_eq(rundir_lock_holder(dir), child);
	ck_assert_int_eq(rundir_lock(dir, 100, &holder), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	ck_assert_int_eq(holder, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ck_assert_int_eq(rundir_lock_holder(dir), 0);
	lock = rundir_lock(dir, 0, &holder);
	ck_assert_int_ge(lock, 0);
	close(lock);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* Closing another descriptor of the file gives up nothing: a POSIX lock would be gone. */
START_TEST(a_lock_outlives_other_descriptors)
{
	pid_t holder = 0, child;
	int lock = rundir_lock(dir, 0, &holder), other = openat(dir, "lock", O_RDWR), status;

	ck_assert_int_ge(lock, 0);
	ck_assert_int_ge(other, 0);
	close(other);
	ck_assert_int_eq(rundir_lock_holder(dir), getpid());
	child = fork();
	if (child == 0)
		_exit(rundir_lock(dir, 0, &holder) < 0 && holder == getppid() ? 0 : 1);
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	close(lock);
	ck_assert_int_eq(rundir_lock_holder(dir), 0);
}
END_TEST

/* ---- what was told ---- */

/* How many lines the log has. */
static unsigned lines_of(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned lines = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

/* Diagnostics about the first `count` of these values. */
static void tell(struct logged_diagnostics *logged, struct log *log, unsigned first, unsigned count)
{
	struct fixture f;

	fixture_start(&f);
	for (unsigned i = first; i < first + count; i++)
		diag(&f.diags, SPAN_NONE, DIAG_CANNOT_READ, "cannot read file %u", i);
	logged_diagnostics_update(logged, log, &f.diags);
	fixture_end(&f);
}

START_TEST(each_diagnostic_is_told_once)
{
	struct logged_diagnostics logged = { NULL };
	struct log log;
	char path[192];

	snprintf(path, sizeof(path), "%s/log", run_path);
	log_open(&log, path, false);
	tell(&logged, &log, 0, 3);
	ck_assert_uint_eq(lines_of(path), 3);
	tell(&logged, &log, 0, 3);
	ck_assert_uint_eq(lines_of(path), 3);
	tell(&logged, &log, 1, 3);
	ck_assert_uint_eq(lines_of(path), 4);
	tell(&logged, &log, 0, 3); /* the first had been gone */
	ck_assert_uint_eq(lines_of(path), 5);
	tell(&logged, &log, 100, 150); /* a hundred, and how many more */
	ck_assert_uint_eq(lines_of(path), 106);
	logged_diagnostics_free(&logged);
}
END_TEST

/* What cannot be written is counted, and told when it can be again. */
START_TEST(lost_messages_are_counted)
{
	struct log log;
	char path[192];

	log_open(&log, "/dev/full", false);
	log_message(&log, PRIORITY_ERROR, NULL, "one");
	log_message(&log, PRIORITY_DEBUG, NULL, "not said");
	log_message(&log, PRIORITY_ERROR, NULL, "two");
	ck_assert_uint_eq(log.lost, 2);
	snprintf(path, sizeof(path), "%s/log", run_path);
	log.path = path;
	log_message(&log, PRIORITY_ERROR, NULL, "three");
	ck_assert_uint_eq(log.lost, 0);
	ck_assert_uint_eq(lines_of(path), 2);
}
END_TEST

START_TEST(only_decimal_numbers_are_read)
{
	uint64_t numbers[2] = { 0, 0 };
	char good[] = "pair 7 18446744073709551615 rest", *rest = rundir_numbers(good, "pair ", 2, numbers);
	char large[] = "pair 7 18446744073709551616", sign[] = "pair -7 1", one[] = "pair 7", blanks[] = "pair 7  8";

	ck_assert_ptr_nonnull(rest);
	ck_assert_str_eq(rest, " rest");
	ck_assert_uint_eq(numbers[0], 7);
	ck_assert_uint_eq(numbers[1], UINT64_MAX);
	ck_assert_ptr_null(rundir_numbers(good, "pairs ", 2, numbers));
	ck_assert_ptr_null(rundir_numbers(large, "pair ", 2, numbers));
	ck_assert_ptr_null(rundir_numbers(sign, "pair ", 2, numbers));
	ck_assert_ptr_null(rundir_numbers(one, "pair ", 2, numbers));
	ck_assert_ptr_null(rundir_numbers(blanks, "pair ", 2, numbers));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rundir");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, files_are_replaced);
	tcase_add_test(tests, a_file_that_cannot_be_written_stays);
	tcase_add_test(tests, only_files_are_read);
	tcase_add_test(tests, nothing_is_written_through_a_link);
	tcase_add_test(tests, one_process_has_the_lock);
	tcase_add_test(tests, a_lock_outlives_other_descriptors);
	tcase_add_test(tests, each_diagnostic_is_told_once);
	tcase_add_test(tests, lost_messages_are_counted);
	tcase_add_test(tests, only_decimal_numbers_are_read);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
