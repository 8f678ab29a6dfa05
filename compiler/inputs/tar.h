/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a tar archive (POSIX pax, as `git archive` writes it). */
#ifndef PVEFW_TAR_H
#define PVEFW_TAR_H

#include "base/arena.h"

struct tar {
	struct text rest;
	struct arena *arena; /* for names */
	const char *problem; /* NULL, or what is wrong with the archive */
};

struct tar_entry {
	const char *path; /* without a slash at its end */
	const char *link; /* of a symbolic link: where it leads to; else NULL */
	bool is_file;
	struct text content; /* of a file: in the archive's bytes */
};

/* Starts to read an archive; its bytes must last as long as the entries. */
struct tar tar_open(struct arena *arena, struct text bytes);
/* Reads the next entry; false at the end, and if tar->problem is set. */
bool tar_next(struct tar *tar, struct tar_entry *entry);

#endif
