/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffered output, and files that appear together or not at all. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "base/output.h"
#include "base/parallel_for.h"
#include "base/atomic_files.h"

static struct arena arena;
static char folder[] = "/tmp/pvefw-test-XXXXXX";

static void start(void)
{
	arena = (struct arena){ 0 };
	strcpy(strrchr(folder, '-') + 1, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
	arena_free(&arena);
}

static const char *in_folder(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

static struct text content(const char *path)
{
	static char bytes[1 << 20];
	int fd = open(path, O_RDONLY);
	struct text t = { bytes, 0 };
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, bytes + t.len, sizeof(bytes) - t.len)) > 0)
		t.len += (uint32_t)n;
	close(fd);
	return t;
}

/* How many files are in the folder, hidden ones too. */
static int files_in(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void make(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

/* ---- output ---- */

/* Pieces of all sizes around that of the buffer. */
static void print_much(struct out *out)
{
	static char many[200000];

	memset(many, 'x', sizeof(many));
	for (int i = 0; i < 20000; i++)
		out_number(out, (uint64_t)i);
	out_bytes(out, many, sizeof(many));
	out_string(out, "middle");
	out_bytes(out, many, (1 << 16) - 1);
	out_bytes(out, many, 1 << 16);
	out_printf(out, "%s", "");
	out_printf(out, "%.70000s|%d", many, 5);
	out_number(out, UINT64_MAX);
	out_char(out, '\n');
}

START_TEST(memory_and_files_get_the_same)
{
	struct out memory, file;
	const char *path = in_folder("out");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct text written;

	out_init_memory(&memory);
	print_much(&memory);
	ck_assert_int_eq(out_flush(&memory), 0);
	out_init_fd(&file, fd);
	print_much(&file);
	ck_assert_int_eq(out_flush(&file), 0);
	written = content(path);
	ck_assert_uint_eq(written.len, memory.len);
	ck_assert_mem_eq(written.ptr, memory.data, memory.len);
	ck_assert_mem_eq(memory.data + memory.len - 23, "|518446744073709551615\n", 23);
	out_free(&memory);
	out_free(&file);
	close(fd);
}
END_TEST

START_TEST(a_failure_is_kept)
{
	struct out out;
	int fd = open("/dev/full", O_WRONLY);

	out_init_fd(&out, fd);
	print_much(&out);
	ck_assert_int_eq(out_flush(&out), ENOSPC);
	ck_assert_int_eq(out_flush(&out), ENOSPC);
	out_free(&out);
	close(fd);
}
END_TEST

/* A text that just fits, and one byte more: in a pipe that is read slowly, writes are partial. */
START_TEST(exact_fit)
{
	static const size_t lengths[] = { 0, 1, 65535, 65536, 65537, 262143, 262144, 262145, 600000 };
	static char text[700001], got[700001];

	memset(text, 'y', sizeof(text) - 1);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int is_printed = 0; is_printed < 2; is_printed++) {
			int ends[2], len = (int)lengths[i];
			size_t count = 0;
			ssize_t n;
			pid_t child;

			ck_assert_int_eq(pipe(ends), 0);
			child = fork();
			if (child == 0) {
				struct out out;

				close(ends[0]);
				out_init_fd(&out, ends[1]);
				out_char(&out, 'a');
				if (is_printed)
					out_printf(&out, "%.*s", len, text);
				else
					out_bytes(&out, text, lengths[i]);
				out_char(&out, 'z');
				_exit(out_flush(&out));
			}
			close(ends[1]);
			while ((n = read(ends[0], got + count, 1000)) > 0)
				count += (size_t)n;
			close(ends[0]);
			ck_assert_int_eq(waitpid(child, &len, 0), child);
			ck_assert_int_eq(len, 0);
			ck_assert_uint_eq(count, lengths[i] + 2);
			ck_assert(got[0] == 'a' && got[count - 1] == 'z' && memcmp(got + 1, text, lengths[i]) == 0);
		}
}
END_TEST

START_TEST(a_reader_that_leaves)
{
	struct out out, part;
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	out_init_fd(&out, ends[1]);
	out_init_memory(&part);
	print_much(&part);
	out_append(&out, &part);
	ck_assert_uint_eq(part.len, 0);
	print_much(&out);
	ck_assert_int_eq(out_flush(&out), EPIPE);
	ck_assert(!is_write_failure(out.error));
	out_free(&out);
	out_free(&part);
	close(ends[1]);
}
END_TEST

/* Parts of any length, large ones written past the buffer, arrive in order. */
START_TEST(appended_parts)
{
	struct out file, part;
	const char *path = in_folder("parts");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct text written;

	out_init_fd(&file, fd);
	out_init_memory(&part);
	for (int i = 0; i < 12; i++) {
		out_printf(&part, "%d:%*s\n", i, i * 3000, "");
		out_append(&file, &part);
		ck_assert_uint_eq(part.len, 0);
	}
	ck_assert_int_eq(out_flush(&file), 0);
	written = content(path);
	for (int i = 0; i < 12; i++) {
		struct text line;

		ck_assert(text_next_line(&written, &line));
		ck_assert_int_eq(atoi(line.ptr), i);
		ck_assert_uint_eq(line.len, (i < 10 ? 2u : 3u) + (unsigned)i * 3000u);
	}
	ck_assert_uint_eq(written.len, 0);
	out_free(&file);
	out_free(&part);
	close(fd);
}
END_TEST

/* Several threads finish their jobs in order, each job once. */
struct order {
	unsigned done[1000], finished;
	bool is_ordered;
};

static void do_job(void *context, unsigned worker, unsigned n)
{
	(void)worker;
	((struct order *)context)->done[n]++;
}

static void finish_job(void *context, unsigned worker, unsigned n)
{
	struct order *order = context;

	(void)worker;
	order->is_ordered &= order->finished++ == n && order->done[n] == 1;
}

START_TEST(jobs_in_order)
{
	for (unsigned workers = 1; workers <= PARALLEL_MOST; workers++) {
		struct order order = { .is_ordered = true };

		parallel_run_in_order(workers, 1000, do_job, finish_job, &order);
		ck_assert(order.is_ordered);
		ck_assert_uint_eq(order.finished, 1000);
	}
}
END_TEST

/* ---- files ---- */

/* Writes two files into the folder `name`. */
static bool write_two(const char *name, const char *first, const char *second)
{
	struct out_files files = { .arena = &arena };
	struct out *out;

	out_files_directory(&files, in_folder(name));
	out = out_files_open(&files, in_folder(arena_printf(&arena, "%s/%s", name, first)));
	if (out)
		out_string(out, "one");
	out = out_files_open(&files, in_folder(arena_printf(&arena, "%s/%s", name, second)));
	if (out)
		out_string(out, "two");
	return out_files_commit(&files);
}

START_TEST(all_files)
{
	ck_assert(write_two("new", "a", "b"));
	ck_assert_text(content(in_folder("new/a")), "one");
	ck_assert_text(content(in_folder("new/b")), "two");
	ck_assert_int_eq(files_in(in_folder("new")), 2);
	ck_assert(write_two("new", "b", "a"));
	ck_assert_text(content(in_folder("new/a")), "two");
	ck_assert_int_eq(files_in(in_folder("new")), 2);
}
END_TEST

START_TEST(or_none)
{
	ck_assert(!write_two("new", "a", "missing/b"));
	ck_assert_int_ne(access(in_folder("new"), F_OK), 0);

	ck_assert_int_eq(mkdir(in_folder("old"), 0700), 0);
	make(in_folder("old/a"), "before");
	ck_assert(!write_two("old", "a", "missing/b"));
	ck_assert(!write_two("old", "missing/b", "a"));
	ck_assert_text(content(in_folder("old/a")), "before");
	ck_assert_int_eq(files_in(in_folder("old")), 1);

	make(in_folder("file"), "before");
	ck_assert(!write_two("file", "a", "b"));
	ck_assert_text(content(in_folder("file")), "before");
	ck_assert(!write_two("missing/folder", "a", "b"));
}
END_TEST

/* A folder where a file should go cannot be replaced. */
START_TEST(a_folder_in_the_way)
{
	ck_assert_int_eq(mkdir(in_folder("old"), 0700), 0);
	ck_assert_int_eq(mkdir(in_folder("old/b"), 0700), 0);
	ck_assert(!write_two("old", "a", "b"));
	ck_assert_int_eq(files_in(in_folder("old")), 1);
}
END_TEST

START_TEST(the_disk_is_full)
{
	ck_assert_int_eq(mkdir(in_folder("old"), 0700), 0);
	ck_assert_int_eq(symlink("/dev/full", in_folder("old/b")), 0);
	ck_assert(!write_two("old", "a", "b"));
	ck_assert(!write_two("old", "b", "a"));
	ck_assert_int_eq(files_in(in_folder("old")), 1);
}
END_TEST

/* A symbolic link stays one, and what it points to is replaced. */
START_TEST(links)
{
	struct stat st;

	ck_assert_int_eq(mkdir(in_folder("old"), 0700), 0);
	make(in_folder("real"), "before");
	ck_assert_int_eq(symlink("../real", in_folder("old/a")), 0);
	ck_assert(write_two("old", "a", "b"));
	ck_assert_int_eq(lstat(in_folder("old/a"), &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_text(content(in_folder("real")), "one");
}
END_TEST

/* Another process has left behind the first temporary names. */
START_TEST(names_in_use)
{
	ck_assert_int_eq(mkdir(in_folder("old"), 0700), 0);
	for (int i = 0; i < 3; i++)
		make(in_folder(arena_printf(&arena, "old/.a.%ld.%d", (long)getpid(), i)), "other");
	ck_assert(write_two("old", "a", "b"));
	ck_assert_text(content(in_folder("old/a")), "one");
	ck_assert_int_eq(files_in(in_folder("old")), 5);
}
END_TEST

START_TEST(permissions)
{
	struct stat st;

	umask(027);
	ck_assert(write_two("new", "a", "b"));
	ck_assert_int_eq(stat(in_folder("new/a"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("out");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, memory_and_files_get_the_same);
	tcase_add_test(tcase, a_failure_is_kept);
	tcase_add_test(tcase, exact_fit);
	tcase_add_test(tcase, a_reader_that_leaves);
	tcase_add_test(tcase, appended_parts);
	tcase_add_test(tcase, jobs_in_order);
	tcase_add_test(tcase, all_files);
	tcase_add_test(tcase, or_none);
	tcase_add_test(tcase, a_folder_in_the_way);
	tcase_add_test(tcase, the_disk_is_full);
	tcase_add_test(tcase, links);
	tcase_add_test(tcase, names_in_use);
	tcase_add_test(tcase, permissions);
	return run_suite("out", tcase);
}
