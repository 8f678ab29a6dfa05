/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/tree/tree_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xmalloc.h"

/* Microseconds. */
enum {
	COARSE = 2000000,        /* where times are whole seconds, a file may change unseen for so long after it was read, */
	COARSE_SKEWED = 5000000, /* or so long if its mtime is not of now: nobody knows what that clock does; */
	FINE = 20000,            /* where they are finer */
};

enum { READ_TRIES = 3 };

int tree_file_status(int at, const char *name, struct statx *st)
{
	int flags = AT_STATX_FORCE_SYNC | (name[0] ? 0 : AT_EMPTY_PATH);

	return statx(at, name, flags, STATX_BASIC_STATS, st) < 0 ? errno : 0;
}

struct signature signature_of(const struct statx *st)
{
	return (struct signature){ .device = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
				   .inode = st->stx_ino,
				   .size = st->stx_size,
				   .changed = st->stx_ctime,
				   .modified = st->stx_mtime };
}

static bool time_equal(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool signature_equal(const struct signature *a, const struct signature *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       time_equal(&a->changed, &b->changed) && time_equal(&a->modified, &b->modified);
}

bool time_is_skewed(const struct statx_timestamp *changed)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return changed->tv_sec > now.tv_sec || now.tv_sec - changed->tv_sec > 2;
}

/* Judged by this machine's clock and, as that of the node which wrote the file may differ, by how long it has been seen. */
bool signature_is_young(const struct signature *s, uint64_t seen_for)
{
	int64_t granularity = s->modified.tv_nsec || s->changed.tv_nsec ? FINE : COARSE, age;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - s->modified.tv_sec) * 1000000 + (now.tv_nsec - s->modified.tv_nsec) / 1000;
	if (age < granularity)
		return true;
	if (granularity == COARSE && time_is_skewed(&s->modified))
		granularity = COARSE_SKEWED;
	return seen_for < (uint64_t)granularity;
}

/* NULL with errno set. */
static char *tree_file_read_bytes(int fd, size_t size, uint32_t *got)
{
	char *bytes = xmalloc(size + 1);

	*got = 0;
	while (*got < size) {
		ssize_t n = read(fd, bytes + *got, size - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(bytes);
			return NULL;
		}
		if (n == 0)
			break;
		*got += (uint32_t)n;
	}
	return bytes;
}

char *tree_file_read(int at, const char *name, struct signature *signature, uint32_t *size)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), reason;
	char *bytes = NULL;
	struct statx st;

	if (fd < 0)
		return NULL;
	reason = tree_file_status(fd, "", &st);
	for (int i = 0; i < READ_TRIES && !reason; i++) {
		*signature = signature_of(&st);
		free(bytes);
		bytes = NULL;
		if (!S_ISREG(st.stx_mode))
			reason = S_ISDIR(st.stx_mode) ? EISDIR : EINVAL;
		else if (st.stx_size > INT32_MAX - 2)
			reason = EFBIG;
		else if (lseek(fd, 0, SEEK_SET) < 0 || !(bytes = tree_file_read_bytes(fd, (size_t)st.stx_size, size)))
			reason = errno;
		if (!reason)
			reason = tree_file_status(fd, "", &st);
		if (!reason && *size == st.stx_size) {
			struct signature after = signature_of(&st);

			if (signature_equal(signature, &after))
				break;
		}
	}
	close(fd);
	if (reason) {
		free(bytes);
		bytes = NULL;
	}
	errno = reason;
	return bytes;
}
