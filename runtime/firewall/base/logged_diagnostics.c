/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/base/logged_diagnostics.h"

#include <stdlib.h>

enum { MOST = 100 };

/* FNV-1a: collisions lose a line of the log, not more. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

/* Of what is told: the file and the message; not the line, which moves when others come and go. */
static uint64_t hash_of(const struct diags *diags, const struct diagnostic *d)
{
	const struct source *source = source_find(diags->map, d->span.begin);
	uint64_t hash = hash_bytes(0xcbf29ce484222325u, &d->id, sizeof(d->id));

	if (source)
		hash = hash_bytes(hash, source->path, strlen(source->path) + 1);
	return hash_bytes(hash, d->message, strlen(d->message));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_known(const struct told *told, uint64_t hash)
{
	return told->count && bsearch(&hash, told->hashes, told->count, sizeof(hash), compare);
}

void told_log(struct told *told, struct log *log, const struct diags *diags)
{
	unsigned count = diags->counts[SEVERITY_NOTE] + diags->counts[SEVERITY_WARNING] + diags->counts[SEVERITY_ERROR];
	uint64_t *hashes = count ? malloc(count * sizeof(*hashes)) : NULL;
	uint32_t kept = 0, fresh = 0;

	for (const struct diagnostic *d = diags->first; d && kept < count && hashes; d = d->next) {
		uint64_t hash = hash_of(diags, d);

		if (d->id == DIAG_REFUSED) /* a condition */
			continue;
		hashes[kept++] = hash;
		if (!is_known(told, hash) && ++fresh <= MOST)
			log_diagnostic(log, diags->map, d);
	}
	if (fresh > MOST)
		log_message(log, PRIORITY_WARNING, NULL, "and %u more; pve-firewall status shows all", fresh - MOST);
	if (kept)
		qsort(hashes, kept, sizeof(*hashes), compare);
	free(told->hashes);
	*told = (struct told){ hashes, kept };
}

void told_free(struct told *told)
{
	free(told->hashes);
	*told = (struct told){ NULL, 0 };
}
