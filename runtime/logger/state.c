/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Relative to the run directory, which is opened first because it may be recreated meanwhile. */
#include "logger/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/logger_notes.h"
#include "base/output.h"

#define NEW_STATE NOTE_LOGGER_STATE ".new"

static int open_run_dir(const char *run_dir)
{
	return open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_in(int dir, const char *name, int flags)
{
	return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
}

static bool write_in(int dir, const struct logger_counts *counts)
{
	int fd = open_in(dir, NEW_STATE, O_WRONLY | O_CREAT | O_TRUNC);
	struct out out;
	int reason;

	if (fd < 0)
		return false;
	out_init_fd(&out, fd);
#define COUNT(name, text) out_printf(&out, #name " %llu\n", (unsigned long long)counts->name);
#include "logger/counts.def"
	reason = out_flush(&out);
	out_free(&out);
	if (close(fd) && !reason)
		reason = errno;
	errno = reason;
	return !reason && renameat(dir, NEW_STATE, dir, NOTE_LOGGER_STATE) == 0;
}

void state_make_folders(const char *run_dir)
{
	int dir;

	mkdir(run_dir, 0755);
	dir = open_run_dir(run_dir);
	if (dir < 0)
		return;
	mkdirat(dir, NOTE_LOGGER_FOLDER, 0755);
	close(dir);
}

bool state_write(const char *run_dir, const struct logger_counts *counts)
{
	int dir = open_run_dir(run_dir), reason;
	bool written;

	if (dir < 0)
		return false;
	written = write_in(dir, counts);
	reason = errno;
	close(dir);
	errno = reason;
	return written;
}

bool state_wants_conntrack(const char *run_dir)
{
	int dir = open_run_dir(run_dir);
	int fd = dir < 0 ? -1 : open_in(dir, NOTE_CONNTRACK, O_RDONLY | O_NONBLOCK);
	char first = '0';

	if (fd < 0 || read(fd, &first, 1) != 1)
		first = '0';
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return first == '1';
}
