/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bump allocator over chunks that come straight from the kernel: what is never used costs nothing, and
 * needs no clearing. Only memory that is used again after arena_release() is cleared by hand.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/xmalloc.h"

/* An arena that is used much grows by chunks that are huge pages, where the kernel gives them: one fault
 * makes such a chunk usable, where small pages take 512. */
enum { CHUNK_SIZE = 2 << 20, FIRST_CHUNK = 64 << 10, GROWTH = 4 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size;        /* of the whole chunk */
	char *dirty;        /* of an unused chunk: end of the bytes ever handed out */
	_Alignas(8) char data[];
};

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		return memory;
	out_of_memory();
}

/* A chunk aligned to a huge page: the surplus at both ends is unmapped. */
static struct arena_chunk *map_large(size_t size)
{
	char *memory = map(size + CHUNK_SIZE);
	size_t before = (size_t)(-(uintptr_t)memory & (CHUNK_SIZE - 1));

	if (before)
		munmap(memory, before);
	munmap(memory + before + size, CHUNK_SIZE - before);
	madvise(memory + before, size, MADV_HUGEPAGE); /* only a hint */
	return (struct arena_chunk *)(void *)(memory + before);
}

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
	arena->chunks = chunk;
	arena->next = chunk ? chunk->data : NULL;
	arena->end = chunk ? (char *)chunk + chunk->size : NULL;
	arena->dirty = chunk ? chunk->dirty : NULL;
}

static void note_dirty(struct arena *arena)
{
	if (arena->next > arena->dirty)
		arena->dirty = arena->next;
}

static void drop_spare(struct arena *arena)
{
	if (arena->spare)
		munmap(arena->spare, arena->spare->size);
	arena->spare = NULL;
}

/* A chunk that is not needed any more: one is kept, as memory that is given back and taken again and again
 * costs more than what is done with it. */
static void put_aside(struct arena *arena, struct arena_chunk *chunk)
{
	if (chunk->size > CHUNK_SIZE || (arena->spare && arena->spare->size >= chunk->size)) {
		munmap(chunk, chunk->size);
		return;
	}
	drop_spare(arena);
	arena->spare = chunk;
}

static struct arena_chunk *new_chunk(struct arena *arena, size_t room)
{
	size_t size = arena->chunks ? arena->chunks->size * GROWTH : FIRST_CHUNK;
	struct arena_chunk *chunk = arena->spare;

	if (chunk && room + sizeof(*chunk) < chunk->size) {
		arena->spare = NULL;
		return chunk;
	}
	if (size > CHUNK_SIZE)
		size = CHUNK_SIZE;
	if (room + sizeof(*chunk) >= size)
		size = (room + sizeof(*chunk) + CHUNK_SIZE) & ~(size_t)(CHUNK_SIZE - 1);
	chunk = size >= CHUNK_SIZE ? map_large(size) : map(size);
	chunk->size = size;
	chunk->dirty = chunk->data;
	return chunk;
}

void *arena_alloc_grow(struct arena *arena, size_t room)
{
	struct arena_chunk *chunk = new_chunk(arena, room);

	note_dirty(arena);
	if (arena->chunks)
		arena->chunks->dirty = arena->dirty;
	chunk->older = arena->chunks;
	use_chunk(arena, chunk);
	return arena_alloc(arena, room);
}

void arena_adopt(struct arena *arena, struct arena *other)
{
	struct arena_chunk **oldest = &arena->chunks;
	char *next = other->next;

	note_dirty(other);
	if (other->chunks)
		other->chunks->dirty = other->dirty;
	while (*oldest)
		oldest = &(*oldest)->older;
	*oldest = other->chunks;
	if (oldest == &arena->chunks) {
		use_chunk(arena, arena->chunks);
		arena->next = next; /* bytes before it were handed out */
	}
	use_chunk(other, NULL);
	drop_spare(other);
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ arena->chunks, arena->next };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	note_dirty(arena);
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *chunk = arena->chunks;

		chunk->dirty = arena->dirty;
		use_chunk(arena, chunk->older);
		put_aside(arena, chunk);
	}
	arena->next = mark.next;
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *oldest = arena->chunks;

	while (oldest && oldest->older)
		oldest = oldest->older;
	if (oldest)
		arena_release(arena, (struct arena_mark){ oldest, oldest->data });
}

void arena_free(struct arena *arena)
{
	arena_release(arena, (struct arena_mark){ NULL, NULL });
	drop_spare(arena);
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
