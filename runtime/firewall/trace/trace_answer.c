/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events name the rules that a packet met, in their order.  Those that led to the last one are found again as the
 * kernel went: a jump is undone when an event comes from another chain than its target.
 *
 * The model is asked about the passes that were seen, with the interfaces that were seen.  So the path is not looked for,
 * and a wiring that we do not expect is asked as it is.
 */
#include "firewall/trace/trace_answer.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "diag/diag.h"
#include "firewall/explain/reason_line.h"
#include "firewall/explain/seen_path.h"

/* ---- the line ---- */

enum { TRACE_JUMPS_MAX = 64 };

/* The jumps on the way to a step, the outermost first. */
struct trace_jumps {
	const struct journey_step *steps[TRACE_JUMPS_MAX];
	unsigned count;
};

static void trace_follow(struct trace_jumps *jumps, const struct journey_step *step)
{
	if (step->is_base)
		jumps->count = 0;
	while (jumps->count && !text_equal(jumps->steps[jumps->count - 1]->event.target, step->event.chain))
		jumps->count--;
	if ((step->event.verdict == NFT_JUMP || step->event.verdict == NFT_GOTO) && jumps->count < TRACE_JUMPS_MAX)
		jumps->steps[jumps->count++] = step;
}

static const struct group *trace_group_in(const struct rule_list *rules, struct span span)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->group && rule->span.begin == span.begin)
			return rule->group;
	return NULL;
}

/* The group that a line refers to, or NULL. */
static const struct group *trace_group(const struct config *config, struct span span)
{
	const struct group *group = trace_group_in(&config->cluster_rules, span);

	if (!group)
		group = trace_group_in(&config->host_rules, span);
	for (const struct guest *guest = config->guests; guest && !group; guest = guest->next)
		group = trace_group_in(&guest->rules, span);
	for (const struct vnet *vnet = config->vnets; vnet && !group; vnet = vnet->next)
		group = trace_group_in(&vnet->rules, span);
	return group;
}

/* The line of a step: its own, or that of the innermost jump to it that has one. */
static struct reason trace_reason(const struct config *config, struct arena *arena, const struct trace_jumps *jumps,
				  const struct journey_step *step)
{
	struct reason reason = { .chain = step->event.chain, .span = step->line.span };
	struct text words = step->line.words;

	for (unsigned i = jumps->count; i-- > 0;) {
		const struct journey_step *jump = jumps->steps[i];
		const struct group *group;

		if (jump == step)
			continue;
		if (!words.len)
			words = jump->line.words;
		if (!reason.span.begin) {
			reason.span = jump->line.span;
			reason.chain = jump->event.chain;
		} else if (jump->line.span.begin && jump->line.span.begin != reason.span.begin &&
			   (group = trace_group(config, jump->line.span))) {
			reason.group = jump->line.span;
			reason.group_name = group->name;
			break;
		}
	}
	if (!reason.span.begin && words.len)
		reason.implied = arena_string(arena, words);
	return reason;
}

/* Whether a rule accepts: itself, by a mark that a later rule asks for, or, of a line of the host with iptables, by a
 * return to the chain that accepts. */
static bool trace_accepts(const struct journey_step *step)
{
	return step->event.kind == TRACE_RULE && (step->event.verdict == NF_ACCEPT || step->sets_mark ||
						  (step->event.verdict == NFT_RETURN && step->line.span.begin));
}

/*
 * Finds the step that decided: the one that ended the way, else the last one of ours that accepted.  What accepts without
 * a line of its own acts on a mark, so the step that has set it counts.
 */
static void trace_find_reason(struct trace_answer *answer, const struct config *config, struct journey *j)
{
	struct trace_jumps jumps = { .count = 0 };
	struct reason marked = { .span = SPAN_NONE };

	for (uint32_t i = 0; i < j->step_count; i++) {
		const struct journey_step *step = &j->steps[i];
		struct reason reason;

		trace_follow(&jumps, step);
		if (!step->line.is_ours)
			continue;
		reason = trace_reason(config, &j->arena, &jumps, step);
		if (step->sets_mark && reason.span.begin)
			marked = reason;
		if (j->has_ended ? i + 1 == j->step_count : trace_accepts(step) || !answer->last) {
			answer->last = step;
			/* What decides without a line, or by that of a group, acts on a mark: to accept, or to reject. */
			if (marked.span.begin && (trace_accepts(step) || step->rejects) &&
			    (!reason.span.begin || reason.span.begin == marked.group.begin))
				answer->reason = marked;
			else
				answer->reason = reason;
		}
	}
	if (j->has_ended && j->step_count)
		answer->last = &j->steps[j->step_count - 1];
	if (answer->last && answer->last->line.is_ours && !answer->last->line.is_known && answer->last->event.kind == TRACE_RULE &&
	    !answer->reason.span.begin)
		answer->reason.implied = arena_printf(&j->arena, "rule %u of chain %.*s, which is not one of this configuration",
						      answer->last->position + 1, TEXT_ARG(answer->last->event.chain));
}

/* ---- the path ---- */

static void trace_path(struct path *path, const struct config *config, const struct journey *j)
{
	*path = (struct path){ .count = 0 };
	path->flooded = j->has_macs && j->dest_mac[0] & 1;
	for (unsigned i = 0; i < j->pass_count; i++) {
		const struct journey_pass *seen = &j->passes[i];
		struct path_pass *pass = &path->passes[path->count++];

		*pass = (struct path_pass){ .hook = seen->is_bridge   ? PATH_BRIDGE :
						    seen->is_routed   ? PATH_ROUTED :
						    seen->is_host_out ? PATH_OUTPUT :
									PATH_INPUT,
					    .bridge = seen->bridge,
					    .in = seen->in,
					    .out = seen->out };
		memcpy(pass->dest_mac, j->dest_mac, 6);
	}
	seen_path_set_ends(config, path);
}

/* ---- the model ---- */

/* What nothing was found out about is ordinary, as far as the packet's addresses allow it. */
static void trace_complete(struct known_packet *packet, const struct path *path)
{
	if (!packet->known[MODEL_STATE])
		known_packet_set(packet, MODEL_STATE, MODEL_STATE_NEW);
	if (!packet->known[MODEL_SOURCE_TYPE] && !known_packet_is_from_many(packet))
		known_packet_set(packet, MODEL_SOURCE_TYPE, MODEL_TYPE_UNICAST);
	if (!packet->known[MODEL_DEST_TYPE] && !path->flooded && !known_packet_is_for_many(packet))
		known_packet_set(packet, MODEL_DEST_TYPE, MODEL_TYPE_UNICAST);
	known_packet_set(packet, MODEL_OVER_LIMIT, 0);
}

static bool trace_decision_is(const struct decision *d, enum model_verdict verdict, uint16_t queue)
{
	/* A rule can spread packets over some queues. */
	return d->verdict == verdict && (verdict != MODEL_QUEUED || d->queue <= queue);
}

/* What is asked: passes of the path, and what the kernel did with the packet at their end. */
struct trace_request {
	struct path path;
	struct known_packet packet;
	enum model_verdict verdict;
	uint16_t queue;
};

/* Opens the question and looks for a decision like the kernel's; else the first one is kept. */
static bool trace_ask(struct trace_answer *answer, struct asked *asked, struct journey *j, const struct trace_request *request)
{
	struct model_match matches[MODEL_FIELDS];
	uint32_t count = known_packet_matches(&j->arena, &request->packet, matches);
	const struct decision *all;
	const char *over;

	if (answer->asked)
		question_close(&answer->question);
	question_open(&answer->question, asked, &request->path, matches, count, NULL, 0);
	answer->asked = true;
	answer->decision = all = question_decide(&answer->question, answer->question.set, SPAN_NONE);
	over = question_over(&answer->question);
	answer->why = over ? over : all ? NULL : "the model knows no such packet";
	for (const struct decision *d = all; d; d = d->next)
		if (trace_decision_is(d, request->verdict, request->queue)) {
			answer->decision = d;
			return true;
		}
	return false;
}

/* Types of addresses that do not fit the addresses are left open. */
static bool trace_ask_types(struct trace_answer *answer, struct asked *asked, struct journey *j, struct trace_request *request)
{
	if (trace_ask(answer, asked, j, request))
		return true;
	if (answer->decision)
		return false;
	request->packet.known[MODEL_DEST_TYPE] = request->packet.known[MODEL_SOURCE_TYPE] = false;
	return trace_ask(answer, asked, j, request);
}

/* The limit of protection_synflood cannot be seen. */
static bool trace_ask_limit(struct trace_answer *answer, struct asked *asked, struct journey *j, struct trace_request *request)
{
	if (trace_ask_types(answer, asked, j, request))
		return true;
	if (request->verdict == MODEL_PASSED || !answer->decision)
		return false;
	known_packet_set(&request->packet, MODEL_OVER_LIMIT, 1);
	answer->is_over_limit = trace_ask_types(answer, asked, j, request);
	known_packet_set(&request->packet, MODEL_OVER_LIMIT, 0);
	return answer->is_over_limit;
}

/* Whether conntrack has found another state in a later pass, as of the last packet of a connection. */
static bool trace_has_states(const struct journey *j)
{
	for (unsigned i = 1; i < j->pass_count; i++)
		if (j->passes[i].has_state != j->passes[0].has_state || j->passes[i].state != j->passes[0].state)
			return true;
	return false;
}

/* Each pass by itself, with its state: in all but the last one the packet has passed. */
static bool trace_ask_passes(struct trace_answer *answer, struct asked *asked, struct journey *j, const struct trace_request *whole)
{
	for (unsigned i = 0; i < whole->path.count; i++) {
		struct trace_request request = *whole;

		request.path.passes[0] = whole->path.passes[i];
		request.path.count = 1;
		if (j->passes[i].has_state)
			known_packet_set(&request.packet, MODEL_STATE, j->passes[i].state);
		if (i + 1 < whole->path.count)
			request.verdict = MODEL_PASSED;
		if (!trace_ask_limit(answer, asked, j, &request))
			return false;
	}
	return true;
}

static bool trace_ask_states(struct trace_answer *answer, struct asked *asked, struct journey *j, struct trace_request *request)
{
	if (trace_ask_limit(answer, asked, j, request))
		return true;
	if (!trace_has_states(j))
		return false;
	if (trace_ask_passes(answer, asked, j, request))
		return true;
	/* Where a mark goes along, a pass cannot be asked alone. */
	for (unsigned i = 1; i < j->pass_count; i++) {
		if (!j->passes[i].has_state)
			continue;
		known_packet_set(&request->packet, MODEL_STATE, j->passes[i].state);
		if (trace_ask_limit(answer, asked, j, request))
			return true;
	}
	return false;
}

static void trace_ask_model(struct trace_answer *answer, struct asked *asked, struct journey *j)
{
	struct trace_request request = { .packet = j->packet,
					 .verdict = j->has_ended ? j->verdict : MODEL_PASSED,
					 .queue = j->queue };

	request.path = answer->path;
	trace_complete(&request.packet, &request.path);
	if (!trace_ask_states(answer, asked, j, &request))
		answer->agreement = answer->decision ? TRACE_DISAGREES : TRACE_UNDECIDED;
}

/* Both know a line, and it is not the same one. */
static bool trace_is_other_line(const struct trace_answer *answer, const struct source_map *map)
{
	return answer->decision && answer->decision->verdict != MODEL_PASSED && answer->reason.span.begin &&
	       answer->decision->reason.span.begin && !reason_is_same(map, &answer->reason, &answer->decision->reason);
}

/* What the kernel tells by no line, the model does: such as established connections. */
static void trace_compare_lines(struct trace_answer *answer, const struct source_map *map)
{
	if (answer->agreement != TRACE_AGREES || !answer->decision)
		return;
	if (trace_is_other_line(answer, map))
		answer->agreement = TRACE_DISAGREES;
	else if (!answer->reason.span.begin && !answer->reason.implied)
		answer->reason = answer->decision->reason;
}

void trace_answer(struct trace_answer *answer, struct asked *asked, struct journey *j)
{
	const struct journey_pass *last = j->pass_count ? &j->passes[j->pass_count - 1] : NULL;

	*answer = (struct trace_answer){ .agreement = TRACE_AGREES };
	trace_find_reason(answer, asked->config, j);
	trace_path(&answer->path, asked->config, j);
	if (j->is_cut || !last) {
		answer->agreement = TRACE_INCOMPLETE;
		answer->why = "not all of its way was seen";
		return;
	}
	if (j->has_ended && answer->last && !answer->last->line.is_ours) {
		answer->agreement = TRACE_NOT_OURS;
		answer->why = arena_printf(&j->arena, "table %.*s, chain %.*s is not of pvefw", TEXT_ARG(answer->last->event.table),
					   TEXT_ARG(answer->last->event.chain));
		return;
	}
	if (!j->has_ended && !last->is_complete) {
		answer->agreement = TRACE_INCOMPLETE;
		answer->why = "not seen again after prerouting: the kernel does not deliver it, or its events were lost";
		return;
	}
	if (j->is_answer) {
		answer->agreement = TRACE_INCOMPLETE;
		answer->why = "an answer to a packet that was rejected, which the model does not know";
		return;
	}
	trace_ask_model(answer, asked, j);
	trace_compare_lines(answer, asked->config->diags->map);
}

void trace_answer_free(struct trace_answer *answer)
{
	if (answer->asked)
		question_close(&answer->question);
	answer->asked = false;
}
