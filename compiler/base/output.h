/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output: a buffer that is either kept in memory or written to a file
 * descriptor when it is full.
 */
#ifndef PVEFW_OUTPUT_H
#define PVEFW_OUTPUT_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/text.h"

struct out {
	char *data;
	size_t len, room;
	struct slab *slab; /* of `data` */
	int fd;            /* -1: memory */
	int error;         /* errno of the first write that failed, then nothing is written */
};

/* Writes all bytes, over as many calls as it takes; 0 or an errno. */
int write_all(int fd, const void *bytes, size_t len);

/* Whether the errno of a write is a failure: EPIPE, from a reader that wants no more, is not. */
static inline bool is_write_failure(int reason)
{
	return reason && reason != EPIPE;
}

/* To memory: the bytes are out->data, out->len of them. */
void out_init_memory(struct out *out);
/* To `fd`, which stays the caller's. */
void out_init_fd(struct out *out, int fd);
/* Writes the buffered bytes; returns 0 or an errno. */
int out_flush(struct out *out);
void out_free(struct out *out);

/* Whether what goes to `fd` (-1: to no stream) is coloured: `when` is always, never or auto; NULL is auto,
 * which is on terminals that can, unless NO_COLOR is set. */
bool wants_colour(int fd, const char *when);

/* Makes room for `more` bytes behind data + len: by writing what is there when there is a file, else by
 * growing. */
void out_make_room(struct out *out, size_t more);
/* When there is no room for the bytes: writes, or gets more. */
void out_bytes_grow(struct out *out, const char *bytes, size_t len);

static inline void out_bytes(struct out *out, const char *bytes, size_t len)
{
	if (out->room - out->len < len) {
		out_bytes_grow(out, bytes, len);
		return;
	}
	if (len)
		memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

/* Moves the bytes of a buffer in memory to the end of `out`. */
void out_append(struct out *out, struct out *from);
void out_number(struct out *out, uint64_t number);
void out_printf(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void out_text(struct out *out, struct text t)
{
	out_bytes(out, t.ptr, t.len);
}

static inline void out_string(struct out *out, const char *s)
{
	out_bytes(out, s, strlen(s));
}

static inline void out_char(struct out *out, char c)
{
	out_bytes(out, &c, 1);
}

#endif
