/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generations: what is kept of them, what going back rejects, and what counts again; and differences of lines. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/service/confirm.h"
#include "firewall/tree/line_diff.h"
#include "fixture.h"

static char folder[64], root[96], run[96], store[128];
static struct confirm confirm;
static struct input_options options;

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void setup(void)
{
	strcpy(folder, "/tmp/pvefw-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(root, sizeof(root), "%s/root", folder);
	snprintf(run, sizeof(run), "%s/run", folder);
	snprintf(store, sizeof(store), "%s/generations", run);
	options = (struct input_options){ .root = root, .node = "n", .local_network = "10.0.0.0/8" };
	confirm_open(&confirm, run, run, true, NULL);
	ck_assert_int_eq(confirm.reason, 0);
}

static void teardown(void)
{
	confirm_close(&confirm);
	nftw(folder, delete_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void reopen(void)
{
	confirm_close(&confirm);
	confirm_open(&confirm, run, run, true, NULL);
}

/* Writes a file below the root; NULL: removes it. */
static void file(const char *path, const char *text)
{
	char whole[256];
	FILE *stream;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *slash = whole + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	if (!text) {
		unlink(whole);
		return;
	}
	stream = fopen(whole, "w");
	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	fclose(stream);
}

/* Compiles, and takes it as applied; then `seen` has the names and texts of what was compiled. */
static char seen[1024];

static void apply(bool changed)
{
	struct compilation c;

	confirm_compile(&confirm, &options, NULL, NULL, &c);
	ck_assert_ptr_nonnull(c.config);
	confirm_settle(&confirm);
	confirm_note_applied(&confirm, &c, changed);
	seen[0] = '\0';
	for (uint32_t i = 0; i < c.map.count; i++)
		if (c.map.sources[i]->root)
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s=%s;", c.map.sources[i]->path,
				 c.map.sources[i]->text);
	compilation_free(&c);
}

/* The present files; free both. */
static void read_tree(struct compilation *c, struct file_list *files)
{
	compilation_run(c, &options, NULL);
	file_list_of_map(files, &c->map);
}

static int reject(uint64_t number)
{
	struct compilation c;
	struct file_list files;
	int reason;

	read_tree(&c, &files);
	reason = confirm_reject(&confirm, &files, number, REJECTED_ROLLED_BACK);
	file_list_free(&files);
	compilation_free(&c);
	return reason;
}

static void base_tree(void)
{
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n");
	file("nodes/n/host.fw", "");
	file("nodes/n/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n");
	file("firewall/100.fw", "[OPTIONS]\nenable: 1\n");
	apply(true);
}

/* ---- what is kept ---- */

START_TEST(what_was_in_force_is_kept)
{
	const struct generation *g;
	struct file_list files;
	struct out text;
	struct stat st;
	char path[256];

	base_tree();
	ck_assert_uint_eq(confirm.in_force, 1);
	apply(true); /* the same files */
	ck_assert_uint_eq(confirm.generations.count, 1);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n\n[RULES]\nIN DROP\n");
	apply(true);
	reopen();
	ck_assert_uint_eq(confirm.in_force, 2);
	ck_assert_uint_eq(confirm_before(&confirm), 1);
	g = generations_find(&confirm.generations, 2);
	ck_assert_uint_eq(g->change_count, 1);
	ck_assert_str_eq(g->changes[0].path, "firewall/cluster.fw");
	ck_assert_uint_eq(g->changes[0].added, 3);
	ck_assert_uint_eq(g->changes[0].removed, 0);
	ck_assert_int_eq(generations_files(&confirm.generations, 1, &files), 0);
	out_init_memory(&text);
	ck_assert_int_eq(
		generations_content(&confirm.generations, &file_list_find(&files, "firewall/cluster.fw")->digest, &text), 0);
	ck_assert_uint_eq(text.len, strlen("[OPTIONS]\nenable: 1\n"));
	out_free(&text);
	file_list_free(&files);
	/* What is in priv/ is among it. */
	ck_assert_int_eq(stat(store, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/1", store);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* A backup's lock in each of many guests must not push out what somebody may want to go back to. */
START_TEST(what_changes_no_rule_is_no_generation)
{
	base_tree();
	file("nodes/n/qemu-server/100.conf", "lock: backup\nnet0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n");
	apply(false);
	ck_assert_uint_eq(confirm.generations.count, 1);
	file("nodes/n/qemu-server/101.conf", "net0: virtio=02:00:00:00:00:02,bridge=vmbr0,firewall=1\n");
	apply(true);
	ck_assert_uint_eq(confirm.generations.count, 2);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# by whom\n");
	apply(false);
	ck_assert_uint_eq(confirm.generations.count, 3);
}
END_TEST

static unsigned objects(void)
{
	char command[256];
	unsigned count = 0;
	FILE *stream;

	snprintf(command, sizeof(command), "ls %s/objects | wc -l", store);
	stream = popen(command, "r");
	ck_assert_int_eq(fscanf(stream, "%u", &count), 1);
	pclose(stream);
	return count;
}

START_TEST(sixteen_are_kept_and_no_content_too_many)
{
	char text[64];

	base_tree();
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "[OPTIONS]\nenable: 1\n# %d\n", i);
		file("firewall/cluster.fw", text);
		apply(true);
	}
	ck_assert_uint_eq(confirm.generations.count, GENERATIONS_MOST);
	ck_assert_uint_eq(confirm.generations.all[0]->number, 6);
	ck_assert_uint_eq(confirm.in_force, 21);
	/* 16 of cluster.fw, and host.fw, 100.conf, 100.fw */
	ck_assert_uint_eq(objects(), GENERATIONS_MOST + 3);
	reopen();
	ck_assert_uint_eq(confirm.generations.count, GENERATIONS_MOST);
	ck_assert_uint_eq(confirm.next, 22);
}
END_TEST

/* A power failure may leave half of what was written. */
START_TEST(what_is_damaged_is_no_generation)
{
	char path[256];

	base_tree();
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 2\n");
	apply(true);
	snprintf(path, sizeof(path), "%s/2", store);
	ck_assert_int_eq(truncate(path, 40), 0);
	reopen();
	ck_assert_uint_eq(confirm.generations.count, 1);
	ck_assert_uint_eq(confirm.in_force, 1);
	apply(true);
	ck_assert_uint_eq(confirm.in_force, 3);
	snprintf(path, sizeof(path), "truncate -s 1 %s/objects/*", store);
	ck_assert_int_eq(system(path), 0);
	ck_assert_int_eq(reject(1), EBADMSG);
	ck_assert_uint_eq(confirm.enforced, 0);
}
END_TEST

/* ---- what is rejected ---- */

START_TEST(a_rejected_file_counts_again_when_it_changes)
{
	base_tree();
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP\n");
	apply(true);
	ck_assert_int_eq(reject(2), EALREADY);
	ck_assert_int_eq(reject(7), ENOENT);
	ck_assert_int_eq(reject(1), 0);
	apply(true);
	ck_assert_ptr_null(strstr(seen, "DROP"));
	ck_assert_uint_eq(confirm.in_force, 1);
	ck_assert(confirm_was_rolled_back(&confirm, 2));
	/* Another file: it counts, and the rejected one does not; not even for the next service. */
	file("nodes/n/qemu-server/100.conf", "lock: backup\nnet0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n");
	apply(false);
	ck_assert_ptr_nonnull(strstr(seen, "lock: backup"));
	ck_assert_ptr_null(strstr(seen, "DROP"));
	reopen();
	apply(false);
	ck_assert_ptr_null(strstr(seen, "DROP"));
	ck_assert_uint_eq(confirm.enforced, 1);
	/* The file itself. */
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n[RULES]\nIN REJECT\n");
	apply(true);
	ck_assert_ptr_nonnull(strstr(seen, "REJECT"));
	ck_assert_uint_eq(confirm.enforced, 0);
	ck_assert_uint_eq(confirm_before(&confirm), 1);
}
END_TEST

/* An editor may begin with no file, or an empty one; what it writes is what was rejected. */
START_TEST(a_file_that_is_gone_for_a_moment_stays_rejected)
{
	base_tree();
	file("firewall/100.fw", "[OPTIONS]\nenable: 1\npolicy_in: ACCEPT\n");
	apply(true);
	ck_assert_int_eq(reject(1), 0);
	apply(true);
	ck_assert_ptr_null(strstr(seen, "ACCEPT"));
	file("firewall/100.fw", NULL);
	apply(false);
	file("firewall/100.fw", "");
	apply(false);
	file("firewall/100.fw", "[OPTIONS]\nenable: 1\npolicy_in: ACCEPT\n");
	apply(false);
	ck_assert_ptr_null(strstr(seen, "ACCEPT"));
	ck_assert_uint_eq(confirm.enforced, 1);
	file("firewall/100.fw", NULL);
	apply(false);
	usleep(600000);
	apply(true);
	ck_assert_uint_eq(confirm.enforced, 0);
	ck_assert_ptr_null(strstr(seen, "100.fw"));
}
END_TEST

START_TEST(guests_that_came_since_keep_their_files)
{
	base_tree();
	file("nodes/n/qemu-server/101.conf", "net0: virtio=02:00:00:00:00:02,bridge=vmbr0,firewall=1\n");
	file("firewall/101.fw", "[OPTIONS]\nenable: 1\n");
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP\n");
	apply(true);
	ck_assert_int_eq(reject(1), 0);
	ck_assert_uint_eq(confirm.rejected_count, 1);
	apply(true);
	ck_assert_ptr_null(strstr(seen, "DROP"));
	ck_assert_ptr_nonnull(strstr(seen, "firewall/101.fw"));
	/* One that goes meanwhile. */
	file("nodes/n/qemu-server/100.conf", NULL);
	file("firewall/100.fw", NULL);
	apply(true);
	ck_assert_ptr_null(strstr(seen, "100.fw"));
	ck_assert_uint_eq(confirm.enforced, 1);
}
END_TEST

/* Files that came or went with the edit: they go and come back. */
START_TEST(files_that_came_or_went_are_rejected)
{
	base_tree();
	file("nodes/n/qemu-server/101.conf", "net0: virtio=02:00:00:00:00:02,bridge=vmbr0,firewall=1\n");
	apply(true);
	file("firewall/101.fw", "[OPTIONS]\nenable: 1\n");
	file("firewall/100.fw", NULL);
	apply(true);
	ck_assert_int_eq(reject(2), 0);
	apply(true);
	ck_assert_ptr_null(strstr(seen, "101.fw"));
	ck_assert_ptr_nonnull(strstr(seen, "firewall/100.fw=[OPTIONS]"));
	ck_assert_uint_eq(confirm.in_force, 2);
}
END_TEST

/* At the deadline the tree may be gone: what is gone back to is there as a whole. */
START_TEST(going_back_needs_no_tree)
{
	struct compilation c;
	char gone[128];

	base_tree();
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n[RULES]\nIN DROP\n");
	apply(true);
	ck_assert_int_eq(confirm_begin(&confirm, 2, 0, 1), 0);
	snprintf(gone, sizeof(gone), "%s.gone", root);
	ck_assert_int_eq(rename(root, gone), 0);
	ck_assert(confirm_roll_back(&confirm, &options, NULL));
	confirm_compile(&confirm, &options, NULL, NULL, &c);
	ck_assert_ptr_nonnull(c.config);
	ck_assert_uint_eq(c.map.sources[0]->size, strlen("[OPTIONS]\nenable: 1\n"));
	compilation_free(&c);
}
END_TEST

/* ---- what waits ---- */

static uint64_t target(void)
{
	struct compilation c;
	struct file_list files;
	uint64_t number;

	read_tree(&c, &files);
	number = confirm_target(&confirm, &files);
	file_list_free(&files);
	compilation_free(&c);
	return number;
}

START_TEST(what_is_gone_back_to)
{
	base_tree();
	ck_assert_int_eq(confirm_begin(&confirm, 1, 0, 60), 0);
	ck_assert_uint_eq(target(), 0);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 2\n");
	ck_assert_uint_eq(target(), 1);
	apply(true);
	ck_assert_uint_eq(target(), 1);
	ck_assert_int_eq(confirm_begin(&confirm, 2, 0, 60), 0); /* only the time begins anew */
	ck_assert_uint_eq(target(), 1);
	ck_assert_int_eq(confirm_keep(&confirm), 0);
	ck_assert_int_eq(confirm_keep(&confirm), ENOENT);
	/* What was confirmed is not taken back by the next wait. */
	ck_assert_int_eq(confirm_begin(&confirm, 2, 0, 60), 0);
	ck_assert_uint_eq(target(), 0);
	confirm_cancel(&confirm);
	/* An edit, then the command. */
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 3\n");
	apply(true);
	ck_assert_int_eq(confirm_begin(&confirm, 3, 0, 60), 0);
	ck_assert_uint_eq(target(), 2);
	/* What is no .fw file is no edit. */
	file("nodes/n/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:09,bridge=vmbr0,firewall=1\n");
	apply(true);
	ck_assert_uint_eq(target(), 2);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 4\n");
	ck_assert_uint_eq(target(), 3);
	confirm_cancel(&confirm);
	ck_assert_int_eq(confirm_begin(&confirm, 4, 1, 60), 0);
	ck_assert_uint_eq(target(), 1);
}
END_TEST

/* What others change meanwhile, before the command or after it, is no reason to keep the edit that nobody
 * confirms. */
START_TEST(other_changes_keep_no_edit)
{
	base_tree();
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 2\n");
	apply(true);
	file("nodes/n/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:09,bridge=vmbr0,firewall=1\n");
	apply(true);
	ck_assert_uint_eq(confirm.in_force, 3);
	ck_assert_uint_eq(confirm_before_edit(&confirm), 1);
	ck_assert_int_eq(confirm_begin(&confirm, 3, 0, 60), 0);
	ck_assert_uint_eq(target(), 1);
	confirm_cancel(&confirm);
	/* The command has found the guest's new file itself. */
	ck_assert_int_eq(confirm_begin(&confirm, 2, 0, 60), 0);
	ck_assert_uint_eq(target(), 1);
	file("firewall/100.fw", "[OPTIONS]\nenable: 0\n");
	apply(true);
	ck_assert_uint_eq(target(), 1);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 3\n");
	apply(true);
	ck_assert_uint_eq(target(), 2);
	/* A file that was deleted is an edit, too. */
	confirm_cancel(&confirm);
	file("firewall/100.fw", NULL);
	apply(true);
	ck_assert_int_eq(confirm_begin(&confirm, 6, 0, 60), 0);
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n# 4\n");
	ck_assert_uint_eq(target(), 5);
}
END_TEST

static unsigned listed(void)
{
	struct confirm reader;
	unsigned count;

	confirm_open(&reader, run, run, false, NULL);
	count = reader.generations.count;
	ck_assert_uint_eq(reader.in_force, 1);
	confirm_close(&reader);
	return count;
}

/* A generation is written before the state that names it. */
START_TEST(a_reader_sees_none_that_is_not_in_force_yet)
{
	struct compilation c;
	struct file_list files;

	base_tree();
	ck_assert_uint_eq(listed(), 1);
	read_tree(&c, &files);
	ck_assert_int_eq(generations_add(&confirm.generations, 2, 1, 0, &files, NULL, 0), 0);
	file_list_free(&files);
	compilation_free(&c);
	ck_assert_uint_eq(listed(), 1);
	reopen(); /* whoever has the lock counts it: its number is not used again */
	ck_assert_uint_eq(confirm.generations.count, 2);
	ck_assert_uint_eq(confirm.next, 3);
}
END_TEST

START_TEST(a_deadline_ends_with_its_boot)
{
	base_tree();
	ck_assert_int_eq(confirm_begin(&confirm, 1, 0, 3600), 0);
	ck_assert(!confirm_is_over(&confirm));
	ck_assert_uint_eq(confirm_seconds_left(&confirm), 3600);
	reopen();
	ck_assert(confirm.pending && !confirm_is_over(&confirm));
	confirm.boot_id[0] = confirm.boot_id[0] == '0' ? '1' : '0';
	ck_assert(confirm_is_over(&confirm));
	ck_assert_uint_eq(confirm_seconds_left(&confirm), 0);
}
END_TEST

/* ---- lines ---- */

static void check_diff(const char *before, const char *after, const char *wanted)
{
	struct out out;

	out_init_memory(&out);
	line_diff_print(&out, text_of(before), text_of(after));
	out_char(&out, '\0');
	ck_assert_str_eq(out.data, wanted);
	out_free(&out);
}

START_TEST(lines_that_differ)
{
	unsigned removed, added;

	check_diff("", "", "");
	check_diff("a\n", "a\n", "");
	check_diff("", "a\n", "@@ -0,0 +1 @@\n+a\n");
	check_diff("a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	check_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
		   "@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+x\n");
	check_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
		   "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
	check_diff("a", "a\n\x1b",
		   "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+\\x1b\n\\ No newline at end of file\n");
	/* Moved lines are lines that differ: order matters. */
	line_diff_count(text_of("a\nb\nc\n"), text_of("c\na\nb\n"), &removed, &added);
	ck_assert_uint_eq(removed, 1);
	ck_assert_uint_eq(added, 1);
}
END_TEST

/* `count` lines of four letters. */
static unsigned random_text(char text[64])
{
	unsigned count = (unsigned)rand() % 12;

	text[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		sprintf(text + strlen(text), "%c\n", 'a' + rand() % 4);
	return count;
}

START_TEST(random_lines)
{
	for (unsigned round = 0; round < 3000; round++) {
		char before[64], after[64];
		unsigned n = random_text(before), m = random_text(after), removed, added;

		line_diff_count(text_of(before), text_of(after), &removed, &added);
		ck_assert_int_eq((int)n - (int)removed, (int)m - (int)added);
		ck_assert_int_eq(removed + added == 0, strcmp(before, after) == 0);
	}
}
END_TEST

START_TEST(long_texts)
{
	struct out before, after;
	unsigned removed, added;

	out_init_memory(&before);
	out_init_memory(&after);
	for (unsigned i = 0; i < 50000; i++) {
		out_printf(&before, "%u\n", i);
		out_printf(&after, "%u\n", i * 3);
	}
	line_diff_count((struct text){ before.data, (uint32_t)before.len }, (struct text){ after.data, (uint32_t)after.len },
			&removed, &added);
	ck_assert_uint_eq(removed, added);
	ck_assert_uint_ge(added, 33333);
	out_free(&before);
	out_free(&after);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generations");
	TCase *tests = tcase_create("generations");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_was_in_force_is_kept);
	tcase_add_test(tests, what_changes_no_rule_is_no_generation);
	tcase_add_test(tests, sixteen_are_kept_and_no_content_too_many);
	tcase_add_test(tests, what_is_damaged_is_no_generation);
	tcase_add_test(tests, a_rejected_file_counts_again_when_it_changes);
	tcase_add_test(tests, a_file_that_is_gone_for_a_moment_stays_rejected);
	tcase_add_test(tests, guests_that_came_since_keep_their_files);
	tcase_add_test(tests, files_that_came_or_went_are_rejected);
	tcase_add_test(tests, going_back_needs_no_tree);
	tcase_add_test(tests, what_is_gone_back_to);
	tcase_add_test(tests, other_changes_keep_no_edit);
	tcase_add_test(tests, a_reader_sees_none_that_is_not_in_force_yet);
	tcase_add_test(tests, a_deadline_ends_with_its_boot);
	tcase_add_test(tests, lines_that_differ);
	tcase_add_test(tests, random_lines);
	tcase_add_test(tests, long_texts);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
