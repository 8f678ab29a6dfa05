/* SPDX-License-Identifier: GPL-2.0-or-later */
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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/output.h"
#include "base/errno_text.h"
#include "inputs/tree_root.h"
#include "base/clock.h"

/* Microseconds. */
enum {
	LOOK_INTERVAL = 330000, /* at the root; with DOUBT and loading less than a second */
	VERSION_INTERVAL = 900000, /* at .version, which costs more */
	SCAN_AFTER = 1250000,   /* a change: by then the second of its mtime is over */
	SCAN_AFTER_SKEWED = 5000000, /* one whose mtime is not of now: who knows what that clock does */
	SCAN_SELDOM = 10000000, /* without a reason; later where it takes long */
	SCAN_SHARE = 10000,     /* of the time, for those */
	SCAN_BLIND = 2000000,   /* without inotify */
	DOUBT = 500000,         /* until what has vanished or become empty is believed */
	WRITING = 500000,       /* after the last write to a file that its writer has not closed */
	WRITING_MOST = 700000,  /* after the first */
	COARSE = 2000000,       /* a file that had changed so shortly before it was read may change unseen, */
	FINE = 20000,           /* and where times are not whole seconds */
};

enum { READ_TRIES = 3, VERSION_MOST = 65536 };

/* What a compilation reads (spec 4.1): folders, and which of their files.  %s is the node. */
static const struct folder_row {
	const char *path, *ending, *names[2];
} folder_rows[] = {
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
enum { FOLDERS = sizeof(folder_rows) / sizeof(folder_rows[0]), NODES = 5 };

/* Tells two states of a file apart, as far as the file system does. */
struct signature {
	uint64_t device, inode, size;
	struct statx_timestamp changed, modified;
};

/* A file or folder that is there, or is known to the service. */
struct item {
	unsigned folder; /* index of the row */
	bool is_folder;
	bool dirty;      /* to be looked at */
	bool has_signature, young;
	struct signature signature;
	uint64_t signature_since;       /* when it was first seen to be so; 0: from the beginning */
	uint64_t doubt_since;           /* when it was first missing or empty; 0: it is not */
	bool doubt_missing;
	uint64_t write_first, write_last; /* by somebody who has not closed it; 0: nobody */
	uint64_t scan;                  /* the number of the last scan that has found it */
	int reason;                     /* that was sent: why it cannot be read */
	UT_hash_handle hh;
	char path[];
};

struct watched {
	char path[300];
	int descriptor; /* of inotify; -1: none */
	uint64_t device, inode;
	bool failed;    /* cannot be listed at present */
	bool warned;
};

struct reader {
	const struct tree_reader_options *options;
	struct source_cache *known; /* what the service knows */
	struct item *items;
	struct watched folders[FOLDERS];
	char node[256];
	int socket, inotify, root;
	bool believe;  /* whatever is seen counts at once */
	bool read_all; /* whatever the signatures say */
	bool rescan, blind;
	bool failing;  /* there may be items that cannot be read */
	bool pending;  /* there may be items that are dirty, in doubt or being written */
	uint64_t now, next_look, next_scan, scan;
	uint64_t scan_until; /* scans go on until one has begun after that */
	uint64_t last_scan;  /* when it began */
	/* the root as it was seen last */
	struct signature root_signature;
	uint64_t version, next_version;
	char problem[384];
	bool has_root;
	unsigned marks, sent_marks;
	struct out round;
};

/* Whether a time of a moment ago was written by a clock that differs from this machine's. */
static bool is_skewed(const struct statx_timestamp *changed)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return changed->tv_sec > now.tv_sec || now.tv_sec - changed->tv_sec > 2;
}

/* A change that follows one of the time `modified` may have the same mtime, so it is looked for without a sign of it. */
static void look_again(struct reader *r, const struct statx_timestamp *modified)
{
	uint64_t until = clock_us(CLOCK_MONOTONIC) + (is_skewed(modified) ? SCAN_AFTER_SKEWED : SCAN_AFTER);

	if (until > r->scan_until)
		r->scan_until = until;
}

/* ---- sending ---- */

static void record(struct reader *r, enum tree_record_kind kind, const char *name, const char *bytes, uint32_t size,
		   int reason)
{
	struct tree_record head = { .kind = kind,
				    .name_size = (uint32_t)strlen(name) + 1,
				    .size = size,
				    .reason = reason,
				    .marks = r->marks };

	out_bytes(&r->round, (const char *)&head, sizeof(head));
	out_bytes(&r->round, name, head.name_size);
	if (size)
		out_bytes(&r->round, bytes, size);
}

static void send_all(const struct reader *r, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(r->socket, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(0);
		bytes += n;
		size -= (size_t)n;
	}
}

static void send_round(struct reader *r)
{
	uint32_t size = (uint32_t)r->round.len;

	if (!size)
		return;
	send_all(r, (const char *)&size, sizeof(size));
	send_all(r, r->round.data, size);
	out_free(&r->round);
	out_init_memory(&r->round);
}

/* ---- items ---- */

static struct item *find_item(struct reader *r, const char *path)
{
	struct item *item = NULL;

	HASH_FIND_STR(r->items, path, item);
	return item;
}

static struct item *find_or_add_item(struct reader *r, const char *path, unsigned folder, bool is_folder)
{
	struct item *item = find_item(r, path);
	size_t len = strlen(path);

	if (item) {
		item->is_folder = is_folder;
		return item;
	}
	item = calloc(1, sizeof(*item) + len + 1);
	if (!item)
		abort();
	memcpy(item->path, path, len + 1);
	item->folder = folder;
	item->is_folder = is_folder;
	HASH_ADD_STR(r->items, path, item);
	return item;
}

static void drop_item(struct reader *r, struct item *item)
{
	HASH_DEL(r->items, item);
	free(item);
}

static void forget_missing(struct reader *r, struct item *item)
{
	if (source_cache_find(r->known, item->path)) {
		record(r, TREE_GONE, item->path, NULL, 0, 0);
		source_cache_remove(r->known, item->path);
	}
	drop_item(r, item);
}

/* True while it is too early to believe that it is missing, or empty: from when that was seen, not from when
 * the look has begun, which may have been long before. */
static bool is_doubtful(struct reader *r, struct item *item, bool missing)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);

	/* An empty file where there was none: somebody begins to write. */
	if (!item->doubt_since || (item->doubt_missing && !missing))
		item->doubt_since = now;
	item->doubt_missing = missing;
	r->pending = true;
	return !r->believe && now - item->doubt_since < DOUBT;
}

static void note_missing(struct reader *r, struct item *item)
{
	item->has_signature = false;
	item->write_first = item->write_last = 0;
	if (!source_cache_find(r->known, item->path) || !is_doubtful(r, item, true))
		forget_missing(r, item);
}

static void note_failure(struct reader *r, struct item *item, int reason)
{
	item->has_signature = false;
	item->doubt_since = 0;
	r->failing = true;
	if (item->reason == reason)
		return;
	item->reason = reason;
	record(r, item->is_folder ? TREE_FOLDER_FAILS : TREE_FILE_FAILS, item->path, NULL, 0, reason);
	source_cache_fail(r->known, item->path, item->is_folder, reason);
}

static void note_folder(struct reader *r, struct item *item)
{
	const struct cached_source *known = source_cache_find(r->known, item->path);

	item->doubt_since = 0;
	item->reason = 0;
	if (known && known->is_folder && known->is_known && !known->reason)
		return;
	record(r, TREE_FOLDER, item->path, NULL, 0, 0);
	source_cache_put_folder(r->known, item->path);
}

static void note_content(struct reader *r, struct item *item, const char *bytes, uint32_t size)
{
	const struct cached_source *known = source_cache_find(r->known, item->path);
	bool is_known = known && known->is_known && !known->is_folder;

	item->reason = 0;
	if (is_known && !known->reason && known->size == size && (!size || memcmp(known->bytes, bytes, size) == 0)) {
		item->doubt_since = 0;
		return;
	}
	if (!size && is_known && known->size && is_doubtful(r, item, false))
		return;
	item->doubt_since = 0;
	record(r, TREE_FILE, item->path, bytes, size, 0);
	source_cache_put(r->known, item->path, bytes, size);
	if (r->has_root && !item->signature.modified.tv_nsec)
		look_again(r, &item->signature.modified);
}

/* ---- files ---- */

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_signature(const struct signature *a, const struct signature *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->changed, &b->changed) && same_time(&a->modified, &b->modified);
}

static struct signature signature_of(const struct statx *st)
{
	return (struct signature){ .device = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
				   .inode = st->stx_ino,
				   .size = st->stx_size,
				   .changed = st->stx_ctime,
				   .modified = st->stx_mtime };
}

/* 0 or an errno. */
static int look_at(int at, const char *name, struct statx *st)
{
	int flags = AT_STATX_FORCE_SYNC | (name[0] ? 0 : AT_EMPTY_PATH);

	return statx(at, name, flags, STATX_BASIC_STATS, st) < 0 ? errno : 0;
}

/* Whether a change that comes now could leave the signature as it is: by this machine's clock, or, as
 * that of the node which wrote the file may differ, by how long the signature has been seen. */
static bool is_young(const struct reader *r, const struct item *item)
{
	const struct signature *s = &item->signature;
	int64_t granularity = s->modified.tv_nsec || s->changed.tv_nsec ? FINE : COARSE, age;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - s->modified.tv_sec) * 1000000 + (now.tv_nsec - s->modified.tv_nsec) / 1000;
	if (age < granularity)
		return true;
	if (granularity == COARSE && is_skewed(&s->modified))
		granularity = SCAN_AFTER_SKEWED;
	return item->signature_since && (int64_t)(r->now - item->signature_since) < granularity;
}

/* All bytes; NULL with errno set.  Free them. */
static char *read_bytes(int fd, size_t size, uint32_t *got)
{
	char *bytes = malloc(size + 1);

	*got = 0;
	if (!bytes)
		abort();
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

/* Reads a file as it is between two equal signatures, if it comes to rest; NULL with errno set. */
static char *read_settled(int at, const char *name, struct signature *signature, uint32_t *size)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), reason;
	char *bytes = NULL;
	struct statx st;

	if (fd < 0)
		return NULL;
	reason = look_at(fd, "", &st);
	for (int i = 0; i < READ_TRIES && !reason; i++) {
		*signature = signature_of(&st);
		free(bytes);
		bytes = NULL;
		if (!S_ISREG(st.stx_mode))
			reason = S_ISDIR(st.stx_mode) ? EISDIR : EINVAL;
		else if (st.stx_size > INT32_MAX - 2)
			reason = EFBIG;
		else if (lseek(fd, 0, SEEK_SET) < 0 || !(bytes = read_bytes(fd, (size_t)st.stx_size, size)))
			reason = errno;
		if (!reason)
			reason = look_at(fd, "", &st);
		if (!reason && *size == st.stx_size) {
			struct signature after = signature_of(&st);

			if (same_signature(signature, &after))
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

/* Somebody is writing: what is there now is not all of it. */
static bool is_being_written(const struct reader *r, const struct item *item)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC);

	return item->write_last && !r->believe && now - item->write_last < WRITING &&
	       now - item->write_first < WRITING_MOST;
}

static void read_events(struct reader *r);

static void read_item(struct reader *r, struct item *item, int at, const char *name, bool seen_before)
{
	struct signature signature;
	uint32_t size = 0;
	char *bytes = read_settled(at, name, &signature, &size);

	if (!bytes) {
		if (errno == ENOENT)
			note_missing(r, item);
		else
			note_failure(r, item, errno);
		return;
	}
	if (!same_signature(&signature, &item->signature))
		item->signature_since = seen_before ? clock_us(CLOCK_MONOTONIC) : 0;
	item->signature = signature;
	item->has_signature = true;
	item->young = is_young(r, item) || size != signature.size;
	/* Somebody may have begun to write since the events were read last. */
	read_events(r);
	if (!is_being_written(r, item))
		note_content(r, item, bytes, size);
	free(bytes);
}

/* `name`: relative to the folder `at`.  The item may be gone afterwards. */
static void check_file(struct reader *r, struct item *item, int at, const char *name)
{
	struct statx st;
	struct signature signature;
	int reason = look_at(at, name, &st);
	/* What comes while everything is known was written just now. */
	bool seen_before = item->has_signature || r->has_root;

	item->dirty = false;
	if (reason == ENOENT || reason == ENOTDIR) {
		note_missing(r, item);
		return;
	}
	if (reason) {
		note_failure(r, item, reason);
		return;
	}
	if (is_being_written(r, item))
		return;
	item->write_first = item->write_last = 0;
	signature = signature_of(&st);
	if (item->has_signature && !item->young && !item->doubt_since && !item->reason && !r->read_all &&
	    same_signature(&signature, &item->signature))
		return;
	read_item(r, item, at, name, seen_before);
}

/* ---- folders ---- */

static bool ends_in(const char *name, const char *ending)
{
	size_t len = strlen(name), tail = strlen(ending);

	return len > tail && strcmp(name + len - tail, ending) == 0;
}

/* Whether a compilation reads the file; editors' files have other names. */
static bool is_wanted(const struct folder_row *row, const char *name)
{
	for (size_t i = 0; i < 2; i++)
		if (row->names[i] && strcmp(name, row->names[i]) == 0)
			return true;
	return row->ending && name[0] != '.' && ends_in(name, row->ending);
}

static void join(char *path, size_t size, const char *folder, const char *name)
{
	snprintf(path, size, "%s%s%s", folder, folder[0] ? "/" : "", name);
}

static void warn(struct reader *r, struct watched *folder, int reason)
{
	char text[512];

	r->blind = true;
	if (folder->warned)
		return;
	folder->warned = true;
	snprintf(text, sizeof(text), "cannot watch %s/%s: %s; changes are noticed later", r->options->root, folder->path,
		 error_text(reason));
	record(r, TREE_WARNING, text, NULL, 0, 0);
}

/* Watches the folder that is at its place now. */
static void watch(struct reader *r, struct watched *folder, int fd)
{
	int before = folder->descriptor;
	char path[4096];
	struct statx st;

	if (r->inotify < 0 || look_at(fd, "", &st))
		return;
	if (before >= 0 && folder->inode == st.stx_ino && folder->device == signature_of(&st).device)
		return;
	join(path, sizeof(path), r->options->root, folder->path);
	folder->descriptor = inotify_add_watch(r->inotify, path,
					       IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
						       IN_MODIFY | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	folder->inode = st.stx_ino;
	folder->device = signature_of(&st).device;
	if (folder->descriptor < 0 && errno != ENOENT && errno != ENOTDIR)
		warn(r, folder, errno);
	/* The watch of a folder that was moved away stays with that. */
	if (before >= 0 && before != folder->descriptor)
		inotify_rm_watch(r->inotify, before);
}

static void find_folder(struct reader *r, const char *path)
{
	struct item *item = find_or_add_item(r, path, NODES, true);

	item->scan = r->scan;
	note_folder(r, item);
}

/* Only folders of nodes/. */
static void found_in_nodes(struct reader *r, int fd, const char *name, const char *path)
{
	struct statx st;

	if (name[0] != '.' && look_at(fd, name, &st) == 0 && S_ISDIR(st.stx_mode))
		find_folder(r, path);
}

static void found(struct reader *r, unsigned folder, int fd, const char *name)
{
	struct item *item;
	char path[600];

	join(path, sizeof(path), r->folders[folder].path, name);
	if (folder == NODES)
		found_in_nodes(r, fd, name, path);
	if (!is_wanted(&folder_rows[folder], name))
		return;
	item = find_or_add_item(r, path, folder, false);
	item->scan = r->scan;
	check_file(r, item, fd, name);
}

static void folder_fails(struct reader *r, unsigned folder, int reason)
{
	struct item *item = find_or_add_item(r, r->folders[folder].path, folder, true);

	r->folders[folder].failed = true;
	item->scan = r->scan;
	note_failure(r, item, reason);
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
	watch(r, watched, fd);
	dir = fdopendir(fd);
	if (!dir) {
		folder_fails(r, folder, errno);
		close(fd);
		return;
	}
	find_folder(r, watched->path);
	while (errno = 0, (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			found(r, folder, fd, entry->d_name);
	if (errno)
		folder_fails(r, folder, errno);
	closedir(dir);
}

/* ---- the node ---- */

static void set_folders(struct reader *r)
{
	for (unsigned i = 0; i < FOLDERS; i++) {
		const char *path = folder_rows[i].path, *gap = strstr(path, "%s");

		if (gap)
			snprintf(r->folders[i].path, sizeof(r->folders[i].path), "%.*s%s%s", (int)(gap - path), path, r->node,
				 gap + 2);
		else
			snprintf(r->folders[i].path, sizeof(r->folders[i].path), "%s", path);
	}
}

/* The only one in the tree, or this machine; as inputs.c does it. */
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

/* Files of another node than before are not those that have vanished. */
static void choose_node(struct reader *r)
{
	struct item *item, *next;
	char node[256] = "";

	if (r->options->node)
		return;
	find_node(r, node);
	if (strcmp(node, r->node) == 0)
		return;
	HASH_ITER(hh, r->items, item, next)
		if (item->folder > NODES)
			forget_missing(r, item);
	memcpy(r->node, node, sizeof(r->node));
	set_folders(r);
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
	record(r, TREE_ROOT, r->problem, NULL, 0, reason);
}

/* True if it is a tree; then it must be closed. */
static bool open_root(struct reader *r)
{
	struct tree_root root;

	r->root = open(r->options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->root < 0) {
		set_problem(r, errno == ENOENT ? "is not there" : "cannot be opened", errno);
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

/* ---- looking ---- */

static void scan(struct reader *r)
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC), cost;
	struct item *item, *next;

	r->rescan = false;
	r->last_scan = begin;
	r->blind = r->inotify < 0;
	if (open_root(r)) {
		r->scan++;
		for (unsigned i = 0; i < FOLDERS; i++) {
			if (i == NODES + 1)
				choose_node(r);
			scan_folder(r, i);
		}
		HASH_ITER(hh, r->items, item, next)
			if (item->scan != r->scan && !r->folders[item->folder].failed)
				note_missing(r, item);
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
			check_file(r, item, r->root, item->path);
	close(r->root);
	set_problem(r, NULL, 0);
}

/* The part of .version that does not change all the time: a hash of it (FNV-1a), and its mtime. */
static uint64_t version_of(const struct reader *r)
{
	static char text[VERSION_MOST];
	uint64_t hash = 0xcbf29ce484222325;
	const char *end;
	char path[4096];
	struct statx st = { 0 };
	uint32_t size;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/.version", r->options->root);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return (uint64_t)errno;
	/* Once: another read to see that it has ended costs as much as the first. */
	got = read(fd, text, sizeof(text) - 1);
	size = got > 0 ? (uint32_t)got : 0;
	statx(fd, "", AT_EMPTY_PATH, STATX_MTIME, &st);
	close(fd);
	text[size] = '\0';
	end = strstr(text, "\"kvstore\"");
	if (end)
		size = (uint32_t)(end - text);
	for (uint32_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
	return hash + (uint64_t)st.stx_mtime.tv_sec * 31 + st.stx_mtime.tv_nsec;
}

/* Whether the root or .version have changed.  The mtime of pmxcfs' root changes with all that .version counts;
 * .version is for changes whose second another node's clock has brought before. */
static bool has_changed(struct reader *r)
{
	struct signature root = { 0 };
	struct statx st;
	int reason = look_at(AT_FDCWD, r->options->root, &st);
	uint64_t version = r->version;
	bool changed;

	if (r->now >= r->next_version) {
		version = reason ? 0 : version_of(r);
		r->next_version = r->now + VERSION_INTERVAL;
	}

	if (reason)
		root.size = (uint64_t)reason;
	else
		root = signature_of(&st);
	changed = version != r->version || !same_signature(&root, &r->root_signature);
	r->version = version;
	r->root_signature = root;
	return changed;
}

/* The times of a tree that was not there before say nothing about clocks. */
static void look_at_root(struct reader *r)
{
	bool was_known = r->root_signature.inode;

	if (!has_changed(r))
		return;
	if (was_known)
		look_again(r, &r->root_signature.modified);
	else
		r->scan_until = clock_us(CLOCK_MONOTONIC) + SCAN_AFTER;
}

/* What could not be read is tried at every look: when it can be read again, nothing else changes.  All items are
 * asked only while there may be one: they lie all over the memory. */
static bool has_failures(struct reader *r)
{
	const struct item *item = r->failing ? r->items : NULL;

	while (item && !item->reason)
		item = item->hh.next;
	r->failing = item != NULL;
	return r->failing;
}

static void look(struct reader *r)
{
	r->next_look = r->now + LOOK_INTERVAL;
	look_at_root(r);
	/* Not `until now`: where this process waits for a processor, the last scan would be too early. */
	if (r->last_scan <= r->scan_until || r->now >= r->next_scan || r->problem[0] || has_failures(r))
		r->rescan = true;
}

/* ---- inotify ---- */

static void handle_event(struct reader *r, const struct inotify_event *event)
{
	const uint32_t done = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;
	struct item *item;
	unsigned folder = 0;
	char path[600];

	while (folder < FOLDERS && r->folders[folder].descriptor != event->wd)
		folder++;
	if (event->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)) {
		r->rescan |= folder < FOLDERS || event->mask & IN_Q_OVERFLOW;
		if (folder < FOLDERS && event->mask & IN_IGNORED)
			r->folders[folder].descriptor = -1;
		return;
	}
	if (folder == 0 && event->len && strcmp(event->name, ".version") == 0)
		r->next_look = r->next_version = 0;
	if (folder == FOLDERS || !event->len || !is_wanted(&folder_rows[folder], event->name))
		return;
	join(path, sizeof(path), r->folders[folder].path, event->name);
	item = find_or_add_item(r, path, folder, false);
	r->pending = item->dirty = true;
	item->young = true; /* it has changed, whatever the signature says */
	item->write_last = event->mask & done ? 0 : clock_us(CLOCK_MONOTONIC);
	if (!item->write_last || !item->write_first)
		item->write_first = item->write_last;
}

static void read_events(struct reader *r)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t got;

	while (r->inotify >= 0 && (got = read(r->inotify, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const void *)at;

			handle_event(r, event);
			at += sizeof(*event) + event->len;
		}
	}
}

/* ---- the loop ---- */

/* Marks what is to be looked at by now, and returns when the next one is. */
static uint64_t mark_due(struct reader *r, bool *any)
{
	uint64_t next = r->next_look;
	unsigned doubts = 0;

	*any = false;
	if (!r->pending)
		return next;
	r->pending = false;
	for (struct item *item = r->items; item; item = item->hh.next) {
		uint64_t due = UINT64_MAX;

		doubts += item->doubt_since != 0;
		if (item->doubt_since)
			due = item->doubt_since + DOUBT;
		if (item->write_last && item->write_last + WRITING < due)
			due = item->write_last + WRITING;
		if (item->write_last && item->write_first + WRITING_MOST < due)
			due = item->write_first + WRITING_MOST;
		if (due <= r->now && item->is_folder)
			r->rescan = true;
		else if (due <= r->now)
			item->dirty = true;
		else if (due < next)
			next = due;
		*any |= item->dirty && !is_being_written(r, item);
		r->pending |= item->dirty || item->doubt_since || item->write_last;
	}
	r->options->shared->doubts = doubts;
	return next;
}

/* How many requests have come; ends the process when nobody is there any more. */
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
	look_at_root(r);
	scan(r);
	r->believe = r->read_all = false;
	record(r, TREE_ANSWER, "", NULL, 0, (int)count);
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

static void serve(struct reader *r)
{
	uint64_t next = r->next_look;

	for (;;) {
		bool any = false, asked = false, events = false;
		uint32_t count;

		wait_until(r, next, &asked, &events);
		r->options->shared->busy_since = r->now = clock_us(CLOCK_MONOTONIC);
		count = asked ? requests(r) : 0;
		if (events)
			read_events(r);
		if (r->now >= r->next_look)
			look(r);
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
		send_round(r);
	}
}

/* What the service knows is there, until it is seen that it is not. */
static void begin_with_known(struct reader *r)
{
	const struct cached_source *known = NULL;

	while ((known = source_cache_next(r->known, known))) {
		unsigned folder = known->is_folder ? NODES : 0;

		while (!known->is_folder && folder < FOLDERS - 1 && !cached_source_name_in(known, r->folders[folder].path))
			folder++;
		find_or_add_item(r, known->shown, folder, known->is_folder)->reason = known->reason;
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
	for (unsigned i = 0; i < FOLDERS; i++)
		r->folders[i].descriptor = -1;
	set_folders(r);
	begin_with_known(r);
	out_init_memory(&r->round);
	r->next_look = clock_us(CLOCK_MONOTONIC) + LOOK_INTERVAL;
	serve(r);
	_exit(0);
}
