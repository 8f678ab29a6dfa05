/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules without effect: those that match no packet, those whose packets earlier rules or the blacklist decide, and those
 * that do what the policy does.
 *
 * A chain is laid out as the steps of what is written, with the rules of groups in place.  They are walked with the
 * packets of a rule: if none is left when its turn comes, the rule never decides, and the steps that hit its packets
 * cover it.  What is left of a rule that does what the policy does is compared with the later steps: if none decides
 * otherwise, the rule can go.
 *
 * Of most rules one packet shows that they are reached.  Only for the others is a model made.  All of this looks only at
 * the steps near a rule: those that may meet its packets.  Boxes (step_box.h) show of most pairs that they do not.
 */
#include "lint/lint_host.h"
#include "lint/lint_packets.h"
#include "model/step_box.h"
#include "model/step_packets.h"

#include <netinet/in.h>

enum {
	MOST_WORK = 100000000, /* for one chain: steps of models, and pairs of rules that are compared */
	MOST_WALKED = 500,     /* steps that are compared with each other; of more, a model is faster */
	MOST_JUMPS = 1000,     /* over values of a field that earlier rules decide */
	BOXES_A_STEP = 4,      /* boxes that are compared in the time of a step */
	MOST_LABELS = 4,
	MOST_BELOW = 12, /* rules shown that one rule covers */
	MOST_KINDS = 8,  /* of packets that a policy decides before it applies */
};

/* A rule in its place in the chain. */
struct step {
	const struct rule *rule; /* never a GROUP rule */
	const struct rule *line; /* the GROUP rule that names its group, or itself */
	struct model_chain packets;
	packets set;     /* of the model, if is_known */
	bool is_known;
	uint32_t line_first; /* the first step of its line */
	bool meets;      /* may meet packets of the subject that the model is made for */
	uint32_t noted;  /* of the first step of a line: the number of the search in which it is a coverer */
	bool implied;    /* not written in a file */
};

struct cover {
	struct lint *lint;
	const struct lint_chain *chain;
	enum direction direction;
	struct step *steps;
	uint32_t count;
	uint32_t own;        /* the steps of the chain's own rules; they come first */
	struct step_box *boxes; /* of the steps, beside each other */
	uint32_t *near;      /* ascending: the other steps that may meet packets of the present subject */
	uint32_t near_before, near_count; /* those before the subject come first */
	uint32_t search;     /* the present one for coverers */
	struct model *model; /* of the last subject that needed one */
	struct model_stage policy_stage; /* what is decided before a policy of DROP */
	struct model_program policy;
	uint64_t work;
	bool bound_hit;
	struct diagnostic *last;     /* of report_covered_rule(), */
	const struct rule *last_by;  /* the one line that covers, or NULL */
	uint32_t last_more;          /* rules added to it */
};

/* ---- laying out ---- */

static uint32_t count_cover_steps(const struct rule_list *rules)
{
	uint32_t count = 0;

	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next)
		count += r->direction == DIRECTION_GROUP ? r->group->rules.count : 1;
	return count;
}

static void add_step(void *data, const struct rule *line, const struct rule *rule)
{
	struct cover *c = data;

	c->steps[c->count] = (struct step){ .rule = rule, .line = line,
					    .packets = lint_rule_steps(c->lint, rule, line->iface), .line_first = c->count };
	if (c->count && c->steps[c->count - 1].line == line)
		c->steps[c->count].line_first = c->steps[c->count - 1].line_first;
	c->count++;
}

/* What the host lets in or out of its own services after its rules (spec 2.5), from and to anyone: packets that only
 * some may send are decided here for those. */
static void add_implied_step(struct cover *c)
{
	static const struct rule accept = { .action = ACTION_ACCEPT };
	struct step *step = &c->steps[c->count];

	*step = (struct step){ .rule = &accept, .line = &accept, .implied = true, .line_first = c->count++,
			       .packets = *written_services(c->lint->written) };
}

static void lay_out_steps(struct cover *c)
{
	const struct lint_chain *chain = c->chain;

	c->steps = ARENA_ARRAY(&c->lint->scratch, struct step, count_cover_steps(chain->rules) + count_cover_steps(chain->then) + 2); /* implied ones, and the blacklist */
	lint_each_rule(chain->rules, c->direction, add_step, c);
	c->own = c->count;
	lint_each_rule(chain->then, c->direction, add_step, c);
	if (chain->host && c->direction != DIRECTION_FORWARD)
		add_implied_step(c);
	c->near = ARENA_ARRAY(&c->lint->scratch, uint32_t, c->count);
	c->boxes = ARENA_ARRAY(&c->lint->scratch, struct step_box, c->count);
	for (uint32_t i = 0; i < c->count; i++)
		step_box_of(&c->steps[i].packets, &c->boxes[i]);
}

/* ---- subjects: one rule, or the rules of a group at its GROUP rule ---- */

struct subject {
	const struct rule *line;
	uint32_t first, last; /* steps [first, last) */
	packets left;         /* of a single rule: what earlier rules do not decide */
	uint32_t coverers[MOST_LABELS]; /* steps of different lines */
	uint32_t coverer_count;
	bool differs;           /* one of them has another action */
	const char *example;    /* packets that `by` decides */
	enum action by;         /* what becomes of it; with `differs` another than of the subject */
};

/* Whether any packet of the subject can meet the step. */
static bool may_meet(struct cover *c, const struct subject *s, const struct step *step)
{
	c->work += s->last - s->first;
	for (uint32_t at = s->first; at < s->last; at++) {
		const struct model_chain *own = &c->steps[at].packets;

		for (uint32_t i = 0; i < own->count; i++)
			for (uint32_t j = 0; j < step->packets.count; j++)
				if (!model_steps_are_apart(&own->steps[i], &step->packets.steps[j]))
					return true;
	}
	return false;
}

/* Finds the steps near the subject, as boxes show them. */
static void find_near(struct cover *c, const struct subject *s)
{
	struct step_box box = c->boxes[s->first];

	for (uint32_t i = s->first + 1; i < s->last; i++)
		step_box_join(&box, &c->boxes[i]);
	c->near_count = 0;
	for (uint32_t i = 0; i < s->first; i++)
		if (!step_boxes_are_apart(&box, &c->boxes[i]))
			c->near[c->near_count++] = i;
	c->near_before = c->near_count;
	for (uint32_t i = s->last; i < c->count; i++)
		if (!step_boxes_are_apart(&box, &c->boxes[i]))
			c->near[c->near_count++] = i;
	c->work += c->count / BOXES_A_STEP;
}

static bool contains_all(const struct model_chain *a, const struct model_chain *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		bool found = false;

		for (uint32_t j = 0; j < a->count && !found; j++)
			found = model_step_contains(&a->steps[j], &b->steps[i]);
		if (!found)
			return false;
	}
	return true;
}

/* Whether the step has all packets of the subject. */
static bool contains_subject(const struct cover *c, const struct subject *s, const struct step *step)
{
	for (uint32_t at = s->first; at < s->last; at++)
		if (!contains_all(&step->packets, &c->steps[at].packets))
			return false;
	return true;
}

/* Looks closer, which few subjects need.  No packet of the subject comes past a step that has all of them. */
static void narrow_near(struct cover *c, const struct subject *s)
{
	uint32_t before = c->near_before, kept = 0;
	bool is_end = false;

	for (uint32_t i = 0; i < c->near_count && !is_end; i++) {
		const struct step *step = &c->steps[c->near[i]];

		if (i == before)
			c->near_before = kept;
		if (!may_meet(c, s, step))
			continue;
		c->near[kept++] = c->near[i];
		is_end = i < before && contains_subject(c, s, step);
	}
	if (is_end || before == c->near_count)
		c->near_before = kept;
	c->near_count = kept;
}

/* Whether the subject is a single rule with the same effect as the policy.  A rule that keeps packets out of the log
 * differs, unless it drops what the policy drops without logging. */
static bool is_like_policy(const struct cover *c, const struct subject *s)
{
	const struct policy *policy = c->chain->policy[c->direction];

	return policy && s->line->direction != DIRECTION_GROUP && s->line->log == LOG_NOLOG &&
	       s->line->action == policy->action &&
	       (!c->chain->policy_logs[c->direction] || policy->action == ACTION_DROP);
}

/* Makes a model for the subject, of the steps that may meet its packets. */
static void make_model(struct cover *c, const struct subject *s)
{
	c->model = lint_model_start(c->lint);
	for (uint32_t i = 0; i < c->count; i++)
		c->steps[i].is_known = c->steps[i].meets = false;
	for (uint32_t i = s->first; i < s->last; i++)
		c->steps[i].meets = true;
	for (uint32_t i = 0; i < c->near_count; i++)
		c->steps[c->near[i]].meets = may_meet(c, s, &c->steps[c->near[i]]);
	for (uint32_t i = 0; i < c->count; i++)
		if (c->steps[i].meets)
			lint_model_add(c->model, &c->steps[i].packets);
	c->policy_stage.chain = written_before_policy(c->lint->written, s->line->action);
	c->policy_stage.name = "policy";
	c->policy = (struct model_program){ &c->policy_stage, 1 };
	if (is_like_policy(c, s) && s->line->action != ACTION_ACCEPT)
		model_add(c->model, &c->policy);
	lint_model_seal(c->model);
}

static packets set_of(struct cover *c, uint32_t at)
{
	struct step *step = &c->steps[at];

	if (!step->is_known)
		step->set = lint_model_set(c->model, &step->packets);
	step->is_known = true;
	return step->set;
}

/* Whether a packet that the step decides is a better example: one of a step with another action is. */
static bool wants_example(const struct subject *s, const struct step *step, enum action action)
{
	return !s->example || (!s->differs && step->rule->action != action);
}

/* Keeps a packet of `hit`, which step `at` decides, preferably of a step with another action. */
static void keep_example(struct cover *c, struct subject *s, uint32_t at, packets hit, enum action action)
{
	const struct step *step = &c->steps[at];

	if (!wants_example(s, step, action))
		return;
	s->example = lint_example(c->lint, c->model, hit);
	s->by = step->rule->action;
}

static void note_coverer(struct cover *c, struct subject *s, uint32_t at, enum action action)
{
	struct step *first = &c->steps[c->steps[at].line_first];

	s->differs |= c->steps[at].rule->action != action;
	if (first->noted == c->search)
		return;
	first->noted = c->search;
	if (s->coverer_count < MOST_LABELS)
		s->coverers[s->coverer_count] = at;
	s->coverer_count++;
}

static void forget_coverers(struct cover *c)
{
	c->search++;
}

static bool chain_has(const struct model_chain *chain, const struct model_packet *packet)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (model_step_has(&chain->steps[i], packet))
			return true;
	return false;
}

/* Whether one of the subject's steps before `at` decides about a packet. */
static bool is_decided_within(struct cover *c, const struct subject *s, const struct model_packet *packet, uint32_t at)
{
	c->work += at - s->first;
	for (uint32_t i = s->first; i < at; i++)
		if (chain_has(&c->steps[i].packets, packet))
			return true;
	return false;
}

/* The first of the steps before `end`, which come before the subject, that decides about one of its packets; or NULL. */
static const struct step *decider_of(struct cover *c, const struct model_packet *packet, uint32_t end)
{
	for (uint32_t i = 0; i < c->near_before && c->near[i] < end; i++, c->work++)
		if (chain_has(&c->steps[c->near[i]].packets, packet))
			return &c->steps[c->near[i]];
	return NULL;
}

static bool is_decided(struct cover *c, const struct model_packet *packet, uint32_t end)
{
	return decider_of(c, packet, end) != NULL;
}

/* The interval of the field's values in which the step has this one; NULL: the step does not ask for it so. */
static const struct interval *interval_around(const struct model_step *step, enum model_field field, struct number value)
{
	for (uint32_t i = 0; i < step->match_count; i++)
		if (step->matches[i].field == field && !step->matches[i].negated)
			return interval_set_from(&step->matches[i].values, value);
	return NULL;
}

/* The end of the values that the deciding step has; false: it has all of them. */
static bool find_decided_end(const struct step *step, const struct model_packet *packet, enum model_field field,
			     struct number *end)
{
	bool found = false;

	for (uint32_t i = 0; i < step->packets.count; i++) {
		const struct interval *around;

		if (!model_step_has(&step->packets.steps[i], packet))
			continue;
		around = interval_around(&step->packets.steps[i], field, packet->value[field]);
		if (!around)
			return false;
		*end = found ? number_max(*end, around->last) : around->last;
		found = true;
	}
	return found;
}

/* Looks for a value of one field between those that earlier steps decide; the packet has all other fields. */
static bool find_gap(struct cover *c, const struct subject *s, const struct model_step *own,
		     const struct model_match *match, struct model_packet *packet)
{
	const struct interval *range = &match->values.ranges[0];
	struct number at = range->first, end;

	for (unsigned jumps = 0; range && jumps < MOST_JUMPS; jumps++) {
		const struct step *by;

		packet->value[match->field] = number_max(at, range->first);
		by = model_step_has(own, packet) ? decider_of(c, packet, s->first) : NULL;
		if (!by)
			return model_step_has(own, packet);
		if (!find_decided_end(by, packet, match->field, &end))
			return false;
		at = number_next(end);
		range = number_compare(at, end) > 0 ? interval_set_from(&match->values, at) : NULL;
	}
	return false;
}

/* As find_witness(), where that has found nothing: tries more packets. */
static bool find_witness_in_gaps(struct cover *c, const struct subject *s, struct model_packet *packet)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].packets.count; j++) {
			const struct model_step *own = &c->steps[i].packets.steps[j];

			for (uint32_t k = 0; k < own->match_count; k++)
				if (!own->matches[k].negated && own->matches[k].values.count &&
				    model_step_last(own, packet) && find_gap(c, s, own, &own->matches[k], packet))
					return true;
		}
	return false;
}

/* Fast path: a packet that no earlier step decides proves that the subject is not covered. */
static bool find_witness(struct cover *c, const struct subject *s, struct model_packet *packet)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].packets.count; j++)
			if (model_step_last(&c->steps[i].packets.steps[j], packet) && !is_decided(c, packet, s->first))
				return true;
	return false;
}

/* A single step that has all packets of the subject is the better explanation. */
static void find_one_container(const struct cover *c, struct subject *s)
{
	for (uint32_t i = 0; s->coverer_count <= MOST_LABELS && i < s->coverer_count; i++) {
		if (contains_subject(c, s, &c->steps[s->coverers[i]])) {
			s->coverers[0] = s->coverers[i];
			s->coverer_count = 1;
		}
	}
}

/* Whether one of the steps before `count`, or an earlier one of the subject, decides about a packet. */
static bool is_hit_before(struct cover *c, const struct subject *s, const struct model_packet *packet, uint32_t count,
			  uint32_t at)
{
	return is_decided(c, packet, count) || is_decided_within(c, s, packet, at);
}

static bool chain_contains_common(const struct model_chain *chain, const struct model_step *a, const struct model_step *b)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (model_step_contains_common(&chain->steps[i], a, b))
			return true;
	return false;
}

/* Whether one of the subject's steps before `at` has all packets that both match. */
static bool has_common_within(struct cover *c, const struct subject *s, const struct model_step *a,
			      const struct model_step *b, uint32_t at)
{
	c->work += at - s->first;
	for (uint32_t i = s->first; i < at; i++)
		if (chain_contains_common(&c->steps[i].packets, a, b))
			return true;
	return false;
}

/* Whether one of the steps before `end`, which come before the subject, has all packets that both match. */
static bool has_common(struct cover *c, const struct model_step *a, const struct model_step *b, uint32_t end)
{
	for (uint32_t i = 0; i < c->near_before && c->near[i] < end; i++, c->work++)
		if (chain_contains_common(&c->steps[c->near[i]].packets, a, b))
			return true;
	return false;
}

/* Notes that step `i` decides packets that both steps match, if one such packet is found. */
static bool note_hit(struct cover *c, struct subject *s, uint32_t at, uint32_t i, const struct model_step *own,
		     const struct model_step *by)
{
	enum action action = c->steps[at].rule->action;
	struct model_packet packet;

	for (unsigned variant = 0; variant < MODEL_VARIANTS; variant++) {
		if (!lint_steps_packet(c->lint, own, by, variant, &packet) || is_hit_before(c, s, &packet, i, at))
			continue;
		if (wants_example(s, &c->steps[i], action)) {
			s->example = lint_packet_text(c->lint, &packet);
			s->by = c->steps[i].rule->action;
		}
		note_coverer(c, s, i, action);
		return true;
	}
	return false;
}

/* Walks one earlier step with one alternative of step `at` of the subject; *done: it has all of its packets. */
static bool walk_step(struct cover *c, struct subject *s, uint32_t at, uint32_t i, const struct model_step *own, bool *done)
{
	const struct model_chain *chain = &c->steps[i].packets;

	for (uint32_t j = 0; j < chain->count && !*done; j++) {
		if (model_steps_are_apart(own, &chain->steps[j]))
			continue;
		if (!note_hit(c, s, at, i, own, &chain->steps[j]) && !has_common(c, own, &chain->steps[j], i) &&
		    !has_common_within(c, s, own, &chain->steps[j], at))
			return false;
		*done = model_step_contains(&chain->steps[j], own);
	}
	return true;
}

/* Walks the earlier steps with step `at` of the subject, until they have all of its packets. */
static bool walk_steps(struct cover *c, struct subject *s, uint32_t at)
{
	const struct model_chain *own = &c->steps[at].packets;
	bool *done = ARENA_ARRAY(&c->lint->scratch, bool, own->count);
	uint32_t left = own->count;

	/* Earlier steps of the subject may have taken all. */
	for (uint32_t k = 0; k < own->count; k++) {
		done[k] = has_common_within(c, s, &own->steps[k], &own->steps[k], at);
		left -= done[k];
	}
	for (uint32_t i = 0; i < c->near_before && left; i++)
		for (uint32_t k = 0; k < own->count; k++) {
			if (done[k])
				continue;
			if (!walk_step(c, s, at, c->near[i], &own->steps[k], &done[k]))
				return false;
			left -= done[k];
		}
	return !left;
}

/*
 * Fast path: walks the earlier steps with single packets.  True: it is certain that they decide all packets of the
 * subject, and which of them do.  It takes one packet for each step that meets the subject's, until one has them all.
 */
static bool is_covered_by_packets(struct cover *c, const struct subject *subject, struct subject *s)
{
	*s = *subject;
	forget_coverers(c);
	for (uint32_t at = s->first; at < s->last; at++)
		if (!walk_steps(c, s, at))
			return false;
	if (!s->differs && s->coverer_count > 1)
		find_one_container(c, s);
	return s->coverer_count > 0;
}

/* Walks the earlier steps with the packets of one step of the subject, and notes which hit them. */
static void find_coverers(struct cover *c, struct subject *s, uint32_t at)
{
	enum action action = c->steps[at].rule->action;
	packets live = set_of(c, at);

	for (uint32_t i = s->first; i < at; i++)
		live = model_minus(c->model, live, set_of(c, i));
	for (uint32_t i = 0; i < s->first && live != PACKETS_NONE; i++) {
		packets hit = c->steps[i].meets ? model_and(c->model, live, set_of(c, i)) : PACKETS_NONE;

		if (hit == PACKETS_NONE)
			continue;
		keep_example(c, s, i, hit, action);
		note_coverer(c, s, i, action);
		live = model_minus(c->model, live, hit);
	}
}

/* A single step that covers all of the subject is the better explanation. */
static void find_single(struct cover *c, struct subject *s, packets all)
{
	for (uint32_t i = 0; s->coverer_count <= MOST_LABELS && i < s->coverer_count; i++)
		if (model_minus(c->model, all, set_of(c, s->coverers[i])) == PACKETS_NONE) {
			s->coverers[0] = s->coverers[i];
			s->coverer_count = 1;
		}
}

/* Whether earlier steps decide all packets of the subject; they are noted then. */
static bool is_covered(struct cover *c, struct subject *s)
{
	packets all = PACKETS_NONE;

	for (uint32_t i = s->first; i < s->last; i++)
		all = model_or(c->model, all, set_of(c, i));
	s->left = all;
	for (uint32_t i = 0; i < s->first && s->left != PACKETS_NONE; i++)
		if (c->steps[i].meets)
			s->left = model_minus(c->model, s->left, set_of(c, i));
	if (s->left != PACKETS_NONE || all == PACKETS_NONE)
		return false;
	forget_coverers(c);
	for (uint32_t i = s->first; i < s->last; i++)
		find_coverers(c, s, i);
	if (!s->differs && s->coverer_count > 1)
		find_single(c, s, all);
	return s->coverer_count > 0;
}

/* ---- reporting ---- */

static bool is_early(const struct step *step)
{
	return step->implied && !step->rule->span.begin;
}

static void add_coverers(const struct cover *c, struct diagnostic *d, const struct subject *s)
{
	static const char *const verbs[] = { "accepts", "drops", "rejects" };
	uint32_t shown = s->coverer_count < MOST_LABELS ? s->coverer_count : MOST_LABELS;

	for (uint32_t i = 0; i < shown; i++) {
		const struct step *step = &c->steps[s->coverers[i]];
		const char *what = shown == 1 ? "all" : "some";

		if (is_early(step)) {
			diag_note(d, "the host accepts %s before all rules", implied_phrase(IMPLIED_IGMP));
			continue;
		}
		diag_label(d, step->line->span, "%s %s of it",
			   step->line == step->rule ? verbs[step->rule->action] : "decides", what);
	}
	if (s->coverer_count > shown)
		diag_note(d, "and %u more of the rules above", s->coverer_count - shown);
}

/* Adds the rule to the last diagnostic if the same line covers it: that is one mistake. */
static bool report_with_last(struct cover *c, const struct subject *s)
{
	if (s->coverer_count != 1 || c->steps[s->coverers[0]].line != c->last_by)
		return false;
	/* A warning must not be added to a note. */
	if (s->differs && c->last->severity < SEVERITY_WARNING)
		return false;
	if (++c->last_more <= MOST_BELOW)
		diag_label(c->last, s->line->span, "nor is this rule");
	return true;
}

static void end_last(struct cover *c)
{
	if (c->last_more > MOST_BELOW)
		diag_note(c->last, "nor are %u more rules below", c->last_more - MOST_BELOW);
	c->last_more = 0;
	c->last_by = NULL;
}

/* Reports that earlier rules decide all packets of the subject. */
static void report_covered_rule(struct cover *c, struct subject *s)
{
	struct arena *arena = c->lint->arena;
	bool group = s->line->direction == DIRECTION_GROUP;
	const char *what = group ? arena_printf(arena, "%s rules of `%.*s` never take effect here",
						direction_names[c->direction], TEXT_ARG(s->line->group->name))
				 : "rule is never reached";
	struct diagnostic *d;

	if (report_with_last(c, s))
		return;
	end_last(c);
	d = diag(c->lint->diags, s->line->span, s->differs ? DIAG_RULE_SHADOWED : DIAG_RULE_REDUNDANT,
		 s->differs ? "%s: earlier rules decide its packets differently"
			    : "%s: earlier rules decide all its packets the same way",
		 what);
	add_coverers(c, d, s);
	diag_note(d, "for example, %s is %s above", s->example, lint_effects[s->by]);
	if (s->differs && s->coverer_count == 1 && c->steps[s->coverers[0]].implied &&
	    !is_early(&c->steps[s->coverers[0]]))
		diag_help(
			d,
			"the blacklist applies before all rules: add an exception to it, with `!`, or delete the rule");
	else if (s->differs && s->coverer_count == 1 && is_early(&c->steps[s->coverers[0]]))
		diag_help(d, "delete it");
	else if (s->differs)
		diag_help(d, "move it up to make it an exception, or delete it");
	else
		diag_help(d, "delete it");
	c->last = d;
	c->last_by = s->coverer_count == 1 ? c->steps[s->coverers[0]].line : NULL;
}

static void report_bound(struct cover *c, const struct subject *s)
{
	struct diagnostic *d;

	if (c->bound_hit)
		return;
	c->bound_hit = true;
	d = diag(c->lint->diags, s->line->span, DIAG_COVER_BOUND,
		 "rule is not compared with the rules above");
	diag_note(d, "too many of them overlap; the rules below are not compared either");
	diag_note(d, "the traffic is not affected");
}

/* ---- rules that the policy makes needless ---- */

/* Whether a step without the rule would log some remaining packets or decide them differently. */
static bool matters(const struct step *step, enum action action)
{
	return step->rule->action != action || step->rule->log != LOG_NOLOG;
}

/* Whether a later step logs some remaining packets or decides them differently. */
static bool matters_below(struct cover *c, const struct subject *s, enum action action)
{
	for (uint32_t i = s->last; i < c->count; i++)
		if (matters(&c->steps[i], action) && c->steps[i].meets &&
		    model_and(c->model, s->left, set_of(c, i)) != PACKETS_NONE)
			return true;
	return false;
}

/* Whether some packet of both steps is decided by no earlier one; false: none was found. */
static bool has_common_witness(struct cover *c, const struct subject *s, const struct step *step)
{
	const struct model_chain *own = &c->steps[s->first].packets;
	struct model_packet packet;

	for (uint32_t i = 0; i < own->count; i++)
		for (uint32_t j = 0; j < step->packets.count; j++)
			if (model_steps_last(&own->steps[i], &step->packets.steps[j], &packet) &&
			    !is_decided(c, &packet, s->first))
				return true;
	return false;
}

/* Fast path: whether the packets of the rule, some of which it decides, matter below it. */
enum matter { MATTER_NO, MATTER_YES, MATTER_UNKNOWN };

static enum matter find_matter(struct cover *c, const struct subject *s, enum action action)
{
	enum matter matter = MATTER_NO;

	for (uint32_t i = c->near_before; i < c->near_count; i++) {
		const struct step *step = &c->steps[c->near[i]];

		if (!matters(step, action) || !may_meet(c, s, step))
			continue;
		if (has_common_witness(c, s, step))
			return MATTER_YES;
		matter = MATTER_UNKNOWN;
	}
	return matter;
}

/* Whether a policy of DROP drops all of these packets without logging them. */
static bool is_noise(struct cover *c, packets set)
{
	struct model_walk walk = { .live = set };
	struct model_result result = model_walk(c->model, &c->policy, &walk);

	return model_result_of(c->model, &result, MODEL_DROPPED) == set;
}

/* Fast path: whether the policy drops one packet so. */
static bool may_be_noise(const struct cover *c, const struct model_packet *packet)
{
	const struct model_chain *chain = written_before_policy(c->lint->written, ACTION_DROP);

	for (uint32_t i = 0; i < chain->count; i++)
		if (model_step_has(&chain->steps[i], packet))
			return chain->steps[i].effect == MODEL_DROP;
	return false;
}

/* What a policy of DROP or REJECT decides before it applies, and otherwise than the rule (spec 2.3). */
struct exceptions {
	const struct model_step *steps[MOST_KINDS]; /* one for each name */
	uint32_t count;
	bool all; /* the policy decides all packets of the rule otherwise */
};

/* Invalid packets rarely come so far, and nobody waits for an answer to broadcasts. */
static bool is_trifle(const struct model_step *step)
{
	return step->implied == implied_phrase(IMPLIED_BROADCASTS) ||
	       step->implied == implied_phrase(IMPLIED_INVALID_POLICY);
}

static bool is_exception(const struct model_step *step, enum action action)
{
	if (is_trifle(step))
		return false;
	return action == ACTION_DROP ? step->effect != MODEL_DROP
				     : step->effect == MODEL_ACCEPT || step->effect == MODEL_DROP;
}

static bool is_noted_exception(const struct exceptions *e, const struct model_step *step)
{
	for (uint32_t i = 0; i < e->count; i++)
		if (e->steps[i]->implied == step->implied)
			return true;
	return false;
}

static void note_exception(struct exceptions *e, const struct model_step *step)
{
	if (!is_noted_exception(e, step) && e->count < MOST_KINDS)
		e->steps[e->count++] = step;
}

/* The step of a chain, one without jumps, that decides about a packet; NULL: none does. */
static const struct model_step *deciding_step(const struct model_chain *chain, const struct model_packet *packet)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (model_step_has(&chain->steps[i], packet))
			return &chain->steps[i];
	return NULL;
}

/* A packet of both steps; `step` is one of those before a policy. */
static bool exception_packet(const struct model_step *own, const struct model_step *step, struct model_packet *packet)
{
	static const struct number ack = { 0, 16 };

	if (step->implied != implied_phrase(IMPLIED_NOT_SYN))
		return model_steps_last(own, step, packet);
	if (!model_step_last(own, packet))
		return false;
	packet->value[MODEL_PROTOCOL] = number_small(IPPROTO_TCP);
	packet->value[MODEL_TCP_FLAGS] = ack;
	return model_step_has(own, packet);
}

/* Fast path for one step: false if it is not certain whether it decides about packets of the rule. */
static bool try_exception(struct cover *c, const struct subject *s, const struct model_chain *before,
			  const struct model_step *step, struct exceptions *e)
{
	const struct model_chain *own = &c->steps[s->first].packets;
	struct model_packet packet;
	bool apart = true;

	for (uint32_t i = 0; i < own->count; i++) {
		if (model_steps_are_apart(&own->steps[i], step))
			continue;
		apart = false;
		if (exception_packet(&own->steps[i], step, &packet) && deciding_step(before, &packet) == step &&
		    !is_decided(c, &packet, s->first)) {
			note_exception(e, step);
			return true;
		}
	}
	return apart;
}

/* Fast path: false if it is not certain which exceptions there are. */
static bool find_exceptions_by_packets(struct cover *c, const struct subject *s, const struct model_packet *witness,
				       struct exceptions *e)
{
	enum action action = s->line->action;
	const struct model_chain *before = written_before_policy(c->lint->written, action);

	const struct model_step *step = deciding_step(before, witness);

	if (step && is_exception(step, action))
		return false; /* perhaps all packets are exceptions */
	for (uint32_t i = 0; i < before->count; i++)
		if (is_exception(&before->steps[i], action) && !is_noted_exception(e, &before->steps[i]) &&
		    !try_exception(c, s, before, &before->steps[i], e))
			return false;
	return true;
}

static void find_exceptions(struct cover *c, const struct subject *s, struct exceptions *e)
{
	const struct model_chain *before = c->policy_stage.chain;
	packets live = s->left, others = s->left;

	for (uint32_t i = 0; i < before->count && live != PACKETS_NONE; i++) {
		struct model_chain one = { .steps = &before->steps[i], .count = 1 };
		packets hit = model_and(c->model, live, lint_model_set(c->model, &one));

		live = model_minus(c->model, live, hit);
		if (hit == PACKETS_NONE)
			continue;
		if (is_exception(&before->steps[i], s->line->action))
			note_exception(e, &before->steps[i]);
		else if (!is_trifle(&before->steps[i]))
			continue;
		others = model_minus(c->model, others, hit);
	}
	e->all = e->count && others == PACKETS_NONE;
}

/* One note for each thing that the policy does. */
static void explain_exceptions(struct cover *c, struct diagnostic *d, const struct exceptions *e)
{
	static const struct {
		enum model_effect effect;
		const char *verb;
	} verbs[] = { { MODEL_ACCEPT, "accepted" }, { MODEL_DROP, "dropped" }, { MODEL_GOTO, "rejected" } };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const char *names = NULL;

		for (uint32_t j = 0; j < e->count; j++)
			if (e->steps[j]->effect == verbs[i].effect)
				names = names ? arena_printf(c->lint->arena, "%s, %s", names, e->steps[j]->implied)
					      : e->steps[j]->implied;
		if (names)
			diag_note(d, "without it, some packets are %s before the policy applies: %s", verbs[i].verb,
				  names);
	}
}

static void report_like_policy(struct cover *c, const struct rule *rule, bool noise, const struct exceptions *e)
{
	const struct policy *policy = c->chain->policy[c->direction];
	const char *key = lint_policy_key(c->direction);
	struct diagnostic *d;

	if (e->all || (c->chain->policy_logs[c->direction] && !noise))
		return;
	d = diag(c->lint->diags, rule->span, noise ? DIAG_RULE_OF_NOISE : DIAG_RULE_LIKE_POLICY,
		 noise      ? "rule is redundant: its packets are dropped without it, and never logged"
		 : e->count ? "rule is nearly redundant: %s %s does the same, except as noted"
			    : "rule is redundant: %s %s does the same",
		 key, action_names[policy->action]);
	if (policy->span.begin)
		diag_label(d, policy->span, "the policy");
	else
		diag_note(d, "%s is %s by default", key, action_names[policy->action]);
	explain_exceptions(c, d, e);
	if (noise)
		diag_note(d, "%s %s silently drops late answers of name servers, NetBIOS, SMB and UPnP", key,
			  action_names[policy->action]);
	else
		diag_note(d, "no later rule matches these packets with another action");
}

static void check_policy(struct cover *c, struct subject *s)
{
	const struct rule *rule = s->line;
	struct exceptions e = { .count = 0 };
	bool noise;

	if (matters_below(c, s, rule->action))
		return;
	noise = rule->action == ACTION_DROP && is_noise(c, s->left);
	if (rule->action != ACTION_ACCEPT)
		find_exceptions(c, s, &e);
	if (!model_over(c->model, NULL))
		report_like_policy(c, rule, noise, &e);
}

/* Fast path: false if the model must be asked. */
static bool check_policy_by_packets(struct cover *c, struct subject *s, const struct model_packet *witness)
{
	enum matter matter = find_matter(c, s, s->line->action);
	struct exceptions e = { .count = 0 };

	if (matter == MATTER_YES)
		return true;
	if (matter == MATTER_UNKNOWN || (s->line->action == ACTION_DROP && may_be_noise(c, witness)) ||
	    (s->line->action != ACTION_ACCEPT && !find_exceptions_by_packets(c, s, witness, &e)))
		return false;
	report_like_policy(c, s->line, false, &e);
	return true;
}

/* ---- rules of a host that those of the cluster repeat ---- */

/* Whether later rules, up to the first that decides otherwise, do the same with all packets of the rule. */
static bool is_repeated(struct cover *c, struct subject *s, const struct step **by)
{
	const struct rule *rule = s->line;
	packets left;

	make_model(c, s);
	left = set_of(c, s->first);
	for (uint32_t i = s->last; i < c->count && left != PACKETS_NONE; i++) {
		const struct step *step = &c->steps[i];
		packets hit = step->meets ? model_and(c->model, left, set_of(c, i)) : PACKETS_NONE;

		if (hit == PACKETS_NONE)
			continue;
		if (step->implied || i < c->own || step->rule->action != rule->action || step->rule->log != rule->log)
			return false;
		left = model_minus(c->model, left, hit);
		*by = step;
	}
	c->work += 2 * model_steps(c->model);
	return left == PACKETS_NONE && !model_over(c->model, NULL);
}

/* Fast path: some packet of the rule meets no later rule that does the same. */
static bool may_be_repeated(const struct cover *c, const struct subject *s)
{
	const struct rule *rule = s->line;
	struct model_packet packet;

	for (uint32_t j = 0; j < c->steps[s->first].packets.count; j++) {
		bool found = !model_step_last(&c->steps[s->first].packets.steps[j], &packet);

		for (uint32_t i = c->near_before; i < c->near_count && !found; i++) {
			const struct step *step = &c->steps[c->near[i]];

			found = chain_has(&step->packets, &packet);
			if (found && (step->implied || c->near[i] < c->own || step->rule->action != rule->action ||
				      step->rule->log != rule->log))
				return false;
		}
		if (!found)
			return false;
	}
	return true;
}

static void check_repeated(struct cover *c, struct subject *s)
{
	const struct step *by = NULL;
	struct diagnostic *d;

	if (!c->chain->then || s->line->direction == DIRECTION_GROUP || !may_be_repeated(c, s) ||
	    !is_repeated(c, s, &by) || !by)
		return;
	d = diag(c->lint->diags, s->line->span, DIAG_RULE_REPEATED,
		 "rule is redundant: the rules of cluster.fw do the same");
	diag_label(d, by->line->span, "%s", by->line == by->rule ? "this one" : "this one, with its group");
	diag_note(d, "no rule in between decides these packets differently");
}

/* ---- rules about the blacklist ---- */

static bool has_source_in(struct cover *c, const struct model_step *step, const struct ipset *set)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *m = &step->matches[i];
		struct interval_set dropped;

		if (m->field != MODEL_SOURCE4 && m->field != MODEL_SOURCE6)
			continue;
		dropped = lint_ipset(c->lint, set, m->field == MODEL_SOURCE4 ? IPV4 : IPV6);
		return interval_set_contains(&dropped, &m->values);
	}
	return false;
}

/* Whether all sources of the subject are in the set `blacklist`, which is matched before all rules (spec 2.2).  It can
 * have many addresses, so it is not a step: it is only looked up. */
static bool is_from_blacklist(struct cover *c, const struct subject *s, const struct ipset *set)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].packets.count; j++)
			if (!has_source_in(c, &c->steps[i].packets.steps[j], set))
				return false;
	return c->steps[s->first].packets.count > 0;
}

/* Notes that an implied rule decides all of the subject, and one packet of it. */
static void cover_by_implied(struct cover *c, struct subject *s, const struct rule *rule)
{
	struct model_packet packet;

	c->steps[c->count] = (struct step){ .rule = rule, .line = rule, .implied = true, .line_first = c->count };
	forget_coverers(c);
	for (uint32_t i = s->first; i < s->last; i++)
		note_coverer(c, s, c->count, c->steps[i].rule->action);
	s->by = rule->action;
	lint_steps_packet(c->lint, &c->steps[s->first].packets.steps[0], &c->steps[s->first].packets.steps[0], 0,
			  &packet);
	s->example = lint_packet_text(c->lint, &packet);
	report_covered_rule(c, s);
}

/* What the host accepts before its rules, from anyone (spec 2.2), covers rules about nothing else. */
static bool check_igmp(struct cover *c, struct subject *s)
{
	static const struct rule accept = { .action = ACTION_ACCEPT };
	struct model_chain igmp;

	if (!c->chain->host || c->direction == DIRECTION_FORWARD)
		return false;
	igmp = written_packets(c->lint->written, &c->lint->scratch, implied_packets_of(IMPLIED_IGMP));
	for (uint32_t i = s->first; i < s->last; i++)
		if (!c->steps[i].packets.count || !contains_all(&igmp, &c->steps[i].packets))
			return false;
	cover_by_implied(c, s, &accept);
	return true;
}

static bool check_blacklist(struct cover *c, struct subject *s)
{
	const struct ipset *set = c->direction == DIRECTION_IN ? cluster_ipset(c->lint->config, "blacklist") : NULL;
	struct rule *rule;

	if (!set || !set->span.begin || !is_from_blacklist(c, s, set))
		return false;
	rule = ARENA_NEW(&c->lint->scratch, struct rule);
	*rule = (struct rule){ .action = ACTION_DROP, .span = set->span };
	cover_by_implied(c, s, rule);
	return true;
}

/* ---- rules that match nothing ---- */

static bool is_unsure(const struct endpoint *endpoint)
{
	uint32_t kept = 0;

	if (endpoint->kind != ENDPOINT_SET)
		return false;
	for (const struct set_entry *e = endpoint->ipset->entries; e; e = e->next) {
		kept++;
		if (e->alias && !e->alias->valid)
			return true;
	}
	/* All its lines had errors, which were reported: what it should hold is not known. */
	return !kept && endpoint->ipset->size;
}

static void explain_empty(struct cover *c, struct diagnostic *d, const struct rule *rule,
			  const struct endpoint *endpoint)
{
	static const char *const families[] = { "", " IPv4", " IPv6", "" };
	unsigned family_mask = 0;

	for (unsigned family = IPV4; family <= IPV6; family <<= 1)
		if (lint_endpoint(c->lint, endpoint, family).count)
			family_mask |= family;
	if (endpoint->kind != ENDPOINT_SET || (family_mask & rule->family_mask))
		return;
	if (endpoint->ipset->span.begin)
		diag_label(d, endpoint->ipset->span, "contains no%s address",
			   families[family_mask ? rule->family_mask : 0]);
	else
		diag_note(d, "set `%.*s` contains no%s address", TEXT_ARG(endpoint->ipset->name),
			  families[family_mask ? rule->family_mask : 0]);
}

static void report_nothing(struct cover *c, const struct step *step)
{
	const struct rule *rule = step->rule;
	struct diagnostic *d;

	if (step->implied || step->rule != step->line || is_unsure(rule->source) || is_unsure(rule->dest))
		return;
	d = diag(c->lint->diags, rule->span, DIAG_RULE_MATCHES_NOTHING, "rule matches no packet");
	explain_empty(c, d, rule, rule->source);
	explain_empty(c, d, rule, rule->dest);
	diag_note(d, "%s", rule->action == ACTION_ACCEPT ? "it accepts nothing" : "it blocks nothing");
}

/* ---- a chain ---- */

/* Asks the model whether the subject is covered, or does what the policy does. */
static void check_by_model(struct cover *c, struct subject *s)
{
	bool covered;

	make_model(c, s);
	covered = is_covered(c, s);
	if (covered && !model_over(c->model, NULL))
		report_covered_rule(c, s);
	else if (s->left != PACKETS_NONE && is_like_policy(c, s))
		check_policy(c, s);
	if (model_over(c->model, NULL))
		report_bound(c, s);
	c->work += 2 * model_steps(c->model);
}

static bool find_witness_closer(struct cover *c, const struct subject *s, struct model_packet *witness)
{
	narrow_near(c, s);
	/* A step that has all ends the list. */
	return !(c->near_before && contains_subject(c, s, &c->steps[c->near[c->near_before - 1]])) &&
	       find_witness_in_gaps(c, s, witness);
}

static void check_subject(struct cover *c, struct subject *s)
{
	struct model_packet witness;
	struct subject walked;

	if (s->first + 1 == s->last && !c->steps[s->first].packets.count) {
		report_nothing(c, &c->steps[s->first]);
		return;
	}
	if (check_blacklist(c, s) || check_igmp(c, s))
		return;
	find_near(c, s);
	if (!find_witness(c, s, &witness) && !find_witness_closer(c, s, &witness)) {
		if (c->near_before <= MOST_WALKED && is_covered_by_packets(c, s, &walked))
			report_covered_rule(c, &walked);
		else
			check_by_model(c, s);
	} else if (!is_like_policy(c, s)) {
		check_repeated(c, s);
	} else if (!check_policy_by_packets(c, s, &witness)) {
		check_by_model(c, s);
	}
}

static void check_cover(struct lint *lint, const struct lint_chain *chain)
{
	struct arena_mark mark = arena_mark(&lint->scratch);

	for (int direction = DIRECTION_IN; direction <= DIRECTION_FORWARD; direction++) {
		struct cover c = { .lint = lint, .chain = chain, .direction = (enum direction)direction };

		lay_out_steps(&c);
		for (uint32_t i = 0; i < c.own && !c.bound_hit;) {
			struct arena_mark line = arena_mark(&lint->scratch);
			struct subject s = { .line = c.steps[i].line, .first = i };

			while (i < c.own && c.steps[i].line == s.line)
				i++;
			s.last = i;
			check_subject(&c, &s);
			if (c.work > MOST_WORK && i < c.own)
				report_bound(&c, &(struct subject){ .line = c.steps[i].line });
			arena_release(&lint->scratch, line);
		}
		end_last(&c);
	}
	arena_release(&lint->scratch, mark);
}

void lint_coverage(struct lint *lint)
{
	lint_each_chain(lint, check_cover);
}
