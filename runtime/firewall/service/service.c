/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "firewall/base/service_options.h"
#include "firewall/service/in_force.h"
#include "firewall/service/left_out_state.h"
#include "firewall/base/rundir.h"
#include "firewall/base/tree_marks.h"
#include "base/errno_text.h"

/* Microseconds. */
enum {
	VERIFY = 600000000, /* when all is compared again */
	LOOK = 1000000,     /* at what others may have done in the kernel */
	LOOK_AT_CONTENTS = 8000000, /* the same, where the kernel must be asked for all of it */
};

enum { LOCK_WAIT = 10000 /* milliseconds */, REMOVE_TRIES = 2 };

/* ---- events ---- */

static void on_links(void *context, unsigned changes)
{
	struct service *s = context;

	if (changes & LINK_CHANGE_LINK)
		service_check_wiring(s);
	surroundings_check(&s->surroundings);
}

static int on_expiry(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	(void)source;
	(void)now;
	log_message(&s->log, PRIORITY_NOTICE, NULL, "the time in the cluster's `enable` is over");
	service_schedule(s, 0);
	return 0;
}

static bool contents_changed(struct service *s, uint64_t now)
{
	if (now < s->next_contents)
		return false;
	s->next_contents = now + LOOK_AT_CONTENTS;
	if (!applied_contents_changed(&s->applied))
		return false;
	applied_doubt(&s->applied);
	return true;
}

static int on_look(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	fwbr_flag_keep(&s->applied.fwbr_flag);
	if (!s->announced)
		service_notify(s);
	s->counts.repairs += sysctls_mend(&s->sysctls);
	/* With iptables it need not be ours: that is seen when it is read. */
	if (!s->scheduled && (applied_is_stale(&s->applied) || contents_changed(s, now)))
		service_schedule_repair(s);
	service_arm(source, now + LOOK);
	return 0;
}

static int on_verify(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	applied_forget(&s->applied);
	service_schedule(s, 0);
	service_arm(source, now + VERIFY);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	(void)source;
	(void)now;
	if (!confirm_is_over(&s->confirm))
		return 0;
	tree_read(&s->tree);
	if (confirm_take_back(&s->confirm, &s->options, s->tree.copy))
		service_cycle(s);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	service_stop(context, false);
	return 0;
}

/* How systemd ends a service that is to come back: its rules stay. */
static int on_leave(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	service_end(context, false);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct service *s = context;

	(void)source;
	(void)info;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)service_now());
	log_message(&s->log, PRIORITY_INFO, NULL, "reading everything anew");
	applied_forget(&s->applied);
	service_cycle(s);
	return 0;
}

/* ---- until confirmed ---- */

int service_await_confirmation(struct service *s, uint64_t previous, uint64_t to, uint64_t seconds)
{
	int reason = confirm_begin(&s->confirm, previous, to, seconds);

	if (!reason) {
		service_arm(s->deadline, s->confirm.deadline);
		log_message(&s->log, PRIORITY_NOTICE, NULL, "going back in %llu seconds unless confirmed",
			    (unsigned long long)seconds);
	}
	return reason;
}

/* An earlier service may not have lived to see the deadline; the machine may have started anew. */
static void resume_confirmation(struct service *s)
{
	if (confirm_is_over(&s->confirm)) {
		tree_read(&s->tree);
		confirm_take_back(&s->confirm, &s->options, s->tree.copy);
	} else if (s->confirm.pending) {
		service_arm(s->deadline, s->confirm.deadline);
	}
}

/* ---- the beginning ---- */

static int add_timer(struct service *s, sd_event_source **timer, clockid_t clock, sd_event_time_handler_t handler)
{
	int result = sd_event_add_time(s->event, timer, clock, 0, 1, handler, s);

	if (result >= 0)
		result = sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
	return result;
}

static int add_signal(struct service *s, int number, sd_event_signal_handler_t handler)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sd_event_add_signal(s->event, NULL, number, handler, s);
}

static int open_events(struct service *s)
{
	int result = sd_event_new(&s->event);

	if (result >= 0)
		result = add_timer(s, &s->cycle, CLOCK_MONOTONIC, service_on_cycle);
	if (result >= 0)
		result = add_timer(s, &s->expiry, CLOCK_REALTIME, on_expiry);
	if (result >= 0)
		result = add_timer(s, &s->deadline, CLOCK_BOOTTIME, on_deadline);
	if (result >= 0)
		result = add_timer(s, &s->look, CLOCK_MONOTONIC, on_look);
	if (result >= 0)
		result = add_timer(s, &s->verify, CLOCK_MONOTONIC, on_verify);
	if (result >= 0)
		result = add_timer(s, &s->plug, CLOCK_MONOTONIC, service_on_plug);
	if (result >= 0)
		result = add_timer(s, &s->again, CLOCK_MONOTONIC, service_on_again);
	if (result >= 0)
		result = add_signal(s, SIGTERM, on_stop);
	if (result >= 0)
		result = add_signal(s, SIGINT, on_stop);
	if (result >= 0)
		result = add_signal(s, SIGUSR1, on_leave);
	if (result >= 0)
		result = add_signal(s, SIGHUP, on_reload);
	if (result >= 0)
		result = sd_event_set_watchdog(s->event, 1);
	return result < 0 ? -result : 0;
}

static int take_lock(struct service *s)
{
	pid_t holder = 0;

	s->run_dir = rundir_open(s->run_path);
	if (s->run_dir < 0)
		return cli_error("cannot open %s: %s", s->run_path, error_text(errno));
	s->lock = rundir_lock(s->run_dir, LOCK_WAIT, &holder);
	if (s->lock >= 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return cli_error("another pve-firewall, process %d, has %s/lock; see pve-firewall status", (int)holder,
				 s->run_path);
	return cli_error("cannot lock %s/lock: %s", s->run_path, error_text(errno));
}

static int read_port(const char *text, uint16_t *port)
{
	uint64_t number = 0;

	if (text && (!text_to_number(text_of(text), UINT16_MAX, &number) || !number))
		return cli_error("--metrics-port takes a port number, not `%s`", text);
	*port = (uint16_t)number;
	return 0;
}

static int open_sockets(struct service *s, uint16_t port, control_handler *answer, metrics_writer *write)
{
	int reason = control_open(&s->control, s->event, s->run_path, answer, s);

	if (reason)
		return cli_error("cannot listen at %s/control.sock: %s", s->run_path, error_text(reason));
	reason = metrics_open(&s->metrics, s->event, s->run_path, port, write, s);
	if (reason)
		return cli_error("cannot serve metrics: %s", error_text(reason));
	return 0;
}

/* Without it, what has changed is noticed at the regular comparison. */
static void open_surroundings(struct service *s)
{
	int reason = surroundings_open(&s->surroundings, s->event, service_on_surroundings, s);

	if (!reason)
		reason = link_watch_start(&s->links, s->event, on_links, s);
	if (reason)
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "cannot watch this machine's interfaces and addresses: %s; their changes are noticed later",
			    error_text(reason));
}

/* Commands look whether it answers when this service does not. */
static void note_root(struct service *s)
{
	const char *root = s->options.root ? s->options.root : "/etc/pve";
	char *whole = root[0] == '/' ? NULL : get_current_dir_name(), *path = NULL;

	if (whole && asprintf(&path, "%s/%s", whole, root) < 0)
		path = NULL;
	rundir_write(s->run_dir, "root", path ? path : root, strlen(path ? path : root));
	free(path);
	free(whole);
}

int service_open(struct service *s, const struct cli *cli, control_handler *answer, metrics_writer *write)
{
	uint16_t port = 0;
	int status = read_port(cli->value[CLI_METRICS_PORT], &port), reason;

	*s = (struct service){ .options = firewall_inputs(cli), .run_path = firewall_run_dir(cli), .lock = -1, .ready = -1 };
	if (!status)
		status = take_lock(s);
	if (status)
		return status;
	log_open(&s->log, cli->value[CLI_LOG_FILE], cli->value[CLI_DEBUG] != NULL);
	conditions_init(&s->conditions, &s->log);
	reason = log_check(&s->log);
	if (reason) /* a firewall without a log is better than none */
		cli_error("cannot write %s: %s; messages are lost until it can be written", s->log.path, error_text(reason));
	reason = open_events(s);
	if (reason)
		return cli_error("cannot run: %s", error_text(reason));
	reason = tree_open(&s->tree, s->event, &s->options, s->run_dir, &s->log, &s->conditions, service_on_change, s);
	if (reason)
		return cli_error("cannot read the tree: %s", error_text(reason));
	sysctls_open(&s->sysctls, s->run_dir, &s->log);
	applied_init(&s->applied, &s->log, &s->sysctls);
	note_root(s);
	confirm_open(&s->confirm, firewall_state_dir(cli), s->run_path, true, &s->log);
	kernel_watch_init(&s->kernel, s->event, applied_watched(&s->applied), service_on_tampered, s);
	open_surroundings(s);
	return open_sockets(s, port, answer, write);
}

/* ---- running ---- */

/* NULL: nothing is left out. */
static const char *left_out_note(const struct service *s)
{
	for (const struct service_condition *c = s->conditions.first; c; c = c->next)
		if (left_out_is_condition(c))
			return c->message;
	return NULL;
}

static void tell_ready(struct service *s)
{
	const char *reason = s->counts.failing ? service_reason(s) : left_out_note(s);

	if (s->ready < 0)
		return;
	if (dprintf(s->ready, "%s%s%c", s->counts.failing ? READY_FAILING : READY_APPLIED, reason ? reason : "", '\0') < 0)
		log_message(&s->log, PRIORITY_DEBUG, NULL, "nobody waits for this service to start");
	close(s->ready);
	s->ready = -1;
}

int service_run(struct service *s)
{
	int result;

	s->started = service_now();
	log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall %s starts", PVEFW_VERSION);
	resume_confirmation(s);
	service_cycle(s);
	if (!s->applied.fwbr_flag.is_set) /* what the node wants is not known yet: both targets filter firewall bridges */
		fwbr_flag_set(&s->applied.fwbr_flag, true);
	service_arm(s->look, service_now() + LOOK);
	service_arm(s->verify, service_now() + VERIFY);
	tell_ready(s);
	result = sd_event_loop(s->event);
	if (result < 0)
		log_message(&s->log, PRIORITY_CRITICAL, NULL, "the event loop has ended: %s", error_text(-result));
	return result < 0 ? EXIT_ERROR : EXIT_CLEAN;
}

/* A signal may be for the tools of this service as well as for itself: so more than one try. */
static bool remove_all(struct service *s)
{
	struct arena arena = { 0 };
	bool removed = false;

	for (unsigned i = 0; i < REMOVE_TRIES && !removed; i++) {
		applied_forget(&s->applied);
		removed = applied_remove(&s->applied, &arena);
	}
	arena_free(&arena);
	return removed;
}

void service_end(struct service *s, bool remove)
{
	sd_notify(0, "STOPPING=1");
	kernel_watch_pause(&s->kernel);
	if (remove) {
		tree_marks_forget(s->run_dir);
		in_force_forget(s->run_dir);
	}
	if (remove && remove_all(s))
		log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall ends; nothing of it is in the kernel any more");
	else
		log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall ends; its rules stay in the kernel");
	sd_event_exit(s->event, 0);
}

/* Who stops the firewall waits for nothing more: no guard may load anything afterwards. */
static void end_waiting(struct service *s)
{
	if (s->confirm.pending)
		log_message(&s->log, PRIORITY_NOTICE, NULL, "stopped while a confirmation was awaited: nothing is taken back");
	confirm_cancel(&s->confirm);
}

void service_stop(struct service *s, bool keep_rules)
{
	end_waiting(s);
	service_end(s, !keep_rules);
}

const char *service_reason(const struct service *s)
{
	static const enum condition_kind kinds[] = { CONDITION_TREE_UNREADABLE, CONDITION_NOT_APPLIED,
						      CONDITION_MINIMAL_RULESET };
	static char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (const struct service_condition *c = s->conditions.first; c; c = c->next)
			if (c->kind == kinds[i] && len < sizeof(text) - 1)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s%s", len ? "; " : "",
							c->file ? c->file : "", c->file ? ": " : "", c->message);
	return len ? text : NULL;
}

static void free_timers(struct service *s)
{
	sd_event_source *timers[] = { s->cycle, s->expiry, s->deadline, s->look, s->verify, s->plug, s->again };

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		sd_event_source_unref(timers[i]);
}

void service_close(struct service *s)
{
	if (s->tree.copy)
		tree_close(&s->tree);
	if (s->event) {
		control_close(&s->control);
		metrics_close(&s->metrics);
		rundir_remove(s->run_dir, "control.sock");
		rundir_remove(s->run_dir, "metrics.sock");
		rundir_remove(s->run_dir, "root");
		kernel_watch_pause(&s->kernel);
		link_watch_stop(&s->links);
		surroundings_close(&s->surroundings);
		wiring_free(&s->wiring);
		applied_free(&s->applied);
		free_timers(s);
		sd_event_unref(s->event);
	}
	compilation_free(&s->compiled);
	if (s->event)
		confirm_close(&s->confirm);
	logged_diagnostics_free(&s->logged);
	conditions_free(&s->conditions);
	if (s->lock >= 0)
		close(s->lock);
	if (s->run_dir >= 0)
		close(s->run_dir);
}
