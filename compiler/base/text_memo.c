/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text_memo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/xmalloc.h"

struct entry {
	struct text key;
	struct text text;
	UT_hash_handle hh;
};

struct text_memo {
	pthread_mutex_t lock;
	struct arena arena;
	struct entry *entries;
};

struct text_memo *text_memo_new(void)
{
	struct text_memo *memo = xcalloc(1, sizeof(*memo));

	pthread_mutex_init(&memo->lock, NULL);
	return memo;
}

void text_memo_free(struct text_memo *memo)
{
	if (!memo)
		return;
	HASH_CLEAR(hh, memo->entries);
	arena_free(&memo->arena);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

static struct entry *memo_find(const struct text_memo *memo, struct text key)
{
	struct entry *entry = NULL;

	HASH_FIND(hh, memo->entries, key.ptr, key.len, entry);
	return entry;
}

struct text text_memo_find_key(struct text_memo *memo, struct text key)
{
	const struct entry *entry;
	struct text text = { NULL, 0 };

	pthread_mutex_lock(&memo->lock);
	entry = memo_find(memo, key);
	if (entry)
		text = entry->text;
	pthread_mutex_unlock(&memo->lock);
	return text;
}

void text_memo_put_key(struct text_memo *memo, struct text key, struct text text)
{
	struct entry *entry;

	pthread_mutex_lock(&memo->lock);
	if (!memo_find(memo, key)) {
		entry = ARENA_NEW(&memo->arena, struct entry);
		entry->key = arena_copy(&memo->arena, key);
		entry->text = arena_copy(&memo->arena, text);
		HASH_ADD_KEYPTR(hh, memo->entries, entry->key.ptr, entry->key.len, entry);
	}
	pthread_mutex_unlock(&memo->lock);
}

/* Of an object. */
struct key {
	const void *object;
	uint64_t kind;
};

static struct text key_text(const struct key *key)
{
	return (struct text){ (const char *)key, sizeof(*key) };
}

struct text text_memo_find(struct text_memo *memo, const void *object, uint64_t kind)
{
	struct key key = { object, kind };

	return text_memo_find_key(memo, key_text(&key));
}

void text_memo_put(struct text_memo *memo, const void *object, uint64_t kind, struct text text)
{
	struct key key = { object, kind };

	text_memo_put_key(memo, key_text(&key), text);
}
