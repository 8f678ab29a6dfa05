/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/fw_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "inputs/directory.h"
#include "inputs/tree_root.h"

bool is_fw_name(const char *name)
{
	return strlen(name) > 3 && string_ends(name, ".fw");
}

bool is_fwtest_name(const char *name)
{
	return strlen(name) > 7 && string_ends(name, ".fwtest");
}

void fw_walk_init(struct fw_walk *walk, struct diags *diags, bool splits_trees)
{
	*walk = (struct fw_walk){ .diags = diags, .splits_trees = splits_trees };
	walk->last = &walk->first;
}

static struct fw_item *add_item(struct fw_walk *walk, const char *path, bool is_tree)
{
	struct fw_item *item = ARENA_NEW(walk->diags->arena, struct fw_item);

	*item = (struct fw_item){ .path = path, .is_tree = is_tree };
	*walk->last = item;
	walk->last = &item->next;
	return item;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Lists a directory; `count` is 0 if it is missing and `may_miss`. */
static struct dirent **list_shown(struct fw_walk *walk, const char *path, bool may_miss, int *count)
{
	struct dirent **entries = NULL;

	*count = scandir(path, &entries, is_shown, compare_dirents);
	if (*count >= 0)
		return entries;
	if ((errno != ENOENT && errno != ENOTDIR) || !may_miss)
		diag_unreadable(walk->diags, path, errno);
	*count = 0;
	return NULL;
}

static void give_back(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

/* ---- trees ---- */

static void add_place(struct fw_walk *walk, const char *folder, bool (*belongs)(const char *name))
{
	int count;
	struct dirent **entries = list_shown(walk, folder, true, &count);

	for (int i = 0; i < count; i++)
		if (belongs(entries[i]->d_name))
			add_item(walk, path_join(walk->diags->arena, folder, entries[i]->d_name), false);
	give_back(entries, count);
}

static bool is_of_firewall(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return strcmp(name, "cluster.fw") == 0 || (digits && name[0] != '0' && strcmp(name + digits, ".fw") == 0);
}

static bool is_of_node(const char *name)
{
	return strcmp(name, "host.fw") == 0;
}

static void add_tree_files(struct fw_walk *walk, const char *path)
{
	const char *nodes = path_join(walk->diags->arena, path, "nodes");
	int count;
	struct dirent **entries;

	add_place(walk, path_join(walk->diags->arena, path, "firewall"), is_of_firewall);
	entries = list_shown(walk, nodes, true, &count);
	for (int i = 0; i < count; i++)
		add_place(walk, path_join(walk->diags->arena, nodes, entries[i]->d_name), is_of_node);
	give_back(entries, count);
	add_place(walk, path_join(walk->diags->arena, path, "sdn/firewall"), is_fw_name);
}

bool fw_walk_tree_has_files(const struct diags *diags, const char *path)
{
	struct fw_walk walk;
	struct diags unseen;

	diags_init(&unseen, diags->arena, diags->map);
	fw_walk_init(&walk, &unseen, true);
	add_tree_files(&walk, path);
	return walk.first != NULL || unseen.unreadable;
}

/* A tree that has files, or a folder with a misspelt name, which the tree's reader will report. */
static bool is_tree_below(struct fw_walk *walk, const char *path)
{
	char name[TREE_NAME_ROOM];
	bool misspelt;
	int fd;

	if (tree_root_has_part(walk->diags->arena, path) && fw_walk_tree_has_files(walk->diags, path))
		return true;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	misspelt = fd >= 0 && tree_root_misspelt(fd, true, name);
	if (fd >= 0)
		close(fd);
	return misspelt;
}

void fw_walk_tests_below(struct fw_walk *walk, const char *folder)
{
	int count;
	struct dirent **entries = list_shown(walk, folder, true, &count);

	for (int i = 0; i < count; i++) {
		const char *below = path_join(walk->diags->arena, folder, entries[i]->d_name);
		struct stat st;

		if (is_fwtest_name(entries[i]->d_name))
			add_item(walk, below, false)->is_test = true;
		else if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
			fw_walk_tests_below(walk, below);
	}
	give_back(entries, count);
}

void fw_walk_tests(struct fw_walk *walk, const char *root)
{
	fw_walk_tests_below(walk, path_join(walk->diags->arena, root, "firewall"));
}

struct source *fw_walk_load(struct fw_walk *walk, const char *root, const struct fw_item *item)
{
	/* What path_join() has put before it. */
	const char *below = item->path + strlen(path_join(walk->diags->arena, root, "firewall")) - strlen("firewall");
	int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct source *source = NULL;

	if (at >= 0)
		source = source_load(walk->diags->map, at, below, below);
	if (!source)
		diag_unreadable(walk->diags, item->path, errno);
	if (at >= 0)
		close(at);
	return source;
}

static void add_tree(struct fw_walk *walk, const char *path)
{
	if (!walk->splits_trees) {
		add_item(walk, path, true);
		return;
	}
	add_tree_files(walk, path);
	fw_walk_tests(walk, path);
}

/* ---- other folders ---- */

static void walk_folder(struct fw_walk *walk, const char *path)
{
	int count;
	struct dirent **entries = list_shown(walk, path, false, &count);

	for (int i = 0; i < count; i++) {
		const char *below = path_join(walk->diags->arena, path, entries[i]->d_name);
		struct stat st;

		/* Reading a folder x.fw as a file fails with a proper message. */
		if (is_fw_name(entries[i]->d_name) || is_fwtest_name(entries[i]->d_name))
			add_item(walk, below, false)->is_test = is_fwtest_name(entries[i]->d_name);
		else if (lstat(below, &st) != 0 || !S_ISDIR(st.st_mode))
			continue; /* a link to a folder, too */
		else if (is_tree_below(walk, below))
			add_tree(walk, below);
		else
			walk_folder(walk, below);
	}
	give_back(entries, count);
}

void fw_walk_report_none(struct diags *diags, const char *path)
{
	bool is_tree = tree_root_has_part(diags->arena, path);
	struct diagnostic *d = diag(diags, SPAN_NONE, DIAG_NOTHING_TO_CHECK, "no .fw file found in %s%s",
				    is_tree ? "the tree " : "", path);
	const char *advice = is_tree ? NULL : tree_root_advice(diags->arena, path);

	diags->unreadable = true;
	if (is_tree)
		diag_help(
			d,
			"a tree has firewall/cluster.fw, firewall/<VMID>.fw, nodes/<node>/host.fw and sdn/firewall/<vnet>.fw");
	else if (advice)
		diag_help(d, "%s", advice);
}

void fw_walk_folder(struct fw_walk *walk, const char *path)
{
	struct fw_item **last = walk->last;
	bool unreadable = walk->diags->unreadable;

	walk->diags->unreadable = false;
	if (tree_root_has_part(walk->diags->arena, path) || (!walk->splits_trees && is_tree_below(walk, path)))
		add_tree(walk, path);
	else
		walk_folder(walk, path);
	if (walk->last == last && !walk->diags->unreadable)
		fw_walk_report_none(walk->diags, path);
	walk->diags->unreadable |= unreadable;
}
