/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bump allocator over pieces of the process's slabs. Bytes are zeroed when they are handed out, unless the
 * slab knows that they have never been written to.
 */
#include "base/arena.h"

#include <stdio.h>

#include "base/xmalloc.h"
#include "memory/slab.h"

/* Chunks stay small, so that the unused ends of many arenas do not cost a huge page each. */
enum { FIRST_CHUNK = SLAB_PIECE_LEAST, GROWTH = 4, LAST_CHUNK = 256 << 10 };

struct arena_chunk {
	struct arena_chunk *older;
	struct slab_piece piece; /* `dirty` is up to date where the chunk is not the newest one */
	_Alignas(8) char data[];
};

static char *end_of(const struct arena_chunk *chunk)
{
	return chunk->piece.memory + chunk->piece.size;
}

/* Makes `chunk` the newest one, whose bytes from `next` on are free. */
static void use_chunk(struct arena *arena, struct arena_chunk *chunk, char *next)
{
	arena->chunks = chunk;
	arena->next = next;
	arena->end = chunk ? end_of(chunk) : NULL;
	arena->dirty = chunk ? chunk->piece.memory + chunk->piece.dirty : NULL;
}

static void note_dirty(struct arena *arena)
{
	if (!arena->chunks)
		return;
	if (arena->next > arena->dirty)
		arena->dirty = arena->next;
	arena->chunks->piece.dirty = (size_t)(arena->dirty - arena->chunks->piece.memory);
}

static struct arena_chunk *new_chunk(const struct arena *arena, size_t room)
{
	size_t size = arena->chunks ? arena->chunks->piece.size * GROWTH : FIRST_CHUNK;
	struct arena_chunk *chunk;
	struct slab_piece piece;

	if (size > LAST_CHUNK)
		size = LAST_CHUNK;
	if (size <= room + sizeof(*chunk))
		size = room + sizeof(*chunk) + 1;
	if (!slab_take(size, &piece))
		out_of_memory();
	chunk = (struct arena_chunk *)(void *)piece.memory;
	chunk->piece = piece;
	memory_poison(chunk->data, piece.size - sizeof(*chunk));
	return chunk;
}

void *arena_alloc_grow(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = new_chunk(arena, arena_room(size));

	note_dirty(arena);
	chunk->older = arena->chunks;
	use_chunk(arena, chunk, chunk->data);
	return arena_alloc_unset(arena, size);
}

void arena_adopt(struct arena *arena, struct arena *other)
{
	struct arena_chunk **oldest = &arena->chunks;

	note_dirty(other);
	while (*oldest)
		oldest = &(*oldest)->older;
	*oldest = other->chunks;
	if (oldest == &arena->chunks)
		use_chunk(arena, other->chunks, other->next);
	use_chunk(other, NULL, NULL);
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ arena->chunks, arena->next };
}

/* Of the chunks that are no piece of their own size, the newest one is the largest: it is kept. */
void arena_reset(struct arena *arena)
{
	struct arena_chunk *kept = arena->chunks, *older;

	note_dirty(arena);
	while (kept && kept->piece.size > LAST_CHUNK)
		kept = kept->older;
	for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = older) {
		older = chunk->older;
		if (chunk != kept)
			slab_give(chunk->piece);
	}
	if (kept)
		kept->older = NULL;
	use_chunk(arena, kept, kept ? kept->data : NULL);
	memory_poison(arena->next, (size_t)(arena->end - arena->next));
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	if (!mark.chunk) { /* it was empty */
		arena_reset(arena);
		return;
	}
	note_dirty(arena);
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *chunk = arena->chunks;

		use_chunk(arena, chunk->older, mark.next);
		slab_give(chunk->piece);
	}
	arena->next = mark.next;
	memory_poison(mark.next, (size_t)(arena->end - mark.next));
}

void arena_free(struct arena *arena)
{
	arena_reset(arena);
	if (arena->chunks)
		slab_give(arena->chunks->piece);
	use_chunk(arena, NULL, NULL);
}

struct text arena_copy(struct arena *arena, struct text t)
{
	char *copy = arena_alloc_unset(arena, t.len + 1u);

	if (t.len)
		memcpy(copy, t.ptr, t.len);
	copy[t.len] = '\0';
	return (struct text){ copy, t.len };
}

struct text arena_lower(struct arena *arena, struct text t)
{
	char *copy = arena_alloc_unset(arena, t.len + 1u);

	for (uint32_t i = 0; i < t.len; i++)
		copy[i] = char_lower(t.ptr[i]);
	copy[t.len] = '\0';
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
	joined = arena_alloc_unset(arena, len + 1u);
	for (unsigned i = 0; i < count; at += parts[i].len, i++)
		memcpy(joined + at, parts[i].ptr, parts[i].len);
	joined[len] = '\0';
	return (struct text){ joined, len };
}

/* The free bytes are tried first: most texts are short. */
const char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	size_t room = (size_t)(arena->end - arena->next);
	char *result = arena->next;
	va_list again;
	int length;

	va_copy(again, args);
	memory_unpoison(result, room);
	length = vsnprintf(result, room, format, args);
	memory_poison(result, room);
	if (length < 0) {
		arena->dirty = arena->end; /* the part before the error */
		result = arena_alloc(arena, 1);
	} else if (arena_room((size_t)length + 1) < room) {
		result = arena_alloc_unset(arena, (size_t)length + 1);
	} else {
		arena->dirty = arena->end; /* the beginning of the text */
		result = arena_alloc_unset(arena, (size_t)length + 1);
		vsnprintf(result, (size_t)length + 1, format, again);
	}
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
