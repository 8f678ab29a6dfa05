/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_cache.h"

/* ---- removing ---- */

/* Empties a directory, which it closes. */
static void empty(int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;

	if (!stream) {
		close(fd);
		return;
	}
	while ((entry = readdir(stream))) {
		int below;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(stream), entry->d_name, 0) == 0)
			continue;
		below = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			empty(below);
		unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
	}
	closedir(stream);
}

void snapshot_remove(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		empty(fd);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* ---- writing ---- */

static int make_folders(int tree, const char *shown)
{
	char path[512];

	for (const char *slash = strchr(shown, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - shown);

		if (len >= sizeof(path))
			return ENAMETOOLONG;
		memcpy(path, shown, len);
		path[len] = '\0';
		if (mkdirat(tree, path, 0700) < 0 && errno != EEXIST)
			return errno;
	}
	return 0;
}

static int write_file(void *context, const char *shown, const char *bytes, uint32_t size)
{
	int tree = *(const int *)context, reason = 0, fd;
	ssize_t written;

	/* Names in a tree are relative, and lead nowhere else. */
	if (shown[0] == '/' || strstr(shown, ".."))
		return EINVAL;
	if (!reason)
		reason = make_folders(tree, shown);
	if (reason)
		return reason;
	fd = openat(tree, shown, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	written = write(fd, bytes, size);
	reason = written < 0 ? errno : written < (ssize_t)size ? ENOSPC : 0;
	if (close(fd) < 0 && !reason)
		reason = errno;
	return reason;
}

static int write_tree(int dir, const char *name, const struct source_cache *cache)
{
	int tree, reason;

	if (mkdirat(dir, name, 0700) < 0)
		return errno;
	tree = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0)
		return errno;
	reason = source_cache_each(cache, &tree, write_file);
	close(tree);
	return reason;
}

int snapshot_write(int dir, const char *name, const struct source_cache *cache)
{
	char fresh[64];
	int reason;

	snprintf(fresh, sizeof(fresh), ".%s.new", name);
	snapshot_remove(dir, fresh);
	reason = write_tree(dir, fresh, cache);
	if (!reason) {
		snapshot_remove(dir, name);
		if (renameat(dir, fresh, dir, name) < 0)
			reason = errno;
	}
	if (reason)
		snapshot_remove(dir, fresh);
	return reason;
}
