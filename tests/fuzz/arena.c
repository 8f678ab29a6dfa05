/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arena for fuzzing: every object is an allocation of its own, so that the
 * sanitizer sees what is read or written beside it, and after its release.  The
 * real one hands out pieces of large chunks.
 */
#include <stdlib.h>

#include "base/arena.h"

/* Ours take the place of these; the rest of the file is used as it is. */
#define arena_alloc_grow real_alloc_slowly
/* With brackets: there is a structure of that name. */
#define arena_mark(arena) real_mark(arena)
#define arena_release real_release
#define arena_reset real_reset
#define arena_adopt real_adopt
#define arena_free real_free
#include "base/arena.c"
#undef arena_alloc_grow
#undef arena_mark
#undef arena_release
#undef arena_reset
#undef arena_adopt
#undef arena_free

/* There is never any room, so the header's function comes here every time; only
 * nothing at all it gives away itself. */
void *arena_alloc_grow(struct arena *arena, size_t room)
{
	static char nothing;
	struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + room);

	if (!chunk)
		abort();
	chunk->older = arena->chunks;
	arena->chunks = chunk;
	arena->next = arena->end = &nothing;
	return chunk->data;
}

struct arena_mark arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ arena->chunks, arena->next };
}

void arena_release(struct arena *arena, struct arena_mark mark)
{
	while (arena->chunks != mark.chunk) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->older;
		free(chunk);
	}
}

void arena_reset(struct arena *arena)
{
	arena_release(arena, (struct arena_mark){ NULL, NULL });
}

void arena_free(struct arena *arena)
{
	arena_release(arena, (struct arena_mark){ NULL, NULL });
	*arena = (struct arena){ 0 };
}

void arena_adopt(struct arena *arena, struct arena *other)
{
	struct arena_chunk **oldest = &arena->chunks;

	while (*oldest)
		oldest = &(*oldest)->older;
	*oldest = other->chunks;
	*other = (struct arena){ 0 };
}
