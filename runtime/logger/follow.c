/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Following as tail -F does: the file is looked at five times a second, from the start again when it is
 * another one or has become shorter.
 */
#include "logger/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/console.h"
#include "base/errno_text.h"
#include "base/escape.h"

enum {
	LOOK_EVERY = 200 /* ms */,
	FIRST_SHOWN = 10 /* lines */,
	TAIL_MOST = 16 * 1024,
	PART_MAX = 64 * 1024 /* bytes */
};

/* ---- colours ---- */

/* How the words of a line are shown that begin so; the first that fits. */
static const struct colour {
	const char *prefix, *code;
} colours[] = {
	{ "SRC=", "36" },     { "DST=", "36" },       { "SPT=", "33" },    { "DPT=", "33;1" },
	{ "PROTO=", "35" },   { "IN=", "32" },        { "OUT=", "32" },    { "PHYSIN=", "32" },
	{ "PHYSOUT=", "32" }, { "INVALID=", "31;1" }, { "MAC=", "2" },     { "DROP:", "31" },
	{ "REJECT:", "31" },  { "ACCEPT:", "32" },    { "lost:", "31;1" },
};

static const char *colour_code(struct text word, unsigned number)
{
	if (number == 2) /* the chain */
		return "1";
	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (text_starts(word, colours[i].prefix))
			return colours[i].code;
	return NULL;
}

static void put_word(struct out *out, struct text word, unsigned number)
{
	const char *code = colour_code(word, number);

	if (code)
		out_printf(out, "\033[%sm", code);
	out_escaped(out, word);
	if (code)
		out_string(out, "\033[0m");
}

void follow_colour(struct out *out, struct text line)
{
	for (unsigned number = 0;; number++) {
		long blank = text_find(line, ' ');
		uint32_t len = blank < 0 ? line.len : (uint32_t)blank;

		put_word(out, (struct text){ line.ptr, len }, number);
		if (blank < 0)
			break;
		out_char(out, ' ');
		line = (struct text){ line.ptr + len + 1, line.len - len - 1 };
	}
	out_char(out, '\n');
}

/* ---- the file ---- */

struct follower {
	const char *path;
	int fd; /* -1: there is no file */
	bool colour;
	int error;       /* errno of reading */
	struct out part; /* the beginning of a line that is not complete */
	struct out out;
};

static void put_line(struct follower *f, struct text line)
{
	if (f->colour) {
		follow_colour(&f->out, line);
		return;
	}
	out_escaped(&f->out, line);
	out_char(&f->out, '\n');
}

/* Prints the complete lines of what has gathered and keeps the rest. */
static void put_lines(struct follower *f)
{
	const char *at = f->part.data, *end;
	size_t left = f->part.len;

	while (left && (end = memchr(at, '\n', left))) {
		put_line(f, (struct text){ at, (uint32_t)(end - at) });
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	/* The logger writes no such lines, but somebody else may: they are printed in pieces. */
	if (left > PART_MAX) {
		put_line(f, (struct text){ at, (uint32_t)left });
		left = 0;
	}
	if (left)
		memmove(f->part.data, at, left);
	f->part.len = left;
}

static void read_more(struct follower *f)
{
	char bytes[1 << 16];
	ssize_t n = 0;

	while (!f->out.error && (n = read(f->fd, bytes, sizeof(bytes))) > 0) {
		out_bytes(&f->part, bytes, (size_t)n);
		put_lines(f);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		f->error = errno;
}

/* Where the last lines begin: at most FIRST_SHOWN, and no more than TAIL_MOST. */
static off_t tail_of(int fd, off_t size)
{
	char bytes[TAIL_MOST];
	off_t start = size > TAIL_MOST ? size - TAIL_MOST : 0;
	ssize_t at = pread(fd, bytes, sizeof(bytes), start);
	int lines = 0;

	while (at > 0 && (bytes[at - 1] != '\n' || lines++ < FIRST_SHOWN))
		at--;
	return at < 0 ? size : start + at;
}

static void read_followed(struct follower *f)
{
	struct stat status, named;
	bool is_open = f->fd >= 0 && fstat(f->fd, &status) == 0;

	if (is_open && status.st_size < lseek(f->fd, 0, SEEK_CUR))
		lseek(f->fd, 0, SEEK_SET);
	if (f->fd >= 0)
		read_more(f);
	if (is_open && stat(f->path, &named) == 0 && named.st_dev == status.st_dev &&
	    named.st_ino == status.st_ino)
		return;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	f->part.len = 0;
	if (f->fd >= 0)
		read_more(f);
}

int follow(const char *path, const char *colour)
{
	struct follower f = { .path = path, .colour = wants_colour(STDOUT_FILENO, colour) };
	struct pollfd reader = { STDOUT_FILENO, 0, 0 }; /* POLLERR when the reader has closed it */
	struct stat status;
	int reason;

	f.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f.fd < 0 && errno != ENOENT)
		return cli_error("cannot read %s: %s", path, error_text(errno));
	if (f.fd < 0)
		cli_error("%s does not exist yet; waiting for it", path);
	if (f.fd >= 0 && fstat(f.fd, &status) == 0)
		lseek(f.fd, tail_of(f.fd, status.st_size), SEEK_SET);
	out_init_memory(&f.part);
	stdout_open(&f.out);
	do {
		read_followed(&f);
		reason = out_flush(&f.out);
	} while (!reason && !f.error &&
		 (poll(&reader, 1, LOOK_EVERY) <= 0 || !(reader.revents & (POLLERR | POLLHUP | POLLNVAL))));
	if (f.fd >= 0)
		close(f.fd);
	out_free(&f.part);
	out_free(&f.out);
	if (f.error)
		return cli_error("cannot read %s: %s", path, error_text(f.error));
	return reason && reason != EPIPE ? cli_error("cannot write standard output: %s", error_text(reason))
					 : EXIT_CLEAN;
}
