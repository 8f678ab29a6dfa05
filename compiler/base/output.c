/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffered output. */
#include "base/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_ROOM = 1 << 16 };

void out_init_memory(struct out *out)
{
	*out = (struct out){ .fd = -1 };
}

void out_init_fd(struct out *out, int fd)
{
	*out = (struct out){ .fd = fd };
}

static void write_all(struct out *out, const char *bytes, size_t len)
{
	while (len > 0 && !out->error) {
		ssize_t n = write(out->fd, bytes, len);

		if (n < 0 && errno != EINTR)
			out->error = errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

int out_flush(struct out *out)
{
	if (out->fd >= 0) {
		write_all(out, out->data, out->len);
		out->len = 0;
	}
	return out->error;
}

void out_free(struct out *out)
{
	free(out->data);
	*out = (struct out){ .fd = -1 };
}

void out_make_room(struct out *out, size_t more)
{
	size_t room = out->room ? out->room : FIRST_ROOM;
	char *grown;

	if (out->fd >= 0 && out->room)
		out_flush(out);
	while (room - out->len < more)
		room *= 2;
	if (room == out->room)
		return;
	grown = realloc(out->data, room);
	if (!grown) {
		fprintf(stderr, "pvefw: out of memory (%zu bytes wanted)\n", room);
		abort();
	}
	out->data = grown;
	out->room = room;
}

void out_bytes_grow(struct out *out, const char *bytes, size_t len)
{
	if (out->fd >= 0 && len >= FIRST_ROOM) { /* much: not by way of the buffer */
		out_flush(out);
		write_all(out, bytes, len);
		return;
	}
	out_make_room(out, len);
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
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

void out_printf(struct out *out, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len > 0) {
		if (out->room - out->len <= (size_t)len)
			out_make_room(out, (size_t)len + 1);
		vsnprintf(out->data + out->len, (size_t)len + 1, format, again);
		out->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}
