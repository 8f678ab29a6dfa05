/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing files that appear together or not at all: each is written under a
 * temporary name in its folder, and all are renamed when all are complete.
 */
#ifndef PVEFW_ATOMIC_FILES_H
#define PVEFW_ATOMIC_FILES_H

#include "base/arena.h"
#include "base/output.h"

struct out_files {
	struct arena *arena;
	struct out_file *first;
	struct out_folder *made; /* the folders that out_files_directory() has made, the last one first */
	bool failed;      /* and reported */
};

/* Makes the folder unless there is one. */
void out_files_directory(struct out_files *files, const char *path);
/* The next file; what was written to the one before is complete then.  NULL if
 * it cannot be made, which is reported, or if something has failed before. */
struct out *out_files_open(struct out_files *files, const char *path);
/* The same in place of a file that exists, with its mode and owner. */
struct out *out_files_replace(struct out_files *files, const char *path);
/* Renames all, or removes all if anything has failed; then returns false. */
bool out_files_commit(struct out_files *files);

#endif
