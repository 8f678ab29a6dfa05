/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/json_path.h"

/* Replaces control characters, which a terminal could obey. */
static const char *printable(struct arena *arena, const char *key)
{
	size_t len = strlen(key);
	char *copy = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = (unsigned char)key[i] < ' ' || key[i] == 0x7f ? '?' : key[i];
	return copy;
}

const char *json_path_text(struct arena *arena, const struct json_path *path)
{
	const char *parent;

	if (!path)
		return "";
	parent = json_path_text(arena, path->parent);
	if (!path->key)
		return arena_printf(arena, "%s[%zu]", parent, path->index);
	return arena_printf(arena, "%s%s%s", parent, parent[0] ? "." : "",
			    printable(arena, path->key));
}
