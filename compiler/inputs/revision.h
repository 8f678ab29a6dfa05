/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree as a revision of a git repository has it, read into memory by `git archive`. */
#ifndef PVEFW_REVISION_H
#define PVEFW_REVISION_H

#include "source/source.h"

struct revision {
	struct source_overlay overlay; /* the whole tree; from the arena, but for the files' bytes */
	const char *problem;           /* NULL, or a sentence: why there is no such tree */
	char *archive;                 /* has the files' bytes */
};

/*
 * Reads the tree that is `folder` in the working copy.  `name` is anything that git takes for a revision, or
 * REVISION:PATH for a tree elsewhere in the repository; it is never taken for an option.  Nothing is written
 * to disk.
 */
struct revision revision_read(struct arena *arena, const char *folder, const char *name);
/* Frees the bytes of the files, which sources have copied. */
void revision_free(struct revision *revision);

#endif
