/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lock on a file, held as long as its descriptor is open in this process or in one that has inherited it.
 *
 * It belongs to the open file description (fcntl(2), F_OFD_SETLK): a lock of the process would be given up as
 * soon as any other descriptor of the file is closed, even by a library.
 */
#ifndef PVEFW_FILE_LOCK_H
#define PVEFW_FILE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens the file below `dir`, or makes it with `mode`, and locks it; waits up to `wait` milliseconds for
 * another holder. Returns a descriptor, or -1 with errno set: EWOULDBLOCK when another still holds it. The
 * holder may remove the file before it gives up the lock.
 */
int file_lock_take(int dir, const char *path, mode_t mode, int wait);
/* Whether anybody holds a lock on the open file. */
bool file_lock_is_held(int fd);

#endif
