/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decisions with their lines.
 *
 * The walk reports each step that decides for some packets of a stage.  A step that refuses ends the packet's
 * way, so it is the reason.  A packet that passed was accepted by a step, or by none, in each stage; the
 * reason is the last of these that a person can look up: a line, or an implied rule.
 *
 * A step acts on a mark where a group has accepted, or a guest's rules for what it sends: then the reason is
 * the step that has set the mark.  Of the jumps on the way to a step, the innermost that has a line is the
 * line, and the next other line is the rule that refers to its group.
 */
#include "questions/asked.h"

#include "lang/implied.h"

void asked_open(struct asked *asked, const struct config *config, const struct backend *target,
		struct model_budget budget)
{
	*asked = (struct asked){ .config = config, .target = target, .budget = budget };
	asked->ifaces = path_ifaces(&asked->arena, config);
	asked->translator = target ? target->meaning(config, &asked->ifaces)
				   : written_open(config, &asked->ifaces);
}

void asked_close(struct asked *asked)
{
	translator_close(asked->translator);
	arena_free(&asked->arena);
}

/* `program` NULL: the model does not know it. */
static void asked_open_model(struct question *q, const struct model_program *program,
			     const struct model_match *matches, uint32_t count,
			     const struct model_match *others, uint32_t other_count)
{
	q->model = model_new(&q->asked->ifaces, q->asked->budget);
	if (program)
		model_add(q->model, program);
	for (uint32_t i = 0; i < count; i++)
		model_add_match(q->model, &matches[i]);
	for (uint32_t i = 0; i < other_count; i++)
		model_add_match(q->model, &others[i]);
	model_seal(q->model);
	q->set = model_world(q->model);
	for (uint32_t i = 0; i < count; i++)
		q->set = model_and(q->model, q->set, model_match(q->model, &matches[i]));
}

void question_open(struct question *q, struct asked *asked, const struct path *path,
		   const struct model_match *matches, uint32_t count, const struct model_match *others,
		   uint32_t other_count)
{
	*q = (struct question){ .asked = asked, .path = *path };
	q->program = translator_program(asked->translator, &q->arena, path);
	asked_open_model(q, q->program, matches, count, others, other_count);
}

void question_open_packet(struct question *q, struct asked *asked, const struct path *path,
			  const struct model_match *matches, uint32_t count, const struct model_match *others,
			  uint32_t other_count)
{
	*q = (struct question){ .asked = asked, .path = *path };
	q->program = translator_program(asked->translator, &q->arena, path);
	asked_open_model(q, NULL, matches, count, others, other_count);
}

void question_close(struct question *q)
{
	model_free(q->model);
	arena_free(&q->arena);
}

const char *question_over(struct question *q)
{
	struct text chain = { 0 };

	if (!model_over(q->model, &chain))
		return NULL;
	if (!chain.len)
		return "not decided: the question is too large for the budget";
	return arena_printf(&q->arena, "not decided: chain %.*s %s", TEXT_ARG(chain),
			    model_is_unknown(q->model) ? "has a rule of a form that the model does not know"
						       : "is too large for the budget");
}

/* ---- lines ---- */

/* The rule that refers to a group with this line; NULL if the line does not. */
static const struct group *asked_find_group_in(const struct rule_list *rules, struct span span)
{
	for (const struct rule *r = rules->first; r; r = r->next)
		if (r->group && r->span.begin == span.begin)
			return r->group;
	return NULL;
}

static const struct group *asked_find_group_at_end(const struct path_end *end, struct span span)
{
	const struct group *group = end->guest ? asked_find_group_in(&end->guest->rules, span) : NULL;

	return !group && end->vnet ? asked_find_group_in(&end->vnet->rules, span) : group;
}

static const struct group *asked_group(const struct question *q, struct span span)
{
	const struct group *group = asked_find_group_at_end(&q->path.to, span);

	if (!group)
		group = asked_find_group_at_end(&q->path.from, span);
	if (!group)
		group = asked_find_group_in(&q->asked->config->cluster_rules, span);
	return group ? group : asked_find_group_in(&q->asked->config->host_rules, span);
}

static bool asked_span_is_line(struct span span)
{
	return span.begin != 0;
}

/* Whose implied rules a stage has: the host's; or at the pass of a NIC its own, and elsewhere those of both ends. */
static unsigned asked_place_of_stage(const struct path *path, const char *stage)
{
	const unsigned host = AT_HOST_IN | AT_HOST_OUT | AT_HOST_FORWARD;
	struct text name = text_of(stage ? stage : "");
	long space = text_find(name, ' ');
	unsigned place = 0;

	if (space < 0)
		return host;
	name.len = (uint32_t)space;
	for (uint32_t i = 0; i < path->count; i++) {
		const struct path_pass *pass = &path->passes[i];

		if (pass->hook != PATH_BRIDGE || !text_equal(pass->bridge, name))
			continue;
		if (path->from.guest && text_equal(pass->in, path->from.nic->device))
			place |= AT_NIC_OUT;
		if (path->to.guest && text_equal(pass->out, path->to.nic->device))
			place |= AT_NIC_IN;
	}
	if (!place)
		place = (path->from.guest ? (unsigned)AT_NIC_OUT : 0) | (path->to.guest ? (unsigned)AT_NIC_IN : 0);
	return place;
}

/* The line of the option that an implied rule needs, at one place; SPAN_NONE if there is none, or two guests have it. */
static struct span asked_implied_line(const struct question *q, enum implied_id id, unsigned place)
{
	const struct config *config = q->asked->config;
	const struct implied_rule *rule = &implied_rules[id];
	unsigned at = rule->chains & place;
	const struct guest *guest;

	if (rule->option == OPTION_COUNT)
		return SPAN_NONE;
	if (option_table[rule->option].kind == FILE_HOST)
		return implied_is_on(id, &config->host_options) ? config->host_written[rule->option] : SPAN_NONE;
	guest = at == AT_NIC_OUT ? q->path.from.guest : at == AT_NIC_IN ? q->path.to.guest : NULL;
	/* Layer 2 has a list. */
	if (!guest || (id != IMPLIED_LAYER2 && !implied_is_on(id, &guest->options)))
		return SPAN_NONE;
	return guest_option_span(guest, rule->option);
}

/* The line that switches on the filter which decided. */
static struct span asked_option_line(const struct question *q, const struct reason *reason)
{
	unsigned place = asked_place_of_stage(&q->path, reason->stage);

	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].chains & place && strcmp(implied_phrase(id), reason->implied) == 0)
			return asked_implied_line(q, id, place);
	return SPAN_NONE;
}

/* Whether the step is an IP filter that the option does not ask for: the set of the NIC does. */
static bool asked_is_filter_of_set(const struct question *q, const struct model_step *step)
{
	const struct guest *guest = q->path.from.guest;

	return guest && step->implied && strcmp(step->implied, implied_phrase(IMPLIED_IP_FILTER)) == 0 &&
	       !implied_is_on(IMPLIED_IP_FILTER, &guest->options);
}

/* The line that a trail leads to, and the rule that refers to it. */
static struct reason asked_reason_of(const struct question *q, const struct model_trail *trail,
				     unsigned stage)
{
	struct reason reason = { .stage = q->program->stages[stage].name,
				 .stage_at = stage,
				 .step = trail->step,
				 .chain = trail->chain->name };

	for (const struct model_trail *t = trail; t; t = t->outer) {
		const struct model_step *step = t->step;

		if (!step)
			continue;
		if (!asked_span_is_line(reason.span)) {
			reason.span = step->span;
			reason.chain = t->chain->name;
			if (asked_is_filter_of_set(q, step)) {
				const struct ipset *set = guest_filter_set(q->path.from.guest, q->path.from.nic);

				reason.implied = step->implied;
				reason.span = set ? set->span : SPAN_NONE;
				break;
			}
			/* Of an implied rule that a policy brings along, the policy is not the reason. */
			if (!asked_span_is_line(step->span) && step->implied) {
				reason.implied = step->implied;
				reason.span = asked_option_line(q, &reason);
				break;
			}
		} else if (asked_span_is_line(step->span) && step->span.begin != reason.span.begin) {
			const struct group *group = asked_group(q, step->span);

			if (!group)
				continue;
			reason.group = step->span;
			reason.group_name = group->name;
			break;
		}
	}
	return reason;
}

/* ---- events ---- */

struct noted_event {
	struct model_event event; /* its trail is a copy, of `marked` if that is the reason */
	const struct model_step *marker;
	struct reason reason;
};

struct noted_events {
	struct question *question;
	struct noted_event *items;
	uint32_t count, room;
};

static bool asked_step_asks_mark(const struct model_step *step)
{
	return step && step->mark_mask && step->mark_value && !step->mark_negated;
}

/* Whether steps of the trail ask for the mark, and none of them says why. */
static bool asked_trail_is_by_mark(const struct model_trail *trail)
{
	bool asks = false;

	for (const struct model_trail *t = trail; t; t = t->outer) {
		if (t->step && (asked_span_is_line(t->step->span) || t->step->implied))
			return asks && asked_step_asks_mark(trail->step);
		asks = asks || asked_step_asks_mark(t->step);
	}
	return asks;
}

/*
 * Whether what set the mark is the reason for an event.  A step can ask for the mark, or a jump to it.  At the
 * end of a chain the mark is a reason in the stage that has set it, and not in later ones, which may have
 * reasons of their own.
 */
static bool asked_event_is_by_mark(const struct noted_events *events, const struct model_event *event)
{
	const struct model_step *step = event->trail->step;

	if (!event->marked || event->logs)
		return false;
	if (step)
		return asked_trail_is_by_mark(event->trail) ||
		       (event->verdict == MODEL_PASSED && asked_step_asks_mark(step));
	if (event->verdict != MODEL_PASSED)
		return false;
	for (uint32_t i = 0; i < events->count; i++)
		if (events->items[i].event.stage < event->stage &&
		    events->items[i].marker == event->marked->step)
			return false;
	return true;
}

static const struct model_trail *asked_copy_trail(struct arena *arena, const struct model_trail *trail)
{
	const struct model_trail *first = NULL;
	struct model_trail *last = NULL;

	for (; trail; trail = trail->outer) {
		struct model_trail *copy = ARENA_NEW(arena, struct model_trail);

		*copy = (struct model_trail){ trail->chain, trail->step, NULL };
		if (last)
			last->outer = copy;
		else
			first = copy;
		last = copy;
	}
	return first;
}

static void asked_note_event(void *context, const struct model_event *event)
{
	struct noted_events *events = context;
	struct arena *arena = &events->question->arena;
	const struct model_trail *reason;
	struct noted_event *noted;

	if (event->hit == PACKETS_NONE)
		return;
	if (events->count == events->room) {
		uint32_t room = events->room ? events->room * 2 : 16;
		struct noted_event *items = ARENA_ARRAY(arena, struct noted_event, room);

		if (events->count)
			memcpy(items, events->items, events->count * sizeof(*items));
		events->items = items;
		events->room = room;
	}
	noted = &events->items[events->count++];
	noted->event = *event;
	reason = asked_event_is_by_mark(events, event) ? event->marked : event->trail;
	/* What refuses by a mark is shown where it does. */
	noted->event.trail = asked_copy_trail(arena, event->verdict == MODEL_PASSED ? reason : event->trail);
	noted->event.marked = NULL;
	noted->marker = event->marked ? event->marked->step : NULL;
	noted->reason = asked_reason_of(events->question, reason, event->stage);
}

/* ---- decisions ---- */

static bool asked_reason_is_known(const struct reason *reason)
{
	return asked_span_is_line(reason->span) || reason->implied;
}

static bool asked_reason_equal(const struct reason *a, const struct reason *b)
{
	if (a->span.begin != b->span.begin || a->group.begin != b->group.begin)
		return false;
	if (asked_span_is_line(a->span))
		return true;
	if (a->implied && b->implied)
		return strcmp(a->implied, b->implied) == 0;
	return !a->implied && !b->implied && a->step == b->step;
}

/* Of sets of the model; or of one packet, which are 0 or 1. */
static packets asked_and(const struct question *q, packets a, packets b)
{
	return q->follows ? a & b : model_and(q->model, a, b);
}

static packets asked_minus(const struct question *q, packets a, packets b)
{
	return q->follows ? a & ~b : model_minus(q->model, a, b);
}

/* The chains of a trail, the outermost first. */
static void asked_print_chains(struct out *out, const struct model_trail *trail)
{
	if (trail->outer) {
		asked_print_chains(out, trail->outer);
		out_string(out, ", ");
	}
	out_text(out, trail->chain->name);
}

/* "fwbr101i0 forward: PVEFW-FORWARD, PVEFW-FWBR-IN"; of a stage in which no step decided, its name. */
static const char *asked_stage_text(struct question *q, const struct noted_event *noted)
{
	const char *stage = q->program->stages[noted->event.stage].name, *text;
	struct out out;

	if (!noted->event.trail->step)
		return stage;
	out_init_memory(&out);
	if (stage)
		out_printf(&out, "%s: ", stage);
	asked_print_chains(&out, noted->event.trail);
	text = arena_string(&q->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

/* Sets the chains passed and the log lines of a decision. */
static void asked_tell_way(const struct noted_events *events, struct decision *d)
{
	struct question *q = events->question;
	unsigned stages = d->verdict == MODEL_PASSED ? q->program->count : d->reason.stage_at + 1;
	const char **trail = ARENA_ARRAY(&q->arena, const char *, stages);

	d->logs = ARENA_ARRAY(&q->arena, struct reason, events->count);
	for (uint32_t i = 0; i < events->count; i++) {
		const struct noted_event *noted = &events->items[i];
		const struct model_event *event = &noted->event;

		if (event->stage >= stages || asked_and(q, event->hit, d->set) == PACKETS_NONE)
			continue;
		if (event->logs)
			d->logs[d->log_count++] = noted->reason;
		else if (!trail[event->stage])
			trail[event->stage] = asked_stage_text(q, noted);
	}
	for (unsigned i = 0; i < stages; i++)
		if (trail[i])
			trail[d->trail_count++] = trail[i];
	d->trail = trail;
}

struct decisions {
	struct question *question;
	struct decision *first, **last;
};

/* Adds to the decision that has the same reason, or makes one. */
static void asked_add_decision(struct decisions *list, enum model_verdict verdict, uint16_t queue,
			       const struct reason *reason, packets set)
{
	struct decision *d;

	for (d = list->first; d; d = d->next)
		if (d->verdict == verdict && d->queue == queue && asked_reason_equal(&d->reason, reason)) {
			d->set = model_or(list->question->model, d->set, set);
			return;
		}
	d = ARENA_NEW(&list->question->arena, struct decision);
	*d = (struct decision){ .verdict = verdict, .queue = queue, .reason = *reason, .set = set };
	*list->last = d;
	list->last = &d->next;
}

/* Those of packets that end at a step. */
static void asked_add_ends(struct decisions *list, const struct noted_events *events)
{
	for (uint32_t i = 0; i < events->count; i++) {
		const struct model_event *event = &events->items[i].event;

		if (!event->logs && event->verdict != MODEL_PASSED)
			asked_add_decision(list, event->verdict, event->queue, &events->items[i].reason,
					   event->hit);
	}
}

/* Those of packets that pass all stages: the last acceptance with a known reason counts. */
static void asked_add_passed(struct decisions *list, const struct noted_events *events, packets passed)
{
	const struct question *q = list->question;
	const struct reason nothing = { .stage = NULL };

	for (uint32_t stage = list->question->program->count; stage-- > 0 && passed != PACKETS_NONE;) {
		for (uint32_t i = 0; i < events->count; i++) {
			const struct noted_event *noted = &events->items[i];
			packets part;

			if (noted->event.stage != stage || noted->event.logs ||
			    noted->event.verdict != MODEL_PASSED || !asked_reason_is_known(&noted->reason))
				continue;
			part = asked_and(q, passed, noted->event.hit);
			if (part == PACKETS_NONE)
				continue;
			asked_add_decision(list, MODEL_PASSED, 0, &noted->reason, part);
			passed = asked_minus(q, passed, part);
		}
	}
	if (passed != PACKETS_NONE)
		asked_add_decision(list, MODEL_PASSED, 0, &nothing, passed);
}

static struct decision *asked_collect(struct question *q, const struct noted_events *events, packets passed)
{
	struct decisions list = { .question = q };

	list.last = &list.first;
	asked_add_ends(&list, events);
	asked_add_passed(&list, events, passed);
	for (struct decision *d = list.first; d; d = d->next)
		asked_tell_way(events, d);
	return list.first;
}

struct decision *question_decide(struct question *q, packets set, struct span without)
{
	struct noted_events events = { .question = q };
	const struct model_walk walk = {
		.live = set, .without = without, .decided = asked_note_event, .context = &events
	};
	struct model_result result;
	struct decision *first;

	if (set == PACKETS_NONE)
		return NULL;
	q->follows = false;
	result = model_walk(q->model, q->program, &walk);
	first = asked_collect(q, &events, model_result_of(q->model, &result, MODEL_PASSED));
	return model_over(q->model, NULL) ? NULL : first;
}

struct decision *question_follow(struct question *q, const struct model_packet *packet, struct span without)
{
	struct noted_events events = { .question = q };
	const struct model_walk walk = { .without = without,
					 .decided = asked_note_event,
					 .context = &events };
	struct model_outcome outcome;

	q->follows = true;
	if (!model_follow(&q->arena, q->program, packet, &walk, &outcome))
		return NULL;
	return asked_collect(q, &events, outcome.verdict == MODEL_PASSED);
}
