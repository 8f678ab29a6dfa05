/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the service: to the journal, where fields carry what each is about, or to a file, or to standard error.
 *
 * Logging never fails for its caller: messages that cannot be written are counted, and their number is logged as soon as
 * that is possible.
 */
#ifndef PVEFW_LOG_H
#define PVEFW_LOG_H

#include "diag/diag.h"

/* The numbers of syslog(3). */
enum log_priority {
	PRIORITY_CRITICAL = 2,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFO,
	PRIORITY_DEBUG,
};

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_JOURNAL,
	LOG_TO_FILE,
};

struct log {
	enum log_target target;
	const char *path; /* of LOG_TO_FILE; opened for each message, so that it can be rotated */
	unsigned lost;
	bool verbose; /* PRIORITY_DEBUG, too */
};

/* The subject of a message; NULL and 0: none. */
struct log_about {
	const char *diagnostic; /* "E0203" */
	const char *file;
	unsigned line;
};

/* "critical" and so on. */
const char *log_priority_name(enum log_priority priority);

/* Logs to the file, if `path` is not NULL; else with `debug` to standard error; else to the journal, or to standard error. */
void log_open(struct log *log, const char *path, bool debug);
/* 0, or the errno why the file cannot be opened; messages are lost until it can. */
int log_check(const struct log *log);
/* `about` may be NULL. */
void log_message(struct log *log, enum log_priority priority, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Logs a diagnostic as one line; `map` is that of its compilation. */
void log_diagnostic(struct log *log, const struct source_map *map, const struct diagnostic *d);

#endif
