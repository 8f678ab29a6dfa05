/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of the files of a tree with the digests of their contents: what generations keep and compare. */
#ifndef PVEFW_FILE_LIST_H
#define PVEFW_FILE_LIST_H

#include "base/output.h"
#include "source/source.h"

enum { CONTENT_DIGEST_BYTES = 32, CONTENT_DIGEST_HEX = 2 * CONTENT_DIGEST_BYTES };

/* SHA-256. */
struct content_digest {
	uint8_t bytes[CONTENT_DIGEST_BYTES];
};

/* A file of a tree; the path is relative to the root. */
struct generation_file {
	const char *path;
	struct content_digest digest;
	struct text content; /* ptr NULL: in the store only */
};

/* Sorted by path. */
struct file_list {
	struct arena arena;
	struct generation_file *files;
	unsigned count;
};

bool content_digest_equal(const struct content_digest *a, const struct content_digest *b);
struct content_digest content_digest_of(struct text content);
/* As 64 hexadecimal digits and a NUL. */
void content_digest_print(const struct content_digest *digest, char hex[CONTENT_DIGEST_HEX + 1]);
bool content_digest_read(const char *hex, struct content_digest *digest);

/* The files of the tree that a compilation has read; contents are the map's. */
void file_list_of_map(struct file_list *list, const struct source_map *map);
void file_list_free(struct file_list *list);
/* NULL: not there. */
const struct generation_file *file_list_find(const struct file_list *list, const char *path);
int generation_file_compare(const void *a, const void *b); /* by path, for qsort() */
/* Whether both have the same content; either may be NULL, for a file that is not there. */
bool generation_file_equal(const struct generation_file *a, const struct generation_file *b);
/* Whether a path is that of a .fw file. */
bool path_is_policy(const char *path);
/* Whether the lists have the same files with the same contents; with `policy` only .fw files count. */
bool file_lists_agree(const struct file_list *a, const struct file_list *b, bool policy);

/* Paths in the store's files: without spaces, control characters and backslashes.  path_unescape() works in place. */
void path_escape(struct out *out, const char *path);
void path_unescape(char *path);

#endif
