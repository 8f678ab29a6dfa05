/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of files, kept from one compilation to the next, for programs that
 * compile the same tree again and again: a file that has not changed is not read.
 *
 * Whether it has is told by what the system says of it (device, inode, size and the
 * times of change).  Times may be coarse: a file that had changed shortly before it
 * was read is read again.  Not needed, and never asked, for what is right: without a
 * cache the same bytes come from the file.
 */
#ifndef PVEFW_SOURCE_CACHE_H
#define PVEFW_SOURCE_CACHE_H

#include <stdint.h>
#include <sys/stat.h>

#include "source.h"

struct source_cache;

/* Never fails: without memory the process ends. */
struct source_cache *source_cache_new(void);
void source_cache_free(struct source_cache *cache);

/* The bytes of the file that is shown as `shown`, if `st` says that they are still those;
 * valid until the next call of another function but this.  NULL: not known.  May be
 * called by several threads, not for the same file. */
const char *source_cache_find(struct source_cache *cache, const char *shown, const struct stat *st);
/* Keeps a copy of what was read; `st` is from before. */
void source_cache_put(struct source_cache *cache, const struct source *source, const struct stat *st);
/* The file has changed, whatever the system says. */
void source_cache_forget(struct source_cache *cache, const char *shown);
/* Drops files that were neither found nor put since the last call. */
void source_cache_sweep(struct source_cache *cache);
/* How many files were put, in all. */
uint64_t source_cache_reads(const struct source_cache *cache);

/* Calls `each` for every file; stops at the first that returns an errno, and returns it. */
int source_cache_each(const struct source_cache *cache, void *context,
		      int (*each)(void *context, const char *shown, const char *bytes, uint32_t size));

#endif
