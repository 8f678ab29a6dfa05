/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders of a tree that a compilation reads, and what inotify says of them. */
#ifndef PVEFW_TREE_WATCH_H
#define PVEFW_TREE_WATCH_H

#include "firewall/tree/tree_items.h"

/* Sets the paths of the folders, for the node of `r`. */
void watch_set_folders(struct reader *r);
/* Watches the folder that is open as `fd`, and stands at its place now. */
void watch_folder(struct reader *r, struct watched *folder, int fd);
/* Whether a compilation reads the file `name` of the folder; editors' files have other names. */
bool watch_wants(unsigned folder, const char *name);
void watch_join(char *path, size_t size, const char *folder, const char *name);
/* Marks as dirty what has changed.  The descriptor is read whenever a file was: a writer may have begun meanwhile. */
void watch_take(struct reader *r);

#endif
