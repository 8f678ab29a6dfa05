/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0: it is there; ENOENT: it is not; else why that cannot be found out. */
static int look(int root, const char *name, bool is_folder)
{
	struct stat st;

	if (fstatat(root, name, &st, 0) < 0)
		return errno;
	return is_folder && !S_ISDIR(st.st_mode) ? ENOTDIR : 0;
}

/* ENOENT for an empty folder, 0 for another one, or why it cannot be listed. */
static int list(int root)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), reason = ENOENT;
	const struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return errno;
	while (errno = 0, (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			reason = 0;
	if (errno)
		reason = errno;
	closedir(dir);
	return reason;
}

/* Linux 5.8 tells; where it does not, no tree is one, so that nothing is missed later. */
static bool is_mount(int root)
{
	struct statx st;

	return statx(root, "", AT_EMPTY_PATH, 0, &st) == 0 && st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static void fail(struct tree_root *found, const char *problem, int reason)
{
	found->problem = problem;
	found->reason = reason;
}

static void check_nodes(struct tree_root *found, int root, enum tree_demand demand)
{
	int reason = look(root, "nodes", true);

	if (!reason || (reason == ENOENT && demand == TREE_USABLE && look(root, "firewall/cluster.fw", false) == 0))
		return;
	if (reason == ENOENT)
		fail(found, demand == TREE_USABLE ? "has neither nodes/ nor firewall/cluster.fw" : "has no nodes/", 0);
	else
		fail(found, "has a folder nodes/ that cannot be read", reason);
}

struct tree_root tree_root_look(int root, enum tree_demand demand, unsigned marks)
{
	struct tree_root found = { .marks = is_mount(root) ? TREE_IS_MOUNT : 0 };
	int listing = list(root), version;

	if (demand == TREE_ANY)
		return found;
	version = look(root, ".version", false);
	if (!version)
		found.marks |= TREE_HAS_VERSION;
	if (listing == ENOENT)
		fail(&found, "is empty", 0);
	else if (listing)
		fail(&found, "cannot be listed", listing);
	else if (marks & TREE_IS_MOUNT && !(found.marks & TREE_IS_MOUNT))
		fail(&found, "is not a mount point any more", 0);
	else if (version && version != ENOENT)
		fail(&found, "has a .version that cannot be read", version);
	else if (version && marks & TREE_HAS_VERSION)
		fail(&found, "has no .version any more", 0);
	else
		check_nodes(&found, root, demand);
	return found;
}
