/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules without effect: those that match no packet, those whose packets earlier rules or the blacklist decide, and those
 * that do what the policy does.
 *
 * A chain is laid out as steps, with the rules of groups in place.  The packets of every earlier step are subtracted
 * from those of a rule; if none is left, the rule never decides.  What is left of a rule that does what the policy does
 * is compared with the later steps: if none decides otherwise, the rule can go.
 */
#include "lint/lint_host.h"

enum {
	MOST_WORK = 8000000, /* pairs of cubes that are compared for one chain */
	MOST_PIECES = 3000,  /* into which a rule may fall */
	MOST_LABELS = 4,
	MOST_BELOW = 12, /* rules shown that one rule covers */
};

/* A rule in its place in the chain. */
struct step {
	const struct rule *rule; /* never a GROUP rule */
	const struct rule *line; /* the GROUP rule that names its group, or itself */
	struct packet_set set;
	bool implied; /* not written in a file */
};

struct cover {
	struct lint *lint;
	const struct lint_chain *chain;
	enum direction direction;
	struct step *steps;
	uint32_t count;
	uint32_t own;  /* the steps of the chain's own rules; they come first */
	uint64_t work; /* pairs compared so far */
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

	c->steps[c->count++] = (struct step){ rule, line, space_rule(c->lint->space, rule, line->iface), false };
}

/* What the host lets in or out of its own services after its rules (spec 2.5), from and to anyone: packets that only
 * some may send are decided here for those. */
static void add_implied_step(struct cover *c)
{
	static const struct rule accept = { .action = ACTION_ACCEPT };
	struct step *step = &c->steps[c->count++];

	*step = (struct step){ .rule = &accept, .line = &accept, .implied = true };
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1)
		for (enum implied_id id = 0; id < IMPLIED_RULES; id++) {
			const struct implied_rule *row = &implied_rules[id];
			struct cube cube;

			if (row->stage != IMPLIED_AFTER || !(row->chains & AT_HOST_IN))
				continue;
			cube = space_packets(c->lint->space, family_mask, implied_packets_of(id));
			packet_set_add(&c->lint->scratch, &step->set, &cube);
		}
}

static void lay_out_steps(struct cover *c)
{
	const struct lint_chain *chain = c->chain;

	c->steps = ARENA_ARRAY(&c->lint->scratch, struct step, count_cover_steps(chain->rules) + count_cover_steps(chain->then) + 1);
	lint_each_rule(chain->rules, c->direction, add_step, c);
	c->own = c->count;
	lint_each_rule(chain->then, c->direction, add_step, c);
	if (chain->host && c->direction != DIRECTION_FORWARD)
		add_implied_step(c);
}

/* ---- subjects: one rule, or the rules of a group at its GROUP rule ---- */

struct subject {
	const struct rule *line;
	uint32_t first, last; /* steps [first, last) */
	struct packet_set left;
	const struct step *coverers[MOST_LABELS]; /* of different lines */
	uint32_t coverer_count;
	bool differs;          /* one of them has another action */
	struct cube example;   /* packets that `by` decides */
	const struct step *by; /* a coverer; with `differs` one that has another action */
};

/* Keeps one step that decides some of the packets, preferably one with another action. */
static void keep_example(struct cover *c, struct subject *s, const struct step *step, enum action action)
{
	if (s->by && (s->differs || step->rule->action == action))
		return;
	for (uint32_t i = 0; i < s->left.count; i++)
		for (uint32_t j = 0; j < step->set.count; j++)
			if (cube_overlaps(&s->left.cubes[i], &step->set.cubes[j])) {
				s->example = cube_intersect(&c->lint->scratch, &s->left.cubes[i], &step->set.cubes[j]);
				s->by = step;
				return;
			}
}

static void note_coverer(struct subject *s, const struct step *step, enum action action)
{
	s->differs |= step->rule->action != action;
	for (uint32_t i = 0; i < s->coverer_count && i < MOST_LABELS; i++)
		if (s->coverers[i]->line == step->line)
			return;
	if (s->coverer_count < MOST_LABELS)
		s->coverers[s->coverer_count] = step;
	s->coverer_count++;
}

/* Subtracts the packets of `step` from the remaining ones; false if a bound is exceeded. */
static bool take_step(struct cover *c, struct subject *s, const struct step *step, bool *took)
{
	*took = false;
	for (uint32_t i = 0; i < step->set.count && s->left.count; i++) {
		c->work += s->left.count;
		*took |= packet_set_subtract(&c->lint->scratch, &s->left, &step->set.cubes[i]);
		if (c->work > MOST_WORK || s->left.count > MOST_PIECES)
			return false;
	}
	return true;
}

/* Whether one of the first steps decides about a packet. */
static bool is_decided(const struct cover *c, const struct cube *packet, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < c->steps[i].set.count; j++)
			if (cube_overlaps(&c->steps[i].set.cubes[j], packet))
				return true;
	return false;
}

/* Fast path: a packet that no earlier step decides proves that the subject is not covered. */
static bool has_witness(struct cover *c, const struct subject *s)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].set.count; j++) {
			struct interval point[DIMENSIONS];
			struct cube witness = space_last_packet(&c->steps[i].set.cubes[j], point);

			c->work += s->first;
			if (!is_decided(c, &witness, s->first))
				return true;
		}
	return false;
}

/* Subtracts the earlier steps from one step of the subject; false if a bound is exceeded. */
static bool subtract_from_step(struct cover *c, struct subject *s, uint32_t at)
{
	bool took;

	s->left.count = 0;
	packet_set_add_all(&c->lint->scratch, &s->left, &c->steps[at].set);
	for (uint32_t i = s->first; i < at && s->left.count; i++)
		if (!take_step(c, s, &c->steps[i], &took))
			return false;
	for (uint32_t i = 0; i < s->first && s->left.count; i++) {
		keep_example(c, s, &c->steps[i], c->steps[at].rule->action);
		if (!take_step(c, s, &c->steps[i], &took))
			return false;
		if (took)
			note_coverer(s, &c->steps[i], c->steps[at].rule->action);
	}
	return true;
}

/* A single step that covers all of the subject is the better explanation. */
static void find_single(struct cover *c, struct subject *s)
{
	for (uint32_t i = 0; s->coverer_count <= MOST_LABELS && i < s->coverer_count; i++) {
		struct subject alone = { .line = s->line, .first = s->first, .last = s->last };
		bool took, covers = true;

		for (uint32_t j = s->first; j < s->last && covers; j++) {
			alone.left.count = 0;
			packet_set_add_all(&c->lint->scratch, &alone.left, &c->steps[j].set);
			covers = take_step(c, &alone, s->coverers[i], &took) && !alone.left.count;
		}
		if (covers) {
			s->coverers[0] = s->coverers[i];
			s->coverer_count = 1;
			return;
		}
	}
}

/* Subtracts the earlier steps from all of the subject; false if a bound is exceeded. */
static bool subtract_earlier(struct cover *c, struct subject *s)
{
	for (uint32_t i = s->first; i < s->last; i++) {
		if (!subtract_from_step(c, s, i))
			return false;
		if (s->left.count)
			break;
	}
	return true;
}

/* ---- reporting ---- */

static void add_coverers(struct diagnostic *d, const struct subject *s)
{
	static const char *const verbs[] = { "accepts", "drops", "rejects" };
	uint32_t shown = s->coverer_count < MOST_LABELS ? s->coverer_count : MOST_LABELS;

	for (uint32_t i = 0; i < shown; i++) {
		const struct step *step = s->coverers[i];
		const char *what = shown == 1 ? "all" : "some";

		diag_label(d, step->line->span, "%s %s of it",
			   step->line == step->rule ? verbs[step->rule->action] : "decides", what);
	}
	if (s->coverer_count > shown)
		diag_note(d, "and %u more of the rules above", s->coverer_count - shown);
}

/* Adds the rule to the last diagnostic if the same line covers it: that is one mistake. */
static bool report_with_last(struct cover *c, const struct subject *s)
{
	if (s->coverer_count != 1 || s->coverers[0]->line != c->last_by)
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

	if (!s->differs && s->coverer_count > 1)
		find_single(c, s);
	if (report_with_last(c, s))
		return;
	end_last(c);
	d = diag(c->lint->diags, s->line->span, s->differs ? DIAG_RULE_SHADOWED : DIAG_RULE_REDUNDANT,
		 s->differs ? "%s: earlier rules decide its packets differently"
			    : "%s: earlier rules decide all its packets the same way",
		 what);
	add_coverers(d, s);
	diag_note(d, "for example, %s is %s above", space_example(arena, &s->example), lint_effects[s->by->rule->action]);
	if (s->differs && s->coverer_count == 1 && s->coverers[0]->implied)
		diag_help(
			d,
			"the blacklist applies before all rules: add an exception to it, with `!`, or delete the rule");
	else if (s->differs)
		diag_help(d, "move it up to make it an exception, or delete it");
	else
		diag_help(d, "delete it");
	c->last = d;
	c->last_by = s->coverer_count == 1 ? s->coverers[0]->line : NULL;
}

static void report_bound(struct cover *c, const struct subject *s)
{
	struct diagnostic *d;

	if (c->bound_hit)
		return;
	c->bound_hit = true;
	d = diag(c->lint->diags, s->line->span, DIAG_COVER_BOUND,
		 "rule is not compared with the rules above");
	diag_note(d, "too many of them overlap; %s",
		  c->work > MOST_WORK ? "the rules below are not compared either"
				      : "the other rules are compared");
	diag_note(d, "the traffic is not affected");
}

/* ---- rules that the policy makes needless ---- */

/* Whether a later step logs some remaining packets or decides them differently. */
static bool matters_below(struct cover *c, const struct subject *s, enum action action)
{
	for (uint32_t i = s->last; i < c->count; i++) {
		const struct step *step = &c->steps[i];

		if (step->rule->action == action && step->rule->log == LOG_NOLOG)
			continue;
		c->work += (uint64_t)s->left.count * step->set.count;
		if (packet_set_overlaps(&s->left, &step->set))
			return true;
	}
	return false;
}

/* Whether a policy of DROP drops all of these packets without logging them. */
static bool is_noise(struct cover *c, const struct packet_set *set)
{
	struct arena *scratch = &c->lint->scratch;
	struct packet_set left = { .count = 0 };

	packet_set_add_all(scratch, &left, set);
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++) {
		const struct implied_rule *row = &implied_rules[id];

		if (row->stage != IMPLIED_POLICY || (row->action != ACTION_DROP && row->action != ACTIONS))
			continue;
		for (const struct implied_packets *p = NULL; (p = implied_packets_next(id, AT_HOST_IN, p));)
			for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
				struct cube cube = space_packets(c->lint->space, family_mask, p);

				packet_set_subtract(scratch, &left, &cube);
			}
	}
	return !left.count;
}

/* Whether the subject is a single rule with the same effect as the policy. */
static bool is_like_policy(const struct cover *c, const struct subject *s)
{
	const struct policy *policy = c->chain->policy[c->direction];

	return policy && s->line->direction != DIRECTION_GROUP && s->line->log == LOG_NOLOG &&
	       s->line->action == policy->action;
}

static void check_policy(struct cover *c, struct subject *s)
{
	const struct policy *policy = c->chain->policy[c->direction];
	const char *key = lint_policy_key(c->direction);
	const struct rule *rule = s->line;
	struct diagnostic *d;
	bool noise;

	if (matters_below(c, s, rule->action))
		return;
	noise = rule->action == ACTION_DROP && is_noise(c, &s->left);
	if (c->chain->policy_logs[c->direction] && !noise)
		return;
	d = diag(c->lint->diags, rule->span, noise ? DIAG_RULE_OF_NOISE : DIAG_RULE_LIKE_POLICY,
		 noise ? "rule is redundant: its packets are dropped without it, and never logged"
		       : "rule is redundant: %s %s does the same",
		 key, action_names[policy->action]);
	if (policy->span.begin)
		diag_label(d, policy->span, "the policy");
	else
		diag_note(d, "%s is %s by default", key, action_names[policy->action]);
	if (noise)
		diag_note(d, "%s %s silently drops late answers of name servers, NetBIOS, SMB and UPnP", key,
			  action_names[policy->action]);
	else
		diag_note(d, "no later rule matches these packets with another action");
}

/* ---- rules of a host that those of the cluster repeat ---- */

/* Whether later rules, up to the first that decides otherwise, do the same with all packets of the rule. */
static bool is_repeated(struct cover *c, struct subject *s, const struct step **by)
{
	const struct rule *rule = s->line;
	bool took;

	for (uint32_t i = s->last; i < c->count && s->left.count; i++) {
		const struct step *step = &c->steps[i];

		if (step->implied || i < c->own || step->rule->action != rule->action || step->rule->log != rule->log) {
			if (packet_set_overlaps(&s->left, &step->set))
				return false;
			continue;
		}
		if (!take_step(c, s, step, &took))
			return false;
		if (took)
			*by = step;
	}
	return !s->left.count;
}

static void check_repeated(struct cover *c, struct subject *s)
{
	const struct step *by = NULL;
	struct diagnostic *d;

	if (!c->chain->then || s->line->direction == DIRECTION_GROUP || c->work > MOST_WORK / 2)
		return;
	s->left.count = 0;
	packet_set_add_all(&c->lint->scratch, &s->left, &c->steps[s->first].set);
	if (!is_repeated(c, s, &by) || !by)
		return;
	d = diag(c->lint->diags, s->line->span, DIAG_RULE_REPEATED,
		 "rule is redundant: the rules of cluster.fw do the same");
	diag_label(d, by->line->span, "%s", by->line == by->rule ? "this one" : "this one, with its group");
	diag_note(d, "no rule in between decides these packets differently");
}

/* ---- rules about the blacklist ---- */

/* Whether all sources of the subject are in the set `blacklist`, which is matched before all rules (spec 2.2).  It can
 * have many addresses, so it is not a step: it is only looked up. */
static bool is_from_blacklist(const struct cover *c, const struct subject *s, const struct ipset *set)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].set.count; j++) {
			const struct cube *cube = &c->steps[i].set.cubes[j];
			struct interval_set dropped = space_set(c->lint->space, set, cube->family_mask);

			if (!interval_set_contains(&dropped, &cube->side[DIM_SOURCE]))
				return false;
		}
	return c->steps[s->first].set.count > 0;
}

static bool check_blacklist(struct cover *c, struct subject *s)
{
	const struct ipset *set = c->direction == DIRECTION_IN ? cluster_ipset(c->lint->config, "blacklist") : NULL;
	struct step *step;
	struct rule *rule;

	if (!set || !set->span.begin || !is_from_blacklist(c, s, set))
		return false;
	rule = ARENA_NEW(&c->lint->scratch, struct rule);
	step = ARENA_NEW(&c->lint->scratch, struct step);
	*rule = (struct rule){ .action = ACTION_DROP, .span = set->span };
	*step = (struct step){ .rule = rule, .line = rule, .implied = true };
	for (uint32_t i = s->first; i < s->last; i++)
		note_coverer(s, step, c->steps[i].rule->action);
	s->by = step;
	s->example = c->steps[s->first].set.cubes[0];
	report_covered_rule(c, s);
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
		if (space_endpoint(c->lint->space, endpoint, family).count)
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

static void check_subject(struct cover *c, struct subject *s)
{
	if (s->first + 1 == s->last && !c->steps[s->first].set.count) {
		report_nothing(c, &c->steps[s->first]);
		return;
	}
	if (check_blacklist(c, s))
		return;
	if (!is_like_policy(c, s) && has_witness(c, s)) {
		check_repeated(c, s);
		return;
	}
	if (!subtract_earlier(c, s))
		report_bound(c, s);
	else if (!s->left.count && s->coverer_count)
		report_covered_rule(c, s);
	else if (s->left.count && is_like_policy(c, s))
		check_policy(c, s);
}

static void check_cover(struct lint *lint, const struct lint_chain *chain)
{
	struct arena_mark mark = arena_mark(&lint->scratch);

	for (int direction = DIRECTION_IN; direction <= DIRECTION_FORWARD; direction++) {
		struct cover c = { .lint = lint, .chain = chain, .direction = (enum direction)direction };

		lay_out_steps(&c);
		for (uint32_t i = 0; i < c.own && c.work <= MOST_WORK;) {
			struct arena_mark line = arena_mark(&lint->scratch);
			struct subject s = { .line = c.steps[i].line, .first = i };

			while (i < c.own && c.steps[i].line == s.line)
				i++;
			s.last = i;
			check_subject(&c, &s);
			if (c.work > MOST_WORK && i < c.own)
				report_bound(&c, &s);
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
