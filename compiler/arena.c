/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bump allocator over chunks from calloc.  Large chunks come straight from
 * the kernel, so pages that are never used cost nothing and need no clearing;
 * only memory that is used again after arena_release() is cleared by hand.
 */
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 1 << 20, ALIGNMENT = 8 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* of the data */
	char *dirty; /* end of what was ever handed out */
	_Alignas(ALIGNMENT) char data[];
};

void arena_free(struct arena *arena)
{
	arena_release(arena, (struct arena_mark){ NULL, NULL, NULL });
}

static void add_chunk(struct arena *arena, size_t need)
{
	size_t size = need > CHUNK_SIZE ? need : CHUNK_SIZE;
	struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk) {
		fprintf(stderr, "pvefw: out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	if (arena->chunks)
		arena->chunks->dirty = arena->next > arena->chunks->dirty ? arena->next
									  : arena->chunks->dirty;
	chunk->older = arena->chunks;
	chunk->size = size;
	chunk->dirty = chunk->data;
	arena->chunks = chunk;
	arena->next = chunk->data;
	arena->end = chunk->data + size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t room = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	char *result;

	if (!arena->chunks || (size_t)(arena->end - arena->next) < room)
		add_chunk(arena, room);
	result = arena->next;
	arena->next += room;
	if (result < arena->chunks->dirty)
		memset(result, 0, room);
	return result;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ arena->chunks, arena->next, arena->end };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->older;
		free(chunk);
		arena->next = arena->chunks ? arena->chunks->dirty : NULL;
	}
	if (arena->chunks && arena->next > arena->chunks->dirty)
		arena->chunks->dirty = arena->next;
	arena->next = mark.next;
	arena->end = mark.end;
}

struct text arena_copy(struct arena *arena, struct text t)
{
	char *copy = arena_alloc(arena, t.len + 1u);

	if (t.len)
		memcpy(copy, t.ptr, t.len);
	return (struct text){ copy, t.len };
}

struct text arena_lower(struct arena *arena, struct text t)
{
	char *copy = arena_alloc(arena, t.len + 1u);

	for (uint32_t i = 0; i < t.len; i++)
		copy[i] = char_lower(t.ptr[i]);
	return (struct text){ copy, t.len };
}

const char *arena_string(struct arena *arena, struct text t)
{
	return arena_copy(arena, t).ptr;
}

struct text arena_join(struct arena *arena, const struct text *parts, unsigned count)
{
	uint32_t len = 0, at = 0;
	char *joined;

	for (unsigned i = 0; i < count; i++)
		len += parts[i].len;
	joined = arena_alloc(arena, len + 1u);
	for (unsigned i = 0; i < count; at += parts[i].len, i++)
		memcpy(joined + at, parts[i].ptr, parts[i].len);
	return (struct text){ joined, len };
}

const char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	char *result;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	result = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
	if (length > 0)
		vsnprintf(result, (size_t)length + 1, format, again);
	va_end(again);
	return result;
}

const char *arena_printf(struct arena *arena, const char *format, ...)
{
	const char *result;
	va_list args;

	va_start(args, format);
	result = arena_vprintf(arena, format, args);
	va_end(args);
	return result;
}
