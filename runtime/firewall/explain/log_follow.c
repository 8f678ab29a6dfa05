/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inotify tells what happens in the folder, and to the open file under whatever name.  After a rotation, the old file is
 * read until its writer has closed it: a logger opens the new one only when it is told to.
 *
 * Where inotify cannot watch (a folder that does not exist yet), the path is looked at every second.
 */
#include "firewall/explain/log_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOG_FOLLOW_LOOK = 1000, /* milliseconds */
	LOG_FOLLOW_TAIL = 64 * 1024,
	LOG_FOLLOW_LINE_MAX = 64 * 1024,
};

/* ---- lines ---- */

/* Hands over complete lines, and keeps the rest. */
static void log_follow_lines(struct log_follow *f, struct log_followed *file)
{
	const char *at = file->part.data, *end;
	size_t left = file->part.len;

	while (left && (end = memchr(at, '\n', left))) {
		f->take(f->context, (struct text){ at, (uint32_t)(end - at) });
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	/* No logger writes such lines: they are taken in pieces. */
	if (left > LOG_FOLLOW_LINE_MAX) {
		f->take(f->context, (struct text){ at, (uint32_t)left });
		left = 0;
	}
	if (left)
		memmove(file->part.data, at, left);
	file->part.len = left;
}

/* A last line without an end is complete when nobody writes any more. */
static void log_follow_last_line(struct log_follow *f, struct log_followed *file)
{
	if (file->part.len)
		f->take(f->context, (struct text){ file->part.data, (uint32_t)file->part.len });
	file->part.len = 0;
}

/* Keeps the last bytes of those that were read. */
static void log_followed_note(struct log_followed *file, const char *bytes, size_t len)
{
	size_t kept;

	if (len >= sizeof(file->seen)) {
		memcpy(file->seen, bytes + len - sizeof(file->seen), sizeof(file->seen));
		file->seen_length = sizeof(file->seen);
		return;
	}
	kept = sizeof(file->seen) - len;
	if (kept > file->seen_length)
		kept = file->seen_length;
	memmove(file->seen, file->seen + file->seen_length - kept, kept);
	memcpy(file->seen + kept, bytes, len);
	file->seen_length = (uint32_t)(kept + len);
}

/* Whether what was read is not there any more: the file is shorter, or has other bytes. */
static bool log_followed_is_truncated(const struct log_followed *file)
{
	off_t at = lseek(file->fd, 0, SEEK_CUR);
	char bytes[sizeof(file->seen)];
	struct stat status;

	if (fstat(file->fd, &status) == 0 && status.st_size < at)
		return true;
	return file->seen_length &&
	       (pread(file->fd, bytes, file->seen_length, at - file->seen_length) != (ssize_t)file->seen_length ||
		memcmp(bytes, file->seen, file->seen_length) != 0);
}

static int log_follow_read_file(struct log_follow *f, struct log_followed *file)
{
	char bytes[1 << 16];
	ssize_t got;

	if (file->fd < 0)
		return 0;
	if (log_followed_is_truncated(file)) {
		log_follow_last_line(f, file);
		lseek(file->fd, 0, SEEK_SET);
		file->seen_length = 0;
	}
	while ((got = read(file->fd, bytes, sizeof(bytes))) > 0) {
		log_followed_note(file, bytes, (size_t)got);
		out_bytes(&file->part, bytes, (size_t)got);
		log_follow_lines(f, file);
	}
	return got < 0 && errno != EAGAIN && errno != EINTR ? errno : 0;
}

/* ---- files ---- */

static void log_followed_close(struct log_follow *f, struct log_followed *file)
{
	if (file->watch >= 0)
		inotify_rm_watch(f->inotify, file->watch);
	if (file->fd >= 0)
		close(file->fd);
	file->watch = file->fd = -1;
	file->part.len = 0;
	file->seen_length = 0;
}

static void log_follow_end_previous(struct log_follow *f)
{
	log_follow_last_line(f, &f->previous);
	log_followed_close(f, &f->previous);
}

static int log_followed_open(struct log_follow *f, struct log_followed *file)
{
	char name[64];

	file->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0)
		return errno;
	/* By its descriptor: the path may be another file's by now. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file->fd);
	file->watch = inotify_add_watch(f->inotify, name, IN_MODIFY | IN_CLOSE_WRITE);
	return 0;
}

static void log_follow_watch_folder(struct log_follow *f)
{
	const char *slash = strrchr(f->path, '/');
	char folder[PATH_MAX] = ".";

	if (f->folder >= 0)
		return;
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == f->path ? 1 : (int)(slash - f->path), f->path);
	f->folder = inotify_add_watch(f->inotify, folder,
				      IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
					      IN_ONLYDIR);
}

/* Where the last lines begin. */
static off_t log_follow_tail(int fd, off_t size, unsigned lines)
{
	char bytes[LOG_FOLLOW_TAIL];
	off_t start = size > LOG_FOLLOW_TAIL ? size - LOG_FOLLOW_TAIL : 0;
	ssize_t got = pread(fd, bytes, sizeof(bytes), start), at = got;
	unsigned ends = 0;

	/* A last line without an end counts, too. */
	if (got > 0 && bytes[got - 1] != '\n')
		ends++;
	while (at > 0 && (bytes[at - 1] != '\n' || ends++ < lines))
		at--;
	return got < 0 ? size : start + at;
}

int log_follow_open(struct log_follow *f, const char *path, unsigned lines, void (*take)(void *context, struct text line),
		    void *context)
{
	struct stat status;
	int reason;

	*f = (struct log_follow){ .path = path, .folder = -1, .current = { .fd = -1, .watch = -1 },
				  .previous = { .fd = -1, .watch = -1 }, .take = take, .context = context };
	out_init_memory(&f->current.part);
	out_init_memory(&f->previous.part);
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0)
		return errno;
	log_follow_watch_folder(f);
	reason = log_followed_open(f, &f->current);
	if (reason)
		return reason == ENOENT ? 0 : reason;
	if (fstat(f->current.fd, &status) == 0)
		lseek(f->current.fd, log_follow_tail(f->current.fd, status.st_size, lines), SEEK_SET);
	return 0;
}

void log_follow_close(struct log_follow *f)
{
	log_followed_close(f, &f->current);
	log_followed_close(f, &f->previous);
	out_free(&f->current.part);
	out_free(&f->previous.part);
	if (f->inotify >= 0)
		close(f->inotify);
}

/* Whether the path names the open file. */
static bool log_follow_is_current(const struct log_follow *f)
{
	struct stat status, named;

	return f->current.fd >= 0 && fstat(f->current.fd, &status) == 0 && stat(f->path, &named) == 0 &&
	       named.st_dev == status.st_dev && named.st_ino == status.st_ino;
}

int log_follow_read(struct log_follow *f)
{
	int reason = log_follow_read_file(f, &f->previous);

	if (!reason)
		reason = log_follow_read_file(f, &f->current);
	if (reason || log_follow_is_current(f))
		return reason;
	if (access(f->path, F_OK) != 0) /* renamed, and no new one yet: it may still be written */
		return 0;
	if (f->current.fd >= 0) {
		struct log_followed empty;

		log_follow_end_previous(f);
		empty = f->previous;
		f->previous = f->current;
		f->current = empty;
	}
	reason = log_followed_open(f, &f->current);
	return reason == ENOENT ? 0 : reason ? reason : log_follow_read_file(f, &f->current);
}

/* ---- waiting ---- */

static void log_follow_take_events(struct log_follow *f)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t got;

	while ((got = read(f->inotify, bytes, sizeof(bytes))) > 0)
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event = (const void *)(bytes + at);

			if (event->wd == f->folder && event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
				f->folder = -1;
			if (event->wd == f->previous.watch && event->mask & IN_CLOSE_WRITE) {
				log_follow_read_file(f, &f->previous);
				log_follow_end_previous(f);
			}
			at += (ssize_t)(sizeof(*event) + event->len);
		}
}

bool log_follow_wait(struct log_follow *f)
{
	struct pollfd waiting[] = { { f->inotify, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } }; /* POLLERR: nobody reads */
	bool is_watched = f->folder >= 0 && (f->current.fd < 0 || f->current.watch >= 0);

	if (poll(waiting, 2, is_watched ? -1 : LOG_FOLLOW_LOOK) < 0 && errno != EINTR)
		return false;
	log_follow_take_events(f);
	log_follow_watch_folder(f);
	return !(waiting[1].revents & (POLLERR | POLLHUP | POLLNVAL));
}
