/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing files that appear together or not at all: each is written under a temporary name in its folder, and
 * all are renamed when all are complete.
 */
#ifndef PVEFW_ATOMIC_FILES_H
#define PVEFW_ATOMIC_FILES_H

#include "base/arena.h"
#include "base/output.h"

struct out_files {
	struct arena *arena;
	struct out_file *first;
	struct out_folder *made; /* the folders that out_files_directory() has made, the last one first */
	bool failed;
	const char *failed_path; /* what could not be written, */
	int reason;              /* and why: an errno */
};

/* Makes the folder unless it exists. */
void out_files_directory(struct out_files *files, const char *path);
/* Completes the file before, and returns the next one; NULL if anything has failed, now or before. */
struct out *out_files_open(struct out_files *files, const char *path);
/* Opens the file in place of one that exists, with its mode and owner. */
struct out *out_files_replace(struct out_files *files, const char *path);
/* Renames all files, or removes them if anything has failed; then returns false. */
bool out_files_commit(struct out_files *files);

#endif
