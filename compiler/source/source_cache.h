/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tree in memory: the files and folders that a compilation reads instead of the disk.
 *
 * For programs that compile the same tree again and again and must not wait for its file system, which may
 * hang or be away: somebody else fills the cache, and says what cannot be read at present. What was known of
 * a file before stays then.
 */
#ifndef PVEFW_SOURCE_CACHE_H
#define PVEFW_SOURCE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct source_cache;

struct cached_source {
	const char *shown; /* relative to the root, "" for it */
	const char *bytes; /* followed by a NUL */
	uint32_t size;
	bool is_folder;
	bool is_known; /* it was read once: bytes and size are those of that time */
	int reason;    /* errno why it cannot be read now; 0: it can */
};

/* Never fails, as none of the others does: without memory the process ends. */
struct source_cache *source_cache_new(void);
void source_cache_free(struct source_cache *cache);

/* The file `shown` holds these bytes, which are copied. */
void source_cache_put(struct source_cache *cache, const char *shown, const char *bytes, uint32_t size);
void source_cache_put_folder(struct source_cache *cache, const char *shown);
/* It is there and cannot be read, for `reason`, an errno. */
void source_cache_fail(struct source_cache *cache, const char *shown, bool is_folder, int reason);
void source_cache_remove(struct source_cache *cache, const char *shown);

/* NULL: missing.  Valid until the cache changes; several threads may look things up. */
const struct cached_source *source_cache_find(const struct source_cache *cache, const char *shown);
/* The next entry in an order of no meaning; NULL begins, and ends. */
const struct cached_source *source_cache_next(const struct source_cache *cache, const struct cached_source *entry);
/* The last part of the name of an entry of the folder `folder`; NULL: it is not in it, or is further below. */
const char *cached_source_name_in(const struct cached_source *entry, const char *folder);
/* How many files were put, in all. */
uint64_t source_cache_reads(const struct source_cache *cache);

/* Calls `each` for every file that is known; stops at the first that returns an errno, and returns it. */
int source_cache_each(const struct source_cache *cache, void *context,
		      int (*each)(void *context, const char *shown, const char *bytes, uint32_t size));

#endif
