/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all programs do in the same way: exit statuses, errors, standard output. */
#ifndef PVEFW_CONSOLE_H
#define PVEFW_CONSOLE_H

#include "base/arena.h"
#include "base/output.h"

/* Exit status (spec 5.3). */
enum {
	EXIT_CLEAN = 0,
	EXIT_FOUND = 1, /* a diagnostic at the failure level or above it */
	EXIT_ERROR = 2, /* wrong usage, input that cannot be read, output that cannot be written */
};

/* Sets the program's name in messages; it must last as long as the process. */
void cli_set_name(const char *name);

/* Prints the program's name and the message, escaped, to standard error; returns EXIT_ERROR. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Reports that no `what` has the name s->wanted, and the nearest that there is; returns EXIT_ERROR. */
struct suggestion;
int cli_unknown(const char *what, const char *prefix, const struct suggestion *s);

void stdout_open(struct out *out);
/* Writes the rest; returns EXIT_CLEAN, or reports the failure and returns EXIT_ERROR. */
int stdout_close(struct out *out);
/* out_files_commit(), and reports what has failed. */
struct out_files;
bool cli_commit_files(struct out_files *files);
/* Whether `path` is "-", which means a standard stream; false for NULL. */
bool is_standard_stream(const char *path);

#endif
