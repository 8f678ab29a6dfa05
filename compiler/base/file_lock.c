/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { PAUSE = 20 /* milliseconds between two tries */ };

int file_lock_take(int dir, const char *path, mode_t mode, int wait)
{
	for (;; wait -= PAUSE, sleep_ms(PAUSE)) {
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		struct stat locked, present;
		int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode), reason;

		if (fd < 0)
			return -1;
		reason = fcntl(fd, F_OFD_SETLK, &whole) < 0 ? errno : 0;
		/* A holder may have removed the file: then a lock on it keeps nobody out. */
		if (!reason && fstat(fd, &locked) == 0 && fstatat(dir, path, &present, 0) == 0 &&
		    locked.st_ino == present.st_ino && locked.st_dev == present.st_dev)
			return fd;
		close(fd);
		errno = !reason || reason == EACCES ? EWOULDBLOCK : reason;
		if (errno != EWOULDBLOCK || wait <= 0)
			return -1;
	}
}

bool file_lock_is_held(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
