/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffered output. */
#include "base/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "memory/slab.h"

/* A buffer that was full is large from then on. */
enum { FIRST_ROOM = 64 << 10, LARGE_ROOM = 256 << 10, DIRECT_LEAST = 16 << 10 };

void out_init_memory(struct out *out)
{
	*out = (struct out){ .fd = -1 };
}

void out_init_fd(struct out *out, int fd)
{
	*out = (struct out){ .fd = fd };
}

int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void flush_bytes(struct out *out, const char *bytes, size_t len)
{
	if (!out->error)
		out->error = write_all(out->fd, bytes, len);
}

int out_flush(struct out *out)
{
	if (out->fd >= 0) {
		flush_bytes(out, out->data, out->len);
		out->len = 0;
	}
	return out->error;
}

void out_free(struct out *out)
{
	if (out->data)
		slab_give((struct slab_piece){ out->data, out->room, out->room, out->slab });
	*out = (struct out){ .fd = -1 };
}

/* Moves the bytes into a piece of at least `room` bytes. */
static void use_room(struct out *out, size_t room)
{
	struct slab_piece old = { out->data, out->room, out->room, out->slab }, piece = old;

	if (!old.memory || !slab_grow(&piece, room)) {
		if (!slab_take(room, &piece))
			out_of_memory();
		if (out->len)
			memcpy(piece.memory, out->data, out->len);
		if (old.memory)
			slab_give(old);
	}
	out->data = piece.memory;
	out->room = piece.size;
	out->slab = piece.slab;
}

void out_make_room(struct out *out, size_t more)
{
	size_t room = out->room ? out->room : FIRST_ROOM;

	if (out->fd >= 0 && out->room) {
		out_flush(out);
		room = LARGE_ROOM;
	}
	while (room - out->len < more)
		room *= 2;
	if (room > out->room)
		use_room(out, room);
}

void out_bytes_grow(struct out *out, const char *bytes, size_t len)
{
	if (out->fd >= 0 && len >= FIRST_ROOM) { /* much: not by way of the buffer */
		out_flush(out);
		flush_bytes(out, bytes, len);
		return;
	}
	out_make_room(out, len);
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

void out_append(struct out *out, struct out *from)
{
	if (out->fd >= 0 && from->len >= DIRECT_LEAST) {
		out_flush(out);
		flush_bytes(out, from->data, from->len);
	} else {
		out_bytes(out, from->data, from->len);
	}
	from->len = 0;
}

void out_number(struct out *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	out_bytes(out, digits + at, sizeof(digits) - at);
}

/* Most texts fit into the room that there is. */
void out_printf(struct out *out, const char *format, ...)
{
	size_t room = out->room - out->len;
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(room ? out->data + out->len : NULL, room, format, args);
	if (len > 0) {
		if (room <= (size_t)len) {
			out_make_room(out, (size_t)len + 1);
			vsnprintf(out->data + out->len, (size_t)len + 1, format, again);
		}
		out->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

bool wants_colour(int fd, const char *when)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return fd >= 0 && !(no_color && no_color[0]) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(fd);
}
