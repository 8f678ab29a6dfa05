/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in a JSON file a member stands: the parser of the library keeps values
 * and forgets their places, so a place is found by walking the text again. */
#ifndef PVEFW_JSON_PLACE_H
#define PVEFW_JSON_PLACE_H

#include "base/arena.h"
#include "source/source.h"

/* A member of an object, or with `key` NULL an element of an array. */
struct json_path {
	const struct json_path *parent; /* NULL: of the outermost value */
	const char *key;
	size_t index;
};

/* zones.ids.z1, dhcp-range[0] */
const char *json_path_text(struct arena *arena, const struct json_path *path);
/* The value at `path`, or what encloses it where that is not found.  `source`
 * must hold valid JSON. */
struct span json_place(const struct source *source, const struct json_path *path);

#endif
