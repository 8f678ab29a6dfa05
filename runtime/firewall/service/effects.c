/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cycle does: compiles the copy of the tree, loads it, and reports what has come of that. */
#include "firewall/service/service.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/clock.h"
#include "base/errno_text.h"
#include "memory/slab.h"
#include "common/logger_notes.h"
#include "firewall/base/rundir.h"
#include "firewall/base/tree_marks.h"
#include "firewall/service/in_force.h"
#include "firewall/service/left_out_state.h"
#include "firewall/wiring/bridge_calls.h"

enum { READY_TIMEOUT = 30 /* seconds: guests are not held up longer by rules that cannot be applied */, REMOVE_TRIES = 2 };

/* ---- time ---- */

static uint64_t effects_now(void *context)
{
	(void)context;
	return clock_us(CLOCK_MONOTONIC);
}

/* Of this process, and of the tools that it has run. */
static uint64_t effects_processor_time(void *context)
{
	static const int whose[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct timeval sum = { 0, 0 };

	(void)context;
	for (unsigned i = 0; i < 2; i++) {
		struct rusage used;

		getrusage(whose[i], &used);
		sum.tv_sec += used.ru_utime.tv_sec + used.ru_stime.tv_sec;
		sum.tv_usec += used.ru_utime.tv_usec + used.ru_stime.tv_usec;
	}
	return (uint64_t)sum.tv_sec * 1000000 + (uint64_t)sum.tv_usec;
}

static uint64_t effects_duration(void *context)
{
	const struct service_counts *n = &((struct service *)context)->counts;

	return (uint64_t)(n->compile_time + n->apply_time) / 1000;
}

void service_arm(sd_event_source *timer, uint64_t time)
{
	sd_event_source_set_time(timer, time);
	sd_event_source_set_enabled(timer, time ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void effects_arm(void *context, enum cycle_timer timer, uint64_t time)
{
	service_arm(((struct service *)context)->timers[timer], time);
}

/* ---- the tree ---- */

static void effects_read_tree(void *context)
{
	tree_read(&((struct service *)context)->tree);
}

static bool effects_tree_is_readable(void *context)
{
	return tree_is_readable(&((struct service *)context)->tree);
}

static void forget_compiled(struct service *s)
{
	compilation_free(&s->compiled);
	s->compiled = (struct compilation){ .config = NULL };
	s->in_force = false;
}

/* ---- wiring ---- */

void service_check_wiring(struct service *s)
{
	struct wiring_links links = { .count = 0 };
	int reason = s->wiring.count || !s->bridge_calls_off ? wiring_links_read(&links) : 0;
	bool on = s->wiring.count && s->wiring.iptables;
	uint64_t now = clock_us(CLOCK_MONOTONIC), again;

	if (reason) {
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "cannot determine which bridges guests are plugged into: %s", error_text(reason));
		return;
	}
	reason = bridge_calls_set(&links, on);
	if (reason && !s->bridge_calls_fail)
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "cannot change nf_call_iptables of firewall bridges: %s", error_text(reason));
	s->bridge_calls_fail = reason != 0;
	s->bridge_calls_off = !on && !reason;
	again = wiring_check(&s->wiring, &links, &s->conditions, now);
	wiring_links_free(&links);
	if (again)
		service_arm(s->plug, now + again);
}

/* ---- the fast path ---- */

enum {
	PATCH_REREAD_MOST = 1 << 20, /* bytes of changed files, whose earlier contents stay in memory until all is compiled */
	PATCH_FAILURES_MOST = 4,     /* of single guests, until the others are left to the full cycle, too */
	PATCH_NAMED_MOST = 8,        /* guests that are logged by their number */
};

/* Loading a set of changes. */
struct patching {
	struct service *s;
	struct arena arena;
	unsigned failures;
	uint32_t messages;
	int64_t kernel_time;
	bool changed, stale;
};

static bool effects_can_patch(void *context, const char *file)
{
	const struct service *s = context;

	return s->in_force && !s->confirm.enforced && compilation_find_guest(&s->compiled, file);
}

/* Whether a line of the file was refused, which is to be tried again now. */
static bool has_left_out(const struct service *s, const char *file)
{
	for (const struct left_out_line *line = s->applied.left_out.lines; line; line = line->hh.next)
		if (strcmp(line->path, file) == 0)
			return true;
	return false;
}

static bool is_stranger(const struct service *s, const struct guest *guest)
{
	const struct guest *stranger = s->compiled.config->strangers;

	while (stranger && stranger != guest)
		stranger = stranger->next;
	return stranger != NULL;
}

/* Changes of guests of this node, `count`, then of strangers, whose files are only checked. */
struct patch_changes {
	struct guest_change items[CYCLE_FILES_MOST];
	unsigned all, count;
	bool complete; /* all files could be read, and can be patched */
};

static void add_patch_change(struct patch_changes *c, struct guest_change change, bool stranger)
{
	c->items[c->all++] = change;
	if (stranger)
		return;
	c->items[c->all - 1] = c->items[c->count];
	c->items[c->count++] = change;
}

/* Reads and compiles the files. */
static void read_changes(struct service *s, const struct cycle_files *files, struct patch_changes *changes)
{
	changes->all = changes->count = 0;
	changes->complete = true;
	for (unsigned i = 0; i < files->count; i++) {
		const struct guest *guest = compilation_find_guest(&s->compiled, files->names[i]);
		struct guest_change change = { guest, NULL };

		if (guest && !has_left_out(s, files->names[i]))
			change.new = compilation_read_guest(&s->compiled, guest);
		if (change.new)
			add_patch_change(changes, change, is_stranger(s, guest));
		else
			changes->complete = false;
	}
}

static bool patch_once(struct patching *p, const struct guest_change *changes, unsigned count)
{
	struct service *s = p->s;
	struct applying applying = { .arena = &p->arena };
	bool done;

	kernel_watch_begin(&s->kernel);
	done = applied_patch(&s->applied, s->compiled.config, changes, count, &applying);
	kernel_watch_end(&s->kernel);
	if (s->applied.backend->watch)
		s->cycle.compare |= kernel_watch_missed(&s->kernel, applying.loading.transactions);
	p->stale |= applying.loading.stale;
	p->changed |= applying.changed;
	p->messages += done ? applying.loading.messages : 0;
	p->kernel_time += applying.loading.kernel_time;
	return done;
}

/* In one transaction.  If that fails the halves are tried: a guest whose change takes a full cycle must not hold up others. */
static bool patch_changes(struct patching *p, const struct guest_change *changes, unsigned count)
{
	bool first, second;

	if (p->stale || p->failures >= PATCH_FAILURES_MOST)
		return false;
	if (!count || patch_once(p, changes, count))
		return true;
	if (p->stale || count == 1) {
		p->failures++;
		return false;
	}
	first = patch_changes(p, changes, count / 2);
	second = patch_changes(p, changes + count / 2, count - count / 2);
	return first && second;
}

static void log_patch(const struct patching *p, const struct patch_changes *changes, int64_t begin)
{
	struct out guests;

	out_init_memory(&guests);
	for (unsigned i = 0; i < changes->count && i < PATCH_NAMED_MOST; i++)
		out_printf(&guests, "%s%u", i ? ", " : "", changes->items[i].old->vmid);
	if (changes->count > PATCH_NAMED_MOST)
		out_printf(&guests, " and %u more", changes->count - PATCH_NAMED_MOST);
	log_message(&p->s->log, PRIORITY_DEBUG, NULL, "guest%s %.*s: %u messages sent, all in %.1f ms; the kernel took %.1f ms",
		    changes->count > 1 ? "s" : "", (int)guests.len, guests.data, p->messages,
		    (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e6, (double)p->kernel_time / 1e6);
	out_free(&guests);
}

/* The changes are in force: the compilation becomes that of the new files. */
static void take_changes(struct service *s, const struct patch_changes *changes)
{
	s->counts.patches += changes->count;
	s->counts.files_read = source_cache_reads(s->tree.copy);
	s->counts.last_success = time(NULL);
	compilation_replace_guests(&s->compiled, changes->items, changes->all);
	memcpy(s->counts.diagnostics, s->compiled.diags.counts, sizeof(s->counts.diagnostics));
	logged_diagnostics_update(&s->logged, &s->log, &s->compiled.diags);
}

static enum cycle_event effects_patch(void *context, const struct cycle_files *files)
{
	struct service *s = context;
	struct patching p = { .s = s };
	struct patch_changes changes;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool done;

	tree_take(&s->tree);
	if (!s->in_force || s->confirm.enforced || s->compiled.reread > PATCH_REREAD_MOST)
		return CYCLE_NOT_PATCHED;
	read_changes(s, files, &changes);
	done = patch_changes(&p, changes.items, changes.count) && changes.complete;
	if (p.changed) /* what the next service finds is not what was noted */
		in_force_forget(s->run_dir);
	if (done && changes.count)
		log_patch(&p, &changes, begin);
	if (done)
		take_changes(s, &changes);
	else
		compilation_drop_guests(changes.items, changes.all);
	arena_free(&p.arena);
	return done ? CYCLE_PATCHED : CYCLE_NOT_PATCHED;
}

/* ---- compiling ---- */

static void compile_copy(struct service *s, struct compilation *c)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	confirm_compile(&s->confirm, &s->options, s->tree.copy, &s->applied.left_out, c);
	s->counts.compilations++;
	s->counts.compile_time = clock_ns(CLOCK_MONOTONIC) - begin;
	s->counts.compile_time_all += s->counts.compile_time;
	s->counts.files_read = source_cache_reads(s->tree.copy);
	memcpy(s->counts.diagnostics, c->diags.counts, sizeof(s->counts.diagnostics));
	s->counts.unusable += !c->config;
	if (c->config)
		s->counts.enabled = config_enabled(c->config);
	logged_diagnostics_update(&s->logged, &s->log, &c->diags);
}

static void state_unusable(struct service *s)
{
	const struct diagnostic *d = s->compiled.diags.first;

	while (d && (d->severity != SEVERITY_ERROR || d->span.begin)) /* the first error that leaves no configuration says why */
		d = d->next;
	tree_set_unusable(&s->tree, s->compiled.config ? NULL : d ? d->message : "the configuration cannot be read");
}

static enum cycle_event effects_compile(void *context, uint64_t *again)
{
	struct service *s = context;
	struct compilation *c = &s->compiled;

	tree_take(&s->tree);
	forget_compiled(s);
	if (!tree_is_known(&s->tree) && !s->confirm.enforced) /* its condition says why */
		return CYCLE_NOT_COMPILED;
	compile_copy(s, c);
	if (!c->config) {
		state_unusable(s);
		return CYCLE_NOT_COMPILED;
	}
	s->surroundings_differ = surroundings_note(&s->surroundings, &c->inputs, &s->options);
	*again = confirm_settle(&s->confirm);
	confirm_state(&s->confirm, &s->conditions);
	/* A part of cluster.fw may have been compiled, while the firewall is in force.  The reader of the tree has already doubted
	 * that the file is missing or empty. */
	if (!s->is_filtering || config_enabled(c->config) || c->config->cluster_options.enable > 1 || !c->inputs.cluster ||
	    !c->inputs.cluster->size)
		return CYCLE_COMPILED;
	state_unusable(s);
	return CYCLE_COMPILED_DISABLED;
}

/* ---- loading ---- */

static void effects_state_conditions(struct service *s, const struct compilation *c, const struct applying *applying, bool done)
{
	conditions_begin(&s->conditions, CONDITION_NOT_APPLIED);
	if (!done) { /* the first problem says why */
		const struct backend_problem *p = applying->problems;
		struct place place = p ? source_place(&c->map, p->span.begin) : (struct place){ NULL, 0, 0, 0 };
		struct log_about about = { NULL, place.source ? place.source->path : NULL, place.line };

		conditions_add(&s->conditions, &about, "the configuration could not be applied%s%s", p ? ": " : "", p ? p->text : "");
	}
	conditions_end(&s->conditions);
	conditions_begin(&s->conditions, CONDITION_MINIMAL_RULESET);
	if (s->applied.minimal)
		conditions_add(
			&s->conditions, NULL,
			"configuration cannot be loaded; the minimal ruleset is loaded (%s): management access to the host is open, policies decide everything else",
			s->applied.backend->name);
	conditions_end(&s->conditions);
	if (!done)
		return;
	left_out_state(&s->conditions, c, &s->applied.left_out);
	conditions_begin(&s->conditions, CONDITION_OTHER_TARGET);
	if (applying->others_stay)
		conditions_add(
			&s->conditions, NULL,
			"rules of the other target could not be removed: both are loaded, and a packet that either of them drops is dropped");
	conditions_end(&s->conditions);
}

/* The differences that were found say what others have changed, if the configuration is the one that was loaded before
 * (`same`), or if they cannot come from a change of the configuration. */
static void note_repair(struct service *s, const struct backend_loading *loading, bool same)
{
	if (!(same ? loading->difference_count : loading->certain_count))
		return;
	s->counts.repairs++;
	log_message(&s->log, PRIORITY_WARNING, NULL,
		    "rules in the kernel were changed externally; they are loaded again");
	for (const struct backend_difference *d = loading->differences; d; d = d->next)
		if (same || d->certain)
			log_message(&s->log, PRIORITY_WARNING, NULL, "changed externally: %s", d->text);
	if (loading->difference_count > BACKEND_DIFFERENCES_MOST)
		log_message(&s->log, PRIORITY_WARNING, NULL, "changed externally: %u more",
			    loading->difference_count - BACKEND_DIFFERENCES_MOST);
}

/* `applying` has succeeded. */
static void report_applied(struct service *s, const struct compilation *c, const struct applying *applying)
{
	const struct log_about cluster = { NULL, "firewall/cluster.fw", 0 };
	const struct backend_loading *l = &applying->loading;
	bool enabled = config_enabled(c->config), logs_connections = enabled && c->config->host_options.log_nf_conntrack;

	if (!enabled && (applying->changed || s->is_filtering))
		log_message(&s->log, PRIORITY_WARNING, &cluster, "firewall disabled by %s: all rules removed",
			    !c->inputs.cluster                         ? "a missing cluster.fw"
			    : c->config->cluster_options.enable > 1 ? "the expired time at `enable` in cluster.fw"
								    : "cluster.fw");
	s->is_filtering = enabled;
	wiring_expect(&s->wiring, c->config, &c->map, c->backend->needs_bridge_calls);
	service_check_wiring(s);
	confirm_note_applied(&s->confirm, c, applying->changed);
	log_message(
		&s->log, applying->changed ? PRIORITY_INFO : PRIORITY_DEBUG, NULL,
		"%s: %s (%u errors, %u warnings in the configuration; compiled in %.1f ms, applied in %.1f ms)",
		c->backend->name,
		!applying->changed ? "nothing has changed"
		: enabled          ? "changes are applied"
				   : "all rules are removed",
		c->diags.counts[SEVERITY_ERROR], c->diags.counts[SEVERITY_WARNING],
		(double)s->counts.compile_time / 1e6, (double)s->counts.apply_time / 1e6);
	log_message(&s->log, PRIORITY_DEBUG, NULL,
		    "sent: %u messages, %u sets, %u chains, %u rules; the kernel took %.1f ms", l->messages, l->sets, l->chains,
		    l->rules, (double)l->kernel_time / 1e6);
	rundir_write(s->run_dir, NOTE_CONNTRACK, logs_connections ? "1\n" : "0\n", 2); /* the logger watches it */
	/* A time in `enable` is over at some second of the next minute, and then the firewall is off. */
	service_arm(s->expiry, enabled && c->config->cluster_options.enable > 1
				       ? (uint64_t)(c->config->cluster_options.enable + 61) * 1000000
				       : 0);
}

/* The service manager must not take a search for a service that hangs. */
static void keep_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

static enum cycle_event effects_load(void *context)
{
	struct service *s = context;
	struct compilation *c = &s->compiled;
	struct arena arena = { 0 };
	struct applying applying = { .arena = &arena };
	/* What is to be applied may be what was applied last, by this service or by one before. */
	bool same = s->applied.valid ? tree_digest_equal(&s->applied.digest, &c->digest) && !s->applied.patched &&
					       !s->surroundings_differ
				     : in_force_is(s->run_dir, c, s->surroundings.known);
	bool emptied = !s->applied.removed_other, done, missed = false;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	kernel_watch_pause(&s->kernel);
	s->applied.alive = keep_alive;
	if (s->cycle.compare)
		applied_doubt(&s->applied);
	if (!same)
		in_force_forget(s->run_dir);
	done = applied_load(&s->applied, c, &applying);
	/* For services that start later.  They may load rules that are left out now. */
	if (done && !left_out_is_empty(&s->applied.left_out))
		in_force_forget(s->run_dir);
	else if (done && !in_force_is(s->run_dir, c, s->surroundings.known))
		in_force_write(s->run_dir, c, s->surroundings.known);
	note_repair(s, &applying.loading, same);
	if (s->applied.backend && s->applied.backend->watch) {
		kernel_watch_listen(&s->kernel);
		/* Emptying the other target makes more. */
		missed = !emptied && kernel_watch_missed(&s->kernel, applying.loading.transactions);
	}
	if (!done && applied_load_minimal(&s->applied, c, &applying))
		s->is_filtering = true;
	effects_state_conditions(s, c, &applying, done);
	s->counts.applies++;
	s->counts.apply_time = clock_ns(CLOCK_MONOTONIC) - begin;
	s->counts.apply_time_all += s->counts.apply_time;
	s->counts.changes += applying.changed;
	if (done) {
		if (missed)
			log_message(&s->log, PRIORITY_DEBUG, NULL,
				    "other programs changed rules at the same time");
		report_applied(s, c, &applying);
		s->in_force = true;
	} else {
		log_message(&s->log, PRIORITY_ERROR, NULL, "%s",
			    applying.loading.unsure ? "the next attempt determines whether this is loaded"
			    : s->applied.minimal    ? "not applied; the minimal ruleset is loaded"
						    : "not applied; the previous rules stay loaded");
	}
	state_unusable(s); /* it may have been compiled again, and not be usable any more */
	arena_free(&arena);
	return !done ? CYCLE_NOT_LOADED : missed ? CYCLE_LOADED_BESIDE_OTHERS : CYCLE_LOADED;
}

/* ---- comparing, after patches ---- */

/* Notes what is in force, as after a load. */
static void note_compared(struct service *s, const struct applying *applying)
{
	struct compilation *c = &s->compiled;

	s->applied.digest = c->digest;
	s->applied.patched = false;
	if (left_out_is_empty(&s->applied.left_out))
		in_force_write(s->run_dir, c, s->surroundings.known);
	report_applied(s, c, applying);
}

/* The compilation has the changed files already: what it was made of besides them is as it was. */
static enum cycle_event effects_compare(void *context)
{
	struct service *s = context;
	struct arena arena = { 0 };
	struct applying applying = { .arena = &arena };
	int64_t begin = clock_ns(CLOCK_MONOTONIC), compiled;
	bool done;

	if (!s->in_force || s->confirm.enforced || s->compiled.reread > PATCH_REREAD_MOST)
		return CYCLE_NOT_COMPARED;
	compilation_digest(&s->compiled);
	compiled = clock_ns(CLOCK_MONOTONIC);
	s->counts.compilations++;
	s->counts.compile_time = compiled - begin;
	s->counts.compile_time_all += s->counts.compile_time;
	kernel_watch_begin(&s->kernel);
	done = !s->cycle.compare && applied_tidy(&s->applied, &applying);
	kernel_watch_end(&s->kernel);
	if (done && s->applied.backend->watch)
		s->cycle.compare |= kernel_watch_missed(&s->kernel, applying.loading.transactions);
	s->counts.apply_time = clock_ns(CLOCK_MONOTONIC) - compiled;
	if (done) {
		s->counts.applies++;
		s->counts.apply_time_all += s->counts.apply_time;
		s->counts.changes += applying.changed;
		note_compared(s, &applying);
	}
	arena_free(&arena);
	return done ? CYCLE_COMPARED : CYCLE_NOT_COMPARED;
}

static bool effects_has_refused(void *context)
{
	return !left_out_is_empty(&((struct service *)context)->applied.left_out);
}

static void effects_retry_refused(void *context)
{
	applied_retry(&((struct service *)context)->applied);
}

static void effects_forget_loaded(void *context)
{
	applied_forget(&((struct service *)context)->applied);
}

/* ---- others at work ---- */

/* Reports the state to systemd.  Guests wait until rules are loaded, or could not be for too long. */
static void notify_systemd(struct service *s)
{
	const char *overridden = getenv("PVEFW_READY_SECONDS");
	bool failing = cycle_is_failing(&s->cycle);
	uint64_t timeout; /* seconds */

	if (!overridden || !text_to_number(text_of(overridden), 86400, &timeout))
		timeout = READY_TIMEOUT;
	s->is_ready = s->is_ready || !failing || s->applied.minimal ||
		      clock_us(CLOCK_MONOTONIC) - s->started >= timeout * 1000000;
	sd_notifyf(0, "%sSTATUS=%s%s, %u errors and %u warnings in the configuration", s->is_ready ? "READY=1\n" : "",
		   s->counts.enabled ? "enabled" : "disabled", failing ? ", FAILING" : "", s->counts.diagnostics[SEVERITY_ERROR],
		   s->counts.diagnostics[SEVERITY_WARNING]);
}

static void effects_keep_settings(void *context)
{
	struct service *s = context;

	fwbr_flag_keep(&s->applied.fwbr_flag);
	if (!s->is_ready)
		notify_systemd(s);
	s->counts.repairs += sysctls_mend(&s->sysctls);
}

static bool effects_is_stale(void *context)
{
	return applied_is_stale(&((struct service *)context)->applied);
}

static bool effects_contents_changed(void *context)
{
	struct service *s = context;

	if (!applied_contents_changed(&s->applied))
		return false;
	applied_doubt(&s->applied);
	return true;
}

/* ---- the end ---- */

/* At the deadline, and at the start: no service may have run at the deadline, and the machine may have been rebooted. */
static enum cycle_event effects_roll_back(void *context)
{
	struct service *s = context;

	if (!confirm_is_over(&s->confirm)) {
		if (s->confirm.pending)
			service_arm(s->deadline, s->confirm.deadline);
		return CYCLE_NOTHING_ROLLED_BACK;
	}
	tree_read(&s->tree);
	return confirm_roll_back(&s->confirm, &s->options, s->tree.copy) ? CYCLE_ROLLED_BACK : CYCLE_NOTHING_ROLLED_BACK;
}

static void effects_finished(void *context, bool failed, bool recovered)
{
	struct service *s = context;

	if (!s->in_force) /* not compiled, not loaded, or doubted */
		forget_compiled(s);
	if (!failed && recovered)
		log_message(&s->log, PRIORITY_NOTICE, NULL, "applied after a failure");
	if (!failed)
		s->counts.last_success = time(NULL);
	notify_systemd(s);
	malloc_trim(0);
	slab_trim();
}

/* More than one try: a signal to the process group may have killed the tools, too. */
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

static void effects_end(void *context, bool remove)
{
	struct service *s = context;

	sd_notify(0, "STOPPING=1");
	kernel_watch_pause(&s->kernel);
	if (remove) {
		tree_marks_forget(s->run_dir);
		in_force_forget(s->run_dir);
	}
	if (remove && remove_all(s))
		log_message(&s->log, PRIORITY_NOTICE, NULL,
			    "pve-firewall ends; its rules are removed from the kernel");
	else
		log_message(&s->log, PRIORITY_NOTICE, NULL, "pve-firewall ends; its rules stay in the kernel");
	sd_event_exit(s->event, 0);
}

const struct cycle_effects service_effects = {
	.now = effects_now,
	.processor_time = effects_processor_time,
	.duration = effects_duration,
	.arm = effects_arm,
	.read_tree = effects_read_tree,
	.tree_is_readable = effects_tree_is_readable,
	.can_patch = effects_can_patch,
	.patch = effects_patch,
	.compare = effects_compare,
	.compile = effects_compile,
	.load = effects_load,
	.has_refused = effects_has_refused,
	.retry_refused = effects_retry_refused,
	.forget_loaded = effects_forget_loaded,
	.keep_settings = effects_keep_settings,
	.is_stale = effects_is_stale,
	.contents_changed = effects_contents_changed,
	.roll_back = effects_roll_back,
	.finished = effects_finished,
	.end = effects_end,
};
