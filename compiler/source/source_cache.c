/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/source_cache.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"

struct entry {
	struct cached_source source; /* first: the public part */
	char *bytes;
	UT_hash_handle hh;
	char shown[];
};

struct source_cache {
	struct entry *entries;
	uint64_t reads;
};

struct source_cache *source_cache_new(void)
{
	return xcalloc(1, sizeof(struct source_cache));
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

static struct entry *cache_find(const struct source_cache *cache, const char *shown)
{
	struct entry *entry = NULL;

	HASH_FIND_STR(cache->entries, shown, entry);
	return entry;
}

/* Where a folder takes the place of a file, or a file that of a folder, nothing is known of what was there. */
static struct entry *find_or_add(struct source_cache *cache, const char *shown, bool is_folder)
{
	struct entry *entry = cache_find(cache, shown);
	size_t len = strlen(shown);

	if (entry && entry->source.is_folder != is_folder) {
		drop(cache, entry);
		entry = NULL;
	}
	if (entry)
		return entry;
	entry = xcalloc(1, sizeof(*entry) + len + 1);
	memcpy(entry->shown, shown, len + 1);
	entry->source.shown = entry->shown;
	entry->source.is_folder = is_folder;
	HASH_ADD_STR(cache->entries, shown, entry);
	return entry;
}

void source_cache_put(struct source_cache *cache, const char *shown, const char *bytes, uint32_t size)
{
	struct entry *entry = find_or_add(cache, shown, false);
	char *copy = xmalloc(size + 1u);

	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	free(entry->bytes);
	entry->bytes = copy;
	entry->source.bytes = copy;
	entry->source.size = size;
	entry->source.is_known = true;
	entry->source.reason = 0;
	cache->reads++;
}

void source_cache_put_folder(struct source_cache *cache, const char *shown)
{
	struct entry *entry = find_or_add(cache, shown, true);

	entry->source.is_known = true;
	entry->source.reason = 0;
}

void source_cache_fail(struct source_cache *cache, const char *shown, bool is_folder, int reason)
{
	find_or_add(cache, shown, is_folder)->source.reason = reason;
}

void source_cache_remove(struct source_cache *cache, const char *shown)
{
	struct entry *entry = cache_find(cache, shown);

	if (entry)
		drop(cache, entry);
}

const struct cached_source *source_cache_find(const struct source_cache *cache, const char *shown)
{
	const struct entry *entry = cache_find(cache, shown);

	return entry ? &entry->source : NULL;
}

const struct cached_source *source_cache_next(const struct source_cache *cache, const struct cached_source *entry)
{
	const struct entry *next = entry ? ((const struct entry *)entry)->hh.next : cache->entries;

	return next ? &next->source : NULL;
}

const char *cached_source_name_in(const struct cached_source *entry, const char *folder)
{
	size_t len = strlen(folder);
	const char *name = entry->shown;

	if (len && (strncmp(name, folder, len) != 0 || name[len] != '/'))
		return NULL;
	name += len ? len + 1 : 0;
	return *name && !strchr(name, '/') ? name : NULL;
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
		if (entry->source.is_known && !entry->source.is_folder)
			reason = each(context, entry->shown, entry->bytes, entry->source.size);
	return reason;
}
