/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree as a revision of a git repository has it, read into memory by `git archive`. */
#ifndef PVEFW_REVISION_H
#define PVEFW_REVISION_H

#include "source/source.h"

struct revision {
	struct source_overlay overlay; /* the whole tree; from the arena */
	const char *problem;           /* NULL, or a sentence: why there is no such tree */
};

/*
 * Reads the tree that is `folder` in the working copy.  `name` is anything that git takes for a revision, or
 * REVISION:PATH for a tree elsewhere in the repository; it is never taken for an option.  Nothing is written to disk.
 */
struct revision revision_read(struct arena *arena, const char *folder, const char *name);

#endif
