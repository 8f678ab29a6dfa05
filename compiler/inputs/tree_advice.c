/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guessing which tree is meant by a folder that is not one.
 *
 * The guess is for people, in a help, and nothing is read from it.  So a few system calls must do: one level of
 * folders below and what looks like a copy of a node's file system, and a few levels above.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inputs/directory.h"
#include "inputs/tree_root.h"

enum {
	LEVELS_UP = 3,
	LEVELS_DOWN = 2,
	NAMED_MOST = 3,
	LOOKED_AT_MOST = 2000, /* folders */
};

struct advice {
	struct arena *arena;
	const char *trees[NAMED_MOST];
	unsigned count; /* may be more than are kept */
	unsigned looked_at;
};

/* ---- below ---- */

static int is_shown_folder(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static void find_below(struct advice *advice, const char *path, int levels)
{
	struct dirent **entries;
	int count = levels ? scandir(path, &entries, is_shown_folder, compare_dirents) : -1;

	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		const char *folder = path_join(advice->arena, path, entries[i]->d_name);

		free(entries[i]);
		if (advice->looked_at++ >= LOOKED_AT_MOST)
			continue;
		if (!tree_root_has_part(advice->arena, folder)) {
			find_below(advice, folder, levels - 1);
			continue;
		}
		if (advice->count < NAMED_MOST)
			advice->trees[advice->count] = folder;
		advice->count++;
	}
	free(entries);
}

static const char *name_trees(const struct advice *advice)
{
	unsigned named = advice->count < NAMED_MOST ? advice->count : NAMED_MOST;
	const char *list = "";

	for (unsigned i = 0; i < named; i++)
		list = arena_printf(advice->arena, "%s%s`%s`", list,
				    !i ? "" : i + 1 == advice->count ? " or " : ", ", advice->trees[i]);
	if (advice->count > named)
		list = arena_printf(advice->arena, "%s or another of %u", list, advice->count);
	return arena_printf(advice->arena, "did you mean the tree %s?", list);
}

/* ---- above ---- */

/* The folder above, as a path that works from here. */
static const char *above(struct arena *arena, const char *path)
{
	size_t len = strlen(path);
	const char *slash;

	while (len > 1 && path[len - 1] == '/')
		len--;
	path = arena_printf(arena, "%.*s", (int)len, path);
	slash = strrchr(path, '/');
	if (strcmp(path, ".") == 0)
		return "..";
	if (strcmp(slash ? slash + 1 : path, "..") == 0)
		return arena_printf(arena, "%s/..", path);
	if (!slash)
		return ".";
	return slash == path ? "/" : arena_printf(arena, "%.*s", (int)(slash - path), path);
}

/* The tree that `path` is in, if that is at a place of a tree: firewall/, nodes/n1/, sdn/firewall/. */
static const char *find_above(struct arena *arena, const char *path)
{
	char *real = realpath(path, NULL), *slash;
	const char *found = NULL;

	for (int i = 0; real && !found && i < LEVELS_UP && (slash = strrchr(real, '/')); i++) {
		path = above(arena, path);
		if (tree_root_is_part_name(slash + 1) && tree_root_has_part(arena, path))
			found = path;
		*slash = '\0';
		/* sdn/ has a firewall/, too. */
		if (found && tree_root_is_part_name(base_name(real)) && tree_root_has_part(arena, above(arena, path)))
			found = NULL;
	}
	free(real);
	return found;
}

/* ---- all of it ---- */

static const char *advise_name(struct arena *arena, const char *root)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *right = NULL;
	char name[TREE_NAME_ROOM];

	if (fd >= 0) {
		/* Prefer a folder that also has the right contents. */
		right = tree_root_misspelt(fd, true, name);
		if (!right)
			right = tree_root_misspelt(fd, false, name);
		close(fd);
	}
	return right ? arena_printf(arena, "did you mean `%s`? rename `%s`", path_join(arena, root, right), path_join(arena, root, name))
		     : NULL;
}

const char *tree_root_advice(struct arena *arena, const char *root)
{
	struct advice below = { .arena = arena };
	const char *advice = advise_name(arena, root), *tree;

	if (advice)
		return advice;
	find_below(&below, root, LEVELS_DOWN);
	if (below.count)
		return name_trees(&below);
	tree = find_above(arena, root);
	if (tree)
		return arena_printf(arena, "did you mean the tree `%s`?", tree);
	if (access(path_join(arena, root, "cluster.fw"), F_OK) == 0)
		return arena_printf(arena, "did you mean `%s`? a tree has it there",
				    path_join(arena, root, "firewall/cluster.fw"));
	return NULL;
}
