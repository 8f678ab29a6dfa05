/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/real_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Appends a name to a place; "." and ".." are what they are in a folder without links. */
static const char *append(struct arena *arena, const char *folder, struct text name)
{
	if (!name.len || text_is(name, "."))
		return folder;
	if (text_is(name, ".."))
		return place_above(arena, folder, 1);
	return arena_printf(arena, "%s/%.*s", folder[1] ? folder : "", TEXT_ARG(name));
}

static const char *append_all(struct arena *arena, const char *folder, const char *names)
{
	while (*names) {
		uint32_t len = (uint32_t)strcspn(names, "/");

		folder = append(arena, folder, (struct text){ names, len });
		names += len + (names[len] == '/');
	}
	return folder;
}

/* Returns the longest existing part of the path, resolved, followed by the remaining names. */
static const char *resolve(struct arena *arena, const char *path)
{
	char *real = NULL;

	for (size_t len = strlen(path); !real && len; len--) {
		const char *beginning = arena_printf(arena, "%.*s", (int)len, path);
		const char *place;

		if (path[len - 1] != '/' && path[len] && path[len] != '/')
			continue;
		real = realpath(beginning, NULL);
		if (!real)
			continue;
		place = append_all(arena, arena_string(arena, text_of(real)), path + len);
		free(real);
		return place;
	}
	return append_all(arena, "/", path);
}

const char *place_of(struct arena *arena, const char *path)
{
	char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	const char *absolute = here ? arena_printf(arena, "%s/%s", here, path) : path;
	const char *slash = strrchr(absolute, '/');
	struct text name = text_of(base_name(absolute));

	free(here);
	if (!name.len || text_is(name, ".") || text_is(name, "..") || !slash)
		return resolve(arena, absolute);
	return append(arena, resolve(arena, arena_printf(arena, "%.*s", (int)(slash + 1 - absolute), absolute)), name);
}

const char *place_of_target(struct arena *arena, const char *path)
{
	char *real = realpath(path, NULL);
	const char *place = real ? arena_string(arena, text_of(real)) : NULL;

	free(real);
	return place;
}

/* ---- many files ---- */

static bool is_plain_name(const char *name)
{
	return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

const char *place_memo_of(struct place_memo *memo, struct arena *arena, const char *path)
{
	const char *name = base_name(path);
	size_t len = (size_t)(name - path);

	if (!is_plain_name(name))
		return place_of(arena, path);
	if (!memo->folder || strlen(memo->folder) != len || memcmp(memo->folder, path, len) != 0) {
		arena_reset(&memo->arena);
		memo->folder = arena_printf(&memo->arena, "%.*s", (int)len, path);
		memo->place = place_above(&memo->arena, place_of(&memo->arena, path), 1);
	}
	return append(arena, memo->place, text_of(name));
}

const char *place_memo_target(struct place_memo *memo, struct arena *arena, const char *path)
{
	char byte;

	/* The file exists and is not a link. */
	if (is_plain_name(base_name(path)) && readlink(path, &byte, 1) < 0 && errno == EINVAL)
		return place_memo_of(memo, arena, path);
	return place_of_target(arena, path);
}

void place_memo_free(struct place_memo *memo)
{
	arena_free(&memo->arena);
}

const char *place_below(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return path + 1;
	return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

const char *place_above(struct arena *arena, const char *path, int levels)
{
	for (; levels > 0 && path[1]; levels--) {
		const char *slash = strrchr(path, '/');

		path = slash == path ? "/" : arena_printf(arena, "%.*s", (int)(slash - path), path);
	}
	return path;
}

const char *place_from_here(struct arena *arena, const char *path)
{
	char *here = getcwd(NULL, 0);
	const char *below = here ? place_below(here, path) : NULL;

	if (below && below[0])
		path = arena_string(arena, text_of(below));
	free(here);
	return path;
}
