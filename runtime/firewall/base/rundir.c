/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"

#define LOCK_NAME "lock"

/* ---- the directory ---- */

static int make_folders(const char *path)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

int rundir_open_existing(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int rundir_open(const char *path)
{
	return make_folders(path) < 0 ? -1 : rundir_open_existing(path);
}

/* ---- files ---- */

static int rundir_write_file(int dir, const char *name, const void *bytes, size_t size, mode_t mode, bool durable)
{
	char temporary[256];
	int fd, reason;

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	unlinkat(dir, temporary, 0); /* O_EXCL: never write into a file of another user */
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return errno;
	reason = write_all(fd, bytes, size);
	if (!reason && durable && fsync(fd) < 0)
		reason = errno;
	if (close(fd) < 0 && !reason)
		reason = errno;
	if (!reason && renameat(dir, temporary, dir, name) < 0)
		reason = errno;
	if (reason)
		unlinkat(dir, temporary, 0);
	return reason;
}

int rundir_write(int dir, const char *name, const void *bytes, size_t size)
{
	return rundir_write_file(dir, name, bytes, size, 0644, false);
}

int rundir_write_private(int dir, const char *name, const void *bytes, size_t size)
{
	return rundir_write_file(dir, name, bytes, size, 0600, false);
}

int rundir_write_durable(int dir, const char *name, const void *bytes, size_t size)
{
	int reason = rundir_write_file(dir, name, bytes, size, 0600, true);

	/* So that the name is on the disk, too. */
	if (!reason && fsync(dir) < 0)
		reason = errno;
	return reason;
}

/* Opens NAME below `dir`; follows no link, and does not wait for the other end of a FIFO.  A descriptor, or -1 with errno
 * set. */
static int open_below(int dir, const char *name)
{
	const char *slash = strchr(name, '/');
	char folder[256];
	int below, fd, reason;

	if (!slash)
		return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if ((size_t)(slash - name) >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, name, (size_t)(slash - name));
	folder[slash - name] = '\0';
	below = openat(dir, folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (below < 0)
		return -1;
	fd = open_below(below, slash + 1);
	reason = errno;
	close(below);
	errno = reason;
	return fd;
}

/* What may be read: a regular file of at most `max` bytes, and unless `untrusted`, one that only root or this user
 * can have written.  0 or an errno. */
static int rundir_check_file(int fd, size_t max, bool untrusted)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	if (!untrusted && st.st_uid != 0 && st.st_uid != geteuid())
		return EPERM;
	return st.st_size > (off_t)max ? EFBIG : 0;
}

/* Appends the content; the file may have grown since its size was checked. */
static int append_file(int fd, size_t max, struct out *out)
{
	size_t before = out->len;
	char buffer[4096];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			out_bytes(out, buffer, (size_t)n);
		if (out->len - before > max)
			return EFBIG;
	}
	return 0;
}

static int rundir_read_file(int dir, const char *name, size_t max, bool untrusted, struct out *out)
{
	int fd = open_below(dir, name), reason;
	size_t before = out->len;

	if (fd < 0)
		return errno;
	reason = rundir_check_file(fd, max, untrusted);
	if (!reason)
		reason = append_file(fd, max, out);
	if (reason)
		out->len = before;
	close(fd);
	return reason;
}

int rundir_read(int dir, const char *name, struct out *out)
{
	return rundir_read_file(dir, name, RUNDIR_FILE_MAX, false, out);
}

int rundir_read_untrusted(int dir, const char *name, size_t max, struct out *out)
{
	return rundir_read_file(dir, name, max, true, out);
}

char *rundir_numbers(char *line, const char *word, unsigned count, uint64_t *numbers)
{
	if (strncmp(line, word, strlen(word)) != 0)
		return NULL;
	line += strlen(word);
	for (unsigned i = 0; i < count; i++) {
		struct text digits;

		if (i && *line++ != ' ')
			return NULL;
		digits = (struct text){ line, (uint32_t)strspn(line, "0123456789") };
		if (!text_to_number(digits, UINT64_MAX, &numbers[i]))
			return NULL;
		line += digits.len;
	}
	return line;
}

int rundir_remove(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? errno : 0;
}

/* ---- the lock: the file names its holder, because the kernel does not ---- */

/* The process that the file names; -1: it names none. */
static pid_t named_holder(int fd)
{
	char text[16] = "";
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : -1;
}

static void name_holder(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* Only for messages: the lock does not depend on it. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return;
}

pid_t rundir_lock_holder(int dir)
{
	int fd = openat(dir, LOCK_NAME, O_RDWR | O_CLOEXEC);
	pid_t holder = fd >= 0 && file_lock_is_held(fd) ? named_holder(fd) : 0;

	if (fd >= 0)
		close(fd);
	return holder;
}

int rundir_lock(int dir, int wait, pid_t *holder)
{
	int fd = file_lock_take(dir, LOCK_NAME, 0644, wait), reason = errno;

	if (fd >= 0)
		name_holder(fd);
	else if (reason == EWOULDBLOCK)
		*holder = rundir_lock_holder(dir);
	errno = reason;
	return fd;
}
