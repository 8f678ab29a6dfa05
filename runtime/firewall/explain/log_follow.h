/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the lines of a log as they are written, over rotations: when the file is renamed and a new one is made, when it
 * is truncated, and when it appears only later.
 */
#ifndef PVEFW_LOG_FOLLOW_H
#define PVEFW_LOG_FOLLOW_H

#include "base/output.h"

/* One of the file and its predecessor, into which its writer may write for a while after it was renamed. */
struct log_followed {
	int fd;          /* -1: none */
	int watch;       /* of inotify, or -1 */
	struct out part; /* the beginning of a line that is not complete */
	/* The last bytes that were read, to notice that the file was truncated and has grown again since. */
	char seen[64];
	uint32_t seen_length;
};

struct log_follow {
	const char *path;
	int inotify;
	int folder; /* the watch of its folder, or -1 */
	struct log_followed current, previous;
	void (*take)(void *context, struct text line); /* without its end */
	void *context;
};

/* Opens the file, if it exists, and hands over its last lines, at most `lines`.  0 or an errno. */
int log_follow_open(struct log_follow *f, const char *path, unsigned lines, void (*take)(void *context, struct text line),
		    void *context);
void log_follow_close(struct log_follow *f);
/* Hands over what was written since.  0 or an errno. */
int log_follow_read(struct log_follow *f);
/* Waits until something may have been written.  False: standard output was closed by its reader, or waiting failed. */
bool log_follow_wait(struct log_follow *f);

#endif
