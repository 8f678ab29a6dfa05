/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/service.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "firewall/answers.h"
#include "firewall/firewall.h"
#include "firewall/rundir.h"
#include "strerror.h"

/* Microseconds. */
enum {
	SETTLE = 1000,          /* from the first sign of a change to a cycle */
	QUIET = 50000,          /* when there are many, this long after the last */
	QUIET_WRITING = 200000, /* the same while a file is being written */
	LATEST = 700000,        /* but not later than this after the first */
	BURST = 250000,         /* changes this soon after a cycle belong to it */
	AFTER_SHORT_WAY = 500000,
	RETRY_FIRST = 1000000,
	RETRY_LAST = 60000000,
	RETRY_REST = 10,        /* the pause is this many times the processor time of what has failed */
	DOUBT = 500000,         /* until a tree that is not enabled any more is believed */
	VERIFY = 600000000,     /* when all is compared again */
	LOOK = 500000,          /* at what others may have done in the kernel */
	REPAIR_PAUSE = 1000000, /* between two repairs */
};

enum { LOCK_WAIT = 10000 /* milliseconds */ };

static uint64_t microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static uint64_t processor_microseconds(int who)
{
	struct rusage used;

	getrusage(who, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* Of this process, and of the tools that it has run. */
static uint64_t processor_time(void)
{
	return processor_microseconds(RUSAGE_SELF) + processor_microseconds(RUSAGE_CHILDREN);
}

/* ---- when ---- */

static void arm(sd_event_source *timer, uint64_t time)
{
	sd_event_source_set_time(timer, time);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void set_due(struct service *s, uint64_t due)
{
	s->scheduled = true;
	s->due = due;
	arm(s->cycle, due);
}

void service_schedule(struct service *s, uint64_t delay)
{
	uint64_t due = microseconds() + delay;

	if (!s->scheduled || due < s->due)
		set_due(s, due);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void note_changed(struct service *s, const char *shown)
{
	if (!shown || strlen(shown) >= sizeof(s->changed) || (s->changed[0] && strcmp(s->changed, shown) != 0))
		s->others_changed = true;
	else
		strcpy(s->changed, shown);
}

/* A file that was written is taken up at once, if it is alone.  Of many, the first is; then they are left
 * to come to an end. */
static void on_change(void *context, enum watch_change change, const char *shown)
{
	struct service *s = context;
	uint64_t now = microseconds(), quiet = change == WATCH_ONGOING ? QUIET_WRITING : QUIET;

	if (shown)
		source_cache_forget(s->cache, shown);
	note_changed(s, shown);
	if (!s->first_change)
		s->first_change = now;
	if (change == WATCH_DONE && !s->others_changed && now - s->last_cycle > BURST)
		service_schedule(s, SETTLE);
	else if (!s->scheduled || s->due > s->first_change + SETTLE)
		set_due(s, least(now + quiet, s->first_change + LATEST));
}

/* Only a compilation knows which node's folders count. */
static void watch_node(struct service *s, struct text node)
{
	int reason;

	if (s->node && text_is(node, s->node))
		return;
	if (s->node)
		watch_stop(&s->watch);
	free(s->node);
	s->node = strndup(node.ptr, node.len);
	reason = watch_start(&s->watch, s->event, s->options.root ? s->options.root : "/etc/pve", s->node, &s->log,
			     on_change, s);
	if (reason)
		log_message(&s->log, PRIORITY_ERROR, NULL, "cannot watch the tree: %s", error_text(reason));
	service_schedule(s, SETTLE); /* what has changed between reading and watching */
}

/* ---- cycles ---- */

/* `used`: the processor time of the cycle that has failed. */
static void note_failure(struct service *s, uint64_t used)
{
	s->counts.failures++;
	s->counts.failing = true;
	s->retry = least(most(s->retry ? 2 * s->retry : RETRY_FIRST, RETRY_REST * used), RETRY_LAST);
	service_schedule(s, s->retry);
}

static void note_compilation(struct service *s, const struct compilation *c, int64_t time)
{
	s->counts.compilations++;
	s->counts.compile_time = time;
	s->counts.compile_time_all += time;
	s->counts.files_read = source_cache_reads(s->cache);
	memcpy(s->counts.diagnostics, c->diags.counts, sizeof(s->counts.diagnostics));
	s->counts.unusable += !c->config;
	if (c->config)
		s->counts.enabled = config_enabled(c->config);
}

/* A time in `enable` is over at some second, and then the firewall is off. */
static void schedule_expiry(struct service *s, const struct config *config)
{
	int64_t end = config->cluster_options.enable + 61;

	sd_event_source_set_enabled(s->expiry, SD_EVENT_OFF);
	if (config->cluster_options.enable <= 1 || !config_enabled(config))
		return;
	arm(s->expiry, (uint64_t)end * 1000000);
}

/* For the logger, which watches the file. */
static void tell_logger(struct service *s, const struct config *config)
{
	bool wanted = config_enabled(config) && config->host_options.log_nf_conntrack;

	rundir_write(s->run_dir, "log_nf_conntrack", wanted ? "1\n" : "0\n", 2);
}

static void log_applied(struct service *s, const struct compilation *c, const struct applying *applying)
{
	const struct backend_loading *l = &applying->loading;

	log_message(&s->log, applying->changed ? PRIORITY_INFO : PRIORITY_DEBUG, NULL,
		    "%s: %s (%u errors, %u warnings in the configuration; compiled in %.1f ms, applied in %.1f ms)",
		    c->backend->name, applying->changed ? "changes are applied" : "nothing has changed",
		    c->diags.counts[SEVERITY_ERROR], c->diags.counts[SEVERITY_WARNING],
		    (double)s->counts.compile_time / 1e6, (double)s->counts.apply_time / 1e6);
	log_message(&s->log, PRIORITY_DEBUG, NULL,
		    "sent: %u messages, %u sets, %u chains, %u rules; the kernel took %.1f ms", l->messages, l->sets, l->chains,
		    l->rules, (double)l->kernel_time / 1e6);
}

static void note_repair(struct service *s)
{
	s->counts.repairs++;
	log_message(&s->log, PRIORITY_WARNING, NULL,
		    "somebody else has changed rules of ours in the kernel; they are loaded anew");
}

/* `changed`: by one transaction of ours.  True if there have been others while nobody listened; emptying
 * iptables makes some, too. */
static bool listen_to_kernel(struct service *s, bool changed, bool emptied)
{
	if (s->applied.backend != &backend_netlink)
		return false;
	kernel_watch_listen(&s->kernel);
	return !emptied && kernel_watch_missed(&s->kernel, changed);
}

/* It is loaded anew, but not again and again. */
static void note_missed(struct service *s)
{
	log_message(&s->log, PRIORITY_DEBUG, NULL, "others were at work in the kernel meanwhile");
	s->whole = true;
	service_schedule(s, REPAIR_PAUSE);
}

static bool apply(struct service *s, struct compilation *c)
{
	struct applying applying = { .arena = &c->arena };
	bool suspicion = s->suspicion && s->applied.valid && tree_digest_equal(&s->applied.digest, &c->digest);
	bool emptied = !s->applied.removed_other, done, missed;
	int64_t begin = nanoseconds();

	kernel_watch_pause(&s->kernel);
	applying.whole = s->whole;
	done = applied_load(&s->applied, c, &applying);
	missed = listen_to_kernel(s, applying.changed, emptied);
	s->counts.applies++;
	s->counts.apply_time = nanoseconds() - begin;
	s->counts.apply_time_all += s->counts.apply_time;
	s->counts.changes += applying.changed;
	if (suspicion && applying.changed)
		note_repair(s);
	s->suspicion = false;
	if (!done) {
		log_message(&s->log, PRIORITY_ERROR, NULL, "not applied; what was in force before stays in force");
		return false;
	}
	s->whole = false;
	if (missed)
		note_missed(s);
	s->filtering = config_enabled(c->config);
	log_applied(s, c, &applying);
	tell_logger(s, c->config);
	schedule_expiry(s, c->config);
	return true;
}

static void compile_timed(struct service *s, struct compilation *c, const struct input_options *options,
			  struct source_cache *cache)
{
	int64_t begin = nanoseconds();

	compilation_run(c, options, cache);
	note_compilation(s, c, nanoseconds() - begin);
}

/* What is enforced instead of a configuration that was not confirmed. */
static bool apply_kept(struct service *s)
{
	struct arena arena = { 0 };
	struct input_options kept = confirm_inputs(&s->confirm, &arena, &s->options);
	struct compilation c;
	bool done;

	compile_timed(s, &c, &kept, NULL);
	if (!c.config)
		log_message(&s->log, PRIORITY_CRITICAL, NULL, "%s cannot be read; what is in force stays in force", kept.root);
	done = c.config && apply(s, &c);
	compilation_free(&c);
	arena_free(&arena);
	return done;
}

/* Who writes cluster.fw may begin with an empty file, or without it: that must not open everything. */
static bool is_doubtful(struct service *s, const struct config *config)
{
	uint64_t now = microseconds();

	if (!s->filtering || config_enabled(config) || config->cluster_options.enable > 1) {
		s->off_since = 0;
		return false;
	}
	if (!s->off_since)
		s->off_since = now;
	if (now - s->off_since >= DOUBT)
		return false;
	service_schedule(s, s->off_since + DOUBT - now);
	return true;
}

static bool apply_tree(struct service *s)
{
	struct compilation c;
	bool done = false, held;

	compile_timed(s, &c, &s->options, s->cache);
	told_log(&s->told, &s->log, &c.diags);
	if (c.config)
		watch_node(s, c.inputs.node);
	held = c.config && confirm_is_held(&s->confirm, &c.digest);
	if (c.config && !held) {
		if (s->confirm.held && !s->confirm.pending)
			log_message(&s->log, PRIORITY_NOTICE, NULL, "the configuration has changed and counts again");
		confirm_release(&s->confirm);
		done = is_doubtful(s, c.config) || apply(s, &c);
	}
	if (c.config)
		source_cache_sweep(s->cache);
	compilation_free(&c);
	return held ? apply_kept(s) : done;
}

/* ---- the short way ---- */

/* "100" of "firewall/100.fw", into `vmid`. */
static bool guest_of(const char *shown, char vmid[16])
{
	const char *prefix = "firewall/";
	size_t len = strlen(prefix), digits;

	if (strncmp(shown, prefix, len) != 0)
		return false;
	digits = strspn(shown + len, "0123456789");
	if (!digits || digits >= 16 || strcmp(shown + len + digits, ".fw") != 0)
		return false;
	memcpy(vmid, shown + len, digits);
	vmid[digits] = '\0';
	return true;
}

static bool patch(struct service *s, const char *vmid, struct text before)
{
	struct input_options options = s->options;
	struct compilation c;
	struct applying applying = { .arena = &c.arena };
	int64_t begin = nanoseconds(), compiled;
	bool done;

	options.only = vmid;
	compilation_run(&c, &options, s->cache);
	compiled = nanoseconds();
	kernel_watch_pause(&s->kernel);
	done = c.config && applied_patch(&s->applied, &c, before, &applying);
	s->whole |= listen_to_kernel(s, done, false);
	compilation_free(&c);
	if (done)
		log_message(&s->log, PRIORITY_DEBUG, NULL,
			    "guest %s: %u messages, in force after %.1f ms; compiled in %.1f ms, the kernel took %.1f ms", vmid,
			    applying.loading.messages, (double)(nanoseconds() - begin) / 1e6,
			    (double)(compiled - begin) / 1e6, (double)applying.loading.kernel_time / 1e6);
	return done;
}

/* When one guest's file is all that has changed, its rules can be in force before all is compiled.  That
 * follows soon: it says what is wrong, and leaves what a look at everything gives. */
static bool take_short_way(struct service *s)
{
	struct text before;
	char vmid[16];
	char *copy;
	bool done;

	if (s->others_changed || s->whole || s->counts.failing || s->confirm.held || !guest_of(s->changed, vmid))
		return false;
	before.ptr = source_cache_last(s->cache, s->changed, &before.len);
	copy = before.ptr ? strndup(before.ptr, before.len) : NULL;
	if (!copy)
		return false;
	done = patch(s, vmid, (struct text){ copy, before.len });
	free(copy);
	s->counts.patches += done;
	return done;
}

static void notify_status(const struct service *s)
{
	const struct service_counts *n = &s->counts;

	sd_notifyf(0, "READY=1\nSTATUS=%s%s, %u errors and %u warnings in the configuration",
		   n->enabled ? "enabled" : "disabled", n->failing ? ", FAILING" : "", n->diagnostics[SEVERITY_ERROR],
		   n->diagnostics[SEVERITY_WARNING]);
}

static bool cycle(struct service *s)
{
	uint64_t begin = processor_time();
	bool done;

	s->scheduled = false;
	s->first_change = 0;
	s->changed[0] = '\0';
	s->others_changed = false;
	done = apply_tree(s);
	s->last_cycle = microseconds();
	if (done) {
		if (s->counts.failing)
			log_message(&s->log, PRIORITY_NOTICE, NULL, "applied after having failed");
		s->counts.failing = false;
		s->retry = 0;
	} else {
		note_failure(s, processor_time() - begin);
	}
	notify_status(s);
	malloc_trim(0);
	return done;
}

/* Somebody asks for it: there is no doubt. */
bool service_cycle(struct service *s)
{
	s->off_since = 1;
	return cycle(s);
}

/* ---- events ---- */

static int on_cycle(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	(void)source;
	(void)now;
	if (take_short_way(s)) {
		s->scheduled = false;
		s->first_change = 0;
		s->last_cycle = microseconds();
		s->changed[0] = '\0';
		s->others_changed = true; /* what comes before the whole is applied is part of it */
		service_schedule(s, AFTER_SHORT_WAY);
		return 0;
	}
	cycle(s);
	return 0;
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

/* Not more than once in a while: who changes something again and again is not answered as
 * fast as the machine can. */
static void schedule_repair(struct service *s)
{
	uint64_t since = microseconds() - s->last_cycle;

	service_schedule(s, since > REPAIR_PAUSE ? SETTLE : REPAIR_PAUSE - since);
}

/* nftables tells whose tables were changed. */
static void on_tampered(void *context)
{
	struct service *s = context;

	if (!s->whole)
		note_repair(s);
	s->whole = true;
	schedule_repair(s);
}

static int on_look(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	/* With iptables it need not be ours: that is seen when it is read. */
	if (!s->scheduled && applied_is_stale(&s->applied)) {
		s->suspicion = true;
		schedule_repair(s);
	}
	arm(source, now + LOOK);
	return 0;
}

static int on_verify(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	applied_forget(&s->applied);
	service_schedule(s, 0);
	arm(source, now + VERIFY);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t now, void *context)
{
	(void)source;
	(void)now;
	service_go_back(context);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	service_end(context, true);
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
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)microseconds());
	log_message(&s->log, PRIORITY_INFO, NULL, "reading everything anew");
	applied_forget(&s->applied);
	service_cycle(s);
	return 0;
}

/* ---- until confirmed ---- */

int service_await_confirmation(struct service *s, uint64_t seconds)
{
	int reason = s->counts.failing ? EAGAIN : confirm_begin(&s->confirm, s->cache, seconds);

	if (!reason) {
		arm(s->deadline, s->confirm.deadline);
		log_message(&s->log, PRIORITY_NOTICE, NULL, "going back in %llu seconds unless confirmed",
			    (unsigned long long)seconds);
	}
	return reason;
}

/* What the tree says now is what was not confirmed.  If it cannot be read, that is to be seen later. */
static bool hold_tree(struct service *s)
{
	struct compilation c;
	bool known;

	compilation_run(&c, &s->options, NULL);
	known = c.config || s->applied.valid;
	if (known) {
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "not confirmed in time: going back to what was enforced before");
		confirm_hold(&s->confirm, c.config ? &c.digest : &s->applied.digest);
	} else {
		arm(s->deadline, confirm_now() + RETRY_FIRST);
	}
	compilation_free(&c);
	return known;
}

void service_go_back(struct service *s)
{
	if (s->confirm.pending && hold_tree(s))
		service_cycle(s);
}

/* An earlier service may not have lived to see the deadline. */
static void resume_confirmation(struct service *s)
{
	if (s->confirm.pending && confirm_now() >= s->confirm.deadline)
		hold_tree(s);
	else if (s->confirm.pending)
		arm(s->deadline, s->confirm.deadline);
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
		result = add_timer(s, &s->cycle, CLOCK_MONOTONIC, on_cycle);
	if (result >= 0)
		result = add_timer(s, &s->expiry, CLOCK_REALTIME, on_expiry);
	if (result >= 0)
		result = add_timer(s, &s->deadline, CLOCK_BOOTTIME, on_deadline);
	if (result >= 0)
		result = add_timer(s, &s->look, CLOCK_MONOTONIC, on_look);
	if (result >= 0)
		result = add_timer(s, &s->verify, CLOCK_MONOTONIC, on_verify);
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

static int open_sockets(struct service *s, uint16_t port)
{
	int reason = control_open(&s->control, s->event, s->run_path, service_answer, s);

	if (reason)
		return cli_error("cannot listen at %s/control.sock: %s", s->run_path, error_text(reason));
	reason = metrics_open(&s->metrics, s->event, s->run_path, port, service_metrics, s);
	if (reason)
		return cli_error("cannot serve metrics: %s", error_text(reason));
	return 0;
}

int service_open(struct service *s, const struct cli *cli)
{
	uint16_t port = 0;
	int status = read_port(cli->value[CLI_METRICS_PORT], &port), reason;

	*s = (struct service){ .options = cli_inputs(cli), .run_path = firewall_run_dir(cli), .lock = -1, .ready = -1 };
	s->options.resolve = true;
	if (!status)
		status = take_lock(s);
	if (status)
		return status;
	log_open(&s->log, cli->value[CLI_LOG_FILE], cli->value[CLI_DEBUG] != NULL);
	reason = open_events(s);
	if (reason)
		return cli_error("cannot run: %s", error_text(reason));
	s->cache = source_cache_new();
	sysctls_open(&s->sysctls, s->run_dir, &s->log);
	applied_init(&s->applied, &s->log, &s->sysctls);
	confirm_open(&s->confirm, s->run_dir, s->run_path);
	kernel_watch_init(&s->kernel, s->event, on_tampered, s);
	return open_sockets(s, port);
}

/* ---- running ---- */

static void tell_ready(struct service *s)
{
	if (s->ready < 0)
		return;
	if (write(s->ready, "", 1) < 0)
		log_message(&s->log, PRIORITY_DEBUG, NULL, "nobody waits for this service to start");
	close(s->ready);
	s->ready = -1;
}

int service_run(struct service *s)
{
	int result;

	log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall %s starts", PVEFW_VERSION);
	resume_confirmation(s);
	service_cycle(s);
	if (!s->node) /* the tree cannot be read yet: watch what there may be */
		watch_node(s, text_of(s->options.node ? s->options.node : "localhost"));
	arm(s->look, microseconds() + LOOK);
	arm(s->verify, microseconds() + VERIFY);
	tell_ready(s);
	result = sd_event_loop(s->event);
	if (result < 0)
		log_message(&s->log, PRIORITY_CRITICAL, NULL, "the event loop has ended: %s", error_text(-result));
	return result < 0 ? EXIT_TROUBLE : EXIT_CLEAN;
}

void service_end(struct service *s, bool remove)
{
	struct arena arena = { 0 };

	sd_notify(0, "STOPPING=1");
	kernel_watch_pause(&s->kernel);
	if (remove && applied_remove(&s->applied, &arena))
		log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall ends; nothing of it is in the kernel any more");
	else
		log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall ends; its rules stay in the kernel");
	arena_free(&arena);
	sd_event_exit(s->event, 0);
}

static void free_timers(struct service *s)
{
	sd_event_source *timers[] = { s->cycle, s->expiry, s->deadline, s->look, s->verify };

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		sd_event_source_unref(timers[i]);
}

void service_close(struct service *s)
{
	if (s->node)
		watch_stop(&s->watch);
	free(s->node);
	if (s->event) {
		control_close(&s->control);
		metrics_close(&s->metrics);
		rundir_remove(s->run_dir, "control.sock");
		rundir_remove(s->run_dir, "metrics.sock");
		kernel_watch_pause(&s->kernel);
		applied_free(&s->applied);
		free_timers(s);
		sd_event_unref(s->event);
	}
	source_cache_free(s->cache);
	told_free(&s->told);
	if (s->lock >= 0)
		close(s->lock);
	if (s->run_dir >= 0)
		close(s->run_dir);
}
