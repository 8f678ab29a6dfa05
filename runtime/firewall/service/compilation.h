/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One compilation of the tree, with all its memory. */
#ifndef PVEFW_COMPILATION_H
#define PVEFW_COMPILATION_H

#include "api/backend.h"
#include "resolve/compile.h"
#include "config/left_out.h"

enum { TREE_DIGEST_BYTES = 20 };

/* SHA-1 of all files that were read, with their names. */
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

bool tree_digest_equal(const struct tree_digest *a, const struct tree_digest *b);

#endif
