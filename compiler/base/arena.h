/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of one compilation: everything is allocated from an arena and freed at once. No pass frees
 * anything and nothing is reference counted.
 */
#ifndef PVEFW_ARENA_H
#define PVEFW_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "memory/poison.h"
#include "base/text.h"

struct arena {
	struct arena_chunk *chunks; /* the newest first */
	char *next, *end;           /* its free bytes */
	char *dirty;                /* end of the bytes ever handed out of it */
};

/* A mark to which an arena can be rolled back. */
struct arena_mark {
	struct arena_chunk *chunk;
	char *next;
};

void arena_free(struct arena *arena);
/* `size` zeroed bytes, aligned for any object of this program (8 bytes). Never fails: when the system has
 * no memory the process ends with a message. */
static inline void *arena_alloc(struct arena *arena, size_t size);
struct arena_mark arena_mark(const struct arena *arena);
/* Frees everything, but keeps one chunk for reuse. */
void arena_reset(struct arena *arena);
/* Takes over all memory of `other`, which is empty afterwards. */
void arena_adopt(struct arena *arena, struct arena *other);
/* Frees everything allocated since `mark`. */
void arena_release(struct arena *arena, struct arena_mark mark);

/* Copies, terminated by a NUL that does not count. */
struct text arena_copy(struct arena *arena, struct text t);
struct text arena_lower(struct arena *arena, struct text t);
struct text arena_join(struct arena *arena, const struct text *parts, unsigned count);
const char *arena_string(struct arena *arena, struct text t);
const char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#define ARENA_JOIN(arena, ...)                                    \
	arena_join((arena), (const struct text[]){ __VA_ARGS__ }, \
		   sizeof((const struct text[]){ __VA_ARGS__ }) / sizeof(struct text))

/* The bytes that an object of `size` bytes takes. */
static inline size_t arena_room(size_t size)
{
	return ((size + 7) & ~(size_t)7) + MEMORY_GAP;
}

/* When the newest chunk is full. */
void *arena_alloc_grow(struct arena *arena, size_t size);

/* `size` bytes of any value: the caller writes all of them. */
static inline void *arena_alloc_unset(struct arena *arena, size_t size)
{
	size_t room = arena_room(size);
	char *result = arena->next;

	/* Some is always left over, so that nothing is taken from no chunk. */
	if ((size_t)(arena->end - result) <= room)
		return arena_alloc_grow(arena, size);
	arena->next += room;
	memory_unpoison(result, size);
	return result;
}

static inline void *arena_alloc(struct arena *arena, size_t size)
{
	char *result = arena_alloc_unset(arena, size);

	if (result < arena->dirty)
		memset(result, 0, size);
	return result;
}

/* A copy of `size` bytes. */
static inline void *arena_clone(struct arena *arena, const void *bytes, size_t size)
{
	void *clone = arena_alloc_unset(arena, size);

	if (size)
		memcpy(clone, bytes, size);
	return clone;
}

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

#endif
