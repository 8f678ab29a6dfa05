/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For LD_PRELOAD: folders list their entries in an order that SHUFFLE, a number,
 * decides, as if they had been made in it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	DIR *dir;
	struct dirent *entries;
	size_t count, next;
	struct listing *older;
};

static struct listing *listings;

static struct dirent *(*real_readdir)(DIR *dir);
static int (*real_closedir)(DIR *dir);

static size_t random_below(size_t limit)
{
	static uint64_t state;

	if (!state)
		state = strtoull(getenv("SHUFFLE") ? getenv("SHUFFLE") : "1", NULL, 10);
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % limit;
}

static void read_all(struct listing *listing)
{
	struct dirent *entry;

	while ((entry = real_readdir(listing->dir))) {
		struct dirent *grown = realloc(listing->entries, (listing->count + 1) * sizeof(*grown));

		if (!grown)
			abort();
		listing->entries = grown;
		memcpy(&grown[listing->count++], entry, entry->d_reclen);
	}
}

static void shuffle(struct listing *listing)
{
	for (size_t i = listing->count; i > 1; i--) {
		size_t other = random_below(i);
		struct dirent swapped = listing->entries[i - 1];

		listing->entries[i - 1] = listing->entries[other];
		listing->entries[other] = swapped;
	}
}

static struct listing *listing_of(DIR *dir)
{
	struct listing *listing = listings;

	while (listing && listing->dir != dir)
		listing = listing->older;
	if (listing)
		return listing;
	listing = calloc(1, sizeof(*listing));
	if (!listing)
		abort();
	*listing = (struct listing){ .dir = dir, .older = listings };
	listings = listing;
	read_all(listing);
	shuffle(listing);
	return listing;
}

struct dirent *readdir(DIR *dir)
{
	struct listing *listing;
	int before = errno;

	if (!real_readdir)
		*(void **)&real_readdir = dlsym(RTLD_NEXT, "readdir");
	listing = listing_of(dir);
	errno = before;
	return listing->next < listing->count ? &listing->entries[listing->next++] : NULL;
}

struct dirent64 *readdir64(DIR *dir) __attribute__((alias("readdir")));

int closedir(DIR *dir)
{
	if (!real_closedir)
		*(void **)&real_closedir = dlsym(RTLD_NEXT, "closedir");
	for (struct listing **l = &listings; *l; l = &(*l)->older)
		if ((*l)->dir == dir) {
			struct listing *gone = *l;

			*l = gone->older;
			free(gone->entries);
			free(gone);
			break;
		}
	return real_closedir(dir);
}
