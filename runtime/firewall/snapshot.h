/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree written from the files that a compilation has read. */
#ifndef PVEFW_SNAPSHOT_H
#define PVEFW_SNAPSHOT_H

struct source_cache;

/* Puts the tree in the place of what is called `name` in the directory `dir`; 0 or an errno, and then
 * what was there is there still. */
int snapshot_write(int dir, const char *name, const struct source_cache *cache);
/* Removes it, if it is there. */
void snapshot_remove(int dir, const char *name);

#endif
