/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the service compiles and applies, and how: the whole tree, or by the short way
 * the one guest whose file has changed.
 */
#include "firewall/service/service.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "firewall/service/in_force.h"
#include "firewall/service/left_out_state.h"
#include "firewall/base/rundir.h"
#include "base/errno_text.h"
#include "base/clock.h"

/* Microseconds. */
enum {
	SETTLE = 1000,          /* from the first sign of a change to a cycle */
	QUIET = 50000,          /* when there are many, this long after the last, or */
	QUIET_CYCLES = 3,       /* this many times what the last cycle took, if that is longer, */
	LATEST = 700000,        /* but not later than this after the first */
	BURST = 250000,         /* changes this soon after a cycle belong to it */
	AFTER_SHORT_WAY = 500000,
	RETRY_FIRST = 1000000,
	RETRY_LAST = 60000000,
	RETRY_REST = 10,        /* the pause is this many times the processor time of what has failed */
	DOUBT = 500000,         /* until a tree that is not enabled any more is believed */
	REPAIR_PAUSE = 1000000, /* between two repairs */
	READY_PATIENCE = 30,    /* seconds; guests are not held up longer by rules that cannot be applied */
	AGAIN_FIRST = 60000000, /* until what was refused is tried again; doubled each time */
	AGAIN_LAST = 600000000,
};

uint64_t service_now(void)
{
	return clock_us(CLOCK_MONOTONIC);
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

void service_arm(sd_event_source *timer, uint64_t time)
{
	sd_event_source_set_time(timer, time);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void set_due(struct service *s, uint64_t due)
{
	s->scheduled = true;
	s->due = due;
	service_arm(s->cycle, due);
}

void service_schedule(struct service *s, uint64_t delay)
{
	uint64_t due = service_now() + delay;

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

/* Whoever writes many files is held up where the processors are busy, and so is the one that reads them: there a cycle
 * takes longer, too, and costs more than waiting. */
static uint64_t quiet(const struct service *s)
{
	return most(QUIET, QUIET_CYCLES * (uint64_t)(s->counts.compile_time + s->counts.apply_time) / 1000);
}

/* A file that was written is taken up at once, if it is alone.  Of many, the first is; then they are left
 * to come to an end. */
void service_on_change(void *context, const char *shown)
{
	struct service *s = context;
	uint64_t now = service_now();

	note_changed(s, shown);
	if (!s->first_change)
		s->first_change = now;
	if (!s->others_changed && now - s->last_cycle > BURST)
		service_schedule(s, SETTLE);
	else if (!s->scheduled || s->due > s->first_change + SETTLE)
		set_due(s, least(now + quiet(s), s->first_change + LATEST));
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
	s->counts.files_read = source_cache_reads(s->tree.copy);
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
	service_arm(s->expiry, (uint64_t)end * 1000000);
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

static const char *what_disables(const struct compilation *c)
{
	if (!c->inputs.cluster)
		return "the lack of a firewall/cluster.fw";
	if (c->config->cluster_options.enable > 1)
		return "the time at `enable` in firewall/cluster.fw, which is over";
	return "firewall/cluster.fw, which does not say `enable: 1`";
}

/* `changed`: rules were taken away. */
static void log_disabled(struct service *s, const struct compilation *c, bool changed)
{
	const struct log_about about = { NULL, "firewall/cluster.fw", 0 };
	bool enabled = config_enabled(c->config);

	if (!enabled && (changed || s->filtering))
		log_message(&s->log, PRIORITY_WARNING, &about, "firewall disabled by %s: all rules are removed",
			    what_disables(c));
	s->filtering = enabled;
}

/* Differences say what others have changed, if the configuration is the one that was loaded before (`same`), or if they
 * cannot come from a change of the configuration. */
static void note_repair(struct service *s, const struct backend_loading *loading, bool same)
{
	uint32_t count = same ? loading->difference_count : loading->certain_count;

	if (!count)
		return;
	s->counts.repairs++;
	log_message(&s->log, PRIORITY_WARNING, NULL,
		    "somebody else has changed rules of ours in the kernel; they are loaded anew");
	for (const struct backend_difference *d = loading->differences; d; d = d->next)
		if (same || d->certain)
			log_message(&s->log, PRIORITY_WARNING, NULL, "changed by others: %s", d->text);
	if (loading->difference_count > BACKEND_DIFFERENCES_MOST)
		log_message(&s->log, PRIORITY_WARNING, NULL, "changed by others: %u more",
			    loading->difference_count - BACKEND_DIFFERENCES_MOST);
}

/* `changed`: by one transaction of ours.  True if there have been others while nobody listened; emptying
 * iptables makes some, too. */
static bool listen_to_kernel(struct service *s, bool changed, bool emptied)
{
	if (!s->applied.backend || !s->applied.backend->watch)
		return false;
	kernel_watch_listen(&s->kernel);
	return !emptied && kernel_watch_missed(&s->kernel, changed);
}

/* It is compared, but not again and again. */
static void note_missed(struct service *s)
{
	log_message(&s->log, PRIORITY_DEBUG, NULL, "others were at work in the kernel meanwhile");
	s->doubt = true;
	service_schedule(s, REPAIR_PAUSE);
}

/* ---- what could not be loaded ---- */

/* The first problem says why. */
static void state_not_applied(struct service *s, const struct compilation *c, const struct applying *applying, bool done)
{
	const struct backend_problem *p = applying->problems;
	struct place place = { NULL, 0, 0, 0 };
	struct log_about about = { NULL, NULL, 0 };

	conditions_begin(&s->conditions, CONDITION_NOT_APPLIED);
	if (!done) {
		if (p)
			place = source_place(&c->map, p->span.begin);
		if (place.source)
			about = (struct log_about){ .file = place.source->path, .line = place.line };
		conditions_add(&s->conditions, &about, "the configuration could not be applied%s%s", p ? ": " : "",
			       p ? p->text : "");
	}
	conditions_end(&s->conditions);
}

static void state_minimal(struct service *s)
{
	conditions_begin(&s->conditions, CONDITION_MINIMAL_RULESET);
	if (s->applied.minimal)
		conditions_add(&s->conditions, NULL,
			       "the configuration cannot be loaded: the minimal ruleset is in force (%s): the host's management "
			       "access, policies for everything else",
			       s->applied.backend->name);
	conditions_end(&s->conditions);
}

static void state_other_target(struct service *s, const struct applying *applying)
{
	conditions_begin(&s->conditions, CONDITION_OTHER_TARGET);
	if (applying->others_stay)
		conditions_add(&s->conditions, NULL,
			       "rules of the other target could not be taken away: both are in force, and what one of them drops is dropped");
	conditions_end(&s->conditions);
}

/* PVEFW_AGAIN_SECONDS overrides it. */
static uint64_t again_first(void)
{
	const char *seconds = getenv("PVEFW_AGAIN_SECONDS");
	uint64_t number;

	return seconds && text_to_number(text_of(seconds), 86400, &number) && number ? number * 1000000 : AGAIN_FIRST;
}

/* What is left out is tried again later and later. */
static void schedule_retry(struct service *s)
{
	if (left_out_is_empty(&s->applied.left_out)) {
		sd_event_source_set_enabled(s->again, SD_EVENT_OFF);
		s->again_pause = 0;
		return;
	}
	if (s->again_pause)
		return;
	s->again_pause = again_first();
	service_arm(s->again, service_now() + s->again_pause);
}

int service_on_again(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	applied_retry(&s->applied);
	service_schedule(s, 0);
	s->again_pause = least(2 * s->again_pause, AGAIN_LAST);
	service_arm(source, now + s->again_pause);
	return 0;
}

static void state_conditions(struct service *s, const struct compilation *c, const struct applying *applying, bool done)
{
	state_not_applied(s, c, applying, done);
	state_minimal(s);
	if (!done)
		return;
	left_out_state(&s->conditions, c, &s->applied.left_out);
	state_other_target(s, applying);
}

/* The service manager must not take a search for a service that hangs. */
static void keep_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

/* Whether what is to be applied is what was applied last, by this service or by one before. */
static bool was_in_force(const struct service *s, const struct compilation *c)
{
	if (s->applied.valid)
		return tree_digest_equal(&s->applied.digest, &c->digest) && !s->told_otherwise;
	return in_force_is(s->run_dir, c, s->surroundings.known);
}

/* For services that start later.  What is left out may not be so then. */
static void note_in_force(struct service *s, const struct compilation *c)
{
	if (!left_out_is_empty(&s->applied.left_out))
		in_force_forget(s->run_dir);
	else if (!in_force_is(s->run_dir, c, s->surroundings.known))
		in_force_write(s->run_dir, c, s->surroundings.known);
}

static bool apply(struct service *s, struct compilation *c)
{
	struct arena arena = { 0 };
	struct applying applying = { .arena = &arena };
	bool same = was_in_force(s, c);
	bool emptied = !s->applied.removed_other, done, missed;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	kernel_watch_pause(&s->kernel);
	s->applied.alive = keep_alive;
	if (s->doubt)
		applied_doubt(&s->applied);
	if (!same)
		in_force_forget(s->run_dir);
	done = applied_load(&s->applied, c, &applying);
	if (done)
		note_in_force(s, c);
	note_repair(s, &applying.loading, same);
	missed = listen_to_kernel(s, applying.changed, emptied);
	if (!done && applied_load_minimal(&s->applied, c, &applying))
		s->filtering = true;
	state_conditions(s, c, &applying, done);
	schedule_retry(s);
	arena_free(&arena);
	s->counts.applies++;
	s->counts.apply_time = clock_ns(CLOCK_MONOTONIC) - begin;
	s->counts.apply_time_all += s->counts.apply_time;
	s->counts.changes += applying.changed;
	if (!done) {
		log_message(&s->log, PRIORITY_ERROR, NULL, "%s",
			    applying.loading.unsure ? "whether this is in force is found out at the next attempt"
			    : s->applied.minimal    ? "not applied; the minimal ruleset is in force"
						    : "not applied; what was in force before stays in force");
		return false;
	}
	s->doubt = false;
	if (missed)
		note_missed(s);
	log_disabled(s, c, applying.changed);
	wiring_expect(&s->wiring, c->config, &c->map, c->backend->needs_bridge_calls);
	service_check_wiring(s);
	confirm_note_applied(&s->confirm, c, applying.changed);
	log_applied(s, c, &applying);
	tell_logger(s, c->config);
	schedule_expiry(s, c->config);
	return true;
}

static void compile_timed(struct service *s, struct compilation *c)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	confirm_compile(&s->confirm, &s->options, s->tree.copy, &s->applied.left_out, c);
	note_compilation(s, c, clock_ns(CLOCK_MONOTONIC) - begin);
}

/* The tree was read: rejected files that have changed count again. */
static void settle_rejected(struct service *s)
{
	uint64_t delay = confirm_settle(&s->confirm);

	if (delay)
		service_schedule(s, delay);
	confirm_state(&s->confirm, &s->conditions);
}

/* Whoever writes cluster.fw may begin with a part of it: that must not open everything.  The reader of
 * the tree has waited already before it says that the file is empty, or missing. */
static bool is_doubtful(struct service *s, const struct compilation *c)
{
	const struct config *config = c->config;
	uint64_t now = service_now();

	if (!s->filtering || config_enabled(config) || config->cluster_options.enable > 1 || !c->inputs.cluster ||
	    !c->inputs.cluster->size) {
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

static void forget(struct service *s)
{
	compilation_free(&s->compiled);
	s->compiled = (struct compilation){ .config = NULL };
	s->in_force = false;
}

/* False if it is to be tried again. */
static bool apply_compiled(struct service *s)
{
	struct compilation *c = &s->compiled;

	settle_rejected(s);
	if (is_doubtful(s, c))
		return true;
	s->in_force = apply(s, c);
	return s->in_force;
}

/* The first error that no configuration comes out of. */
static const char *why_unusable(const struct diags *diags)
{
	const struct diagnostic *d = diags->first;

	while (d && (d->severity != SEVERITY_ERROR || d->span.begin))
		d = d->next;
	return d ? d->message : "the configuration cannot be read";
}

/* Compiles the copy of the tree.  False if that is not in force. */
static bool apply_tree(struct service *s)
{
	struct compilation *c = &s->compiled;
	bool done = false;

	forget(s);
	if (!tree_is_known(&s->tree) && !s->confirm.enforced) /* its condition says why */
		return false;
	compile_timed(s, c);
	logged_diagnostics_update(&s->logged, &s->log, &c->diags);
	if (c->config) {
		s->told_otherwise = surroundings_note(&s->surroundings, &c->inputs, &s->options);
		done = apply_compiled(s);
	}
	tree_set_unusable(&s->tree, c->config ? NULL : why_unusable(&c->diags));
	if (!s->in_force)
		forget(s);
	return done;
}

/* ---- the short way ---- */

/* NULL: not a guest's file, or of one that had none. */
static const struct guest *guest_of(const struct config *config, const char *shown)
{
	const struct guest *guest = config->guests;

	while (guest && !(guest->file && strcmp(guest->file->path, shown) == 0))
		guest = guest->next;
	return guest;
}

static bool patch(struct service *s, const struct guest *guest)
{
	struct arena arena = { 0 };
	struct applying applying = { .arena = &arena };
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool done;

	kernel_watch_begin(&s->kernel);
	done = applied_patch(&s->applied, &s->compiled, guest, &applying);
	kernel_watch_end(&s->kernel);
	if (s->applied.backend->watch)
		s->doubt |= kernel_watch_missed(&s->kernel, done && applying.loading.messages);
	arena_free(&arena);
	if (done)
		log_message(&s->log, PRIORITY_DEBUG, NULL,
			    "guest %u: %u messages sent, all in %.1f ms; the kernel took %.1f ms", guest->vmid,
			    applying.loading.messages, (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e6,
			    (double)applying.loading.kernel_time / 1e6);
	return done;
}

/* When one guest's file is all that has changed, its rules can be in force before all is compiled.  That
 * follows soon: it says what is wrong, and leaves what a look at everything gives. */
static bool take_short_way(struct service *s)
{
	const struct guest *guest;
	bool done;

	if (!s->in_force || s->others_changed || s->doubt || s->counts.failing || s->confirm.enforced)
		return false;
	guest = guest_of(s->compiled.config, s->changed);
	done = guest && patch(s, guest);
	s->counts.patches += done;
	return done;
}

/* PVEFW_READY_SECONDS overrides it. */
static uint64_t ready_patience(void)
{
	const char *seconds = getenv("PVEFW_READY_SECONDS");

	return (uint64_t)(seconds ? atoi(seconds) : READY_PATIENCE) * 1000000;
}

/* Guests wait for the first word that it is ready. */
void service_notify(struct service *s)
{
	const struct service_counts *n = &s->counts;

	s->announced = s->announced || !n->failing || s->applied.minimal ||
		       service_now() - s->started >= ready_patience();
	sd_notifyf(0, "%sSTATUS=%s%s, %u errors and %u warnings in the configuration", s->announced ? "READY=1\n" : "",
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
	tree_take(&s->tree);
	done = apply_tree(s);
	s->last_cycle = service_now();
	if (!tree_is_readable(&s->tree)) {
		s->counts.failing = true; /* until the tree can be read, which schedules a cycle */
	} else if (done) {
		if (s->counts.failing)
			log_message(&s->log, PRIORITY_NOTICE, NULL, "applied after having failed");
		s->counts.failing = false;
		s->counts.last_success = time(NULL);
		s->retry = 0;
	} else {
		note_failure(s, processor_time() - begin);
	}
	service_notify(s);
	malloc_trim(0);
	return done && tree_is_readable(&s->tree);
}

/* Somebody asks for it: there is no doubt. */
bool service_cycle(struct service *s)
{
	bool done;

	tree_read(&s->tree);
	s->off_since = 1;
	done = cycle(s);
	s->off_since = 0; /* what comes later is as doubtful as ever */
	return done;
}

int service_on_cycle(sd_event_source *source, uint64_t now, void *context)
{
	struct service *s = context;

	(void)source;
	(void)now;
	tree_take(&s->tree);
	if (take_short_way(s)) {
		forget(s);
		s->scheduled = false;
		s->first_change = 0;
		s->last_cycle = service_now();
		s->changed[0] = '\0';
		s->others_changed = true; /* what comes before the whole is applied is part of it */
		service_schedule(s, AFTER_SHORT_WAY);
		return 0;
	}
	cycle(s);
	return 0;
}

/* ---- the machine ---- */

void service_on_surroundings(void *context)
{
	struct service *s = context;

	log_message(&s->log, PRIORITY_INFO, NULL, "this machine's networks, alternative names or resolved names have changed");
	s->others_changed = true;
	service_schedule(s, SETTLE);
}

/* ---- repairs ---- */

void service_schedule_repair(struct service *s)
{
	uint64_t since = service_now() - s->last_cycle;

	service_schedule(s, since > REPAIR_PAUSE ? SETTLE : REPAIR_PAUSE - since);
}

/* nftables tells whose tables were changed. */
void service_on_tampered(void *context)
{
	struct service *s = context;

	s->doubt = true;
	service_schedule_repair(s);
}

