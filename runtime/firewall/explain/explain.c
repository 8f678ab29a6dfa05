/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log line does not name its hook, but it names interfaces.  Several paths can lead to the same line: the pass that the
 * line itself describes is tried first, then the paths of its guest that contain these interfaces.  The first one on which
 * the packet meets a log rule with the prefix is it.
 *
 * Most packets that are logged begin a connection, so this is tried before all states are.  Where no path fits (a
 * bridge that was renamed since), the log rules with this prefix that match the packet are named, without an outcome.
 */
#include "firewall/explain/explain.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/escape.h"
#include "firewall/explain/log_line.h"
#include "firewall/explain/reason_line.h"
#include "firewall/explain/seen_path.h"
#include "format/diag_json.h"
#include "questions/answers.h"

enum { EXPLAIN_PATHS_MAX = 24, EXPLAIN_CANDIDATES_MAX = 16 };

/* A rule that can have logged the line, and what becomes of the packet then. */
struct explain_candidate {
	struct reason log;
	const struct decision *outcomes[EXPLAIN_CANDIDATES_MAX];
	uint32_t outcome_count;
};

/* One line while it is explained. */
struct explaining {
	struct explainer *e;
	struct arena arena;
	struct text text;
	struct log_line line;
	const char *note; /* why there is nothing to say; or NULL */
	struct path paths[EXPLAIN_PATHS_MAX];
	uint32_t path_count;
	struct question question; /* of the path that fits */
	bool is_open;
	struct explain_candidate candidates[EXPLAIN_CANDIDATES_MAX];
	uint32_t candidate_count;
	const struct log_rule *rules; /* of the line's guest, or of the host */
};

/* ---- paths ---- */

static void explain_path_add(struct explaining *x, const struct path *path)
{
	if (x->path_count < EXPLAIN_PATHS_MAX && path->count)
		x->paths[x->path_count++] = *path;
}

static void explain_add_pass(struct explaining *x, enum path_hook hook, struct text bridge, struct text in, struct text out)
{
	struct path path = { .count = 1, .flooded = x->line.has_macs && x->line.dest_mac[0] & 1 };

	path.passes[0] = (struct path_pass){ .hook = hook, .bridge = bridge, .in = in, .out = out };
	memcpy(path.passes[0].dest_mac, x->line.dest_mac, 6);
	seen_path_set_ends(x->e->asked->config, &path);
	explain_path_add(x, &path);
}

/* The pass that the line describes. */
static void explain_add_described(struct explaining *x)
{
	const struct log_line *line = &x->line;
	struct text bridge = line->in.len ? line->in : line->out, none = { NULL, 0 };

	if (line->physin.len || line->physout.len) {
		explain_add_pass(x, PATH_BRIDGE, bridge, line->physin, line->physout);
		if (!line->physout.len)
			explain_add_pass(x, PATH_INPUT, none, bridge, none);
		return;
	}
	if (line->in.len && line->out.len)
		explain_add_pass(x, PATH_ROUTED, none, line->in, line->out);
	else if (line->in.len)
		explain_add_pass(x, PATH_INPUT, none, line->in, none);
	else
		explain_add_pass(x, PATH_OUTPUT, none, none, line->out);
}

/* Whether an interface of the line, if it has one, may be that of a pass. */
static bool explain_iface_fits(struct text logged, struct text of_path)
{
	return !logged.len || !of_path.len || text_equal(logged, of_path);
}

static bool explain_fits(const struct log_line *line, const struct path *path)
{
	for (uint32_t i = 0; i < path->count; i++) {
		const struct path_pass *pass = &path->passes[i];

		if (pass->hook == PATH_BRIDGE && (line->physin.len || line->physout.len) &&
		    (!line->physin.len || text_equal(line->physin, pass->in) || !pass->in.len) &&
		    (!line->physout.len || text_equal(line->physout, pass->out) || !pass->out.len))
			return true;
		if (pass->hook != PATH_BRIDGE && explain_iface_fits(line->in, pass->in) &&
		    explain_iface_fits(line->out, pass->out))
			return true;
	}
	return false;
}

static void explain_add_between(struct explaining *x, const struct path_end *from, const struct path_end *to)
{
	bool flooded = x->line.has_macs && x->line.dest_mac[0] & 1;
	struct path path;

	if (path_between(&x->arena, x->e->asked->config, from, to, flooded, &path) && explain_fits(&x->line, &path))
		explain_path_add(x, &path);
}

/* The paths of each NIC of the guest whose rules logged. */
static void explain_add_zones(struct explaining *x, const struct guest *guest)
{
	static const enum path_zone others[] = { PATH_OUTSIDE, PATH_HOST, PATH_NFVM };

	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		for (unsigned direct = 0; direct < 2; direct++)
			for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
				struct path_end end = { .zone = PATH_GUEST, .guest = guest, .nic = nic, .direct = direct };
				struct path_end other = { .zone = others[i] };

				explain_add_between(x, &other, &end);
				explain_add_between(x, &end, &other);
			}
}

static const struct guest *explain_guest(const struct explaining *x)
{
	for (const struct guest *guest = x->e->asked->config->guests; guest; guest = guest->next)
		if (text_equal(guest->vmid_text, x->line.vmid))
			return guest;
	return NULL;
}

/* ---- rules ---- */

static struct explain_candidate *explain_candidate_of(struct explaining *x, const struct reason *log)
{
	for (uint32_t i = 0; i < x->candidate_count; i++)
		if (reason_is_same(x->e->map, &x->candidates[i].log, log))
			return &x->candidates[i];
	if (x->candidate_count == EXPLAIN_CANDIDATES_MAX)
		return NULL;
	x->candidates[x->candidate_count] = (struct explain_candidate){ .log = *log };
	return &x->candidates[x->candidate_count++];
}

/* Chains that are the same for all log with the level of an option. */
static void explain_name_option(const struct explaining *x, struct reason *log)
{
	static const struct {
		const char *chain;
		enum option_id option;
	} chains[] = {
		{ "PVEFW-smurflog", OPTION_HOST_SMURF_LOG_LEVEL },
		{ "smurflog", OPTION_HOST_SMURF_LOG_LEVEL },
		{ "PVEFW-logflags", OPTION_HOST_TCP_FLAGS_LOG_LEVEL },
		{ "logflags", OPTION_HOST_TCP_FLAGS_LOG_LEVEL },
	};
	const struct span *written = x->e->asked->config->host_written;

	if (log->step->span.begin)
		return;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (text_is(x->line.chain, chains[i].chain) && written && written[chains[i].option].begin) {
			log->span = written[chains[i].option];
			log->group = SPAN_NONE;
		}
}

static void explain_take_decision(struct explaining *x, const struct decision *d)
{
	for (uint32_t i = 0; i < d->log_count; i++) {
		struct reason log = d->logs[i];
		struct explain_candidate *candidate;

		if (!log.step || !log_line_has_prefix(&x->line, log.step->prefix))
			continue;
		explain_name_option(x, &log);
		/* What logs because of no line, such as the blacklist, logs what the decision is about. */
		if (!log.span.begin && !log.implied)
			log.implied = d->reason.implied;
		candidate = explain_candidate_of(x, &log);
		if (candidate && candidate->outcome_count < EXPLAIN_CANDIDATES_MAX)
			candidate->outcomes[candidate->outcome_count++] = d;
	}
}

/* Asks about the packet on a path.  True if it meets a rule with the prefix there; the question is open then. */
static bool explain_ask(struct explaining *x, const struct path *path, const struct known_packet *packet)
{
	struct model_match matches[MODEL_FIELDS];
	uint32_t count = known_packet_matches(&x->arena, packet, matches);
	const char *over;

	question_open(&x->question, x->e->asked, path, matches, count, NULL, 0);
	for (const struct decision *d = question_decide(&x->question, x->question.set, SPAN_NONE); d; d = d->next)
		explain_take_decision(x, d);
	over = question_over(&x->question);
	if (over)
		x->note = arena_printf(&x->arena, "%s", over);
	if (x->candidate_count) {
		x->note = NULL;
		x->is_open = true;
		return true;
	}
	question_close(&x->question);
	return false;
}

static void explain_forget(struct explaining *x)
{
	if (x->is_open)
		question_close(&x->question);
	x->is_open = false;
	x->candidate_count = 0;
}

/* What a log line does not tell is first taken to be as it mostly is: the packet begins a connection, and no address is
 * one of everybody. */
static bool explain_ask_paths(struct explaining *x, bool is_new, bool is_unicast)
{
	struct known_packet packet = x->line.packet;

	if (is_new)
		known_packet_set(&packet, MODEL_STATE, MODEL_STATE_NEW);
	if (is_unicast && !known_packet_is_for_many(&packet) && !(x->line.has_macs && x->line.dest_mac[0] & 1))
		known_packet_set(&packet, MODEL_DEST_TYPE, MODEL_TYPE_UNICAST);
	for (uint32_t i = 0; i < x->path_count; i++)
		if (explain_ask(x, &x->paths[i], &packet))
			return true;
	return false;
}

/* ---- one packet ---- */

/* Whether the line tells all that rules can ask of a packet, but for what ordinary packets have. */
static bool explain_is_whole(const struct log_line *line)
{
	const struct known_packet *p = &line->packet;
	bool is_addressed = (p->known[MODEL_SOURCE4] && p->known[MODEL_DEST4]) || (p->known[MODEL_SOURCE6] && p->known[MODEL_DEST6]);

	if (!is_addressed || !p->known[MODEL_PROTOCOL] || known_packet_is_for_many(p) || known_packet_is_from_many(p))
		return false;
	if (line->has_macs ? line->dest_mac[0] & 1 : line->in.len > 0)
		return false;
	switch (p->value[MODEL_PROTOCOL].low) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return p->known[MODEL_SPORT] && p->known[MODEL_DPORT];
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return p->known[MODEL_ICMP_TYPE] && p->known[MODEL_ICMP_CODE];
	default:
		return false;
	}
}

static void explain_follow_packet(struct explaining *x, struct model_packet *packet)
{
	/* The limit of protection_synflood cannot be seen. */
	for (unsigned over = 0; over < 2; over++) {
		const struct decision *d;

		packet->value[MODEL_OVER_LIMIT] = number_small(over);
		d = question_follow(&x->question, packet, SPAN_NONE);
		if (d)
			explain_take_decision(x, d);
	}
}

/* Most lines are of packets that are ordinary in all that the line does not tell: then one packet is followed along the
 * pass that the line describes, which takes a hundredth of the time that sets take. */
static bool explain_follow(struct explaining *x)
{
	struct known_packet known = x->line.packet;
	struct model_match matches[MODEL_FIELDS];
	struct model_packet packet;
	uint32_t count;

	if (!explain_is_whole(&x->line))
		return false;
	known_packet_set(&known, MODEL_STATE, MODEL_STATE_NEW);
	known_packet_set(&known, MODEL_SOURCE_TYPE, MODEL_TYPE_UNICAST);
	known_packet_set(&known, MODEL_DEST_TYPE, MODEL_TYPE_UNICAST);
	count = known_packet_matches(&x->arena, &known, matches);
	for (uint32_t i = 0; i < x->path_count; i++) {
		question_open_packet(&x->question, x->e->asked, &x->paths[i], matches, count, NULL, 0);
		if (model_pick(x->question.model, x->question.set, &packet))
			explain_follow_packet(x, &packet);
		x->is_open = x->candidate_count > 0;
		if (x->is_open)
			return true;
		question_close(&x->question);
	}
	return false;
}

/* ---- rules by prefix only ---- */

static bool explain_may_match(const struct model_step *step, const struct known_packet *packet)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *match = &step->matches[i];
		bool is_in = false;

		if (!packet->known[match->field])
			continue;
		for (uint32_t j = 0; j < match->values.count && !is_in; j++)
			is_in = number_compare(match->values.ranges[j].first, packet->value[match->field]) <= 0 &&
				number_compare(packet->value[match->field], match->values.ranges[j].last) <= 0;
		if (is_in == match->negated)
			return false;
	}
	return true;
}

/* What a log rule logs for.  A policy's has no line, but the next step has: it does what the policy says. */
static struct reason explain_reason_of(struct explaining *x, const struct log_rule *rule)
{
	const struct model_step *step = rule->step, *next = step + 1;
	struct reason log = { .span = step->span, .implied = step->implied, .chain = rule->chain->name, .step = step };

	if (!log.span.begin && !log.implied && next < rule->chain->steps + rule->chain->count) {
		log.span = next->span;
		log.implied = next->implied;
	}
	explain_name_option(x, &log);
	if (!log.span.begin && !log.implied)
		log.implied = arena_printf(&x->arena, "a rule of chain %.*s", TEXT_ARG(log.chain));
	return log;
}

/* Whether rules with this prefix exist. */
static bool explain_is_prefix(const struct explaining *x)
{
	for (const struct log_rule *rule = x->rules; rule; rule = rule->next)
		if (log_line_has_prefix(&x->line, rule->step->prefix))
			return true;
	return false;
}

static void explain_search(struct explaining *x)
{
	for (const struct log_rule *rule = x->rules; rule; rule = rule->next) {
		if (log_line_has_prefix(&x->line, rule->step->prefix) && explain_may_match(rule->step, &x->line.packet)) {
			struct reason log = explain_reason_of(x, rule);

			explain_candidate_of(x, &log);
		}
	}
}

/* What is possible at all is asked before it is narrowed: lines that nothing logs are many after a change. */
static bool explain_ask_all(struct explaining *x)
{
	if (explain_ask_paths(x, true, true))
		return true;
	if (!explain_ask_paths(x, false, false))
		return false;
	explain_forget(x);
	return explain_ask_paths(x, false, true) || explain_ask_paths(x, true, false) || explain_ask_paths(x, false, false);
}

static void explain_find(struct explaining *x)
{
	const struct guest *guest = explain_guest(x);

	explain_add_described(x);
	if (explain_follow(x))
		return;
	x->rules = log_rules_of(&x->e->rules, x->e->asked, x->line.vmid);
	if (!explain_is_prefix(x)) {
		x->note = !guest && !text_is(x->line.vmid, "0")
				  ? arena_printf(&x->arena, "no guest %.*s has a firewall in this configuration", TEXT_ARG(x->line.vmid))
				  : "no rule of this configuration has this log prefix; it may have changed since";
		return;
	}
	if (guest)
		explain_add_zones(x, guest);
	if (explain_ask_all(x))
		return;
	explain_search(x);
	if (x->candidate_count)
		x->note = "found by its prefix only: as it is now, this configuration leads no such packet to the rule";
	else if (!x->note)
		x->note = "no rule of this configuration logs such a packet; it may have changed since";
}

/* ---- printing ---- */

static bool explain_is_repeated(const struct explain_candidate *c, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (c->outcomes[i]->verdict == c->outcomes[at]->verdict &&
		    c->outcomes[i]->reason.span.begin == c->outcomes[at]->reason.span.begin)
			return true;
	return false;
}

/* Stages in which the packet met no rule are left out. */
static const char *explain_trail(const struct explain_candidate *c, uint32_t at)
{
	const char *trail = c->outcomes[0]->trail[at];

	return strstr(trail, ": ") ? trail : NULL;
}

static void explain_print_path(struct explaining *x, const struct explain_candidate *c)
{
	struct out *out = x->e->out;
	bool begun = false;

	for (uint32_t i = 0; c->outcome_count && i < c->outcomes[0]->trail_count; i++) {
		const char *trail = explain_trail(c, i);

		if (!trail)
			continue;
		out_string(out, begun ? "; " : "   = path: ");
		out_escaped(out, text_of(trail));
		begun = true;
	}
	if (begun)
		out_char(out, '\n');
}

static void explain_print_candidate(struct explaining *x, const struct explain_candidate *c)
{
	struct explainer *e = x->e;
	struct out *out = e->out;

	out_printf(out, "  --> %s\n", reason_line(&x->arena, e->map, &c->log));
	for (uint32_t i = 0; i < c->outcome_count; i++) {
		const struct decision *d = c->outcomes[i];

		if (explain_is_repeated(c, i))
			continue;
		out_printf(out, "   = %s%s", i ? "or " : "", decision_text(&x->arena, d));
		if ((d->reason.span.begin || d->reason.implied) && !reason_is_same(e->map, &c->log, &d->reason))
			out_printf(out, ", %s", reason_line(&x->arena, e->map, &d->reason));
		out_char(out, '\n');
	}
	explain_print_path(x, c);
}

static void explain_print_text(struct explaining *x)
{
	struct out *out = x->e->out;

	out_escaped(out, x->text);
	out_char(out, '\n');
	for (uint32_t i = 0; i < x->candidate_count; i++)
		explain_print_candidate(x, &x->candidates[i]);
	if (x->note)
		out_printf(out, "   = note: %s\n", x->note);
}

/* A rule as JSON: the place of a reason, without an action. */
static json_t *explain_rule_json(const struct explaining *x, const struct reason *log)
{
	const struct decision as_decision = { .reason = *log };
	json_t *object = decision_json(x->e->map, &as_decision);

	json_object_del(object, "action");
	json_object_del(object, "reject");
	json_object_del(object, "queue");
	return object;
}

static json_t *explain_candidate_json(const struct explaining *x, const struct explain_candidate *c)
{
	json_t *object = explain_rule_json(x, &c->log), *outcomes = json_array(), *path = json_array();

	for (uint32_t i = 0; i < c->outcome_count; i++)
		if (!explain_is_repeated(c, i))
			json_array_append_new(outcomes, decision_json(x->e->map, c->outcomes[i]));
	for (uint32_t i = 0; c->outcome_count && i < c->outcomes[0]->trail_count; i++)
		if (explain_trail(c, i))
			json_array_append_new(path, json_escaped(text_of(explain_trail(c, i))));
	json_object_set_new(object, "outcomes", outcomes);
	json_object_set_new(object, "path", path);
	return object;
}

static void explain_print_json(struct explaining *x)
{
	json_t *object = json_pack("{s:o}", "log", json_escaped(x->text)), *rules = json_array();
	char *text;

	json_object_set_new(object, "packet", x->line.chain.len ? known_packet_json(&x->line.packet) : json_null());
	for (uint32_t i = 0; i < x->candidate_count; i++)
		json_array_append_new(rules, explain_candidate_json(x, &x->candidates[i]));
	json_object_set_new(object, "rules", rules);
	json_object_set_new(object, "note", x->note ? json_escaped(text_of(x->note)) : json_null());
	text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	out_printf(x->e->out, "%s\n", text ? text : "{}");
	free(text);
}

void explain_line(struct explainer *e, struct text text)
{
	struct explaining x = { .e = e, .text = text };

	x.note = log_line_parse(text, &x.line);
	if (x.note) {
		x.line.chain.len = 0;
		e->passed_through++;
	} else {
		explain_find(&x);
		e->explained += x.candidate_count > 0;
		e->unexplained += x.candidate_count == 0;
	}
	if (e->json)
		explain_print_json(&x);
	else
		explain_print_text(&x);
	explain_forget(&x);
	arena_free(&x.arena);
}

void explain_end(struct explainer *e)
{
	log_rules_free(&e->rules);
}
