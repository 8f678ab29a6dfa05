/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     tcp 192.0.2.2:40312 -> 192.0.2.1:23 on vmbr0: DROP
 *       --> firewall/cluster.fw:11  IN DROP -p tcp -dport 23   (group web, from firewall/cluster.fw:7)   logged as :0:6:group-web-in:
 *        = path: vmbr0 input: host-in, group-web-in
 *        = the model agrees
 */
#include "firewall/trace/trace_print.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/escape.h"
#include "base/version.h"
#include "firewall/explain/reason_line.h"
#include "format/diag_json.h"
#include "questions/answers.h"

/* ---- parts ---- */

static enum model_verdict trace_verdict(const struct journey *j)
{
	return j->has_ended ? j->verdict : MODEL_PASSED;
}

static const char *trace_verdict_text(struct journey *j)
{
	const struct decision as_decision = { .verdict = trace_verdict(j), .queue = j->queue };

	return decision_text(&j->arena, &as_decision);
}

/* Where it came in, or where it went out. */
static const char *trace_where(struct journey *j)
{
	const struct journey_pass *pass = j->passes;

	if (!j->pass_count)
		return "";
	if (pass->in.len)
		return arena_printf(&j->arena, " on %.*s", TEXT_ARG(pass->in));
	return pass->out.len ? arena_printf(&j->arena, " to %.*s", TEXT_ARG(pass->out)) : "";
}

static const char *trace_pass_text(struct journey *j, const struct journey_pass *pass)
{
	struct path_pass as_path = { .hook = pass->is_bridge   ? PATH_BRIDGE :
					     pass->is_routed   ? PATH_ROUTED :
					     pass->is_host_out ? PATH_OUTPUT :
								 PATH_INPUT,
				     .bridge = pass->bridge,
				     .in = pass->in,
				     .out = pass->out };

	if (!pass->is_complete)
		return pass->is_bridge ? arena_printf(&j->arena, "%.*s prerouting", TEXT_ARG(pass->bridge)) : "prerouting";
	return path_pass_text(&j->arena, &as_path);
}

/* Whether a step is worth its chain's name: a rule was met, and not only one of another table that leads to ours. */
static bool trace_is_shown(const struct journey *j, uint32_t at)
{
	const struct journey_step *step = &j->steps[at];

	if (step->event.kind != TRACE_RULE)
		return step->line.is_ours;
	return step->line.is_ours || step->event.verdict != NFT_JUMP || at + 1 == j->step_count ||
	       !j->steps[at + 1].line.is_ours;
}

static bool trace_is_same_chain(const struct journey_step *a, const struct journey_step *b)
{
	return a->pass == b->pass && a->event.family == b->event.family && text_equal(a->event.chain, b->event.chain) &&
	       text_equal(a->event.table, b->event.table);
}

static const char *trace_chain_text(struct journey *j, const struct journey_step *step)
{
	if (!step->line.is_ours)
		return arena_printf(&j->arena, "%.*s of table %.*s", TEXT_ARG(step->event.chain), TEXT_ARG(step->event.table));
	/* ebtables and iptables have chains of the same names. */
	if (step->event.family == NFPROTO_BRIDGE && text_is(step->event.table, "filter"))
		return arena_printf(&j->arena, "layer 2 %.*s", TEXT_ARG(step->event.chain));
	return arena_printf(&j->arena, "%.*s", TEXT_ARG(step->event.chain));
}

/* The chains of a pass in which the packet met rules, each once, in their order. */
static const char *trace_chains(struct journey *j, unsigned pass)
{
	const char *text = "";

	for (uint32_t i = 0; i < j->step_count; i++) {
		bool is_seen = false;

		if (j->steps[i].pass != pass || !trace_is_shown(j, i))
			continue;
		for (uint32_t before = 0; before < i && !is_seen; before++)
			is_seen = trace_is_same_chain(&j->steps[before], &j->steps[i]) && trace_is_shown(j, before);
		if (!is_seen)
			text = arena_printf(&j->arena, "%s%s%s", text, *text ? ", " : "", trace_chain_text(j, &j->steps[i]));
	}
	return text;
}

static const char *trace_event_verdict(const struct trace_event *event)
{
	switch (event->verdict) {
	case NFT_CONTINUE:
		return "continue";
	case NFT_BREAK:
		return "break";
	case NFT_JUMP:
		return "jump";
	case NFT_GOTO:
		return "goto";
	case NFT_RETURN:
		return "return";
	case NF_ACCEPT:
		return "accept";
	case NF_DROP:
		return "drop";
	}
	return event->verdict > 0 && (event->verdict & NF_VERDICT_MASK) == NF_QUEUE ? "queue" : "stolen";
}

static const char *trace_family_text(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	}
	return "other";
}

/* ---- for people ---- */

static void trace_print_path(struct out *out, struct journey *j)
{
	out_string(out, "   = path: ");
	for (unsigned i = 0; i < j->pass_count; i++) {
		const char *chains = trace_chains(j, i);

		out_string(out, i ? "; " : "");
		out_escaped(out, text_of(trace_pass_text(j, &j->passes[i])));
		if (*chains) {
			out_string(out, ": ");
			out_escaped(out, text_of(chains));
		}
	}
	out_char(out, '\n');
}

/* One rule that the packet met, for a report. */
static void trace_print_step(struct out *out, struct journey *j, const struct source_map *map, const struct journey_step *step)
{
	const char *place = reason_place(&j->arena, map, step->line.span);

	out_printf(out, "     %s %.*s %.*s", trace_family_text(step->event.family), TEXT_ARG(step->event.table),
		   TEXT_ARG(step->event.chain));
	if (step->event.kind == TRACE_RULE)
		out_printf(out, " rule %u handle %llu", step->position + 1, (unsigned long long)step->event.rule);
	else
		out_string(out, step->event.kind == TRACE_POLICY ? " policy" : " end");
	out_printf(out, " %s", trace_event_verdict(&step->event));
	if (step->event.target.len)
		out_printf(out, " %.*s", TEXT_ARG(step->event.target));
	if (place) {
		out_string(out, "  ");
		out_escaped(out, text_of(place));
	} else if (step->line.words.len) {
		out_string(out, "  ");
		out_escaped(out, step->line.words);
	} else if (step->line.is_ours && !step->line.is_known && step->event.kind == TRACE_RULE) {
		out_string(out, "  not a rule of this configuration");
	}
	out_char(out, '\n');
}

/* Everything that is needed to find the fault. */
static void trace_print_report(struct out *out, struct journey *j, const struct trace_answer *answer,
			       const struct source_map *map, const struct trace_report *report)
{
	const struct decision *d = answer->decision;
	struct utsname machine = { .release = "" };
	json_t *fields = known_packet_json(&j->packet);
	char *packet = json_dumps(fields, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(fields);
	uname(&machine);
	out_printf(out, "   = the model DISAGREES: it says %s, %s\n", decision_text(&j->arena, d),
		   reason_line(&j->arena, map, &d->reason));
	if (report->differs)
		out_printf(out, "   = the loaded rules are not those of the files: %s; see pve-firewall compare\n", report->differs);
	else
		out_string(out, "   = this is a bug of pvefw, please report it with all of this:\n");
	out_printf(out, "     pvefw %s, Linux %s, target %s\n     packet %s\n", PVEFW_VERSION, machine.release, report->target,
		   packet ? packet : "");
	for (uint32_t i = 0; i < answer->path.count; i++) {
		const struct path_pass *pass = &answer->path.passes[i];

		out_printf(out, "     pass %u: %s, in `%.*s`, out `%.*s`, to %02x:%02x:%02x:%02x:%02x:%02x\n", i + 1,
			   path_pass_text(&j->arena, pass), TEXT_ARG(pass->in), TEXT_ARG(pass->out), pass->dest_mac[0],
			   pass->dest_mac[1], pass->dest_mac[2], pass->dest_mac[3], pass->dest_mac[4], pass->dest_mac[5]);
	}
	for (uint32_t i = 0; i < j->step_count; i++)
		trace_print_step(out, j, map, &j->steps[i]);
	for (uint32_t i = 0; i < d->trail_count; i++)
		out_printf(out, "     model: %s\n", d->trail[i]);
	free(packet);
}

static void trace_print_agreement(struct out *out, struct journey *j, const struct trace_answer *answer,
				  const struct source_map *map, const struct trace_report *report)
{
	switch (answer->agreement) {
	case TRACE_AGREES:
		out_printf(out, "   = the model agrees%s\n", answer->is_over_limit ? ": over the limit of protection_synflood" : "");
		break;
	case TRACE_DISAGREES:
		trace_print_report(out, j, answer, map, report);
		break;
	case TRACE_NOT_OURS:
	case TRACE_INCOMPLETE:
	case TRACE_UNDECIDED:
		out_string(out, "   = the model was not asked: ");
		out_escaped(out, text_of(answer->why));
		out_char(out, '\n');
		break;
	}
}

void trace_print(struct out *out, struct journey *j, const struct trace_answer *answer, const struct source_map *map,
		 const struct trace_report *report)
{
	out_printf(out, "%s%s: %s\n", known_packet_text(&j->arena, &j->packet), trace_where(j), trace_verdict_text(j));
	if (answer->last && answer->agreement != TRACE_NOT_OURS)
		out_printf(out, "  --> %s", reason_line(&j->arena, map, &answer->reason));
	else
		out_printf(out, "  --> %s", answer->last ? answer->why : "no rule of pvefw");
	for (uint32_t i = 0; i < j->step_count; i++)
		if (j->steps[i].log_prefix.len) {
			out_string(out, "   logged as ");
			out_escaped(out, text_trim(j->steps[i].log_prefix));
		}
	out_char(out, '\n');
	trace_print_path(out, j);
	trace_print_agreement(out, j, answer, map, report);
}

/* ---- as JSON ---- */

static const char *trace_agreement_name(enum trace_agreement agreement)
{
	static const char *const names[] = {
		[TRACE_AGREES] = "agrees",         [TRACE_DISAGREES] = "disagrees", [TRACE_NOT_OURS] = "not-ours",
		[TRACE_INCOMPLETE] = "incomplete", [TRACE_UNDECIDED] = "undecided",
	};

	return names[agreement];
}

static json_t *trace_passes_json(struct journey *j)
{
	json_t *passes = json_array();

	for (unsigned i = 0; i < j->pass_count; i++) {
		const struct journey_pass *pass = &j->passes[i];
		json_t *object = json_pack("{s:o, s:o}", "hook", json_escaped(text_of(trace_pass_text(j, pass))), "chains",
					   json_escaped(text_of(trace_chains(j, i))));

		json_object_set_new(object, "in", pass->in.len ? json_escaped(pass->in) : json_null());
		json_object_set_new(object, "out", pass->out.len ? json_escaped(pass->out) : json_null());
		json_array_append_new(passes, object);
	}
	return passes;
}

static json_t *trace_steps_json(struct journey *j, const struct source_map *map)
{
	json_t *steps = json_array();

	for (uint32_t i = 0; i < j->step_count; i++) {
		const struct journey_step *step = &j->steps[i];
		const char *place = reason_place(&j->arena, map, step->line.span);
		json_t *object = json_pack("{s:s, s:o, s:o, s:s}", "family", trace_family_text(step->event.family), "table",
					   json_escaped(step->event.table), "chain", json_escaped(step->event.chain),
					   "verdict", trace_event_verdict(&step->event));

		bool is_rule = step->event.kind == TRACE_RULE;

		json_object_set_new(object, "rule", is_rule ? json_integer(step->position + 1) : json_null());
		json_object_set_new(object, "handle", is_rule ? json_integer((json_int_t)step->event.rule) : json_null());
		json_object_set_new(object, "line", place ? json_escaped(text_of(place)) : json_null());
		json_array_append_new(steps, object);
	}
	return steps;
}

json_t *trace_json(struct journey *j, const struct trace_answer *answer, const struct source_map *map,
		   const struct trace_report *report)
{
	const struct decision kernel = { .verdict = trace_verdict(j), .queue = j->queue, .reason = answer->reason };
	json_t *object = json_object(), *logs = json_array();

	json_object_set_new(object, "packet", known_packet_json(&j->packet));
	json_object_set_new(object, "decision", decision_json(map, &kernel));
	for (uint32_t i = 0; i < j->step_count; i++)
		if (j->steps[i].log_prefix.len)
			json_array_append_new(logs, json_escaped(j->steps[i].log_prefix));
	json_object_set_new(object, "logs", logs);
	json_object_set_new(object, "path", trace_passes_json(j));
	json_object_set_new(object, "steps", trace_steps_json(j, map));
	json_object_set_new(object, "agreement", json_string(trace_agreement_name(answer->agreement)));
	json_object_set_new(object, "why", answer->why ? json_escaped(text_of(answer->why)) : json_null());
	json_object_set_new(object, "model", answer->decision ? decision_json(map, answer->decision) : json_null());
	json_object_set_new(object, "differs",
			    answer->agreement == TRACE_DISAGREES && report->differs ? json_escaped(text_of(report->differs)) :
										      json_null());
	return object;
}
