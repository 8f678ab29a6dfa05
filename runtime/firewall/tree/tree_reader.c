/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of the reader: waits for inotify, for a request or for a time, looks at what may have changed, sends a round.
 *
 * It is poll(2) and not an event loop of sd-event: there are two descriptors and one time, which is computed from all
 * items anew each time; and inotify is read in the middle of a scan, after each file, which a callback cannot do.
 */
#include "firewall/tree/tree_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_text.h"
#include "firewall/tree/tree_items.h"
#include "firewall/tree/tree_watch.h"
#include "inputs/tree_root.h"

/* Microseconds. */
enum {
	POLL_INTERVAL = 330000,      /* of the root; with TREE_DOUBT and loading less than a second */
	VERSION_INTERVAL = 900000,   /* of .version, which costs more */
	SCAN_AFTER = 1250000,        /* a change: by then the second of its mtime is over */
	SCAN_AFTER_SKEWED = 5000000, /* one whose mtime is not of now: nobody knows what that clock does */
	SCAN_SELDOM = 10000000,      /* without a reason; later where it takes long */
	SCAN_SHARE = 10000,          /* of the time, for those */
	SCAN_BLIND = 2000000,        /* without inotify */
};

enum { VERSION_MOST = 65536 };

/* A change that follows one of the time `modified` may have the same mtime: everything is scanned again later. */
static void scan_again(struct reader *r, const struct statx_timestamp *modified)
{
	uint64_t until = clock_us(CLOCK_MONOTONIC) + (time_is_skewed(modified) ? SCAN_AFTER_SKEWED : SCAN_AFTER);

	if (until > r->scan_until)
		r->scan_until = until;
}

/* ---- files ---- */

static void reader_read_item(struct reader *r, struct item *item, int at, const char *name, bool seen_before)
{
	struct signature signature;
	uint64_t since;
	uint32_t size = 0;
	char *bytes = tree_file_read(at, name, &signature, &size);

	if (!bytes) {
		if (errno == ENOENT)
			item_missing(r, item);
		else
			item_fails(r, item, errno);
		return;
	}
	if (!signature_equal(&signature, &item->signature))
		item->signature_since = seen_before ? clock_us(CLOCK_MONOTONIC) : 0;
	since = item->signature_since;
	item->signature = signature;
	item->has_signature = true;
	item->young = signature_is_young(&signature, !since ? UINT64_MAX : since < r->now ? r->now - since : 0) || size != signature.size;
	watch_take(r); /* a writer may have started since the last read */
	if (!item_is_being_written(r, item) && item_holds(r, item, bytes, size) && r->has_root && !signature.modified.tv_nsec)
		scan_again(r, &signature.modified);
	free(bytes);
}

/* `name`: relative to the folder `at`.  The item may be freed. */
static void reader_check_file(struct reader *r, struct item *item, int at, const char *name)
{
	struct statx st;
	struct signature signature;
	int reason = tree_file_status(at, name, &st);
	/* What comes while everything is known was written just now. */
	bool seen_before = item->has_signature || r->has_root;

	item->dirty = false;
	if (reason == ENOENT || reason == ENOTDIR) {
		item_missing(r, item);
		return;
	}
	if (reason) {
		item_fails(r, item, reason);
		return;
	}
	if (item_is_being_written(r, item))
		return;
	item->write_first = item->write_last = 0;
	signature = signature_of(&st);
	if (item->has_signature && !item->young && !item->doubt_since && !item->reason && !r->read_all &&
	    signature_equal(&signature, &item->signature))
		return;
	reader_read_item(r, item, at, name, seen_before);
}

/* ---- folders ---- */

static void find_folder(struct reader *r, const char *path)
{
	struct item *item = item_find_or_add(r, path, TREE_NODES, true);

	item->scan = r->scan;
	item_is_folder(r, item);
}

static void reader_found(struct reader *r, unsigned folder, int fd, const char *name)
{
	struct statx st;
	struct item *item;
	char path[600];

	watch_join(path, sizeof(path), r->folders[folder].path, name);
	if (folder == TREE_NODES && name[0] != '.' && tree_file_status(fd, name, &st) == 0 && S_ISDIR(st.stx_mode))
		find_folder(r, path);
	if (!watch_wants(folder, name))
		return;
	item = item_find_or_add(r, path, folder, false);
	item->scan = r->scan;
	reader_check_file(r, item, fd, name);
}

static void folder_fails(struct reader *r, unsigned folder, int reason)
{
	struct item *item = item_find_or_add(r, r->folders[folder].path, folder, true);

	r->folders[folder].failed = true;
	item->scan = r->scan;
	item_fails(r, item, reason);
}

static void scan_folder(struct reader *r, unsigned folder)
{
	struct watched *watched = &r->folders[folder];
	int fd = openat(r->root, watched->path[0] ? watched->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *dir;

	watched->failed = false;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		watched->inode = 0;
		return;
	}
	if (fd < 0) {
		folder_fails(r, folder, errno);
		return;
	}
	watch_folder(r, watched, fd);
	dir = fdopendir(fd);
	if (!dir) {
		folder_fails(r, folder, errno);
		close(fd);
		return;
	}
	find_folder(r, watched->path);
	while (errno = 0, (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			reader_found(r, folder, fd, entry->d_name);
	if (errno)
		folder_fails(r, folder, errno);
	closedir(dir);
}

/* ---- the node ---- */

/* The only one in the tree, or this machine; as inputs.c finds it. */
static void find_node(const struct reader *r, char node[256])
{
	const struct item *only = NULL;
	unsigned count = 0;

	for (const struct item *item = r->items; item; item = item->hh.next) {
		if (!item->is_folder || strncmp(item->path, "nodes/", 6) != 0 || strchr(item->path + 6, '/'))
			continue;
		only = item;
		count++;
	}
	if (count == 1) {
		snprintf(node, 256, "%s", only->path + 6);
		return;
	}
	gethostname(node, 255);
	node[strcspn(node, ".")] = '\0';
}

/* Files of another node than before are dropped: they have not vanished. */
static void reader_choose_node(struct reader *r)
{
	struct item *item, *next;
	char node[256] = "";

	if (r->options->node)
		return;
	find_node(r, node);
	if (strcmp(node, r->node) == 0)
		return;
	HASH_ITER(hh, r->items, item, next)
		if (item->folder > TREE_NODES)
			item_forget(r, item);
	memcpy(r->node, node, sizeof(r->node));
	watch_set_folders(r);
}

/* ---- the root ---- */

static void set_problem(struct reader *r, const char *problem, int reason)
{
	char text[sizeof(r->problem)];

	snprintf(text, sizeof(text), "%s%s%s", problem ? problem : "", reason ? ": " : "", reason ? error_text(reason) : "");
	if (problem) {
		for (struct item *item = r->items; item; item = item->hh.next) {
			item->dirty = false;
			item->doubt_since = item->write_first = item->write_last = 0;
		}
		if (strcmp(text, r->problem) == 0)
			return;
	} else if (r->has_root && !r->problem[0] && r->marks == r->sent_marks) {
		return;
	}
	r->has_root |= !problem;
	r->sent_marks = r->marks;
	memcpy(r->problem, text, sizeof(text));
	round_add(r, TREE_ROOT, r->problem, NULL, 0, reason);
}

/* True if it is a tree: the caller closes r->root. */
static bool open_root(struct reader *r)
{
	struct tree_root root;

	r->root = open(r->options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->root < 0) {
		set_problem(r, errno == ENOENT ? "does not exist" : "cannot be opened", errno);
		return false;
	}
	root = tree_root_look(r->root, TREE_WHOLE, r->marks);
	if (root.problem[0]) {
		close(r->root);
		set_problem(r, root.problem, root.reason);
		return false;
	}
	r->marks = root.marks;
	return true;
}

/* ---- scanning and polling ---- */

static void scan(struct reader *r)
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC), cost;
	struct item *item, *next;

	r->rescan = false;
	r->last_scan = begin;
	r->blind = r->inotify < 0;
	if (open_root(r)) {
		r->scan++;
		for (unsigned i = 0; i < TREE_FOLDERS; i++) {
			if (i == TREE_NODES + 1)
				reader_choose_node(r);
			scan_folder(r, i);
		}
		HASH_ITER(hh, r->items, item, next)
			if (item->scan != r->scan && !r->folders[item->folder].failed)
				item_missing(r, item);
		close(r->root);
		set_problem(r, NULL, 0);
	}
	cost = clock_us(CLOCK_MONOTONIC) - begin;
	r->next_scan = r->now + (SCAN_SELDOM > cost * SCAN_SHARE ? SCAN_SELDOM : cost * SCAN_SHARE);
	if (r->blind)
		r->next_scan = r->now + SCAN_BLIND;
}

static void check_dirty(struct reader *r)
{
	struct item *item, *next;

	if (!open_root(r))
		return;
	HASH_ITER(hh, r->items, item, next)
		if (item->dirty)
			reader_check_file(r, item, r->root, item->path);
	close(r->root);
	set_problem(r, NULL, 0);
}

/* The part of .version that does not change all the time, and its mtime; or why it cannot be read. */
static void read_version(const struct reader *r, struct out *version)
{
	static char text[VERSION_MOST];
	struct statx st = { 0 };
	const char *end;
	char path[4096];
	ssize_t got;
	int fd;

	out_init_memory(version);
	snprintf(path, sizeof(path), "%s/.version", r->options->root);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		out_printf(version, "%d", errno);
		return;
	}
	/* Once: another read, to see that it has ended, costs as much as the first. */
	got = read(fd, text, sizeof(text));
	statx(fd, "", AT_EMPTY_PATH, STATX_MTIME, &st);
	close(fd);
	end = got > 0 ? memmem(text, (size_t)got, "\"kvstore\"", 9) : NULL;
	if (got > 0)
		out_bytes(version, text, end ? (size_t)(end - text) : (size_t)got);
	out_printf(version, " %lld.%u", (long long)st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec);
}

static bool version_has_changed(struct reader *r)
{
	struct out version;
	bool changed;

	read_version(r, &version);
	changed = version.len != r->version.len || memcmp(version.data, r->version.data, version.len) != 0;
	out_free(&r->version);
	r->version = version;
	r->next_version = r->now + VERSION_INTERVAL;
	return changed;
}

/* Whether the root or .version have changed.  The mtime of pmxcfs' root changes with all that .version counts; .version is
 * for changes whose second another node's clock has brought before. */
static bool root_has_changed(struct reader *r)
{
	struct signature root = { 0 };
	struct statx st;
	int reason = tree_file_status(AT_FDCWD, r->options->root, &st);
	bool changed = r->now >= r->next_version && version_has_changed(r);

	if (reason)
		root.size = (uint64_t)reason;
	else
		root = signature_of(&st);
	changed |= !signature_equal(&root, &r->root_signature);
	r->root_signature = root;
	return changed;
}

static void poll_root(struct reader *r)
{
	bool was_known = r->root_signature.inode;

	if (!root_has_changed(r))
		return;
	if (was_known)
		scan_again(r, &r->root_signature.modified);
	else /* the times of a tree that was not there before say nothing about clocks */
		r->scan_until = clock_us(CLOCK_MONOTONIC) + SCAN_AFTER;
}

/* What could not be read is tried at every poll: when it can be read again, nothing else changes.  Items are asked only
 * while there may be one: they lie all over the memory. */
static bool has_failures(struct reader *r)
{
	const struct item *item = r->failing ? r->items : NULL;

	while (item && !item->reason)
		item = item->hh.next;
	r->failing = item != NULL;
	return r->failing;
}

static void poll_tree(struct reader *r)
{
	r->next_poll = r->now + POLL_INTERVAL;
	poll_root(r);
	r->options->shared->polls++;
	/* Not `until now`: where this process waits for a processor, the last scan would be too early. */
	if (r->last_scan <= r->scan_until || r->now >= r->next_scan || r->problem[0] || has_failures(r))
		r->rescan = true;
}

/* ---- the loop ---- */

/* Marks items that are to be looked at by now, and returns when the next one is; *any: there are some. */
static uint64_t mark_due(struct reader *r, bool *any)
{
	uint64_t next = r->next_poll;
	unsigned doubts = 0;

	*any = false;
	if (!r->pending)
		return next;
	r->pending = false;
	for (struct item *item = r->items; item; item = item->hh.next) {
		uint64_t due = UINT64_MAX;

		doubts += item->doubt_since != 0;
		if (item->doubt_since)
			due = item->doubt_since + TREE_DOUBT;
		if (item->write_last && item->write_last + TREE_WRITING < due)
			due = item->write_last + TREE_WRITING;
		if (item->write_last && item->write_first + TREE_WRITING_MOST < due)
			due = item->write_first + TREE_WRITING_MOST;
		if (due <= r->now && item->is_folder)
			r->rescan = true;
		else if (due <= r->now)
			item->dirty = true;
		else if (due < next)
			next = due;
		*any |= item->dirty && !item_is_being_written(r, item);
		r->pending |= item->dirty || item->doubt_since || item->write_last;
	}
	r->options->shared->doubts = doubts;
	return next;
}

/* How many requests have come; ends the process when the service is gone. */
static uint32_t requests(const struct reader *r)
{
	char bytes[64];
	ssize_t got = recv(r->socket, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		_exit(0);
	return got < 0 ? 0 : (uint32_t)got;
}

static void read_everything(struct reader *r, uint32_t count)
{
	r->believe = r->read_all = true;
	r->next_version = 0;
	poll_root(r);
	scan(r);
	r->believe = r->read_all = false;
	round_add(r, TREE_ANSWER, "", NULL, 0, (int)count);
}

static void wait_until(const struct reader *r, uint64_t time, bool *asked, bool *events)
{
	struct pollfd fds[] = { { .fd = r->socket, .events = POLLIN }, { .fd = r->inotify, .events = POLLIN } };
	uint64_t now = clock_us(CLOCK_MONOTONIC);

	if (poll(fds, 2, time > now ? (int)((time - now) / 1000) + 1 : 0) < 0)
		return;
	*asked = fds[0].revents;
	*events = fds[1].revents & POLLIN;
}

static void reader_serve(struct reader *r)
{
	uint64_t next = r->next_poll;

	for (;;) {
		bool any = false, asked = false, events = false;
		uint32_t count;

		wait_until(r, next, &asked, &events);
		r->options->shared->busy_since = r->now = clock_us(CLOCK_MONOTONIC);
		count = asked ? requests(r) : 0;
		if (events)
			watch_take(r);
		if (r->now >= r->next_poll)
			poll_tree(r);
		mark_due(r, &any);
		if (count)
			read_everything(r, count);
		else if (r->rescan)
			scan(r);
		else if (any)
			check_dirty(r);
		next = mark_due(r, &any);
		if (any)
			next = 0;
		r->options->shared->busy_since = 0;
		round_send(r);
	}
}

/* What the service knows is there, until it is seen that it is not. */
static void begin_with_known(struct reader *r)
{
	const struct cached_source *known = NULL;

	while ((known = source_cache_next(r->known, known))) {
		unsigned folder = known->is_folder ? TREE_NODES : 0;

		while (!known->is_folder && folder < TREE_FOLDERS - 1 && !cached_source_name_in(known, r->folders[folder].path))
			folder++;
		item_find_or_add(r, known->shown, folder, known->is_folder)->reason = known->reason;
		r->failing |= known->reason != 0;
	}
}

_Noreturn void tree_reader_run(const struct tree_reader_options *options)
{
	static struct reader reader; /* large */
	struct reader *r = &reader;

	*r = (struct reader){ .options = options, .known = options->known, .marks = options->marks };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r->socket = dup2(options->socket, 3);
	close_range(4, ~0U, 0);
	r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	snprintf(r->node, sizeof(r->node), "%s", options->node ? options->node : "");
	for (unsigned i = 0; i < TREE_FOLDERS; i++)
		r->folders[i].descriptor = -1;
	watch_set_folders(r);
	begin_with_known(r);
	out_init_memory(&r->version);
	out_init_memory(&r->round);
	r->next_poll = clock_us(CLOCK_MONOTONIC) + POLL_INTERVAL;
	reader_serve(r);
	_exit(0);
}
