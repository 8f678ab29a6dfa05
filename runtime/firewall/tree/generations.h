/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: the inputs that were in force, to go back to and to compare with.
 *
 * STATE/generations has a manifest for each generation, named by its number, and in objects/ the contents
 * of files, named by their SHA-256 digest, so that what has not changed is kept once.  All of it is root's
 * alone: the tree's priv/ is in it.  At most 16 are kept, and at most 64 MiB of contents.
 */
#ifndef PVEFW_GENERATIONS_H
#define PVEFW_GENERATIONS_H

#include "base/output.h"
#include "source/source.h"

enum {
	GENERATIONS_MOST = 16,
	GENERATIONS_BYTES_MOST = 64 << 20,
	CONTENT_DIGEST_BYTES = 32,
};

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

enum change_kind { CHANGE_EDITED, CHANGE_CREATED, CHANGE_DELETED };

/* What became of a file between two generations. */
struct generation_change {
	const char *path;
	enum change_kind kind;
	unsigned added, removed; /* lines */
};

struct generation {
	struct arena arena; /* of all below */
	uint64_t number;    /* from 1; never used again */
	uint64_t parent;    /* the one that was in force before; 0: none */
	int64_t time;       /* when it came into force, in seconds since 1970 */
	struct generation_change *changes;
	unsigned change_count;
};

struct generations {
	int dir; /* -1: there is no store */
	struct generation *all[2 * GENERATIONS_MOST]; /* ascending */
	unsigned count;
	uint64_t bytes; /* of contents, at most */
};

/* Opens the store in the directory `path`; with `create` it is made if it is not there, and what no generation
 * needs is removed.  0 or an errno. */
int generations_open(struct generations *g, const char *path, bool create);
void generations_close(struct generations *g);
/* Forgets, in memory only, those from `number` on. */
void generations_leave_out(struct generations *g, uint64_t number);
/* NULL: not kept. */
const struct generation *generations_find(const struct generations *g, uint64_t number);

/* The files of the tree that a compilation has read; contents are the map's. */
void file_list_of_map(struct file_list *list, const struct source_map *map);
/* Those of a generation, without contents; 0 or an errno. */
int generations_files(const struct generations *g, uint64_t number, struct file_list *list);
void file_list_free(struct file_list *list);
/* NULL: not there. */
const struct generation_file *file_list_find(const struct file_list *list, const char *path);
bool content_digest_equal(const struct content_digest *a, const struct content_digest *b);
struct content_digest content_digest_of(struct text content);
/* As 64 hexadecimal digits and a NUL. */
void content_digest_print(const struct content_digest *digest, char hex[2 * CONTENT_DIGEST_BYTES + 1]);
bool content_digest_read(const char *hex, struct content_digest *digest);

/* Appends the content to `out`, after its digest was checked; 0 or an errno. */
int generations_content(const struct generations *g, const struct content_digest *digest, struct out *out);

/*
 * Adds a generation of these files, whose contents are at hand, and drops the oldest ones that are too many, but
 * none of `protected` (`protected_count` numbers).  0 or an errno.
 */
int generations_add(struct generations *g, uint64_t number, uint64_t parent, int64_t time, const struct file_list *files,
		    const uint64_t *protected_numbers, unsigned protected_count);
/* Gives an existing generation other files; what it says about changes stays. */
int generations_amend(struct generations *g, uint64_t number, const struct file_list *files);

/* Paths in the store's files: without blanks, control characters and backslashes.  paths_unescape() works in place. */
void path_escape(struct out *out, const char *path);
void path_unescape(char *path);

#endif
