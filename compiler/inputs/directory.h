/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders of the tree, and the files in them.
 *
 * A folder is listed once.  An entry that is not listed is missing; one that is listed but cannot be read is an error,
 * whatever the reason.  So no file is taken for missing by mistake, and missing files cost no system call.
 *
 * If the source map has a cache, folders and files are read from it and not from disk.
 */
#ifndef PVEFW_DIRECTORY_H
#define PVEFW_DIRECTORY_H

#include <dirent.h>

#include "diag/diag.h"

struct folder {
	struct diags *diags;
	const char *path;   /* as shown: relative to the root, "" for it */
	DIR *dir;           /* NULL: missing or unreadable, then it lists nothing; or in the map's cache */
	struct text *names; /* sorted; NUL-terminated; without "." and ".." */
	uint32_t count;
};

/* Opens and lists the root of a tree; false if that failed, which was reported. */
bool folder_open_root(struct diags *diags, const char *root, struct folder *folder);
/* The folder `name` of another one; one that is missing is a folder that lists
 * nothing.  Close it in any case. */
struct folder folder_open(const struct folder *parent, const char *name);
void folder_close(struct folder *folder);

bool folder_has(const struct folder *folder, struct text name);
/* Whether `name` is a folder, or a link to one.  Where that cannot be found out it is:
 * opening it will say why. */
bool folder_is_folder(const struct folder *folder, const char *name);
/* Reads a file; NULL if it is missing, or unreadable, which was reported. */
struct source *folder_load(const struct folder *folder, const char *name);
/* Reads many files that the folder lists, several at a time; sources[i] is the one
 * of names[i]. */
void folder_load_all(const struct folder *folder, const struct text *names, unsigned count,
		     struct source **sources);

/* The path of an entry of a folder, from the arena; that of "." is the name alone. */
const char *path_join(struct arena *arena, const char *folder, const char *name);
/* For scandir(): in the order of bytes, whatever the locale. */
int compare_dirents(const struct dirent **a, const struct dirent **b);

#endif
