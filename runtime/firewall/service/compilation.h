/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One compilation of the tree, with all its memory: what the service does again and
 * again, and what its commands do once.
 */
#ifndef PVEFW_COMPILATION_H
#define PVEFW_COMPILATION_H

#include "api/backend.h"
#include "resolve/compile.h"
#include "config/left_out.h"

enum { TREE_DIGEST_BYTES = 20 };

/* Of all files that were read, with their names. */
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
	struct arena kept; /* what `options` names, if nobody else keeps it */
};

/* Compiles; `cache` may be NULL.  Free it in any case. */
void compilation_run(struct compilation *c, const struct input_options *options, struct source_cache *cache);
/* The same without lines that were refused; those of files that have changed are forgotten before.  What
 * `options` names, `cache` and `left_out` must last as long as the compilation. */
void compilation_run_without(struct compilation *c, const struct input_options *options, struct source_cache *cache,
			     struct left_out *left_out);
/* Reads and compiles everything again, in place of what it was. */
void compilation_again(struct compilation *c);
void compilation_free(struct compilation *c);

bool tree_digest_equal(const struct tree_digest *a, const struct tree_digest *b);

#endif
