/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/tree/tree_items.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"

/* ---- the round ---- */

void round_add(struct reader *r, enum tree_record_kind kind, const char *name, const char *bytes, uint32_t size, int reason)
{
	struct tree_record head = { .kind = kind, .name_size = (uint32_t)strlen(name) + 1, .size = size, .reason = reason,
				    .marks = r->marks };

	out_bytes(&r->round, (const char *)&head, sizeof(head));
	out_bytes(&r->round, name, head.name_size);
	if (size)
		out_bytes(&r->round, bytes, size);
}

static void round_send_bytes(const struct reader *r, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(r->socket, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(0);
		bytes += n;
		size -= (size_t)n;
	}
}

void round_send(struct reader *r)
{
	uint32_t size = (uint32_t)r->round.len;

	if (!size)
		return;
	round_send_bytes(r, (const char *)&size, sizeof(size));
	round_send_bytes(r, r->round.data, size);
	out_free(&r->round);
	out_init_memory(&r->round);
}

/* ---- items ---- */

struct item *item_find_or_add(struct reader *r, const char *path, unsigned folder, bool is_folder)
{
	size_t len = strlen(path);
	struct item *item = NULL;

	HASH_FIND(hh, r->items, path, len, item);
	if (!item) {
		item = xcalloc(1, sizeof(*item) + len + 1);
		memcpy(item->path, path, len + 1);
		item->folder = folder;
		HASH_ADD_STR(r->items, path, item);
	}
	item->is_folder = is_folder;
	return item;
}

void item_forget(struct reader *r, struct item *item)
{
	if (source_cache_find(r->known, item->path)) {
		round_add(r, TREE_GONE, item->path, NULL, 0, 0);
		source_cache_remove(r->known, item->path);
	}
	HASH_DEL(r->items, item);
	free(item);
}

/* True while it is too early to believe that the item is missing, or empty.  Counts from when that was seen: the scan may
 * have begun long before. */
static bool item_is_doubtful(struct reader *r, struct item *item, bool missing)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);

	/* A new empty file: a program has begun to write it. */
	if (!item->doubt_since || (item->doubt_missing && !missing))
		item->doubt_since = now;
	item->doubt_missing = missing;
	r->pending = true;
	return !r->believe && now - item->doubt_since < TREE_DOUBT;
}

void item_missing(struct reader *r, struct item *item)
{
	item->has_signature = false;
	item->write_first = item->write_last = 0;
	if (!source_cache_find(r->known, item->path) || !item_is_doubtful(r, item, true))
		item_forget(r, item);
}

void item_fails(struct reader *r, struct item *item, int reason)
{
	item->has_signature = false;
	item->doubt_since = 0;
	r->failing = true;
	if (item->reason == reason)
		return;
	item->reason = reason;
	round_add(r, item->is_folder ? TREE_FOLDER_FAILS : TREE_FILE_FAILS, item->path, NULL, 0, reason);
	source_cache_fail(r->known, item->path, item->is_folder, reason);
}

void item_is_folder(struct reader *r, struct item *item)
{
	const struct cached_source *known = source_cache_find(r->known, item->path);

	item->doubt_since = 0;
	item->reason = 0;
	if (known && known->is_folder && known->is_known && !known->reason)
		return;
	round_add(r, TREE_FOLDER, item->path, NULL, 0, 0);
	source_cache_put_folder(r->known, item->path);
}

bool item_holds(struct reader *r, struct item *item, const char *bytes, uint32_t size)
{
	const struct cached_source *known = source_cache_find(r->known, item->path);
	bool is_known = known && known->is_known && !known->is_folder;

	item->reason = 0;
	if (is_known && !known->reason && known->size == size && (!size || memcmp(known->bytes, bytes, size) == 0)) {
		item->doubt_since = 0;
		return false;
	}
	if (!size && is_known && known->size && item_is_doubtful(r, item, false))
		return false;
	item->doubt_since = 0;
	round_add(r, TREE_FILE, item->path, bytes, size, 0);
	source_cache_put(r->known, item->path, bytes, size);
	return true;
}

bool item_is_being_written(const struct reader *r, const struct item *item)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);

	return item->write_last && !r->believe && now - item->write_last < TREE_WRITING &&
	       now - item->write_first < TREE_WRITING_MOST;
}
