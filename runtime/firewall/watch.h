/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noticing that the tree has changed.
 *
 * inotify tells of files that change on this machine.  pmxcfs sends no events for what
 * other nodes change, but its .version changes then, which is looked at four times a
 * second; so is the root itself, which may vanish or be replaced.  Where inotify cannot
 * be had, every few looks count as a change.
 */
#ifndef PVEFW_WATCH_H
#define PVEFW_WATCH_H

#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "firewall/log.h"

/* How a change was noticed, which tells how soon there may be more. */
enum watch_change {
	WATCH_DONE,    /* somebody has finished writing a file */
	WATCH_ONGOING, /* somebody is writing, or folders change */
};

/* `shown`: the file, relative to the root; NULL: not known which. */
typedef void watch_handler(void *context, enum watch_change change, const char *shown);

struct watch_folder {
	const char *path; /* relative to the root */
	int descriptor;   /* of inotify; -1: not there */
};

enum { WATCH_FOLDERS = 16 };

struct watch {
	const char *root;
	struct log *log;
	watch_handler *handler;
	void *context;
	int fd; /* of inotify; -1: cannot be had */
	sd_event_source *events, *timer;
	struct watch_folder folders[WATCH_FOLDERS];
	unsigned folder_count;
	bool outdated; /* folders came or went: watch anew */
	bool missing;  /* the root is not there, and that was said */
	struct stat root_st, version_st;
	char version[64];
	unsigned looks;
};

/* Watches `root` for the node `node`; 0 or an errno. */
int watch_start(struct watch *w, sd_event *event, const char *root, const char *node, struct log *log,
		watch_handler *handler, void *context);
/* Tells which folder was read as the root: if it is not the one that was seen last, it counts as replaced. */
void watch_root_read(struct watch *w, const struct stat *st);
void watch_stop(struct watch *w);

#endif
