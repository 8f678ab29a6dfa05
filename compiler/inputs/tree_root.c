/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/tree_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag/suggest.h"

/* The folders that make a tree. */
enum part { PART_FIREWALL, PART_NODES, PART_SDN, PARTS };

static const char *const part_names[PARTS] = { "firewall", "nodes", "sdn" };

/* 0: it is there; ENOENT: it is not; else why that cannot be found out. */
static int look_at(int root, const char *name, bool is_folder)
{
	struct stat st;

	if (fstatat(root, name, &st, 0) < 0)
		return errno;
	return is_folder && !S_ISDIR(st.st_mode) ? ENOTDIR : 0;
}

/* ENOENT for an empty folder, 0 for another one, or why it cannot be listed. */
static int list_root(int root)
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

/* ---- parts under another name ---- */

/* What only that part of a tree has: firewall/x.fw; nodes/x/host.fw, qemu-server/ or lxc/; sdn/firewall/ or .running-config. */
static bool is_of_part(enum part part, int folder, const char *name)
{
	static const char *const below[] = { "host.fw", "qemu-server", "lxc" };
	char path[TREE_NAME_ROOM + 16];
	struct stat st;

	if (part == PART_FIREWALL)
		return strlen(name) > strlen(".fw") && string_ends(name, ".fw");
	if (part == PART_SDN)
		return strcmp(name, "firewall") == 0 || strcmp(name, ".running-config") == 0;
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, below[i]);
		if (fstatat(folder, path, &st, 0) == 0)
			return true;
	}
	return false;
}

static DIR *open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static bool holds(int root, const char *name, enum part part)
{
	DIR *dir = open_folder(root, name);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			is_of_part(part, dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* Returns the missing part with a name like `name`, or PARTS.  Letters only: firewall.old is not a typing error. */
static enum part part_like(const char *name, const bool *missing)
{
	enum part best = PARTS;
	struct suggestion s;

	for (const char *c = name; *c; c++)
		if (!char_is_letter(*c))
			return PARTS;
	suggest_start(&s, text_of(name));
	for (unsigned i = 0; i < PARTS; i++) {
		unsigned distance = s.distance;

		if (missing[i])
			suggest(&s, text_of(part_names[i]), SPAN_NONE);
		if (s.distance < distance)
			best = (enum part)i;
	}
	return best;
}

const char *tree_root_misspelt(int root, bool strict, char name[TREE_NAME_ROOM])
{
	bool missing[PARTS], any = false;
	const char *found = NULL;
	const struct dirent *entry;
	DIR *dir;

	for (unsigned i = 0; i < PARTS; i++)
		any |= missing[i] = look_at(root, part_names[i], false) == ENOENT;
	dir = any ? open_folder(root, ".") : NULL;
	while (dir && !found && (entry = readdir(dir))) {
		enum part part = part_like(entry->d_name, missing);

		if (part == PARTS || look_at(root, entry->d_name, true) != 0 ||
		    (strict && !holds(root, entry->d_name, part)))
			continue;
		snprintf(name, TREE_NAME_ROOM, "%s", entry->d_name);
		found = part_names[part];
	}
	if (dir)
		closedir(dir);
	return found;
}

bool tree_root_is_part_name(const char *name)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (strcmp(name, part_names[i]) == 0)
			return true;
	return false;
}

bool tree_root_has_part(struct arena *arena, const char *path)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (look_at(AT_FDCWD, arena_printf(arena, "%s/%s", path, part_names[i]), true) == 0)
			return true;
	return false;
}

/* ---- requirements ---- */

static void root_problem(struct tree_root *found, const char *problem, int reason)
{
	snprintf(found->problem, sizeof(found->problem), "%s", problem);
	found->reason = reason;
}

/* On EACCES and the like assume that the part exists; reading it then fails with a proper message. */
static bool has_part(int root)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (look_at(root, part_names[i], true) != ENOENT)
			return true;
	return false;
}

/* sdn/ of a tree looks like a tree: it has a folder firewall/. */
static bool is_sdn(int root)
{
	static const char *const files[] = { ".running-config", "zones.cfg", "vnets.cfg" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (look_at(root, files[i], false) == 0)
			return look_at(root, "nodes", false) == ENOENT;
	return false;
}

static void check_node_folder(struct tree_root *found, int root, enum tree_demand demand)
{
	int reason = look_at(root, "nodes", true);

	if (!reason ||
	    (reason == ENOENT && demand == TREE_USABLE && look_at(root, "firewall/cluster.fw", false) == 0))
		return;
	if (reason == ENOENT)
		root_problem(found,
			     demand == TREE_USABLE ? "has no nodes/ and no firewall/cluster.fw"
						   : "has no nodes/",
			     0);
	else
		root_problem(found, "has a directory nodes/ that cannot be read", reason);
}

struct tree_root tree_root_look(int root, enum tree_demand demand, unsigned marks)
{
	struct tree_root found = { 0 };
	int listing = list_root(root), version = look_at(root, ".version", false);
	char name[TREE_NAME_ROOM];
	const char *right;
	struct statx st;

	/* Needs Linux 5.8.  Older kernels report no mount points, so none can be missed later. */
	if (statx(root, "", AT_EMPTY_PATH, 0, &st) == 0 && st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		found.marks |= TREE_IS_MOUNT;
	if (!version)
		found.marks |= TREE_HAS_VERSION;
	if (listing == ENOENT)
		root_problem(&found, "is empty", 0);
	else if (listing)
		root_problem(&found, "cannot be listed", listing);
	else if (marks & TREE_IS_MOUNT && !(found.marks & TREE_IS_MOUNT))
		root_problem(&found, "is no longer mounted", 0);
	else if (version && version != ENOENT)
		root_problem(&found, "has a .version that cannot be read", version);
	else if (version && marks & TREE_HAS_VERSION)
		root_problem(&found, "no longer has a .version", 0);
	else if (demand == TREE_PART && !has_part(root))
		root_problem(&found, "is not a tree: firewall/, nodes/ and sdn/ are missing", 0);
	else if (demand == TREE_PART && is_sdn(root))
		root_problem(&found, "is not a tree, but the sdn/ directory of a tree", 0);
	else if (demand != TREE_PART)
		check_node_folder(&found, root, demand);
	right = found.problem[0] ? NULL : tree_root_misspelt(root, true, name);
	if (right)
		snprintf(found.problem, sizeof(found.problem), "has %s/ instead of %s/", name, right);
	return found;
}
