/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: the inputs that were in force, to roll back to and to compare with.
 *
 * STATE/generations has a manifest for each generation, named by its number, and in objects/ the contents of files, named by
 * their SHA-256 digest, so that unchanged files are stored once.  Only root can read it: the tree's priv/ is in it.  At most
 * 16 generations and 64 MiB of contents are kept.
 */
#ifndef PVEFW_GENERATIONS_H
#define PVEFW_GENERATIONS_H

#include "firewall/tree/file_list.h"

enum {
	GENERATIONS_MOST = 16,
	GENERATIONS_BYTES_MOST = 64 << 20,
};

enum change_kind { CHANGE_EDITED, CHANGE_CREATED, CHANGE_DELETED };
extern const char *const change_kind_names[];

/* What became of a file between two generations. */
struct generation_change {
	const char *path;
	enum change_kind kind;
	unsigned added, removed; /* lines */
};

struct generation {
	struct arena arena; /* of all below */
	uint64_t number;    /* from 1; never used again */
	uint64_t parent;    /* the generation enforced before; 0: none */
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

/* Opens the store in the directory `path`; with `create` it is created if it does not exist, and contents that no generation
 * needs are removed.  0 or an errno. */
int generations_open(struct generations *g, const char *path, bool create);
void generations_close(struct generations *g);
/* Forgets, in memory only, the generations from `number` on. */
void generations_leave_out(struct generations *g, uint64_t number);
enum { GENERATION_TIME_SIZE = 32 };
/* Prints a time in seconds since 1970 as "2026-11-30 12:00:00", in local time. */
void generation_time(char text[GENERATION_TIME_SIZE], int64_t seconds);

/* NULL: not kept. */
const struct generation *generations_find(const struct generations *g, uint64_t number);

/* The files of a generation, without contents; 0 or an errno. */
int generations_files(const struct generations *g, uint64_t number, struct file_list *list);
/* Appends the content to `out` and checks its digest; 0 or an errno. */
int generations_content(const struct generations *g, const struct content_digest *digest, struct out *out);

/* Adds a generation of these files, with their contents, and drops the oldest ones that are too many, except the
 * `protected_count` numbers.  0 or an errno. */
int generations_add(struct generations *g, uint64_t number, uint64_t parent, int64_t time, const struct file_list *files,
		    const uint64_t *protected_numbers, unsigned protected_count);
/* Replaces the files of a generation; its list of changes stays.  0 or an errno. */
int generations_amend(struct generations *g, uint64_t number, const struct file_list *files);

#endif
