/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "firewall/base/service_options.h"
#include "firewall/service/left_out_state.h"
#include "firewall/base/rundir.h"
#include "base/clock.h"
#include "base/errno_text.h"
#include "base/xmalloc.h"

enum { LOCK_WAIT = 10000 /* milliseconds */ };

/* ---- events ---- */

static void on_tree(void *context, const char *shown)
{
	cycle_tree_changed(&((struct service *)context)->cycle, shown);
}

static void on_rules(void *context)
{
	cycle_handle(&((struct service *)context)->cycle, CYCLE_RULES_CHANGED);
}

static void on_surroundings(void *context)
{
	struct service *s = context;

	log_message(&s->log, PRIORITY_INFO, NULL,
		    "networks, alternative names or resolved names of this machine have changed");
	cycle_handle(&s->cycle, CYCLE_SURROUNDINGS_CHANGED);
}

static void on_links(void *context, unsigned changes)
{
	struct service *s = context;

	if (changes & LINK_CHANGE_LINK)
		service_check_wiring(s);
	surroundings_check(&s->surroundings);
}

static int service_on_timer(sd_event_source *source, uint64_t now, void *context)
{
	static const enum cycle_event events[CYCLE_TIMERS] = {
		[CYCLE_TIMER_DUE] = CYCLE_DUE,
		[CYCLE_TIMER_COMPARE] = CYCLE_COMPARE,
		[CYCLE_TIMER_POLL] = CYCLE_POLL,
		[CYCLE_TIMER_VERIFY] = CYCLE_VERIFY,
		[CYCLE_TIMER_REFUSED] = CYCLE_RETRY_REFUSED,
	};
	struct service *s = context;
	unsigned timer = 0;

	(void)now;
	if (source == s->plug) {
		service_check_wiring(s);
		return 0;
	}
	if (source == s->expiry) {
		log_message(&s->log, PRIORITY_NOTICE, NULL, "time at `enable` in cluster.fw has expired");
		cycle_handle(&s->cycle, CYCLE_ENABLE_EXPIRED);
		return 0;
	}
	while (timer < CYCLE_TIMERS && s->timers[timer] != source)
		timer++;
	if (timer == CYCLE_TIMERS) /* what was patched is rolled back, too: it becomes a generation first */
		cycle_compare(&s->cycle);
	cycle_handle(&s->cycle, timer < CYCLE_TIMERS ? events[timer] : CYCLE_CONFIRM_TIMEOUT);
	return 0;
}

/* SIGTERM and SIGINT stop the firewall.  With SIGUSR1 systemd ends a service that is to come back: its rules stay. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct service *s = context;

	(void)source;
	switch (info->ssi_signo) {
	case SIGUSR1:
		cycle_handle(&s->cycle, CYCLE_LEAVE);
		break;
	case SIGHUP:
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_us(CLOCK_MONOTONIC));
		log_message(&s->log, PRIORITY_INFO, NULL, "reading everything again");
		cycle_handle(&s->cycle, CYCLE_RELOAD);
		break;
	default:
		service_stop(s, false);
	}
	return 0;
}

int service_await_confirmation(struct service *s, uint64_t previous, uint64_t to, uint64_t seconds)
{
	int reason = confirm_begin(&s->confirm, previous, to, seconds);

	if (!reason) {
		service_arm(s->deadline, s->confirm.deadline);
		log_message(&s->log, PRIORITY_NOTICE, NULL, "rolling back in %llu seconds unless confirmed",
			    (unsigned long long)seconds);
	}
	return reason;
}

/* The guard (guard.c) must not load anything afterwards. */
void service_stop(struct service *s, bool keep_rules)
{
	if (s->confirm.pending)
		log_message(&s->log, PRIORITY_NOTICE, NULL,
			    "stopped while a confirmation was pending: nothing is rolled back");
	confirm_cancel(&s->confirm);
	cycle_handle(&s->cycle, keep_rules ? CYCLE_LEAVE : CYCLE_STOP);
}

/* ---- the beginning ---- */

static int add_timer(struct service *s, sd_event_source **timer, clockid_t clock)
{
	int result = sd_event_add_time(s->event, timer, clock, 0, 1, service_on_timer, s);

	if (result >= 0)
		result = sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
	return result;
}

static int open_events(struct service *s)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	sigset_t set;
	int result = sd_event_new(&s->event);

	for (unsigned i = 0; i < CYCLE_TIMERS && result >= 0; i++)
		result = add_timer(s, &s->timers[i], CLOCK_MONOTONIC);
	if (result >= 0)
		result = add_timer(s, &s->expiry, CLOCK_REALTIME);
	if (result >= 0)
		result = add_timer(s, &s->deadline, CLOCK_BOOTTIME);
	if (result >= 0)
		result = add_timer(s, &s->plug, CLOCK_MONOTONIC);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && result >= 0; i++)
		result = sd_event_add_signal(s->event, NULL, signals[i], on_signal, s);
	if (result >= 0)
		result = sd_event_set_watchdog(s->event, 1);
	return result < 0 ? -result : 0;
}

static int service_take_lock(struct service *s)
{
	pid_t holder = 0;

	s->run_dir = rundir_open(s->run_path);
	if (s->run_dir < 0)
		return cli_error("cannot open %s: %s", s->run_path, error_text(errno));
	s->lock = rundir_lock(s->run_dir, LOCK_WAIT, &holder);
	if (s->lock >= 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return cli_error("another pve-firewall, process %d, holds %s/lock; see pve-firewall status",
				 (int)holder, s->run_path);
	return cli_error("cannot lock %s/lock: %s", s->run_path, error_text(errno));
}

static int service_read_port(const char *text, uint16_t *port)
{
	uint64_t number = 0;

	if (text && (!text_to_number(text_of(text), UINT16_MAX, &number) || !number))
		return cli_error("--metrics-port takes a port number, not `%s`", text);
	*port = (uint16_t)number;
	return 0;
}

/* Without it, what has changed is noticed at the regular comparison. */
static void open_surroundings(struct service *s)
{
	int reason = surroundings_open(&s->surroundings, s->event, on_surroundings, s);

	if (!reason)
		reason = link_watch_start(&s->links, s->event, on_links, s);
	if (reason)
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "cannot watch interfaces and addresses: %s; their changes are noticed later",
			    error_text(reason));
}

/* Commands look whether that tree answers when the service does not. */
static void note_root(struct service *s)
{
	const char *root = s->options.root ? s->options.root : "/etc/pve";
	char *folder = root[0] == '/' ? NULL : get_current_dir_name(), *path = folder ? xasprintf("%s/%s", folder, root) : NULL;

	rundir_write(s->run_dir, "root", path ? path : root, strlen(path ? path : root));
	free(path);
	free(folder);
}

int service_open(struct service *s, const struct cli *cli, control_handler *answer, metrics_writer *write)
{
	const char *again = getenv("PVEFW_AGAIN_SECONDS"); /* overrides the pause before what was refused is tried again */
	uint64_t pause = 0;
	uint16_t port = 0;
	int status = service_read_port(cli->value[CLI_METRICS_PORT], &port), reason;

	*s = (struct service){ .options = firewall_inputs(cli), .run_path = firewall_run_dir(cli), .lock = -1, .ready = -1 };
	if (again)
		text_to_number(text_of(again), 86400, &pause);
	cycle_init(&s->cycle, &service_effects, s, pause * 1000000);
	if (!status)
		status = service_take_lock(s);
	if (status)
		return status;
	log_open(&s->log, cli->value[CLI_LOG_FILE], cli->value[CLI_DEBUG] != NULL);
	conditions_init(&s->conditions, &s->log);
	reason = log_check(&s->log);
	if (reason) /* a firewall without a log is better than none */
		cli_error("cannot write %s: %s; messages are lost until this works", s->log.path,
			  error_text(reason));
	/* What cannot fail comes first: service_close() closes it, whatever fails then. */
	sysctls_open(&s->sysctls, s->run_dir, &s->log);
	applied_init(&s->applied, &s->log, &s->sysctls);
	reason = open_events(s);
	kernel_watch_init(&s->kernel, s->event, applied_watched(&s->applied), on_rules, s);
	if (reason)
		return cli_error("cannot run: %s", error_text(reason));
	reason = tree_open(&s->tree, s->event, &s->options, s->run_dir, &s->log, &s->conditions, on_tree, s);
	if (reason)
		return cli_error("cannot read the tree: %s", error_text(reason));
	note_root(s);
	confirm_open(&s->confirm, firewall_state_dir(cli), s->run_path, true, &s->log);
	open_surroundings(s);
	reason = control_open(&s->control, s->event, s->run_path, answer, s);
	if (reason)
		return cli_error("cannot listen at %s/control.sock: %s", s->run_path, error_text(reason));
	reason = metrics_open(&s->metrics, s->event, s->run_path, port, write, s);
	return reason ? cli_error("cannot serve metrics: %s", error_text(reason)) : 0;
}

/* ---- running ---- */

static void tell_ready(struct service *s)
{
	bool failing = cycle_is_failing(&s->cycle);
	const char *reason = failing ? service_reason(s) : NULL;

	for (const struct service_condition *c = s->conditions.first; c && !failing && !reason; c = c->next)
		if (left_out_is_condition(c))
			reason = c->message;
	if (s->ready < 0)
		return;
	if (dprintf(s->ready, "%s%s%c", failing ? READY_FAILING : READY_APPLIED, reason ? reason : "", '\0') < 0)
		log_message(&s->log, PRIORITY_DEBUG, NULL, "no process waits for this service to start");
	close(s->ready);
	s->ready = -1;
}

int service_run(struct service *s)
{
	int result;

	s->started = clock_us(CLOCK_MONOTONIC);
	log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall %s starts", PVEFW_VERSION);
	cycle_handle(&s->cycle, CYCLE_START);
	if (!s->applied.fwbr_flag.is_set) /* what the node wants is not known yet: both targets filter firewall bridges */
		fwbr_flag_set(&s->applied.fwbr_flag, true);
	tell_ready(s);
	result = sd_event_loop(s->event);
	if (result < 0)
		log_message(&s->log, PRIORITY_CRITICAL, NULL, "the event loop has ended: %s", error_text(-result));
	return result < 0 ? EXIT_ERROR : EXIT_CLEAN;
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
		for (unsigned i = 0; i < CYCLE_TIMERS; i++)
			sd_event_source_unref(s->timers[i]);
		sd_event_source_unref(s->expiry);
		sd_event_source_unref(s->deadline);
		sd_event_source_unref(s->plug);
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
