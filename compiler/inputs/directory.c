/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists folders and reads files relative to them, so that each path is resolved once. */
#include "inputs/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/source_cache.h"

const char *path_join(struct arena *arena, const char *folder, const char *name)
{
	size_t len = strlen(folder);

	if (strcmp(folder, ".") == 0)
		return arena_string(arena, text_of(name));
	return arena_printf(arena, "%s%s%s", folder, len && folder[len - 1] == '/' ? "" : "/", name);
}

int compare_dirents(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static const char *join(const struct folder *folder, const char *name)
{
	if (!folder->path[0])
		return arena_string(folder->diags->arena, text_of(name));
	return ARENA_JOIN(folder->diags->arena, text_of(folder->path), TEXT("/"), text_of(name)).ptr;
}

/* A folder that is not open lists files in memory. */
static int descriptor_of(const struct folder *folder)
{
	return folder->dir ? dirfd(folder->dir) : SOURCE_CACHED;
}

static void add_name(struct folder *folder, uint32_t *room, const char *name)
{
	struct arena *arena = folder->diags->arena;

	if (folder->count == *room) {
		struct text *grown;

		*room = *room ? *room * 2 : 32;
		grown = ARENA_ARRAY(arena, struct text, *room);
		if (folder->count)
			memcpy(grown, folder->names, folder->count * sizeof(*grown));
		folder->names = grown;
	}
	folder->names[folder->count++] = arena_copy(arena, text_of(name));
}

static void remove_name(struct folder *folder, struct text name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < folder->count; i++)
		if (!text_equal(folder->names[i], name))
			folder->names[kept++] = folder->names[i];
	folder->count = kept;
}

static bool is_whole(const struct folder *folder)
{
	const struct source_overlay *overlay = folder->diags->map->overlay;

	return overlay && overlay->whole;
}

/* Whether the overlay has a file below the folder's entry. */
static bool overlay_has_folder(const struct folder *folder, const char *name)
{
	const struct source_overlay *overlay = folder->diags->map->overlay;
	const char *path = join(folder, name);
	size_t len = strlen(path);

	for (unsigned i = 0; i < overlay->count; i++)
		if (strncmp(overlay->files[i].path, path, len) == 0 && overlay->files[i].path[len] == '/')
			return true;
	return false;
}

/* Adds the entries of the overlay, and removes those that it deletes. */
static void apply_overlay(struct folder *folder)
{
	const struct source_overlay *overlay = folder->diags->map->overlay;
	size_t len = strlen(folder->path);
	uint32_t room = folder->count;
	/* The entries of a folder that is not read are sorted, as the overlay is: one that was added is the last one. */
	bool is_only = overlay && overlay->whole;

	for (unsigned i = 0; overlay && i < overlay->count; i++) {
		const char *path = overlay->files[i].path, *slash;
		struct text name;
		uint32_t at = is_only && folder->count ? folder->count - 1 : 0;

		if (strncmp(path, folder->path, len) != 0 || (len && path[len] != '/'))
			continue; /* not below this folder */
		name = text_of(path + len + (len != 0));
		slash = strchr(name.ptr, '/');
		/* A folder of the overlay is listed only where there is nothing else. */
		if (slash && !overlay->whole)
			continue;
		if (slash)
			name.len = (uint32_t)(slash - name.ptr);
		while (at < folder->count && !text_equal(folder->names[at], name))
			at++;
		if (!overlay->files[i].bytes)
			remove_name(folder, name);
		else if (at == folder->count)
			add_name(folder, &room, arena_string(folder->diags->arena, name));
	}
	if (folder->count)
		qsort(folder->names, folder->count, sizeof(*folder->names), compare_names);
}

/* 0 or an errno. */
static int list_names(struct folder *folder)
{
	const struct dirent *entry;
	uint32_t room = 0;
	int reason;

	while (errno = 0, (entry = readdir(folder->dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			add_name(folder, &room, entry->d_name);
	reason = errno;
	apply_overlay(folder);
	return reason;
}

/* Lists a directory of the cache. */
static int list_cached(struct folder *folder, const struct source_cache *cache)
{
	const struct cached_source *entry = source_cache_find(cache, folder->path);
	uint32_t room = 0;

	if (!entry)
		return ENOENT;
	if (!entry->is_folder || !entry->is_known)
		return entry->is_folder ? entry->reason : ENOTDIR;
	for (entry = NULL; (entry = source_cache_next(cache, entry));) {
		const char *name = cached_source_name_in(entry, folder->path);

		if (name)
			add_name(folder, &room, name);
	}
	apply_overlay(folder);
	return 0;
}

static int open_at(struct folder *folder, int at, const char *name)
{
	const struct source_cache *cache = folder->diags->map->cache;
	int fd, reason;

	if (cache)
		return list_cached(folder, cache);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	folder->dir = fdopendir(fd);
	if (!folder->dir) {
		reason = errno;
		close(fd);
		return reason;
	}
	return list_names(folder);
}

bool folder_open_root(struct diags *diags, const char *root, struct folder *folder)
{
	int reason;

	*folder = (struct folder){ .diags = diags, .path = "" };
	if (is_whole(folder)) {
		apply_overlay(folder);
		return true;
	}
	reason = open_at(folder, AT_FDCWD, root);
	if (reason)
		diag_note(diag_unreadable(diags, root, reason), "nothing is compiled");
	return reason == 0;
}

struct folder folder_open(const struct folder *parent, const char *name)
{
	struct folder folder = { .diags = parent->diags };
	int reason;

	folder.path = join(parent, name);
	if (is_whole(parent) || !folder_has(parent, text_of(name))) {
		apply_overlay(&folder);
		return folder;
	}
	reason = open_at(&folder, descriptor_of(parent), name);
	if (reason)
		diag_note(diag_unreadable(folder.diags, folder.path, reason), "nothing is compiled");
	return folder;
}

void folder_close(struct folder *folder)
{
	if (folder->dir)
		closedir(folder->dir);
	folder->dir = NULL;
}

bool folder_has(const struct folder *folder, struct text name)
{
	return folder->count &&
	       bsearch(&name, folder->names, folder->count, sizeof(name), compare_names);
}

bool folder_is_folder(const struct folder *folder, const char *name)
{
	const struct source_cache *cache = folder->diags->map->cache;
	const struct cached_source *entry = cache ? source_cache_find(cache, join(folder, name)) : NULL;
	struct stat st;

	if (cache)
		return entry && entry->is_folder;
	if (is_whole(folder))
		return overlay_has_folder(folder, name);
	return fstatat(descriptor_of(folder), name, &st, 0) < 0 || S_ISDIR(st.st_mode);
}

struct source *folder_load(const struct folder *folder, const char *name)
{
	const char *shown;
	struct source *source;

	if (!folder_has(folder, text_of(name)))
		return NULL;
	shown = join(folder, name);
	source = source_load(folder->diags->map, descriptor_of(folder), name, shown);
	if (!source)
		diag_note(diag_unreadable(folder->diags, shown, errno), "nothing is compiled");
	return source;
}

void folder_load_all(const struct folder *folder, const struct text *names, unsigned count,
		     struct source **sources)
{
	struct diags *diags = folder->diags;
	struct source_request *requests = ARENA_ARRAY(diags->arena, struct source_request, count);

	if (!count)
		return;
	for (unsigned i = 0; i < count; i++) {
		requests[i].path = names[i].ptr;
		requests[i].shown = join(folder, names[i].ptr);
	}
	source_load_all(diags->map, descriptor_of(folder), requests, count);
	for (unsigned i = 0; i < count; i++) {
		sources[i] = requests[i].source;
		if (!sources[i])
			diag_unreadable(diags, requests[i].shown, requests[i].reason);
	}
}
