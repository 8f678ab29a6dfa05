/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a file is, whatever names and links lead to it, and whether or not it exists yet. */
#ifndef PVEFW_REAL_PATH_H
#define PVEFW_REAL_PATH_H

#include "base/arena.h"

/* The absolute path of `path` without links in its folders; a folder that does not exist is taken as it is
 * written. The last name stays, even if it is a link. */
const char *place_of(struct arena *arena, const char *path);
/* The absolute path of the file that `path` leads to, without links; NULL if there is no file. */
const char *place_of_target(struct arena *arena, const char *path);
/* The path relative to `folder`, both of them places; NULL if it is not in there. */
const char *place_below(const char *folder, const char *path);
/* The place `levels` folders above; "/" has none above. */
const char *place_above(struct arena *arena, const char *path, int levels);
/* A place as the working folder sees it, if it is below that. */
const char *place_from_here(struct arena *arena, const char *path);

/* The folder of the file that was asked for last: files often come folder by folder.  All 0 at first. */
struct place_memo {
	struct arena arena;
	const char *folder, *place; /* as the path has it, "" or with a slash at its end; and its place */
};

/* As place_of() and place_of_target(), with fewer system calls. */
const char *place_memo_of(struct place_memo *memo, struct arena *arena, const char *path);
const char *place_memo_target(struct place_memo *memo, struct arena *arena, const char *path);
void place_memo_free(struct place_memo *memo);

#endif
