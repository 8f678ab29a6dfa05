/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run directory: the service's lock, its sockets, and what the next service must know if it is killed.  Files are renamed
 * into place, so that each is complete. */
#ifndef PVEFW_RUNDIR_H
#define PVEFW_RUNDIR_H

#include <sys/types.h>

#include "base/output.h"

/* Opens the directory; creates it, and those above it, if need be.  A descriptor, or -1 with errno set. */
int rundir_open(const char *path);
/* Opens the directory if it exists; a descriptor, or -1 with errno set. */
int rundir_open_existing(const char *path);
/* Writes a file, or replaces it; 0 or an errno. */
int rundir_write(int dir, const char *name, const void *bytes, size_t size);
/* As rundir_write(), for a file that only root may read. */
int rundir_write_private(int dir, const char *name, const void *bytes, size_t size);
/* As rundir_write_private(); the file is on the disk when the call returns. */
int rundir_write_durable(int dir, const char *name, const void *bytes, size_t size);

enum { RUNDIR_FILE_MAX = 64 << 20 /* bytes */ };

/*
 * Appends the content of a file to `out`, which must be memory; 0, or an errno and nothing is appended.  Does not wait, and
 * follows no symbolic link: ELOOP or ENOTDIR.  EINVAL: not a regular file; EPERM: owned neither by root nor by this user;
 * EFBIG: above RUNDIR_FILE_MAX.
 */
int rundir_read(int dir, const char *name, struct out *out);
/* Reads a file that another user may have written, of at most `max` bytes. */
int rundir_read_untrusted(int dir, const char *name, size_t max, struct out *out);
/* Reads `count` decimal numbers with one blank between them, which follow `word` at the beginning of a line.  What follows the
 * last of them; NULL if the line is another. */
char *rundir_numbers(char *line, const char *word, unsigned count, uint64_t *numbers);
/* 0 if the file is gone, or an errno. */
int rundir_remove(int dir, const char *name);

/*
 * Takes the lock that only one instance has; waits up to `wait` milliseconds for another holder.  Returns a descriptor that
 * holds the lock as long as it is open, or -1 with errno set: EWOULDBLOCK when the process *holder has it (-1: not known
 * which).
 */
int rundir_lock(int dir, int wait, pid_t *holder);
/* The process that holds the lock; 0: none; -1: one that is not known. */
pid_t rundir_lock_holder(int dir);

#endif
