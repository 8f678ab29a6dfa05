/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading files whose writers do not wait for us, and telling two states of a file apart. */
#ifndef PVEFW_TREE_FILE_H
#define PVEFW_TREE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Tells two states of a file apart, as far as the file system does. */
struct signature {
	uint64_t device, inode, size;
	struct statx_timestamp changed, modified;
};

/* The present status of `name` in the open folder `at`, "": of `at` itself; 0 or an errno.  FUSE keeps attributes for a
 * second: AT_STATX_FORCE_SYNC asks for present ones. */
int tree_file_status(int at, const char *name, struct statx *st);
struct signature signature_of(const struct statx *st);
bool signature_equal(const struct signature *a, const struct signature *b);
/* Whether a time of a moment ago was written by a clock that differs from this machine's. */
bool time_is_skewed(const struct statx_timestamp *changed);
/* Whether a change that comes now could leave the signature as it is; `seen_for`: how long this signature has been seen, in
 * microseconds, or UINT64_MAX: since the beginning. */
bool signature_is_young(const struct signature *s, uint64_t seen_for);
/* Reads a file between two equal signatures, if it comes to rest in three attempts.  The caller frees the result; NULL
 * with errno set. */
char *tree_file_read(int at, const char *name, struct signature *signature, uint32_t *size);

#endif
