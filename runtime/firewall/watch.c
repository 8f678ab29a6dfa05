/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "strerror.h"

enum {
	LOOK_INTERVAL = 250000, /* microseconds */
	LOOKS_WITHOUT_EVENTS = 8,
	DONE = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB,
	ONGOING = IN_MODIFY | IN_CREATE,
	GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW,
};

static const char *full_path(const struct watch *w, const char *path, char buffer[4096])
{
	snprintf(buffer, 4096, "%s/%s", w->root, path);
	return buffer;
}

/* ---- inotify ---- */

static void add_watch(struct watch *w, struct watch_folder *folder)
{
	int before = folder->descriptor;
	char path[4096];

	folder->descriptor = inotify_add_watch(w->fd, full_path(w, folder->path, path),
					       DONE | ONGOING | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	if (folder->descriptor < 0 && errno != ENOENT && errno != ENOTDIR)
		log_message(w->log, PRIORITY_WARNING, NULL, "cannot watch %s: %s; changes are noticed later", path,
			    error_text(errno));
	/* Of a folder that was moved away the old watch is left. */
	if (before >= 0 && before != folder->descriptor)
		inotify_rm_watch(w->fd, before);
}

static void watch_anew(struct watch *w)
{
	w->outdated = false;
	if (w->fd < 0)
		return;
	for (unsigned i = 0; i < w->folder_count; i++)
		add_watch(w, &w->folders[i]);
}

static const struct watch_folder *folder_of(const struct watch *w, int descriptor)
{
	for (unsigned i = 0; i < w->folder_count; i++)
		if (w->folders[i].descriptor == descriptor)
			return &w->folders[i];
	return NULL;
}

static bool ends_in(const char *name, const char *ending)
{
	size_t len = strlen(name), tail = strlen(ending);

	return len >= tail && strcmp(name + len - tail, ending) == 0;
}

/* The names of what a compilation reads (spec 4.1); editors' files are others. */
static bool counts(const char *name)
{
	static const char *const endings[] = { ".fw", ".conf", ".running-config", "ipam.db", "pve-ipam-state.json" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_in(name, endings[i]))
			return true;
	return false;
}

static void handle_event(struct watch *w, const struct inotify_event *event)
{
	const struct watch_folder *folder = folder_of(w, event->wd);
	char shown[512];

	if (!folder && !(event->mask & IN_Q_OVERFLOW)) /* no more of the tree */
		return;
	if (event->mask & (GONE | IN_ISDIR)) {
		w->outdated = true;
		w->handler(w->context, WATCH_ONGOING, NULL);
		return;
	}
	if (!event->len || !counts(event->name))
		return;
	snprintf(shown, sizeof(shown), "%s%s%s", folder->path, folder->path[0] ? "/" : "", event->name);
	w->handler(w->context, event->mask & DONE ? WATCH_DONE : WATCH_ONGOING, shown);
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	_Alignas(struct inotify_event) char buffer[16384];
	struct watch *w = context;
	ssize_t got;

	(void)source;
	(void)revents;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const void *)at;

			handle_event(w, event);
			at += sizeof(*event) + event->len;
		}
	}
	if (w->outdated)
		watch_anew(w);
	return 0;
}

/* ---- looking ---- */

static bool same_folder(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the root is another one, or no more, or there again. */
static bool root_changed(struct watch *w)
{
	struct stat st = { 0 };
	bool missing = stat(w->root, &st) < 0, changed = !same_folder(&st, &w->root_st);

	if (missing && !w->missing)
		log_message(w->log, PRIORITY_ERROR, NULL,
			    "%s is not there: %s; what is enforced stays in force until it is back", w->root,
			    error_text(errno));
	else if (!missing && w->missing)
		log_message(w->log, PRIORITY_NOTICE, NULL, "%s is there again", w->root);
	w->missing = missing;
	w->root_st = st;
	return changed;
}

static bool version_changed(struct watch *w)
{
	char path[4096], version[sizeof(w->version)] = "";
	struct stat st = { 0 };
	int fd = open(full_path(w, ".version", path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool changed;

	if (fd >= 0) {
		if (fstat(fd, &st) < 0 || read(fd, version, sizeof(version) - 1) < 0)
			version[0] = '\0';
		close(fd);
	}
	changed = strcmp(version, w->version) != 0 || st.st_mtim.tv_sec != w->version_st.st_mtim.tv_sec ||
		  st.st_mtim.tv_nsec != w->version_st.st_mtim.tv_nsec;
	memcpy(w->version, version, sizeof(version));
	w->version_st = st;
	return changed;
}

/* Replaced once more while its folders were looked up, it is looked at again. */
static void follow_root(struct watch *w)
{
	struct stat st = { 0 };

	watch_anew(w);
	stat(w->root, &st);
	if (!same_folder(&st, &w->root_st))
		w->root_st = (struct stat){ 0 };
}

void watch_root_read(struct watch *w, const struct stat *st)
{
	if (!same_folder(st, &w->root_st))
		w->root_st = (struct stat){ 0 };
}

static int on_look(sd_event_source *source, uint64_t now, void *context)
{
	struct watch *w = context;
	bool root = root_changed(w), version = version_changed(w);

	if (root)
		follow_root(w);
	if (root || version || (w->fd < 0 && ++w->looks % LOOKS_WITHOUT_EVENTS == 0))
		w->handler(w->context, WATCH_DONE, NULL);
	sd_event_source_set_time(source, now + LOOK_INTERVAL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- starting ---- */

static void add_folder(struct watch *w, const char *path)
{
	w->folders[w->folder_count++] = (struct watch_folder){ path, -1 };
}

static void add_node_folder(struct watch *w, const char *node, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "nodes/%s%s%s", node, name[0] ? "/" : "", name) > 0)
		add_folder(w, path);
}

static void list_folders(struct watch *w, const char *node)
{
	static const char *const shared[] = { "", "firewall", "nodes", "sdn", "sdn/firewall", "priv" };

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		add_folder(w, strdup(shared[i]));
	add_node_folder(w, node, "");
	add_node_folder(w, node, "qemu-server");
	add_node_folder(w, node, "lxc");
}

static int start_events(struct watch *w, sd_event *event)
{
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		log_message(w->log, PRIORITY_WARNING, NULL, "no inotify: %s; the tree is read every two seconds",
			    error_text(errno));
		return 0;
	}
	watch_anew(w);
	return sd_event_add_io(event, &w->events, w->fd, EPOLLIN, on_events, w);
}

int watch_start(struct watch *w, sd_event *event, const char *root, const char *node, struct log *log,
		watch_handler *handler, void *context)
{
	uint64_t now;
	int result;

	*w = (struct watch){ .root = root, .log = log, .handler = handler, .context = context, .fd = -1 };
	list_folders(w, node);
	root_changed(w);
	version_changed(w);
	result = start_events(w, event);
	if (result >= 0)
		result = sd_event_now(event, CLOCK_MONOTONIC, &now);
	if (result >= 0)
		result = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, now + LOOK_INTERVAL, LOOK_INTERVAL / 10,
					   on_look, w);
	return result < 0 ? -result : 0;
}

void watch_stop(struct watch *w)
{
	sd_event_source_unref(w->events);
	sd_event_source_unref(w->timer);
	if (w->fd >= 0)
		close(w->fd);
	for (unsigned i = 0; i < w->folder_count; i++)
		free((char *)(uintptr_t)w->folders[i].path);
}
