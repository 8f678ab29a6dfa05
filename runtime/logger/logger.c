/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon on sd-event: messages of the kernel become lines in the buffer of the log file, which is written
 * when enough has gathered or a moment after the first line. The same timer tells what was lost, and writes
 * logger.state; it does not run while nothing happens.
 */
#include "logger/logger.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "cli/console.h"
#include "logger/input/conntrack.h"
#include "logger/output/log_file.h"
#include "common/logger_notes.h"
#include "logger/input/nflog.h"
#include "logger/input/nflog_message.h"
#include "logger/output/line.h"
#include "logger/daemon.h"
#include "logger/state.h"
#include "base/errno_text.h"
#include "base/clock.h"

enum {
	WRITE_AFTER = 200 * 1000, /* µs a line waits for others */
	LATER = 1000 * 1000,      /* µs until what could not be done is tried again */
	READS_MOST = 64,          /* then signals have their turn */
};

struct logger {
	const struct logger_options *options;
	sd_event *event;
	sd_event_source *timer, *watch, *connections;
	sd_event_source *folder; /* watches the log's; NULL: cannot be had */
	struct netlink_socket nflog, conntrack;
	struct sequence local, global;
	struct line_printer printer;
	struct log_file file;
	struct logger_counts counts, saved; /* saved: as they are in logger.state */
	uint64_t save_at;                   /* µs, monotonic: not before */
	uint64_t told_kernel, told_disk;    /* losses that a line in the file tells */
	bool overrun;                       /* the buffer was full, and no gap has been seen since */
	bool failing;                       /* that the file cannot be written was reported */
	bool state_failing;                 /* the same of logger.state */
	uint64_t follow_at;                 /* µs, monotonic: the path is not looked at before */
	bool moved;                         /* something of the log's name came or went */
};

/* ---- lines ---- */

static void set_now(struct logger *l)
{
	l->printer.now = time(NULL);
	l->printer.interfaces.now = clock_us(CLOCK_MONOTONIC) / 1000000;
}

/* With --debug, what has been appended to the lines since `start`. */
static void show_lines(const struct logger *l, size_t start)
{
	struct out out;

	if (!l->options->debug)
		return;
	stdout_open(&out);
	out_bytes(&out, l->file.lines.data + start, l->file.lines.len - start);
	out_flush(&out);
	out_free(&out);
}

/* Writes it to the log; false if there is no room. */
__attribute__((format(printf, 3, 4))) static bool log_note(struct logger *l, int level, const char *format, ...)
{
	struct arena arena = { 0 };
	size_t start = l->file.lines.len;
	va_list args;

	if (!log_file_has_room(&l->file))
		return false;
	va_start(args, format);
	line_message(&l->printer, &l->file.lines, level, text_of(arena_vprintf(&arena, format, args)));
	va_end(args);
	arena_free(&arena);
	show_lines(l, start);
	return true;
}

static void tell_kernel_losses(struct logger *l)
{
	uint64_t count = l->local.lost - l->told_kernel;

	if (count && log_note(l, 4, "%llu %s lost: the kernel's buffer was full", (unsigned long long)count,
			 count == 1 ? "packet" : "packets"))
		l->told_kernel = l->local.lost;
	else if (l->overrun &&
		 log_note(l, 4, "the kernel's buffer was full; the next packet shows how many are lost"))
		l->overrun = false;
}

/* Also where stderr goes: the log is what cannot be written. */
static void tell_failure(struct logger *l)
{
	int reason = l->file.reason;

	if (reason && !l->failing)
		cli_error("cannot write %s: %s; retrying every second", l->file.path, error_text(reason));
	else if (!reason && l->failing)
		cli_error("%s can be written again", l->file.path);
	l->failing = reason != 0;
}

static void write_lines(struct logger *l)
{
	int reason = l->file.reason;

	tell_kernel_losses(l);
	if (log_file_write(&l->file) && l->file.lost != l->told_disk) {
		uint64_t count = l->file.lost - l->told_disk;

		if (log_note(l, 4, "%llu %s lost: the file could not be written: %s", (unsigned long long)count,
			count == 1 ? "line" : "lines", error_text(reason)))
			l->told_disk = l->file.lost;
		log_file_write(&l->file);
	}
	tell_failure(l);
}

/* ---- the timer ---- */

static void run_timer_in(struct logger *l, uint64_t us)
{
	int enabled;

	if (sd_event_source_get_enabled(l->timer, &enabled) >= 0 && enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(l->timer, us);
	sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static bool is_saved(struct logger *l)
{
	l->counts.written = l->file.written;
	l->counts.lost_disk = l->file.lost;
	l->counts.lost_kernel = l->local.lost;
	if (l->global.lost > l->local.lost)
		l->counts.other_groups = l->global.lost - l->local.lost;
	return memcmp(&l->counts, &l->saved, sizeof(l->counts)) == 0;
}

/* Not again before `next`. */
static void save_counts(struct logger *l, uint64_t next)
{
	bool failed = !state_write(l->options->run_dir, &l->counts);

	if (failed && !l->state_failing)
		cli_error("cannot write %s/" NOTE_LOGGER_STATE ": %s", l->options->run_dir, error_text(errno));
	l->state_failing = failed;
	l->saved = l->counts;
	l->save_at = next;
}

static void watch_run_dir(struct logger *l);
static void watch_folder(struct logger *l);

static int on_timer(sd_event_source *source, uint64_t due, void *data)
{
	struct logger *l = data;
	uint64_t now = 0;

	(void)source;
	(void)due;
	set_now(l);
	sd_event_now(l->event, CLOCK_MONOTONIC, &now);
	/* Whoever renames the log mostly makes a new one and sends SIGHUP: until now there was time for that. */
	if (now >= l->follow_at) {
		if (!l->folder)
			watch_folder(l);
		if ((l->moved || !l->folder) && !log_file_is_current(&l->file))
			log_file_reopen(&l->file);
		l->moved = false;
	}
	write_lines(l);
	if (!l->watch)
		watch_run_dir(l);
	if (!is_saved(l) && now >= l->save_at)
		save_counts(l, now + LATER);
	if (l->file.lines.len || l->file.fd < 0 || !l->watch || !l->folder)
		run_timer_in(l, LATER);
	else if (l->moved)
		run_timer_in(l, l->follow_at - now);
	else if (!is_saved(l))
		run_timer_in(l, l->save_at - now);
	return 0;
}

/* ---- messages of the kernel ---- */

static void take_packet(const struct nlmsghdr *header, void *data)
{
	struct logger *l = data;
	struct nflog_message message;
	size_t start = l->file.lines.len;

	if (!nflog_is_packet(header))
		return;
	l->counts.received++;
	if (!nflog_read(header, &message)) {
		l->counts.malformed++;
		return;
	}
	if (message.has_local && sequence_take(&l->local, message.local))
		l->overrun = false;
	if (message.has_global)
		sequence_take(&l->global, message.global);
	if (!log_file_has_room(&l->file)) {
		l->file.lost++;
		return;
	}
	if (!line_packet(&l->printer, &l->file.lines, &message.packet))
		l->counts.malformed++;
	show_lines(l, start);
}

static void take_connection(const struct nlmsghdr *header, void *data)
{
	struct logger *l = data;
	size_t start = l->file.lines.len;

	if (!log_file_has_room(&l->file))
		l->file.lost++;
	else if (!conntrack_line(&l->file.lines, header))
		return;
	l->counts.connections++;
	show_lines(l, start);
}

/* Some of what there is; true if the buffer was full. */
static bool receive_messages(struct logger *l, struct netlink_socket *netlink, netlink_handler *handler)
{
	enum netlink_state state = NETLINK_MORE;
	bool was_full = false;

	set_now(l);
	for (int i = 0; i < READS_MOST && state != NETLINK_EMPTY; i++) {
		state = netlink_receive(netlink, handler, l);
		was_full |= state == NETLINK_FULL;
		if (log_file_is_due(&l->file))
			write_lines(l);
	}
	l->counts.overruns += was_full;
	run_timer_in(l, l->file.reason ? LATER : WRITE_AFTER);
	return was_full;
}

static int on_nflog(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct logger *l = data;

	(void)source;
	(void)fd;
	(void)events;
	if (receive_messages(l, &l->nflog, take_packet))
		l->overrun = true;
	return 0;
}

static int on_connections(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct logger *l = data;

	(void)source;
	(void)fd;
	(void)events;
	if (receive_messages(l, &l->conntrack, take_connection))
		log_note(l, 4, "events of connection tracking lost: the kernel's buffer was full");
	return 0;
}

/* ---- connections, on and off ---- */

static void log_connections(struct logger *l, bool wanted)
{
	int reason;

	if (wanted == (l->conntrack.socket != NULL))
		return;
	if (!wanted) {
		l->connections = sd_event_source_disable_unref(l->connections);
		netlink_close(&l->conntrack);
		return;
	}
	reason = netlink_open(&l->conntrack, conntrack_groups(), l->options->buffer);
	if (!reason)
		reason = -sd_event_add_io(l->event, &l->connections, netlink_fd(&l->conntrack), EPOLLIN,
					  on_connections, l);
	if (reason) {
		netlink_close(&l->conntrack);
		cli_error("cannot listen to connection tracking: %s", error_text(reason));
	}
}

static void read_run_dir(struct logger *l)
{
	log_connections(l, l->options->conntrack || state_wants_conntrack(l->options->run_dir));
}

static int on_run_dir(sd_event_source *source, const struct inotify_event *event, void *data)
{
	struct logger *l = data;

	(void)source;
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
		l->watch = sd_event_source_disable_unref(l->watch);
		run_timer_in(l, LATER);
	}
	if (!event->len || strcmp(event->name, NOTE_CONNTRACK) == 0)
		read_run_dir(l);
	return 0;
}

static void watch_run_dir(struct logger *l)
{
	const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |
				IN_MOVE_SELF | IN_ONLYDIR;

	state_make_folders(l->options->run_dir);
	if (sd_event_add_inotify(l->event, &l->watch, l->options->run_dir, events, on_run_dir, l) < 0)
		l->watch = NULL;
	read_run_dir(l);
}

/* ---- the log's folder ---- */

static const char *log_name(const struct logger *l)
{
	const char *slash = strrchr(l->options->log_file, '/');

	return slash ? slash + 1 : l->options->log_file;
}

static int on_folder(sd_event_source *source, const struct inotify_event *event, void *data)
{
	struct logger *l = data;
	uint64_t now = 0;

	(void)source;
	sd_event_now(l->event, CLOCK_MONOTONIC, &now);
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		l->folder = sd_event_source_disable_unref(l->folder);
	else if (!(event->mask & IN_Q_OVERFLOW) && (!event->len || strcmp(event->name, log_name(l)) != 0))
		return 0;
	if (!l->moved)
		l->follow_at = now + LATER;
	l->moved = true;
	run_timer_in(l, LATER);
	return 0;
}

static void watch_folder(struct logger *l)
{
	const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	const char *path = l->options->log_file;
	size_t len = (size_t)(log_name(l) - path);
	char folder[4096] = ".";

	if (len >= sizeof(folder))
		return;
	if (len)
		memcpy(folder, path, len);
	folder[len ? len : 1] = '\0';
	if (sd_event_add_inotify(l->event, &l->folder, folder, events, on_folder, l) < 0)
		l->folder = NULL;
}

/* ---- life ---- */

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct logger *l = data;

	(void)source;
	(void)info;
	set_now(l);
	log_file_reopen(&l->file);
	write_lines(l);
	run_timer_in(l, WRITE_AFTER);
	return 0;
}

/* The signals are blocked: they come by way of the loop. */
static int add_signals(struct logger *l)
{
	sigset_t set;
	int failed;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	failed = sd_event_add_signal(l->event, NULL, SIGTERM, NULL, NULL);
	if (failed >= 0)
		failed = sd_event_add_signal(l->event, NULL, SIGINT, NULL, NULL);
	if (failed >= 0)
		failed = sd_event_add_signal(l->event, NULL, SIGHUP, on_hangup, l);
	return failed;
}

static int add_sources(struct logger *l)
{
	int failed = sd_event_new(&l->event);

	if (failed >= 0)
		failed = add_signals(l);
	if (failed >= 0)
		failed = sd_event_add_io(l->event, NULL, netlink_fd(&l->nflog), EPOLLIN, on_nflog, l);
	if (failed >= 0)
		failed = sd_event_add_time_relative(l->event, &l->timer, CLOCK_MONOTONIC, 0, 0, on_timer, l);
	if (failed >= 0)
		failed = sd_event_set_watchdog(l->event, true);
	return failed < 0 ? cli_error("cannot wait for events: %s", error_text(-failed)) : EXIT_CLEAN;
}

static int open_log(struct logger *l)
{
	const char *path = l->options->log_file;

	switch (log_file_open(&l->file, path)) {
	case LOG_OPEN_OK:
		return EXIT_CLEAN;
	case LOG_OPEN_TAKEN:
		return cli_error("%s is written by another pvefw-logger", path);
	case LOG_OPEN_FAILED:
		break;
	}
	/* systemd would start it again and again; it says so, and tries again itself. */
	if (getenv("NOTIFY_SOCKET")) {
		tell_failure(l);
		return EXIT_CLEAN;
	}
	return cli_error("cannot write %s: %s", path, error_text(l->file.reason));
}

static int open_nflog(struct logger *l)
{
	unsigned group = l->options->group;
	int reason = nflog_open(&l->nflog, l->options->group, l->options->buffer);

	if (reason == EPERM || reason == EBUSY)
		return cli_error(
			"cannot listen to NFLOG group %u: another program listens, or CAP_NET_ADMIN is missing",
			group);
	return reason ? cli_error("cannot listen to NFLOG group %u: %s", group, error_text(reason))
		      : EXIT_CLEAN;
}

/* The first packet of the group has the number 0. */
static int start(struct logger *l)
{
	int status = EXIT_CLEAN;

	if (!l->options->foreground && !getenv("NOTIFY_SOCKET") && !daemon_start())
		return cli_error("cannot go to the background: %s", error_text(errno));
	drop_privileges();
	l->local.known = true;
	status = open_log(l);
	if (status == EXIT_CLEAN)
		status = open_nflog(l);
	if (status == EXIT_CLEAN)
		status = add_sources(l);
	if (status != EXIT_CLEAN)
		return status;
	set_now(l);
	watch_folder(l);
	watch_run_dir(l);
	log_note(l, 5, "starting pvefw-logger");
	daemon_ready();
	sd_notify(0, "READY=1");
	return EXIT_CLEAN;
}

/* Reads the kernel's remaining packets, and writes all lines. */
static void stop(struct logger *l)
{
	sd_notify(0, "STOPPING=1");
	if (l->conntrack.socket)
		receive_messages(l, &l->conntrack, take_connection);
	log_connections(l, false);
	nflog_release(&l->nflog, l->options->group);
	set_now(l);
	while (netlink_receive(&l->nflog, take_packet, l) != NETLINK_EMPTY)
		if (log_file_is_due(&l->file))
			write_lines(l);
	log_note(l, 5, "stopping pvefw-logger");
	write_lines(l);
	if (!is_saved(l))
		save_counts(l, 0);
	if (l->file.lines.len)
		cli_error("%s could not be written to the end: %s", l->file.path, error_text(l->file.reason));
}

static void release(struct logger *l)
{
	sd_event_source_disable_unref(l->timer);
	sd_event_source_disable_unref(l->watch);
	sd_event_source_disable_unref(l->folder);
	sd_event_unref(l->event);
	netlink_close(&l->nflog);
	log_file_close(&l->file);
}

int logger_run(const struct logger_options *options)
{
	struct logger l = { .options = options, .file = { .fd = -1, .lock = -1 } };
	int status = start(&l);

	if (status == EXIT_CLEAN) {
		int failed = sd_event_loop(l.event);

		if (failed < 0)
			status = cli_error("cannot wait for events: %s", error_text(-failed));
		stop(&l);
	}
	release(&l);
	return status;
}
