/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of the reader of the tree: its items, what the service knows of them, and the round that is to be sent.
 *
 * tree_items.c records what was found, tree_watch.c what inotify says, tree_reader.c looks at the files.
 */
#ifndef PVEFW_TREE_ITEMS_H
#define PVEFW_TREE_ITEMS_H

#include <uthash.h>

#include "base/output.h"
#include "firewall/tree/tree_file.h"
#include "firewall/tree/tree_reader.h"

enum { TREE_FOLDERS = 9, TREE_NODES = 5 /* the row of nodes/: those after it depend on the node */ };
/* Microseconds. */
enum {
	TREE_DOUBT = 500000,        /* until what has vanished or become empty is believed */
	TREE_WRITING = 500000,      /* after the last write to a file that its writer has not closed, */
	TREE_WRITING_MOST = 700000, /* or after the first, the file is read */
};

/* A file or folder that is there, or is known to the service.  Times are microseconds, CLOCK_MONOTONIC. */
struct item {
	unsigned folder; /* index of its row */
	bool is_folder;
	bool dirty;      /* to be looked at */
	bool has_signature, young;
	struct signature signature;
	uint64_t signature_since;         /* when it was first seen to be so; 0: from the beginning */
	uint64_t doubt_since;             /* when it was first missing or empty; 0: it is not */
	bool doubt_missing;
	uint64_t write_first, write_last; /* by a writer that has not closed it; 0: none */
	uint64_t scan;                    /* the number of the last scan that has found it */
	int reason;                       /* errno why it cannot be read, as it was sent; 0: it can */
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
	struct source_cache *known; /* the service's copy */
	struct item *items;         /* uthash */
	struct watched folders[TREE_FOLDERS];
	char node[256];
	int socket, inotify, root;
	bool believe;  /* whatever is seen counts at once */
	bool read_all; /* whatever the signatures say */
	bool rescan, blind;
	bool failing;  /* there may be items that cannot be read */
	bool pending;  /* there may be items that are dirty, in doubt or being written */
	uint64_t now, next_poll, next_scan, scan;
	uint64_t scan_until; /* scans go on until one has begun after that */
	uint64_t last_scan;  /* when it began */
	/* the root as it was seen last */
	struct signature root_signature;
	uint64_t next_version;
	struct out version; /* of .version: the part that matters, and its mtime */
	char problem[384];
	bool has_root;
	unsigned marks, sent_marks;
	struct out round;
};

/* Adds a record to the round; `bytes` NULL: it has none. */
void round_add(struct reader *r, enum tree_record_kind kind, const char *name, const char *bytes, uint32_t size, int reason);
/* Sends the round, if anything is in it; ends the process when the service is gone. */
void round_send(struct reader *r);

struct item *item_find_or_add(struct reader *r, const char *path, unsigned folder, bool is_folder);
/* The item is missing, for sure: it is freed. */
void item_forget(struct reader *r, struct item *item);
/* The item was not found: it is freed if it is unknown, or has been missing for long enough. */
void item_missing(struct reader *r, struct item *item);
/* The item is there and cannot be read, for `reason`, an errno. */
void item_fails(struct reader *r, struct item *item, int reason);
/* The item is a folder that can be read. */
void item_is_folder(struct reader *r, struct item *item);
/* The item holds these bytes.  True if that is sent as a change. */
bool item_holds(struct reader *r, struct item *item, const char *bytes, uint32_t size);
/* Whether the item is being written: its present contents are incomplete. */
bool item_is_being_written(const struct reader *r, const struct item *item);

#endif
