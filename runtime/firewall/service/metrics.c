/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service's metrics; the counters of the kernel and the logger are read on request. */
#include <stdio.h>

#include "firewall/service/requests.h"
#include "firewall/counters/counters.h"
#include "firewall/base/rundir.h"
#include "firewall/service/service.h"
#include "common/logger_notes.h"
#include "base/version.h"

static double metrics_seconds(int64_t nanoseconds)
{
	return (double)nanoseconds / 1e9;
}

static void metric(struct out *out, const char *name, const char *type, const char *help, double value)
{
	metrics_describe(out, name, type, help);
	metrics_sample(out, name, NULL, value);
}

static void diagnostics_metrics(const struct service *s, struct out *out)
{
	static const char *const labels[] = {
		[SEVERITY_NOTE] = "severity=\"note\"",
		[SEVERITY_WARNING] = "severity=\"warning\"",
		[SEVERITY_ERROR] = "severity=\"error\"",
	};

	metrics_describe(out, "diagnostics", "gauge", "Diagnostics of the last compilation");
	for (int i = SEVERITY_NOTE; i <= SEVERITY_ERROR; i++)
		metrics_sample(out, "diagnostics", labels[i], s->counts.diagnostics[i]);
}

static void conditions_metrics(const struct service *s, struct out *out)
{
	char label[64];

	metrics_describe(out, "conditions", "gauge", "What keeps the configuration from being enforced as it is written");
	for (int kind = 0; kind < CONDITION_KINDS; kind++) {
		snprintf(label, sizeof(label), "kind=\"%s\"", condition_rows[kind].name);
		metrics_sample(out, "conditions", label, conditions_count(&s->conditions, (enum condition_kind)kind));
	}
}

/* ---- zones ---- */

static void zone_samples(struct arena *arena, struct out *out, const char *name, const struct counters *c, bool bytes)
{
	static const char *const kinds[] = {
		[BACKEND_HOST] = "host", [BACKEND_GUEST] = "guest", [BACKEND_VNET] = "vnet", [BACKEND_GROUP] = "group",
	};
	static const char *const outcomes[] = {
		[BACKEND_ACCEPTED] = "accepted", [BACKEND_DROPPED] = "dropped", [BACKEND_REJECTED] = "rejected",
	};

	for (const struct counted_zone *zone = c->zones; zone; zone = zone->hh.next)
		for (unsigned i = BACKEND_ACCEPTED; i <= BACKEND_REJECTED; i++)
			metrics_sample(out, name,
				       arena_printf(arena, "kind=\"%s\",zone=\"%.*s\",outcome=\"%s\"", kinds[zone->kind],
						    TEXT_ARG(zone->name), outcomes[i]),
				       (double)(bytes ? zone->outcomes[i].bytes : zone->outcomes[i].packets));
}

static void print_zones(struct out *out, const struct compilation *compilation)
{
	struct arena arena = { 0 };
	struct counters c;

	counters_init(&c, &arena, &compilation->map, compilation->config);
	if (counters_read(&c, compilation->backend) == 0) {
		metrics_describe(out, "packets_total", "counter",
				 "Packets matched by rules since they were loaded");
		zone_samples(&arena, out, "packets_total", &c, false);
		metrics_describe(out, "bytes_total", "counter", "Bytes of these packets");
		zone_samples(&arena, out, "bytes_total", &c, true);
	}
	counters_free(&c);
	arena_free(&arena);
}

/* Reads the kernel's counters for the present configuration. */
static void zone_metrics(const struct service *s, struct out *out)
{
	struct input_options inputs = confirm_inputs(&s->confirm, &s->options);
	struct compilation other = { .config = NULL };
	const struct compilation *compilation = s->in_force ? &s->compiled : &other;

	if (!s->in_force)
		compilation_run(&other, &inputs, s->tree.copy);
	if (compilation->config && compilation->backend->counters)
		print_zones(out, compilation);
	compilation_free(&other);
}

/* ---- the logger ---- */

enum { LOGGER_STATE_MAX = 4096 /* bytes */ };

/* Finds the number of the line "KEY NUMBER"; false: there is none. */
static bool find_count(struct text state, const char *key, uint64_t *number)
{
	uint32_t len = (uint32_t)strlen(key);
	struct text line;

	while (text_next_line(&state, &line))
		if (text_starts(line, key) && line.len > len && line.ptr[len] == ' ')
			return text_to_number(text_skip(line, len + 1), UINT64_MAX, number);
	return false;
}

static void logger_metrics(const struct service *s, struct out *out)
{
	static const struct {
		const char *key, *name, *help;
	} rows[] = {
		{ "received", "log_received_total", "Packets that the logger received" },
		{ "written", "log_written_total", "Lines that the logger wrote" },
		{ "lost_kernel", "log_lost_kernel_total", "Packets lost before the logger received them" },
		{ "lost_disk", "log_lost_disk_total", "Lines that could not be written" },
		{ "malformed", "log_malformed_total", "Packets that were malformed" },
	};
	struct out text;
	uint64_t number;

	out_init_memory(&text);
	/* The logger may have a directory of its own in ours, as it has with systemd; another user can write there. */
	if (rundir_read_untrusted(s->run_dir, NOTE_LOGGER_STATE, LOGGER_STATE_MAX, &text) == 0 ||
	    rundir_read_untrusted(s->run_dir, "logger.state", LOGGER_STATE_MAX, &text) == 0)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (find_count((struct text){ text.data, (uint32_t)text.len }, rows[i].key, &number))
				metric(out, rows[i].name, "counter", rows[i].help, (double)number);
	out_free(&text);
}

void service_metrics(void *context, struct out *out)
{
	const struct service *s = context;
	const struct service_counts *n = &s->counts;

	metrics_describe(out, "build_info", "gauge", "Always 1; the label is the version of this program");
	metrics_sample(out, "build_info", "version=\"" PVEFW_VERSION "\"", 1);
	metrics_describe(out, "polls_total", "counter", "How often the tree and the kernel were polled for changes");
	metrics_sample(out, "polls_total", "of=\"tree\"", (double)tree_polls(&s->tree));
	metrics_sample(out, "polls_total", "of=\"kernel\"", (double)s->cycle.polls);
	metric(out, "enabled", "gauge", "Whether the cluster's option `enable` is on", n->enabled);
	metric(out, "failing", "gauge", "Whether the last compilation could not be applied", cycle_is_failing(&s->cycle));
	metric(out, "pending_changes", "gauge", "Whether the loaded rules differ from the configuration files", !s->in_force || s->cycle.due || s->confirm.enforced);
	metric(out, "pending_confirmation", "gauge", "Whether `apply --confirm` or `rollback --confirm` waits for `confirm`",
	       s->confirm.pending);
	metric(out, "last_success_timestamp_seconds", "gauge",
	       "Time of the last successful cycle, in seconds since 1970; 0: none yet", (double)n->last_success);
	metric(out, "unfiltered_guests", "gauge",
	       "Guests with a NIC that cannot be filtered because of how it is plugged in", (double)s->wiring.unfiltered_guests);
	metric(out, "compilations_total", "counter", "Compilations of the tree, and comparisons after patches", (double)n->compilations);
	metric(out, "compile_seconds_total", "counter", "Time spent compiling", metrics_seconds(n->compile_time_all));
	metric(out, "compile_last_seconds", "gauge", "Time the last compilation took", metrics_seconds(n->compile_time));
	metric(out, "unusable_trees_total", "counter", "Compilations that could not read the tree", (double)n->unusable);
	metric(out, "applies_total", "counter", "Configurations compared with the kernel's rules, and applied", (double)n->applies);
	metric(out, "apply_changes_total", "counter", "Applied configurations that changed something", (double)n->changes);
	metric(out, "patches_total", "counter", "Changes of guests' files that were applied without the full cycle", (double)n->patches);
	metric(out, "apply_seconds_total", "counter", "Time spent applying", metrics_seconds(n->apply_time_all));
	metric(out, "apply_last_seconds", "gauge", "Time the last application took", metrics_seconds(n->apply_time));
	metric(out, "failures_total", "counter", "Failed cycles", (double)s->cycle.failures);
	metric(out, "repairs_total", "counter", "Times that rules in the kernel were changed externally", (double)n->repairs);
	metric(out, "files_read_total", "counter", "Files of the tree read", (double)n->files_read);
	diagnostics_metrics(s, out);
	conditions_metrics(s, out);
	logger_metrics(s, out);
	zone_metrics(s, out);
}
