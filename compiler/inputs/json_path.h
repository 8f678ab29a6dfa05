/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names members of a JSON file for messages: jansson keeps values, and forgets their places. */
#ifndef PVEFW_JSON_PATH_H
#define PVEFW_JSON_PATH_H

#include "base/arena.h"

/* A member of an object, or with `key` NULL an element of an array. */
struct json_path {
	const struct json_path *parent; /* NULL: of the outermost value */
	const char *key;
	size_t index;
};

/* zones.ids.z1, dhcp-range[0] */
const char *json_path_text(struct arena *arena, const struct json_path *path);

#endif
