/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of the log.
 *
 * Lines gather in memory and are written together. When they cannot be written (the disk is full, the file
 * cannot be opened) they are kept as long as there is room for them; then they are dropped and counted.
 * Nothing here waits, and what a full disk left half written is completed first.
 */
#ifndef PVEFW_LOG_FILE_H
#define PVEFW_LOG_FILE_H

#include "base/output.h"

struct log_file {
	const char *path;
	int fd;                 /* -1: could not be opened */
	int lock;               /* held while we write to this path; -1: not yet */
	struct out lines;       /* not written yet */
	bool broken;            /* the file ends in the middle of a line, whose rest comes first in `lines` */
	int reason;             /* errno of the last try to write; 0: nothing was wrong */
	uint64_t written, lost; /* lines */
};

enum log_open_result {
	LOG_OPEN_OK,
	LOG_OPEN_FAILED, /* errno is in `reason` */
	LOG_OPEN_TAKEN,  /* another process writes to this path */
};

enum log_open_result log_file_open(struct log_file *file, const char *path);
void log_file_close(struct log_file *file);
/* Reopens the path, after the file was renamed or removed. */
void log_file_reopen(struct log_file *file);

/* Whether the path names the open file; false: it was renamed or removed, or could not be opened. */
bool log_file_is_current(const struct log_file *file);

/* Whether another line may be appended to file->lines; one that may not is for the caller to count in
 * file->lost. */
bool log_file_has_room(const struct log_file *file);
/* Enough has gathered to be written at once. */
bool log_file_is_due(const struct log_file *file);
/* Writes what there is; false if something is left. */
bool log_file_write(struct log_file *file);

#endif
