/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of pve-firewall trace.
 *
 * The kernel says when a rule ends a packet's way, but not when a packet has arrived.  The events of one packet come
 * within microseconds, so a packet without a new one for QUIET has arrived.
 *
 * Events and changes of rules come by the same socket, in their order: what a rule's handle means is read again after
 * each change.  When rules of ours have changed, so has the configuration.
 */
#include "firewall/trace/tracer.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_text.h"
#include "cli/console.h"
#include "net/netlink_socket.h"

enum {
	TRACER_QUIET = 250000,     /* microseconds */
	TRACER_JOURNEYS_MAX = 512, /* packets on their way at a time */
	TRACER_READS_MAX = 64,     /* datagrams, then timers and signals have their turn */
};

struct tracer {
	const struct tracer_options *options;
	struct tracer_config *config;
	struct tracer_counts *counts;
	struct nft_kernel owner; /* of our tables */
	struct mnl_socket *listener;
	struct loaded_rules rules;
	struct trace_lines lines;
	struct journeys journeys;
	sd_event *event;
	sd_event_source *quiet;
	struct out out;
	bool rules_changed;    /* of ours, in the transaction that is being told */
	bool is_compared;      /* with the loaded rules, in this generation */
	const char *difference;
};

/* ---- packets ---- */

static void tracer_count(struct tracer *t, enum trace_agreement agreement)
{
	t->counts->packets++;
	t->counts->agreed += agreement == TRACE_AGREES;
	t->counts->disagreed += agreement == TRACE_DISAGREES;
	t->counts->unasked += agreement != TRACE_AGREES && agreement != TRACE_DISAGREES;
}

static void tracer_print_json(struct tracer *t, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);

	out_printf(&t->out, "%s\n", text ? text : "{}");
	json_decref(object);
	free(text);
}

/* Whether one end of a path may be in the zone: that of a packet that was dropped early is not known, and is outside. */
static bool tracer_is_zone(const struct path_end *seen, const struct path_end *zone)
{
	if (!zone)
		return true;
	switch (zone->zone) {
	case PATH_OUTSIDE:
	case PATH_NFVM:
		return seen->zone == PATH_OUTSIDE;
	case PATH_HOST:
		return seen->zone != PATH_GUEST;
	case PATH_GUEST:
		return seen->zone == PATH_OUTSIDE || (seen->zone == PATH_GUEST && seen->nic->index == zone->nic->index &&
						      seen->guest->vmid == zone->guest->vmid);
	default:
		return true;
	}
}

static bool tracer_is_wanted(const struct tracer *t, const struct path *path)
{
	return tracer_is_zone(&path->from, t->options->from) && tracer_is_zone(&path->to, t->options->to);
}

static void tracer_print(struct tracer *t, struct journey *journey, const struct trace_answer *answer)
{
	struct trace_report report = { .target = t->config->backend->target };

	if (answer->agreement == TRACE_DISAGREES && !t->is_compared) {
		t->difference = t->options->differs(t->options->context);
		t->is_compared = true;
	}
	report.differs = t->difference;
	tracer_count(t, answer->agreement);
	if (t->options->json)
		tracer_print_json(t, trace_json(journey, answer, t->config->map, &report));
	else
		trace_print(&t->out, journey, answer, t->config->map, &report);
	if (out_flush(&t->out) != 0 || t->counts->packets == t->options->packets)
		sd_event_exit(t->event, 0);
}

/* Prints a packet and frees it. */
static void tracer_finish(struct tracer *t, struct journey *journey)
{
	struct trace_answer answer;

	if (t->counts->packets < t->options->packets) {
		trace_answer(&answer, t->config->asked, journey);
		if (tracer_is_wanted(t, &answer.path))
			tracer_print(t, journey, &answer);
		trace_answer_free(&answer);
	}
	journeys_remove(&t->journeys, journey);
}

static void tracer_finish_all(struct tracer *t)
{
	while (t->journeys.first)
		tracer_finish(t, t->journeys.first);
}

/* ---- the quiet ---- */

static void tracer_wait(struct tracer *t)
{
	uint64_t oldest = journeys_oldest(&t->journeys);

	sd_event_source_set_enabled(t->quiet, oldest ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (oldest)
		sd_event_source_set_time(t->quiet, oldest + TRACER_QUIET);
}

static int tracer_on_quiet(sd_event_source *source, uint64_t due, void *data)
{
	struct tracer *t = data;
	struct journey *journey;

	(void)source;
	(void)due;
	while ((journey = journeys_find_quiet(&t->journeys, clock_us(CLOCK_MONOTONIC) - TRACER_QUIET)))
		tracer_finish(t, journey);
	tracer_wait(t);
	return 0;
}

/* ---- changes of rules ---- */

/* Whether a message is about a table that can hold rules of ours. */
static bool tracer_is_ours(const struct nlmsghdr *message)
{
	static const char *const tables[] = { NFT_TABLE_NAME, "filter", "raw" };
	const struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return false;
	/* In all messages about something in a table, attribute 1 is the table's name. */
	NETLINK_FOR_EACH_ATTRIBUTE(attribute, message, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
				if (strcmp(mnl_attr_get_str(attribute), tables[i]) == 0)
					return true;
	return false;
}

static void tracer_open_lines(struct tracer *t)
{
	trace_lines_open(&t->lines, t->config->config, t->config->backend);
}

/* Packets on their way refer to the configuration: they are finished first. */
static void tracer_reload(struct tracer *t)
{
	tracer_finish_all(t);
	trace_lines_close(&t->lines);
	if (!t->options->reload(t->options->context, t->config))
		cli_error("cannot read the changed configuration; lines may be wrong from now on");
	tracer_open_lines(t);
	t->rules_changed = false;
}

static void tracer_new_generation(struct tracer *t)
{
	loaded_rules_forget(&t->rules);
	t->is_compared = false;
	t->difference = NULL;
	if (t->rules_changed)
		tracer_reload(t);
}

/* ---- events ---- */

static int tracer_take(const struct nlmsghdr *message, void *context)
{
	struct tracer *t = context;
	struct trace_event event;
	struct journey *ended;

	if (trace_event_read(&event, message)) {
		ended = journeys_take(&t->journeys, &event, clock_us(CLOCK_MONOTONIC));
		trace_event_free(&event);
		if (ended)
			tracer_finish(t, ended);
		if (t->journeys.count > TRACER_JOURNEYS_MAX)
			tracer_finish(t, t->journeys.first);
	} else if (trace_is_generation(message)) {
		tracer_new_generation(t);
	} else {
		t->rules_changed |= tracer_is_ours(message);
	}
	return MNL_CB_OK;
}

static void tracer_lose(struct tracer *t)
{
	t->counts->lost++;
	for (struct journey *j = t->journeys.first; j; j = j->next)
		j->is_cut = true;
	/* What was lost may have been a change. */
	loaded_rules_forget(&t->rules);
	cli_error("events were lost: the kernel's buffer was full; a lower --rate helps");
}

static int tracer_on_events(sd_event_source *source, int fd, uint32_t events, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_DATAGRAM_MOST];
	struct tracer *t = data;

	(void)source;
	(void)fd;
	(void)events;
	for (int i = 0; i < TRACER_READS_MAX; i++) {
		ssize_t got = mnl_socket_recvfrom(t->listener, buffer, sizeof(buffer));

		if (got > 0)
			mnl_cb_run(buffer, (size_t)got, 0, 0, tracer_take, t);
		else if (got < 0 && errno == ENOBUFS)
			tracer_lose(t);
		else if (got == 0 || errno != EINTR)
			break;
	}
	tracer_wait(t);
	return 0;
}

/* ---- life ---- */

static int tracer_on_end(sd_event_source *source, uint64_t due, void *data)
{
	(void)due;
	(void)data;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* The reader of the output has gone. */
static int tracer_on_output(sd_event_source *source, int fd, uint32_t events, void *data)
{
	(void)fd;
	(void)data;
	return events & (EPOLLERR | EPOLLHUP) ? sd_event_exit(sd_event_source_get_event(source), 0) : 0;
}

static int tracer_add_sources(struct tracer *t)
{
	sigset_t set;
	int failed = sd_event_new(&t->event);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (failed >= 0)
		failed = sd_event_add_signal(t->event, NULL, SIGTERM, NULL, NULL);
	if (failed >= 0)
		failed = sd_event_add_signal(t->event, NULL, SIGINT, NULL, NULL);
	if (failed >= 0)
		failed = sd_event_add_signal(t->event, NULL, SIGHUP, NULL, NULL);
	if (failed >= 0)
		failed = sd_event_add_io(t->event, NULL, mnl_socket_get_fd(t->listener), EPOLLIN, tracer_on_events, t);
	if (failed >= 0)
		failed = sd_event_add_time_relative(t->event, NULL, CLOCK_MONOTONIC, t->options->seconds * (uint64_t)1000000, 0,
						    tracer_on_end, t);
	if (failed >= 0)
		failed = sd_event_add_time(t->event, &t->quiet, CLOCK_MONOTONIC, UINT64_MAX, 1000, tracer_on_quiet, t);
	/* A regular file cannot be waited for, and has no reader. */
	if (failed >= 0)
		(void)sd_event_add_io(t->event, NULL, STDOUT_FILENO, 0, tracer_on_output, t);
	return failed < 0 ? -failed : 0;
}

static bool tracer_open(struct tracer *t)
{
	const char *error = NULL;
	struct arena arena = { 0 };
	bool is_bridged, done;
	int reason;

	t->listener = trace_listen();
	reason = t->listener ? nft_kernel_open(&t->owner) : errno;
	if (!reason)
		reason = loaded_rules_open(&t->rules);
	if (!reason)
		reason = tracer_add_sources(t);
	if (reason) {
		cli_error("cannot listen to the kernel's trace events: %s", error_text(reason));
		return false;
	}
	done = trace_tables_load(&t->owner, &arena, &t->options->filter, &is_bridged, &error);
	if (!done)
		cli_error("cannot load the table " TRACE_TABLE_NAME ": %s", error);
	else if (!is_bridged)
		cli_error("bridged packets are not traced: the kernel has no nftables for bridges");
	arena_free(&arena);
	return done;
}

static void tracer_summarize(struct tracer *t)
{
	const struct tracer_counts *c = t->counts;

	if (t->options->json) {
		tracer_print_json(t, json_pack("{s:{s:I, s:I, s:I, s:I, s:I}}", "summary", "packets", (json_int_t)c->packets,
					       "agreed", (json_int_t)c->agreed, "disagreed", (json_int_t)c->disagreed, "unasked",
					       (json_int_t)c->unasked, "lost", (json_int_t)c->lost));
		return;
	}
	out_printf(&t->out, "%llu %s traced; the model agrees with %llu", (unsigned long long)c->packets,
		   c->packets == 1 ? "packet" : "packets", (unsigned long long)c->agreed);
	if (c->disagreed)
		out_printf(&t->out, ", DISAGREES with %llu", (unsigned long long)c->disagreed);
	if (c->unasked)
		out_printf(&t->out, ", was not asked about %llu", (unsigned long long)c->unasked);
	if (c->lost)
		out_printf(&t->out, "; events were lost %llu times", (unsigned long long)c->lost);
	out_char(&t->out, '\n');
}

static void tracer_close(struct tracer *t)
{
	sd_event_source_disable_unref(t->quiet);
	sd_event_unref(t->event);
	journeys_free(&t->journeys);
	trace_lines_close(&t->lines);
	if (t->rules.kernel.socket)
		loaded_rules_close(&t->rules);
	nft_kernel_close(&t->owner);
	netlink_socket_close(&t->listener);
}

bool trace_is_blind(const struct backend *backend)
{
	struct loaded_rules rules;
	struct arena arena = { 0 };
	bool is_blind = false;

	if (backend->needs_bridge_calls && backend->is_in_force(&arena) && loaded_rules_open(&rules) == 0) {
		is_blind = !loaded_chain_find(&rules, NFPROTO_IPV4, TEXT("filter"), TEXT("PVEFW-INPUT"))->exists;
		loaded_rules_close(&rules);
	}
	arena_free(&arena);
	return is_blind;
}

bool trace_packets(const struct tracer_options *options, struct tracer_config *config, struct tracer_counts *counts)
{
	struct tracer t = { .options = options, .config = config, .counts = counts };
	bool done;

	*counts = (struct tracer_counts){ .packets = 0 };
	stdout_open(&t.out);
	tracer_open_lines(&t);
	journeys_init(&t.journeys, &t.rules, &t.lines);
	done = tracer_open(&t);
	if (done) {
		int failed;

		if (!options->filter.connections)
			cli_error("no rules of pvefw are loaded; only rules of others are seen");
		fprintf(stderr, "tracing %u packets, for at most %u seconds\n", options->packets, options->seconds);
		failed = sd_event_loop(t.event);
		if (failed < 0)
			cli_error("cannot wait for events: %s", error_text(-failed));
		trace_tables_unload(&t.owner);
		tracer_finish_all(&t);
		tracer_summarize(&t);
	}
	tracer_close(&t);
	return stdout_close(&t.out) == EXIT_CLEAN && done;
}
