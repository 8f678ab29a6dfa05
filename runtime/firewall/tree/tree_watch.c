/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/tree/tree_watch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_text.h"

/* Folders (spec 4.1), and which of their files.  %s is the node. */
static const struct folder_row {
	const char *path, *ending, *names[2];
} folder_rows[TREE_FOLDERS] = {
	{ "", NULL, { "corosync.conf", NULL } },
	{ "firewall", ".fw", { NULL, NULL } },
	{ "sdn", NULL, { ".running-config", "pve-ipam-state.json" } },
	{ "sdn/firewall", ".fw", { NULL, NULL } },
	{ "priv", NULL, { "ipam.db", NULL } },
	{ "nodes", NULL, { NULL, NULL } },
	{ "nodes/%s", NULL, { "host.fw", NULL } },
	{ "nodes/%s/qemu-server", ".conf", { NULL, NULL } },
	{ "nodes/%s/lxc", ".conf", { NULL, NULL } },
};

void watch_set_folders(struct reader *r)
{
	for (unsigned i = 0; i < TREE_FOLDERS; i++) {
		const char *path = folder_rows[i].path, *gap = strstr(path, "%s");

		if (gap)
			snprintf(r->folders[i].path, sizeof(r->folders[i].path), "%.*s%s%s", (int)(gap - path), path, r->node,
				 gap + 2);
		else
			snprintf(r->folders[i].path, sizeof(r->folders[i].path), "%s", path);
	}
}

bool watch_wants(unsigned folder, const char *name)
{
	const struct folder_row *row = &folder_rows[folder];

	for (size_t i = 0; i < 2; i++)
		if (row->names[i] && strcmp(name, row->names[i]) == 0)
			return true;
	return row->ending && name[0] != '.' && string_ends(name, row->ending) && strlen(name) > strlen(row->ending);
}

void watch_join(char *path, size_t size, const char *folder, const char *name)
{
	snprintf(path, size, "%s%s%s", folder, folder[0] ? "/" : "", name);
}

static void watch_failed(struct reader *r, struct watched *folder, int reason)
{
	char text[512];

	r->blind = true;
	if (folder->warned)
		return;
	folder->warned = true;
	snprintf(text, sizeof(text), "cannot watch %s/%s: %s; changes are noticed later", r->options->root, folder->path,
		 error_text(reason));
	round_add(r, TREE_WARNING, text, NULL, 0, 0);
}

void watch_folder(struct reader *r, struct watched *folder, int fd)
{
	int before = folder->descriptor;
	char path[4096];
	struct statx st;

	if (r->inotify < 0 || tree_file_status(fd, "", &st))
		return;
	if (before >= 0 && folder->inode == st.stx_ino && folder->device == signature_of(&st).device)
		return;
	watch_join(path, sizeof(path), r->options->root, folder->path);
	folder->descriptor = inotify_add_watch(r->inotify, path,
					       IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
						       IN_MODIFY | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	folder->inode = st.stx_ino;
	folder->device = signature_of(&st).device;
	if (folder->descriptor < 0 && errno != ENOENT && errno != ENOTDIR)
		watch_failed(r, folder, errno);
	/* The watch of a folder that was moved away stays with that. */
	if (before >= 0 && before != folder->descriptor)
		inotify_rm_watch(r->inotify, before);
}

static void watch_handle(struct reader *r, const struct inotify_event *event)
{
	const uint32_t done = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
	struct item *item;
	unsigned folder = 0;
	char path[600];

	while (folder < TREE_FOLDERS && r->folders[folder].descriptor != event->wd)
		folder++;
	if (event->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)) {
		r->rescan |= folder < TREE_FOLDERS || event->mask & IN_Q_OVERFLOW;
		if (folder < TREE_FOLDERS && event->mask & IN_IGNORED)
			r->folders[folder].descriptor = -1;
		return;
	}
	if (folder == 0 && event->len && strcmp(event->name, ".version") == 0)
		r->next_poll = r->next_version = 0;
	if (folder == TREE_FOLDERS || !event->len || !watch_wants(folder, event->name))
		return;
	watch_join(path, sizeof(path), r->folders[folder].path, event->name);
	item = item_find_or_add(r, path, folder, false);
	r->pending = item->dirty = true;
	item->young = true; /* it has changed, whatever the signature says */
	item->write_last = event->mask & done ? 0 : clock_us(CLOCK_MONOTONIC);
	if (!item->write_last || !item->write_first)
		item->write_first = item->write_last;
}

void watch_take(struct reader *r)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t got;

	while (r->inotify >= 0 && (got = read(r->inotify, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const void *)at;

			watch_handle(r, event);
			at += sizeof(*event) + event->len;
		}
	}
}
