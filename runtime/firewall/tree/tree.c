/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/tree/tree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "firewall/base/tree_marks.h"
#include "firewall/tree/tree_reader.h"
#include "base/errno_text.h"
#include "base/clock.h"

/* Microseconds. */
enum {
	CHECK_INTERVAL = 1000000, /* at the reader */
	SILENT = 3000000,         /* the file system hangs if the reader is busy for longer */
	ANSWER_WAIT = 3000000,
};

static const char *root_of(const struct tree *t)
{
	return t->options->root ? t->options->root : "/etc/pve";
}

/* ---- what cannot be read ---- */

bool tree_is_known(const struct tree *t)
{
	const struct cached_source *root = source_cache_find(t->copy, "");

	return root && root->is_known;
}

bool tree_is_readable(const struct tree *t)
{
	return !t->is_silent && !t->problem[0] && tree_is_known(t);
}

uint64_t tree_polls(const struct tree *t)
{
	return t->shared ? t->shared->polls : 0;
}

bool tree_is_in_doubt(const struct tree *t)
{
	return t->shared && t->shared->doubts;
}

static const char *consequence(const struct tree *t)
{
	return tree_is_known(t) ? "the previous rules stay loaded"
				: "nothing is compiled, and the previous rules stay loaded";
}

static void tree_state_conditions(struct tree *t)
{
	const struct cached_source *entry = NULL;

	conditions_begin(t->conditions, CONDITION_TREE_UNREADABLE);
	if (t->is_silent)
		conditions_add(t->conditions, NULL, "%s does not answer; %s", root_of(t), consequence(t));
	else if (t->problem[0])
		conditions_add(t->conditions, NULL, "%s %s; %s", root_of(t), t->problem, consequence(t));
	else if (t->unusable[0])
		conditions_add(t->conditions, NULL, "%s; nothing is compiled, and the previous rules stay loaded",
			       t->unusable);
	while ((entry = source_cache_next(t->copy, entry))) {
		struct log_about about = { NULL, entry->shown, 0 };

		if (entry->reason && entry->shown[0])
			conditions_add(t->conditions, &about, "%s cannot be read: %s; %s", entry->shown, error_text(entry->reason),
				       entry->is_known ? "its previous content stays enforced" : consequence(t));
	}
	conditions_end(t->conditions);
}

void tree_set_unusable(struct tree *t, const char *why)
{
	snprintf(t->unusable, sizeof(t->unusable), "%s", why ? why : "");
	tree_state_conditions(t);
}

static void notify(struct tree *t, const char *shown)
{
	if (!t->quiet)
		t->handler(t->context, shown);
}

/* ---- rounds ---- */

static void take_root(struct tree *t, const struct tree_record *record, const char *problem)
{
	snprintf(t->problem, sizeof(t->problem), "%s", problem);
	if (!problem[0] && record->marks != t->marks) {
		t->marks = record->marks;
		tree_marks_write(t->run_dir, root_of(t), t->marks);
	}
	tree_state_conditions(t);
}

/* When a round arrives: what counts at once, and calls the handler. */
static void receive_record(struct tree *t, const struct tree_record *record, const char *name)
{
	switch (record->kind) {
	case TREE_ROOT:
		take_root(t, record, name);
		notify(t, NULL);
		break;
	case TREE_WARNING:
		log_message(t->log, PRIORITY_WARNING, NULL, "%s", name);
		break;
	case TREE_ANSWER:
		t->unanswered -= (uint32_t)record->reason < t->unanswered ? (uint32_t)record->reason : t->unanswered;
		break;
	case TREE_FILE:
	case TREE_GONE:
		notify(t, name);
		break;
	default:
		notify(t, NULL);
	}
}

static void take_record(struct tree *t, const struct tree_record *record, const char *name, const char *bytes)
{
	switch (record->kind) {
	case TREE_FILE:
		source_cache_put(t->copy, name, bytes, record->size);
		break;
	case TREE_FOLDER:
		source_cache_put_folder(t->copy, name);
		break;
	case TREE_GONE:
		source_cache_remove(t->copy, name);
		break;
	case TREE_FILE_FAILS:
	case TREE_FOLDER_FAILS:
		source_cache_fail(t->copy, name, record->kind == TREE_FOLDER_FAILS, record->reason);
		break;
	default:
		break;
	}
}

/* Calls take_record() or receive_record() for each record; the bytes need not be aligned. */
static void walk(struct tree *t, const char *at, size_t size, bool take)
{
	const char *end = at + size;

	while (at < end) {
		struct tree_record record;
		const char *name = at + sizeof(record);

		memcpy(&record, at, sizeof(record));
		at = name + record.name_size + record.size;
		if (take)
			take_record(t, &record, name, name + record.name_size);
		else
			receive_record(t, &record, name);
	}
}

void tree_take(struct tree *t)
{
	if (!t->waiting.len)
		return;
	walk(t, t->waiting.data, t->waiting.len, true);
	out_free(&t->waiting);
	out_init_memory(&t->waiting);
	tree_state_conditions(t);
}

/* Moves complete rounds from `incoming` to `waiting`. */
static void receive_rounds(struct tree *t)
{
	size_t at = 0;
	uint32_t size;

	while (t->incoming.len - at >= sizeof(size)) {
		memcpy(&size, t->incoming.data + at, sizeof(size));
		if (t->incoming.len - at - sizeof(size) < size)
			break;
		out_bytes(&t->waiting, t->incoming.data + at + sizeof(size), size);
		walk(t, t->incoming.data + at + sizeof(size), size, false);
		at += sizeof(size) + size;
	}
	if (at && at == t->incoming.len) {
		out_free(&t->incoming);
		out_init_memory(&t->incoming);
	} else if (at) {
		memmove(t->incoming.data, t->incoming.data + at, t->incoming.len - at);
		t->incoming.len -= at;
	}
}

/* False if the reader has ended. */
static bool tree_receive(struct tree *t)
{
	for (;;) {
		ssize_t got;

		out_make_room(&t->incoming, 65536);
		got = recv(t->socket, t->incoming.data + t->incoming.len, 65536, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			bool lives = got < 0 && errno == EAGAIN;

			receive_rounds(t);
			return lives;
		}
		t->incoming.len += (size_t)got;
	}
}

/* ---- the reader ---- */

/* A process that waits for a file system may not end even when it is killed: it is reaped later. */
static void reap(struct tree *t)
{
	if (t->ended > 0 && waitpid(t->ended, NULL, WNOHANG) != 0)
		t->ended = 0;
}

static void end_reader(struct tree *t)
{
	sd_event_source_disable_unref(t->rounds);
	t->rounds = NULL;
	if (t->socket >= 0)
		close(t->socket);
	t->socket = -1;
	t->unanswered = 0;
	t->incoming.len = 0;
	if (t->reader > 0) {
		kill(t->reader, SIGKILL);
		t->ended = t->reader;
	}
	t->reader = 0;
	reap(t);
}

static int on_rounds(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct tree *t = context;

	(void)source;
	(void)fd;
	(void)revents;
	if (!tree_receive(t)) {
		log_message(t->log, PRIORITY_ERROR, NULL, "process that reads %s has ended; another one is started",
			    root_of(t));
		end_reader(t); /* the next check starts one, so that there is a pause */
	}
	return 0;
}

/* The new reader inherits the copy: rounds that were sent are taken first. */
static int start_reader(struct tree *t)
{
	int ends[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return errno;
	tree_take(t);
	t->shared->busy_since = 0;
	t->shared->doubts = 0;
	t->reader = fork();
	if (t->reader == 0) {
		const struct tree_reader_options options = { .root = root_of(t),
							     .node = t->options->node,
							     .marks = t->marks,
							     .known = t->copy,
							     .shared = t->shared,
							     .socket = ends[1] };

		tree_reader_run(&options);
	}
	result = t->reader < 0 ? errno : 0;
	close(ends[1]);
	t->socket = ends[0];
	if (!result)
		result = -sd_event_add_io(t->event, &t->rounds, t->socket, EPOLLIN, on_rounds, t);
	if (result > 0)
		end_reader(t);
	return result > 0 ? result : 0;
}

static void check_silence(struct tree *t)
{
	uint64_t since = t->shared->busy_since;
	bool silent = since && clock_us(CLOCK_MONOTONIC) - since > SILENT;

	if (silent == t->is_silent)
		return;
	t->is_silent = silent;
	tree_state_conditions(t);
	notify(t, NULL);
}

static int on_check(sd_event_source *source, uint64_t now, void *context)
{
	struct tree *t = context;
	int reason = 0;

	reap(t);
	if (t->socket < 0)
		reason = start_reader(t);
	if (reason)
		log_message(t->log, PRIORITY_ERROR, NULL, "cannot start the process that reads %s: %s", root_of(t),
			    error_text(reason));
	check_silence(t);
	sd_event_source_set_time(source, now + CHECK_INTERVAL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void wait_for_answer(struct tree *t)
{
	uint64_t end = clock_us(CLOCK_MONOTONIC) + ANSWER_WAIT, now;

	while (t->unanswered && t->socket >= 0 && (now = clock_us(CLOCK_MONOTONIC)) < end) {
		struct pollfd fd = { .fd = t->socket, .events = POLLIN };

		poll(&fd, 1, (int)((end - now) / 1000) + 1);
		if (!tree_receive(t))
			end_reader(t);
	}
}

bool tree_read(struct tree *t)
{
	bool answered;

	check_silence(t);
	t->quiet = true;
	if (t->socket < 0)
		start_reader(t);
	if (t->socket >= 0 && !t->is_silent && send(t->socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) {
		t->unanswered++;
		wait_for_answer(t);
	}
	answered = t->socket >= 0 && !t->unanswered && !t->is_silent;
	if (!answered && !t->is_silent) {
		t->is_silent = true; /* until the next check finds that it is not */
		tree_state_conditions(t);
	}
	t->quiet = false;
	tree_take(t);
	return answered && tree_is_readable(t);
}

/* ---- opening ---- */

int tree_open(struct tree *t, sd_event *event, const struct input_options *options, int run_dir, struct log *log,
	      struct conditions *conditions, tree_handler *handler, void *context)
{
	uint64_t now;
	int result;

	*t = (struct tree){ .options = options, .log = log, .conditions = conditions, .handler = handler,
			    .context = context, .event = event, .run_dir = run_dir, .socket = -1 };
	t->copy = source_cache_new();
	t->marks = tree_marks_read(run_dir, root_of(t));
	out_init_memory(&t->incoming);
	out_init_memory(&t->waiting);
	t->shared = mmap(NULL, sizeof(*t->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->shared == MAP_FAILED) {
		t->shared = NULL;
		return errno;
	}
	result = sd_event_now(event, CLOCK_MONOTONIC, &now);
	if (result >= 0)
		result = sd_event_add_time(event, &t->timer, CLOCK_MONOTONIC, now + CHECK_INTERVAL, CHECK_INTERVAL / 10,
					   on_check, t);
	return result < 0 ? -result : 0;
}

void tree_close(struct tree *t)
{
	end_reader(t);
	sd_event_source_disable_unref(t->timer);
	source_cache_free(t->copy);
	out_free(&t->incoming);
	out_free(&t->waiting);
	if (t->shared)
		munmap(t->shared, sizeof(*t->shared));
}
