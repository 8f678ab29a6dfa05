/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock is a file of its own beside the log, LOG.lock: the log is renamed and made anew while it is in
 * use.
 */
#include "logger/output/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/xmalloc.h"
#include "logger/output/line.h"

enum {
	DUE = 64 * 1024,         /* bytes that are written at once */
	KEPT_MOST = 1024 * 1024, /* bytes that are kept when nothing can be written */
};

/* ---- opening ---- */

/* Nothing is written without the lock. */
static bool open_path(struct log_file *file)
{
	file->fd = -1;
	if (file->lock < 0) {
		char *path = xasprintf("%s.lock", file->path);

		file->lock = file_lock_take(AT_FDCWD, path, 0600, 0);
		file->reason = file->lock < 0 ? errno : 0;
		free(path);
	}
	if (file->lock < 0)
		return false;
	file->fd = open(file->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	file->reason = file->fd < 0 ? errno : 0;
	return file->fd >= 0;
}

enum log_open_result log_file_open(struct log_file *file, const char *path)
{
	struct stat status;
	char last;

	*file = (struct log_file){ .path = path, .fd = -1, .lock = -1 };
	out_init_memory(&file->lines);
	if (!open_path(file))
		return file->reason == EWOULDBLOCK ? LOG_OPEN_TAKEN : LOG_OPEN_FAILED;
	/* The last process may have ended in the middle of a line. */
	if (fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
	    pread(file->fd, &last, 1, status.st_size - 1) == 1 && last != '\n' &&
	    write(file->fd, "\n", 1) != 1)
		out_char(&file->lines, '\n');
	return LOG_OPEN_OK;
}

void log_file_close(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->lock >= 0)
		close(file->lock);
	out_free(&file->lines);
}

/* ---- writing ---- */

/* Removes the first `len` bytes of the buffer. */
static void take_off(struct log_file *file, size_t len)
{
	file->lines.len -= len;
	memmove(file->lines.data, file->lines.data + len, file->lines.len);
}

/* The rest of a line of which the file has the beginning. */
static void drop_rest(struct log_file *file)
{
	const char *end = file->lines.len ? memchr(file->lines.data, '\n', file->lines.len) : NULL;

	if (!file->broken || !end)
		return;
	take_off(file, (size_t)(end + 1 - file->lines.data));
	file->broken = false;
	file->lost++;
}

bool log_file_is_current(const struct log_file *file)
{
	struct stat open, named;

	if (file->fd < 0 || fstat(file->fd, &open) < 0)
		return false;
	/* What cannot be looked at may be there. */
	if (stat(file->path, &named) < 0)
		return errno != ENOENT && errno != ENOTDIR;
	return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

bool log_file_write(struct log_file *file)
{
	struct stat status;
	size_t done = 0;

	/* An open file that has no name any more: what is written to it nobody can read. */
	if (file->fd >= 0 && fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_nlink == 0) {
		close(file->fd);
		file->fd = -1;
		drop_rest(file);
	}
	if (file->fd < 0 && !open_path(file))
		return file->lines.len == 0;
	file->reason = 0;
	while (done < file->lines.len && !file->reason) {
		ssize_t n = write(file->fd, file->lines.data + done, file->lines.len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			file->reason = n == 0 ? EIO : errno;
	}
	if (done) {
		for (const char *at = file->lines.data, *end = at + done;
		     (at = memchr(at, '\n', (size_t)(end - at))); at++)
			file->written++;
		file->broken = file->lines.data[done - 1] != '\n';
		take_off(file, done);
	}
	return file->lines.len == 0;
}

bool log_file_is_due(const struct log_file *file)
{
	return file->lines.len >= DUE && !file->reason;
}

bool log_file_has_room(const struct log_file *file)
{
	return file->lines.len + LINE_MOST <= KEPT_MOST;
}

void log_file_reopen(struct log_file *file)
{
	struct stat before, now;
	int old;

	log_file_write(file);
	old = file->fd;
	open_path(file);
	if (old < 0 || file->fd < 0 || fstat(old, &before) < 0 || fstat(file->fd, &now) < 0 ||
	    before.st_dev != now.st_dev || before.st_ino != now.st_ino)
		drop_rest(file);
	if (old >= 0)
		close(old);
	log_file_write(file);
}
