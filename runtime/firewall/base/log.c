/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The place in this program that a message comes from is of no use to its readers. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "firewall/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "base/output.h"
#include "base/escape.h"

void log_open(struct log *log, const char *path, bool debug)
{
	*log = (struct log){ .path = path, .verbose = debug };
	if (path)
		log->target = LOG_TO_FILE;
	else if (!debug && access("/run/systemd/journal/socket", W_OK) == 0)
		log->target = LOG_TO_JOURNAL;
}

const char *log_priority_name(enum log_priority priority)
{
	static const char *const names[] = {
		[PRIORITY_CRITICAL] = "critical", [PRIORITY_ERROR] = "error", [PRIORITY_WARNING] = "warning",
		[PRIORITY_NOTICE] = "notice",	  [PRIORITY_INFO] = "info",   [PRIORITY_DEBUG] = "debug",
	};

	return names[priority];
}

/* ---- files and terminals ---- */

static void log_put_line(struct out *out, enum log_priority priority, struct text message)
{
	struct timespec now;
	struct tm parts;
	char stamp[64];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &parts);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &parts);
	out_printf(out, "%s.%03ld pve-firewall[%d]: %s: ", stamp, now.tv_nsec / 1000000, (int)getpid(),
		   log_priority_name(priority));
	out_escaped(out, message);
	out_char(out, '\n');
}

static int log_open_file(const struct log *log)
{
	/* O_NONBLOCK: a FIFO without a reader must not stop the firewall. */
	return open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

int log_check(const struct log *log)
{
	int fd = log->target == LOG_TO_FILE ? log_open_file(log) : -1;

	if (fd >= 0)
		close(fd);
	return fd < 0 && log->target == LOG_TO_FILE ? errno : 0;
}

/* False: it was not, or only partly, written. */
static bool log_append(const struct log *log, const struct out *line)
{
	int fd = log->target == LOG_TO_FILE ? log_open_file(log) : STDERR_FILENO;
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, line->data, line->len);
	if (fd != STDERR_FILENO)
		close(fd);
	return written == (ssize_t)line->len;
}

static bool write_line(const struct log *log, enum log_priority priority, struct text message)
{
	struct out line;
	bool done;

	out_init_memory(&line);
	log_put_line(&line, priority, message);
	done = log_append(log, &line);
	out_free(&line);
	return done;
}

/* ---- the journal ---- */

struct fields {
	struct iovec items[8];
	int count;
};

static void add_field(struct fields *f, struct arena *arena, const char *name, const char *value)
{
	struct text field = ARENA_JOIN(arena, text_of(name), TEXT("="), text_of(value));

	f->items[f->count++] = (struct iovec){ (char *)(uintptr_t)field.ptr, field.len };
}

static bool send_to_journal(struct arena *arena, enum log_priority priority, const struct log_about *about, const char *message)
{
	struct fields f = { .count = 0 };

	add_field(&f, arena, "MESSAGE", message);
	add_field(&f, arena, "PRIORITY", arena_printf(arena, "%d", priority));
	add_field(&f, arena, "SYSLOG_IDENTIFIER", "pve-firewall");
	if (about && about->diagnostic)
		add_field(&f, arena, "PVEFW_DIAGNOSTIC", about->diagnostic);
	if (about && about->file)
		add_field(&f, arena, "PVEFW_FILE", about->file);
	if (about && about->line)
		add_field(&f, arena, "PVEFW_LINE", arena_printf(arena, "%u", about->line));
	return sd_journal_sendv(f.items, f.count) >= 0;
}

/* ---- messages ---- */

static bool deliver(const struct log *log, struct arena *arena, enum log_priority priority, const struct log_about *about,
		    const char *message)
{
	if (log->target == LOG_TO_JOURNAL)
		return send_to_journal(arena, priority, about, message);
	return write_line(log, priority, text_of(message));
}

void log_message(struct log *log, enum log_priority priority, const struct log_about *about, const char *format, ...)
{
	struct arena arena = { 0 };
	const char *message;
	va_list args;

	if (priority == PRIORITY_DEBUG && !log->verbose)
		return;
	va_start(args, format);
	message = arena_vprintf(&arena, format, args);
	va_end(args);
	if (about && about->file && about->line)
		message = arena_printf(&arena, "%s:%u: %s", about->file, about->line, message);
	if (log->lost && deliver(log, &arena, PRIORITY_WARNING, NULL,
				 arena_printf(&arena, "%u messages before this one could not be written", log->lost)))
		log->lost = 0;
	if (!deliver(log, &arena, priority, about, message))
		log->lost++;
	arena_free(&arena);
}

void log_diagnostic(struct log *log, const struct source_map *map, const struct diagnostic *d)
{
	static const enum log_priority priorities[] = {
		[SEVERITY_NOTE] = PRIORITY_INFO,
		[SEVERITY_WARNING] = PRIORITY_WARNING,
		[SEVERITY_ERROR] = PRIORITY_ERROR,
	};
	const struct diag_row *row = &diag_catalogue[d->id];
	struct place place = source_place(map, d->span.begin);
	char id[16];
	struct log_about about = { .diagnostic = id, .line = place.line };
	const char *consequence = "";

	snprintf(id, sizeof(id), "%c%s", row->letter, row->number);
	if (place.source)
		about.file = place.source->path;
	/* The first note says what becomes of the traffic. */
	for (const struct diag_part *part = d->parts; part && !consequence[0]; part = part->next)
		if (part->kind == DIAG_NOTE)
			consequence = part->text;
	log_message(log, priorities[d->severity], &about, "%s[%s]: %s%s%s", severity_name(d->severity), id, d->message,
		    consequence[0] ? ": " : "", consequence);
}
