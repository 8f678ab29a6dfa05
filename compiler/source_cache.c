/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "source_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uthash.h>

struct entry {
	struct stat st;
	bool young;          /* had changed just before it was read */
	unsigned generation; /* when it was last used */
	char *bytes;
	uint32_t size;
	UT_hash_handle hh;
	char shown[];
};

struct source_cache {
	struct entry *entries;
	unsigned generation;
	uint64_t reads;
};

static void *need(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "pvefw: out of memory\n");
	abort();
}

struct source_cache *source_cache_new(void)
{
	return need(calloc(1, sizeof(struct source_cache)));
}

static void drop(struct source_cache *cache, struct entry *entry)
{
	HASH_DEL(cache->entries, entry);
	free(entry->bytes);
	free(entry);
}

void source_cache_free(struct source_cache *cache)
{
	struct entry *entry, *next;

	if (!cache)
		return;
	HASH_ITER(hh, cache->entries, entry, next)
		drop(cache, entry);
	free(cache);
}

static struct entry *find(const struct source_cache *cache, const char *shown)
{
	struct entry *entry = NULL;

	HASH_FIND_STR(cache->entries, shown, entry);
	return entry;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

const char *source_cache_find(struct source_cache *cache, const char *shown, const struct stat *st)
{
	struct entry *entry = find(cache, shown);

	if (!entry || entry->young || !same_file(&entry->st, st))
		return NULL;
	entry->generation = cache->generation;
	return entry->bytes;
}

/* Whether a change that comes now could leave the times as they are.  Where they are whole
 * seconds that lasts longer, and pmxcfs' are. */
static bool is_young(const struct stat *st)
{
	int64_t granularity = st->st_mtim.tv_nsec || st->st_ctim.tv_nsec ? 20000000 : 2000000000, age;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - st->st_mtim.tv_sec) * (int64_t)1000000000 + now.tv_nsec - st->st_mtim.tv_nsec;
	return age < granularity;
}

void source_cache_put(struct source_cache *cache, const struct source *source, const struct stat *st)
{
	struct entry *entry = find(cache, source->path);
	size_t len = strlen(source->path);

	if (!entry) {
		entry = need(calloc(1, sizeof(*entry) + len + 1));
		memcpy(entry->shown, source->path, len + 1);
		HASH_ADD_STR(cache->entries, shown, entry);
	}
	entry->st = *st;
	/* What was read is not what was looked at: it has changed in between. */
	entry->young = is_young(st) || source->size != (uint64_t)st->st_size;
	entry->generation = cache->generation;
	free(entry->bytes);
	entry->bytes = need(malloc(source->size + 1u));
	entry->size = source->size;
	memcpy(entry->bytes, source->text, source->size);
	cache->reads++;
}

void source_cache_forget(struct source_cache *cache, const char *shown)
{
	struct entry *entry = find(cache, shown);

	if (entry)
		entry->young = true;
}

void source_cache_sweep(struct source_cache *cache)
{
	struct entry *entry, *next;

	HASH_ITER(hh, cache->entries, entry, next)
		if (entry->generation != cache->generation)
			drop(cache, entry);
	cache->generation++;
}

uint64_t source_cache_reads(const struct source_cache *cache)
{
	return cache->reads;
}

int source_cache_each(const struct source_cache *cache, void *context,
		      int (*each)(void *context, const char *shown, const char *bytes, uint32_t size))
{
	int reason = 0;

	for (const struct entry *entry = cache->entries; entry && !reason; entry = entry->hh.next)
		reason = each(context, entry->shown, entry->bytes, entry->size);
	return reason;
}
