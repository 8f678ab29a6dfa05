/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page fault costs more than clearing the page, and threads that take memory from the kernel wait for each
 * other. A slab is one huge page, where the kernel gives them: one fault makes it usable, where small pages
 * take 512. A slab is cut into blocks; a piece is a run of consecutive blocks of one slab. Slabs without used
 * blocks are kept for reuse, up to SLAB_UNUSED_MOST of them.
 *
 * The first slab of a process is smaller and has small pages: a small tree costs no more than the pages that
 * it touches.
 */
#include "memory/slab.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "memory/poison.h"

enum { SLAB_BLOCKS = 32, FIRST_SLAB_SIZE = SLAB_BLOCKS * SLAB_PIECE_LEAST };

struct slab {
	char *memory;
	size_t block;   /* the size of each of its 32 blocks */
	uint32_t used;  /* bit N: block N is part of a piece */
	uint32_t dirty; /* bit N: block N has been written to */
	struct slab *next;
};

static struct slab_pool {
	pthread_mutex_t lock;
	pthread_once_t once;
	struct slab *slabs; /* the oldest first */
	unsigned unused;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

/* ---- memory of the kernel ---- */

/* NULL without memory. */
static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, size_t size)
{
	memory_unpoison(memory, size);
	munmap(memory, size);
}

/* Maps whole huge pages, or returns NULL. The surplus at both ends is unmapped. */
static void *map_huge(size_t size)
{
	char *memory = map(size + SLAB_SIZE);
	size_t before = (size_t)(-(uintptr_t)memory & (SLAB_SIZE - 1));

	if (!memory)
		return NULL;
	if (before)
		munmap(memory, before);
	munmap(memory + before + size, SLAB_SIZE - before);
	madvise(memory + before, size, MADV_HUGEPAGE); /* only a hint */
	return memory + before;
}

/* ---- slabs ---- */

static size_t slab_size(const struct slab *slab)
{
	return SLAB_BLOCKS * slab->block;
}

/* Returns a slab that is not used yet, or NULL. */
static struct slab *slab_new(bool is_first)
{
	struct slab *slab = calloc(1, sizeof(*slab));

	if (!slab)
		return NULL;
	slab->memory = is_first ? map(FIRST_SLAB_SIZE) : map_huge(SLAB_SIZE);
	slab->block = (size_t)(is_first ? FIRST_SLAB_SIZE : SLAB_SIZE) / SLAB_BLOCKS;
	if (slab->memory)
		return slab;
	free(slab);
	return NULL;
}

/* Keeps the first `most` unused slabs, and returns the others to the kernel. */
static void drop_unused(unsigned most)
{
	unsigned kept = 0;

	for (struct slab **at = &pool.slabs; *at && pool.unused > most;) {
		struct slab *slab = *at;

		if (slab->used || kept++ < most) {
			at = &slab->next;
			continue;
		}
		*at = slab->next;
		unmap(slab->memory, slab_size(slab));
		free(slab);
		pool.unused--;
	}
}

/* How many blocks have `size` bytes. */
static uint32_t blocks_for(const struct slab *slab, size_t size)
{
	return (uint32_t)((size + slab->block - 1) / slab->block);
}

static uint32_t bits_of(uint32_t count)
{
	return count == SLAB_BLOCKS ? UINT32_MAX : (UINT32_C(1) << count) - 1;
}

/* Finds the first free blocks for `size` bytes. */
static bool find_blocks(const struct slab *slab, size_t size, uint32_t *at)
{
	uint32_t count = blocks_for(slab, size);

	for (*at = 0; *at + count <= SLAB_BLOCKS; ++*at)
		if (!(slab->used & bits_of(count) << *at))
			return true;
	return false;
}

static struct slab_piece take_blocks(struct slab *slab, uint32_t at, size_t size)
{
	uint32_t count = blocks_for(slab, size), dirty = count;

	pool.unused -= !slab->used;
	slab->used |= bits_of(count) << at;
	while (dirty && !(slab->dirty >> (at + dirty - 1) & 1))
		dirty--;
	return (struct slab_piece){ slab->memory + at * slab->block, count * slab->block, dirty * slab->block,
				    slab };
}

static void give_blocks(struct slab *slab, struct slab_piece piece)
{
	uint32_t at = (uint32_t)((size_t)(piece.memory - slab->memory) / slab->block);

	slab->used &= ~(bits_of(blocks_for(slab, piece.size)) << at);
	slab->dirty |= bits_of(blocks_for(slab, piece.dirty)) << at;
	pool.unused += !slab->used;
}

/* ---- the pool ---- */

static void pool_lock(void)
{
	pthread_mutex_lock(&pool.lock);
}

static void pool_unlock(void)
{
	pthread_mutex_unlock(&pool.lock);
}

/* A child of a process with threads can go on allocating. */
static void pool_init(void)
{
	pthread_atfork(pool_lock, pool_unlock, pool_unlock);
}

/* A piece of more than a slab is not shared, nor kept. */
static bool take_mapping(size_t size, struct slab_piece *piece)
{
	size = (size + SLAB_SIZE - 1) & ~(size_t)(SLAB_SIZE - 1);
	*piece = (struct slab_piece){ .memory = map_huge(size), .size = size };
	return piece->memory != NULL;
}

/* Finds a slab that has room for `size` bytes, or adds one. Returns NULL without memory. */
static struct slab *slab_with_room(size_t size, uint32_t *at)
{
	struct slab **slab = &pool.slabs;

	while (*slab && !find_blocks(*slab, size, at))
		slab = &(*slab)->next;
	if (*slab)
		return *slab;
	*slab = slab_new(!pool.slabs && size <= FIRST_SLAB_SIZE);
	pool.unused += *slab != NULL;
	*at = 0;
	return *slab;
}

bool slab_take(size_t size, struct slab_piece *piece)
{
	struct slab *slab;
	uint32_t at;

	if (size > SLAB_SIZE)
		return take_mapping(size, piece);
	pthread_once(&pool.once, pool_init);
	pool_lock();
	slab = slab_with_room(size, &at);
	if (slab)
		*piece = take_blocks(slab, at, size);
	pool_unlock();
	if (slab)
		memory_unpoison(piece->memory, piece->size);
	return slab != NULL;
}

bool slab_grow(struct slab_piece *piece, size_t size)
{
	struct slab_piece grown;

	if (piece->slab || !take_mapping(size, &grown))
		return false;
	/* If it fails, the kernel may have unmapped the new place already, so it is not ours to unmap. */
	if (mremap(piece->memory, piece->size, grown.size, MREMAP_MAYMOVE | MREMAP_FIXED, grown.memory) == MAP_FAILED)
		return false;
	grown.dirty = piece->dirty;
	*piece = grown;
	return true;
}

void slab_give(struct slab_piece piece)
{
	if (!piece.slab) {
		unmap(piece.memory, piece.size);
		return;
	}
	memory_poison(piece.memory, piece.size);
	pool_lock();
	give_blocks(piece.slab, piece);
	drop_unused(SLAB_UNUSED_MOST);
	pool_unlock();
}

void slab_trim(void)
{
	pool_lock();
	drop_unused(0);
	pool_unlock();
}

/* So that what a leak checker finds at the end of a process is a leak. */
__attribute__((destructor)) static void pool_end(void)
{
	slab_trim();
}

size_t slab_bytes(void)
{
	size_t bytes = 0;

	pool_lock();
	for (const struct slab *slab = pool.slabs; slab; slab = slab->next)
		bytes += slab_size(slab);
	pool_unlock();
	return bytes;
}
