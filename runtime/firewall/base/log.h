/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the service: to the journal, where each carries what it is about as
 * fields, or to a file, or to standard error.
 *
 * Logging never fails towards its caller: what cannot be written is counted, and
 * told as soon as something can be.
 */
#ifndef PVEFW_LOG_H
#define PVEFW_LOG_H

#include "diag/diag.h"

/* Of syslog, whose names are also those of the log levels of rules. */
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

/* What a message is about; NULL and 0 where it does not say. */
struct log_about {
	const char *diagnostic; /* "E0203" */
	const char *file;
	unsigned line;
};

/* "critical" and so on. */
const char *log_priority_name(enum log_priority priority);

/* To the file, if one is named; else with `debug` to standard error, else to the journal, if there is one. */
void log_open(struct log *log, const char *path, bool debug);
/* 0, or the errno why its file cannot be opened; then messages are lost until it can. */
int log_check(const struct log *log);
/* `about` may be NULL. */
void log_message(struct log *log, enum log_priority priority, const struct log_about *about, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* One line of a diagnostic; `map` is that of its compilation. */
void log_diagnostic(struct log *log, const struct source_map *map, const struct diagnostic *d);

#endif
