/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One compilation of the tree, with all its memory. */
#ifndef PVEFW_COMPILATION_H
#define PVEFW_COMPILATION_H

#include "api/backend.h"
#include "resolve/compile.h"
#include "config/left_out.h"

enum { TREE_DIGEST_BYTES = 20 };

/* SHA-1 of all files that were read, with their names, in the order of these. */
struct tree_digest {
	uint8_t bytes[TREE_DIGEST_BYTES];
};

struct compilation {
	struct arena arena;
	struct source_map map;
	struct diags diags;
	struct inputs inputs;
	struct config *config;         /* NULL: the tree cannot be read, and the diagnostics say why */
	const struct backend *backend; /* that the host's options choose */
	struct tree_digest digest;
	/* For compiling again. */
	struct input_options options;
	struct source_cache *cache;
	struct left_out *left_out;
	struct arena kept; /* objects of `options` that it owns */
	/* Of compilation_read_guest(): bytes of files that were read again, whose earlier contents stay in memory. */
	size_t reread;
};

/* Compiles; `cache` may be NULL.  Free it in any case. */
void compilation_run(struct compilation *c, const struct input_options *options, struct source_cache *cache);
/* As compilation_run(), without lines that were refused, which are forgotten first if their file has changed.  The objects of
 * `options`, `cache` and `left_out` must last as long as the compilation. */
void compilation_run_without(struct compilation *c, const struct input_options *options, struct source_cache *cache,
			     struct left_out *left_out);
/* Reads and compiles everything again, in the place of the earlier result. */
void compilation_again(struct compilation *c);
void compilation_free(struct compilation *c);

/* ---- changes of guests' files, without compiling the others ---- */

/* The guest, or stranger, whose file that is; NULL: there is none. */
const struct guest *compilation_find_guest(const struct compilation *c, const char *file);
/* Compiles the file of `guest`, one of the compilation, as it is now, and adds what is wrong with it to the diagnostics.
 * NULL: it cannot be read. */
const struct guest *compilation_read_guest(struct compilation *c, const struct guest *guest);
/* Puts the new guests in the place of the old ones, with their files and diagnostics.  What is wrong with the tree as a
 * whole is found only by compiling all of it. */
void compilation_replace_guests(struct compilation *c, const struct guest_change *changes, unsigned count);
/* Gives up the new guests, which were not put in place. */
void compilation_drop_guests(const struct guest_change *changes, unsigned count);
/* Computes the digest anew. */
void compilation_digest(struct compilation *c);

bool tree_digest_equal(const struct tree_digest *a, const struct tree_digest *b);

#endif
