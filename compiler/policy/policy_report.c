/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about a test that fails: an example, and the lines that decide. */
#include "policy/policy_run.h"

#include "questions/answers.h"

enum { POLICY_LINES_SHOWN = 3, POLICY_VALUES_SHOWN = 3 };

static const char *policy_expected(enum fwtest_action action)
{
	static const char *const texts[FWTEST_ACTIONS] = {
		[FWTEST_ACTION_ACCEPT] = "accepted", [FWTEST_ACTION_DROP] = "dropped",
		[FWTEST_ACTION_REJECT] = "rejected", [FWTEST_ACTION_DENY] = "denied",
		[FWTEST_ACTION_QUEUE] = "queued",
	};

	return texts[action];
}

/* "accepted", "accepts" */
static const char *policy_fate(enum model_verdict verdict, bool active)
{
	switch (verdict) {
	case MODEL_PASSED:
		return active ? "accepts" : "accepted";
	case MODEL_DROPPED:
		return active ? "drops" : "dropped";
	case MODEL_QUEUED:
		return active ? "queues" : "queued";
	default:
		return active ? "rejects" : "rejected";
	}
}

/* ---- which of the packets ---- */

/* A field by which packets are told apart, and how its values are called; `ethertype`: of that alone, or 0. */
static const struct {
	enum model_field field;
	uint64_t ethertype;
	const char *before;
} policy_telling[] = {
	{ MODEL_SOURCE4, 0x0800, "" },
	{ MODEL_SOURCE6, 0x86dd, "" },
	{ MODEL_DPORT, 0, "port " },
	{ MODEL_PROTOCOL, 0, "" },
	{ MODEL_DEST4, 0x0800, "packets to " },
	{ MODEL_DEST6, 0x86dd, "packets to " },
	{ MODEL_ICMP_TYPE, 0, "ICMP type " },
	{ MODEL_SPORT, 0, "source port " },
	{ MODEL_STATE, 0, "packets in state " },
	{ MODEL_IFACE, 0, "packets on " },
	{ MODEL_SOURCE_MAC, 0, "packets from " },
};

static long double policy_size(const struct interval_set *values)
{
	long double size = 0;

	for (uint32_t i = 0; i < values->count; i++) {
		const struct interval *r = &values->ranges[i];

		size += (long double)(r->last.high - r->first.high) * 0x1p64L + ((long double)r->last.low - (long double)r->first.low) +
			1;
	}
	return size;
}

static packets policy_of_ethertype(struct model *m, struct arena *arena, packets set, uint64_t ethertype)
{
	const struct model_match match = { .field = MODEL_ETHERTYPE, .values = policy_values(arena, ethertype, ethertype) };

	return ethertype ? model_and(m, set, model_match(m, &match)) : set;
}

/* "10.9.0.0/16": what tells `part` from all packets of the test: the values of the field of which it has the
 * smallest share.  NULL if no single field does. */
static const char *policy_part_text(const struct policy_failure *f, struct arena *arena, packets part)
{
	struct model *m = f->question->model;
	const char *best = NULL;
	long double smallest = 1;

	for (size_t i = 0; i < sizeof(policy_telling) / sizeof(policy_telling[0]); i++) {
		enum model_field field = policy_telling[i].field;
		packets of = policy_of_ethertype(m, arena, f->asked, policy_telling[i].ethertype);
		packets in = policy_of_ethertype(m, arena, part, policy_telling[i].ethertype);
		struct interval_set all = model_values(m, arena, of, field), some = model_values(m, arena, in, field);
		long double share = some.count ? policy_size(&some) / policy_size(&all) : 1;

		if (share >= smallest)
			continue;
		smallest = share;
		best = arena_printf(arena, "%s%s", policy_telling[i].before,
				    model_values_text(arena, m, field, &some, POLICY_VALUES_SHOWN));
	}
	return best;
}

/* ---- lines ---- */

static void policy_show_line(const struct policy_failure *f, struct diagnostic *d, const struct decision *decision,
			     const struct source_map *map)
{
	struct arena *arena = d->owner->arena;
	packets part = model_and(f->question->model, decision->set, f->failing);
	const char *what = policy_part_text(f, arena, part), *verb = policy_fate(decision->verdict, true);
	const struct reason *reason = &decision->reason;

	if (!source_find(map, reason->span.begin)) {
		if (reason->implied)
			diag_note(d, "implied rule (%s) %s %s", reason->implied, verb, what ? what : "them");
		else
			diag_note(d, "no rule decides about %s", what ? what : "them");
		return;
	}
	diag_label(d, reason->span, "this line %s %s", verb, what ? what : "them");
	if (source_find(map, reason->group.begin))
		diag_label(d, reason->group, "refers to the group");
}

static void policy_show_lines(const struct policy_failure *f, struct diagnostic *d, const struct source_map *map)
{
	const char *const *reasons;
	unsigned shown = 0, more = 0;
	bool unruled = false;

	for (const struct decision *decision = f->decisions; decision; decision = decision->next) {
		if (policy_verdict_is(f->test->action, decision->verdict))
			continue;
		unruled |= !decision->reason.span.begin && decision->verdict == MODEL_PASSED;
		if (shown++ < POLICY_LINES_SHOWN)
			policy_show_line(f, d, decision, map);
		else
			more++;
	}
	if (more)
		diag_note(d, "%u more line%s decide%s otherwise than the test", more, more == 1 ? "" : "s",
			  more == 1 ? "s" : "");
	reasons = answer_notes(d->owner->arena, f->question->asked->config, f->question->asked->target,
			       &f->question->path);
	for (; unruled && *reasons; reasons++)
		diag_note(d, "%s", *reasons);
}

/* The verdict of the example. */
static enum model_verdict policy_verdict_of(const struct policy_failure *f, const struct model_packet *packet)
{
	for (const struct decision *d = f->decisions; d; d = d->next)
		if (model_has(f->question->model, d->set, packet))
			return d->verdict;
	return MODEL_PASSED;
}

/* A packet that fails, as people would name it. */
static bool policy_pick(const struct policy_failure *f, struct model_packet *packet)
{
	packets set = f->failing;

	for (const struct policy_clause *c = f->preferences->first; c; c = c->next) {
		packets preferred = model_and(f->question->model, set, policy_clause_set(f->question->model, c));

		if (preferred != PACKETS_NONE)
			set = preferred;
	}
	return model_pick(f->question->model, set, packet);
}

/* A guest's own MAC address goes without saying. */
static const char *policy_example_text(const struct policy_failure *f, struct arena *arena, const struct model_packet *packet)
{
	static const char mac[] = ", mac 00:00:00:00:00:00";
	const char *text = model_packet_text(arena, f->question->model, packet), *at = strstr(text, ", mac ");

	if (f->test->has_mac || !at || f->question->path.from.zone != PATH_GUEST)
		return text;
	return arena_printf(arena, "%.*s%s", (int)(at - text), text, at + sizeof(mac) - 1);
}

void policy_report_failure(const struct policy_failure *f, struct diags *diags, struct policy_report *report)
{
	struct arena *arena = diags->arena;
	const struct path *path = &f->question->path;
	struct model_packet packet;
	enum model_verdict verdict;
	struct diagnostic *d;

	if (!policy_pick(f, &packet))
		return;
	verdict = policy_verdict_of(f, &packet);
	report->result = POLICY_FAILED;
	report->example = policy_example_text(f, arena, &packet);
	report->verdict = model_verdict_text(verdict);
	report->zones = arena_printf(arena, "%s -> %s", path_end_text(arena, &path->from), path_end_text(arena, &path->to));
	d = diag(diags, f->test->span, DIAG_TEST_FAILED, "not every packet of this test is %s", policy_expected(f->test->action));
	if (f->test->id.len)
		diag_note(d, "the row has the id `%.*s`", TEXT_ARG(f->test->id));
	if (f->test->chosen)
		diag_here(d, "for example, from %s to %s, %s is %s", path_end_text(arena, &path->from),
			  path_end_text(arena, &path->to), report->example, policy_fate(verdict, false));
	else
		diag_here(d, "for example, %s is %s", report->example, policy_fate(verdict, false));
	policy_show_lines(f, d, diags->map);
	report->d = d;
}
