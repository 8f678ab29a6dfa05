/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory: the service's lock, sockets and the little it must remember
 * when it is killed.  Files are written whole or not at all.
 */
#ifndef PVEFW_RUNDIR_H
#define PVEFW_RUNDIR_H

#include <sys/types.h>

#include "base/output.h"

/* Opens the directory, after making it and those above it; a descriptor, or -1 with errno set. */
int rundir_open(const char *path);
/* Opens it if it is there. */
int rundir_open_existing(const char *path);
/* Puts a file in the place of another; 0 or an errno. */
int rundir_write(int dir, const char *name, const void *bytes, size_t size);
/* The same for a file that only root may read. */
int rundir_write_private(int dir, const char *name, const void *bytes, size_t size);
/* The same, and it is on the disk when the call returns. */
int rundir_write_durable(int dir, const char *name, const void *bytes, size_t size);

enum { RUNDIR_FILE_MAX = 64 << 20 /* bytes */ };

/*
 * Appends what a file holds to `out`, which must be memory; 0 or an errno, and then nothing is appended.  Never
 * waits, and follows no symbolic link: ENOENT if there is no file, ELOOP or ENOTDIR for a link, EINVAL for what is
 * not a regular file, EPERM if it belongs neither to root nor to this user, EFBIG above RUNDIR_FILE_MAX.
 */
int rundir_read(int dir, const char *name, struct out *out);
/* Reads a file that another user may have written, of at most `max` bytes. */
int rundir_read_untrusted(int dir, const char *name, size_t max, struct out *out);
/* 0 if the file is gone, or an errno. */
int rundir_remove(int dir, const char *name);

/*
 * Takes the lock of the one instance, waiting up to `wait` milliseconds for another to
 * give it up.  A descriptor that holds it as long as it is open, or -1 with errno set:
 * EWOULDBLOCK when it is held, by the process *holder (-1: not known which).
 */
int rundir_lock(int dir, int wait, pid_t *holder);
/* The process that holds it; 0: none; -1: one that is not known. */
pid_t rundir_lock_holder(int dir);

#endif
