/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for arenas. All arenas and threads of a process share slabs of 2 MiB, and a small arena takes a part
 * of one. Every function may be called by any thread.
 */
#ifndef PVEFW_SLAB_H
#define PVEFW_SLAB_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SLAB_SIZE = 2 << 20,
	SLAB_PIECE_LEAST = 16 << 10,
	SLAB_UNUSED_MOST = 4, /* unused slabs that are kept for the next pieces */
};

/* Consecutive bytes, aligned to 16 bytes. */
struct slab_piece {
	char *memory;
	size_t size;
	size_t dirty;      /* bytes after the first `dirty` ones are zero */
	struct slab *slab; /* NULL: a mapping of its own */
};

/* Takes at least `size` bytes; false without memory. */
bool slab_take(size_t size, struct slab_piece *piece);

/*
 * Enlarges a piece of more than a slab to at least `size` bytes: its pages are moved, not copied. False if that is not
 * possible; the piece is as before then.
 */
bool slab_grow(struct slab_piece *piece, size_t size);

/* Gives a piece back. Its first piece.dirty bytes may have been written to. */
void slab_give(struct slab_piece piece);

/* Returns all unused slabs to the kernel. */
void slab_trim(void);

/* Returns the bytes of all slabs, used or not. */
size_t slab_bytes(void);

#endif
