/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that decide nothing: because they match no packet, because the rules
 * above them, taken together, have decided all their packets, or because the
 * policy would do the same.
 *
 * A chain is laid out as steps, groups expanded in place.  From what a rule
 * matches every step above it is taken away; if nothing is left it never
 * decides.  What is left of a rule that does what the policy does is compared
 * with the steps below: if none of them would decide otherwise, the rule may go.
 */
#include "lint/lint_host.h"

enum {
	MOST_WORK = 8000000, /* pairs of cubes that are compared for one chain */
	MOST_PIECES = 3000,  /* into which a rule may fall */
	MOST_LABELS = 4,
	MOST_BELOW = 12, /* rules shown that one rule covers */
};

/* A rule where it counts. */
struct step {
	const struct rule *rule; /* never a GROUP rule */
	const struct rule *line; /* the GROUP rule that brings it, or itself */
	struct packet_set set;
	bool implied; /* stands in no file */
};

struct cover {
	struct lint *lint;
	const struct lint_chain *chain;
	enum direction direction;
	struct step *steps;
	uint32_t count;
	uint32_t own; /* those of the chain's own rules come first */
	uint64_t work;
	bool bound_hit;
	struct diagnostic *told; /* the last of report_covered(), and the one line that covers */
	const struct rule *told_by;
	uint32_t told_below; /* rules added to it */
};

/* ---- laying out ---- */

static uint32_t steps_of(const struct rule_list *rules)
{
	uint32_t count = 0;

	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next)
		count += r->direction == DIRECTION_GROUP ? r->group->rules.count : 1;
	return count;
}

static void add_step(struct cover *c, const struct rule *rule, const struct rule *line)
{
	if (rule->enabled && rule->direction == c->direction)
		c->steps[c->count++] = (struct step){ rule, line,
						      space_rule(c->lint->space, rule, line->iface), false };
}

static void add_steps(struct cover *c, const struct rule_list *rules)
{
	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next) {
		if (r->direction != DIRECTION_GROUP)
			add_step(c, r, r);
		for (const struct rule *g =
			     r->direction == DIRECTION_GROUP && r->enabled ? r->group->rules.first : NULL;
		     g; g = g->next)
			add_step(c, g, r);
	}
}

/* Who the host lets reach its own services behind its rules (spec 2.5). */
static void add_implied(struct cover *c)
{
	static const struct rule accept = { .action = ACTION_ACCEPT };
	static const uint16_t ports[][2] = {
		{ 22, 22 }, { 3128, 3128 }, { 5900, 5999 }, { 8006, 8006 }, { 60000, 60050 }
	};
	struct step *step = &c->steps[c->count++];

	*step = (struct step){ .rule = &accept, .line = &accept, .implied = true };
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct cube cube = space_service(c->lint->space, family_mask, 17, 5404, 5405);

		packet_set_add(&c->lint->scratch, &step->set, &cube);
		for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
			cube = space_service(c->lint->space, family_mask, 6, ports[i][0], ports[i][1]);
			packet_set_add(&c->lint->scratch, &step->set, &cube);
		}
	}
}

static void lay_out(struct cover *c)
{
	const struct lint_chain *chain = c->chain;

	c->steps = ARENA_ARRAY(&c->lint->scratch, struct step,
			       steps_of(chain->rules) + steps_of(chain->then) + 1);
	add_steps(c, chain->rules);
	c->own = c->count;
	add_steps(c, chain->then);
	if (chain->host && c->direction != DIRECTION_FORWARD)
		add_implied(c);
}

/* ---- subjects: one rule, or the rules that one GROUP brings ---- */

struct subject {
	const struct rule *line;
	uint32_t first, last; /* steps [first, last) */
	struct packet_set left;
	const struct step *coverers[MOST_LABELS]; /* of different lines */
	uint32_t coverer_count;
	bool differs;       /* one of them decides otherwise */
	struct cube example; /* packets that `by` decides, otherwise if one does */
	const struct step *by;
};

/* Keeps an example of what the step decides, rather one that it decides otherwise. */
static void keep_example(struct cover *c, struct subject *s, const struct step *step, enum action action)
{
	if (s->by && (s->differs || step->rule->action == action))
		return;
	for (uint32_t i = 0; i < s->left.count; i++)
		for (uint32_t j = 0; j < step->set.count; j++)
			if (cube_overlaps(&s->left.cubes[i], &step->set.cubes[j])) {
				s->example = cube_intersect(&c->lint->scratch, &s->left.cubes[i],
							&step->set.cubes[j]);
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

/* Takes what `step` matches away from what is left; false when a bound is hit. */
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

/* The step that decides about one packet. */
static const struct step *decider(const struct cover *c, const struct cube *packet, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		for (uint32_t j = 0; j < c->steps[i].set.count; j++)
			if (cube_overlaps(&c->steps[i].set.cubes[j], packet))
				return &c->steps[i];
	return NULL;
}

/* A packet that no step above decides shows at once that the subject is not covered. */
static bool has_witness(struct cover *c, const struct subject *s)
{
	for (uint32_t i = s->first; i < s->last; i++)
		for (uint32_t j = 0; j < c->steps[i].set.count; j++) {
			struct interval point[DIMENSIONS];
			struct cube witness = space_last_packet(&c->steps[i].set.cubes[j], point);

			c->work += s->first;
			if (!decider(c, &witness, 0, s->first))
				return true;
		}
	return false;
}

static void packet_set_copy(struct cover *c, struct packet_set *to, const struct packet_set *from)
{
	to->count = 0;
	for (uint32_t i = 0; i < from->count; i++)
		packet_set_add(&c->lint->scratch, to, &from->cubes[i]);
}

/* Of one step of the subject: what it decides there, without what is decided above. */
static bool take_above_step(struct cover *c, struct subject *s, uint32_t at)
{
	const struct packet_set *set = &c->steps[at].set;
	bool took;

	packet_set_copy(c, &s->left, set);
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

/* One step that covers all of it by itself is the better explanation. */
static void find_single(struct cover *c, struct subject *s)
{
	for (uint32_t i = 0; s->coverer_count <= MOST_LABELS && i < s->coverer_count; i++) {
		struct subject alone = { .line = s->line, .first = s->first, .last = s->last };
		bool took, covers = true;

		for (uint32_t j = s->first; j < s->last && covers; j++) {
			packet_set_copy(c, &alone.left, &c->steps[j].set);
			covers = take_step(c, &alone, s->coverers[i], &took) && !alone.left.count;
		}
		if (covers) {
			s->coverers[0] = s->coverers[i];
			s->coverer_count = 1;
			return;
		}
	}
}

/* False when it cannot be said. */
static bool take_above(struct cover *c, struct subject *s)
{
	for (uint32_t i = s->first; i < s->last; i++) {
		if (!take_above_step(c, s, i))
			return false;
		if (s->left.count)
			break;
	}
	return true;
}

/* ---- reporting ---- */

static const char *verb(enum action action)
{
	static const char *const verbs[] = { "accepts", "drops", "rejects" };

	return verbs[action];
}

static const char *effect(enum action action)
{
	static const char *const effects[] = { "accepted", "dropped", "rejected" };

	return effects[action];
}

static void add_coverers(struct diagnostic *d, const struct subject *s)
{
	uint32_t shown = s->coverer_count < MOST_LABELS ? s->coverer_count : MOST_LABELS;

	for (uint32_t i = 0; i < shown; i++) {
		const struct step *step = s->coverers[i];
		const char *what = shown == 1 ? "all" : "some";

		diag_label(d, step->line->span, "%s %s of it",
			   step->line == step->rule ? verb(step->rule->action) : "decides", what);
	}
	if (s->coverer_count > shown)
		diag_note(d, "%u more of the rules above take part in it", s->coverer_count - shown);
}

/* One rule that covers several below it is one mistake. */
static bool tell_with_last(struct cover *c, const struct subject *s)
{
	if (s->coverer_count != 1 || s->coverers[0]->line != c->told_by)
		return false;
	/* A warning is not hidden in a note. */
	if (s->differs && c->told->severity < SEVERITY_WARNING)
		return false;
	if (++c->told_below <= MOST_BELOW)
		diag_label(c->told, s->line->span, "nor is this");
	return true;
}

static void end_telling(struct cover *c)
{
	if (c->told_below > MOST_BELOW)
		diag_note(c->told, "nor are %u more below", c->told_below - MOST_BELOW);
	c->told_below = 0;
	c->told_by = NULL;
}

/* All packets of the subject are decided above. */
static void report_covered(struct cover *c, struct subject *s)
{
	struct arena *arena = c->lint->arena;
	bool group = s->line->direction == DIRECTION_GROUP;
	const char *what = group ? arena_printf(arena, "none of the %s rules of `%.*s` is reached here",
						direction_names[c->direction], TEXT_ARG(s->line->group->name))
				 : "this rule is never reached";
	struct diagnostic *d;

	if (!s->differs && s->coverer_count > 1)
		find_single(c, s);
	if (tell_with_last(c, s))
		return;
	end_telling(c);
	d = diag(c->lint->diags, s->line->span, s->differs ? DIAG_RULE_SHADOWED : DIAG_RULE_REDUNDANT,
		 s->differs ? "%s: what it matches is decided above"
			    : "%s: what it matches is decided in the same way above",
		 what);
	add_coverers(d, s);
	diag_note(d, "for example, %s is %s above", space_example(arena, &s->example),
		  effect(s->by->rule->action));
	if (s->differs && s->coverer_count == 1 && s->coverers[0]->implied)
		diag_help(d, "the blacklist comes before all rules: write an exception into it, with `!`, or remove the rule");
	else if (s->differs)
		diag_help(d, "move it up if it is to be an exception, or remove it");
	else
		diag_help(d, "it can be removed");
	c->told = d;
	c->told_by = s->coverer_count == 1 ? s->coverers[0]->line : NULL;
}

static void report_bound(struct cover *c, const struct subject *s)
{
	struct diagnostic *d;

	if (c->bound_hit)
		return;
	c->bound_hit = true;
	d = diag(c->lint->diags, s->line->span, DIAG_COVER_BOUND,
		 "whether the rules above cover this one is not found out");
	diag_note(d, "too many of them overlap; %s",
		  c->work > MOST_WORK ? "neither is it for the rules below" : "the other rules are compared");
	diag_note(d, "what the rules do to the traffic is not affected");
}

/* ---- rules that the policy makes needless ---- */

/* Without the rule a step below would decide otherwise about something. */
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

/* What PVEFW-Drop drops before anything is logged: answers of name servers that come too
 * late, and the chatter of Windows and UPnP (spec/data). */
static bool is_noise(struct cover *c, const struct packet_set *set)
{
	static const struct {
		uint8_t proto;
		uint16_t first, last;
	} noise[] = { { 17, 135, 135 }, { 17, 445, 445 }, { 17, 137, 139 }, { 17, 1900, 1900 },
		      { 6, 135, 135 },  { 6, 139, 139 },  { 6, 445, 445 } };
	struct packet_set left = { .count = 0 };

	for (uint32_t i = 0; i < set->count; i++)
		packet_set_add(&c->lint->scratch, &left, &set->cubes[i]);
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct cube dns = space_service(c->lint->space, family_mask, 17, 53, 53);
		struct interval_set any = dns.side[DIM_SPORT];

		dns.side[DIM_SPORT] = dns.side[DIM_DPORT];
		dns.side[DIM_DPORT] = any;
		packet_set_subtract(&c->lint->scratch, &left, &dns);
		for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]) && left.count; i++) {
			struct cube cube = space_service(c->lint->space, family_mask, noise[i].proto,
						       noise[i].first, noise[i].last);

			packet_set_subtract(&c->lint->scratch, &left, &cube);
		}
	}
	return !left.count;
}

/* The subject is a single rule that does what the policy does, and nothing else. */
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
		 noise ? "what this rule drops is dropped without it, and never logged"
		       : "this rule does what %s %s does without it",
		 key, action_names[policy->action]);
	if (policy->span.begin)
		diag_label(d, policy->span, "the policy");
	else
		diag_note(d, "%s is %s unless it is set", key, action_names[policy->action]);
	if (noise)
		diag_note(d,
			  "%s %s passes over late answers of name servers, NetBIOS, SMB and UPnP in silence",
			  key, action_names[policy->action]);
	else
		diag_note(d, "no rule below it decides about these packets");
}

/* ---- rules of a host that those of the cluster repeat ---- */

/* The rules below, up to the first that decides otherwise, do with all packets of the rule what it does. */
static bool is_repeated(struct cover *c, struct subject *s, const struct step **by)
{
	const struct rule *rule = s->line;
	bool took;

	for (uint32_t i = s->last; i < c->count && s->left.count; i++) {
		const struct step *step = &c->steps[i];

		if (step->implied || i < c->own) {
			if (packet_set_overlaps(&s->left, &step->set))
				return false;
			continue;
		}
		if (step->rule->action != rule->action || step->rule->log != rule->log) {
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
	packet_set_copy(c, &s->left, &c->steps[s->first].set);
	if (!is_repeated(c, s, &by) || !by)
		return;
	d = diag(c->lint->diags, s->line->span, DIAG_RULE_REPEATED, "the rules of cluster.fw do the same");
	diag_label(d, by->line->span, "%s", by->line == by->rule ? "this one" : "this one, with its group");
	diag_note(d, "no rule between them decides otherwise about these packets");
}

/* ---- rules about the blacklist ---- */

/* All packets come from the set `blacklist`, which is asked before all rules of hosts and guests (spec 2.2).  It may
 * hold many addresses, so it is no step: it is only looked into. */
static bool is_blacklisted(const struct cover *c, const struct subject *s, const struct ipset *set)
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
	const struct ipset *set = c->direction == DIRECTION_IN ? lint_cluster_set(c->lint, "blacklist") : NULL;
	struct step *step;
	struct rule *rule;

	if (!set || !set->span.begin || !is_blacklisted(c, s, set))
		return false;
	rule = ARENA_NEW(&c->lint->scratch, struct rule);
	step = ARENA_NEW(&c->lint->scratch, struct step);
	*rule = (struct rule){ .action = ACTION_DROP, .span = set->span };
	*step = (struct step){ .rule = rule, .line = rule, .implied = true };
	for (uint32_t i = s->first; i < s->last; i++)
		note_coverer(s, step, c->steps[i].rule->action);
	s->by = step;
	s->example = c->steps[s->first].set.cubes[0];
	report_covered(c, s);
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
	/* Lines that were wrong, and reported: what the set should hold is not known. */
	return !kept && endpoint->ipset->size;
}

static const char *version_text(unsigned family_mask)
{
	return family_mask == IPV4 ? " IPv4" : family_mask == IPV6 ? " IPv6" : "";
}

static void explain_empty(struct cover *c, struct diagnostic *d, const struct rule *rule,
			  const struct endpoint *endpoint)
{
	unsigned family_mask = 0;

	for (unsigned family = IPV4; family <= IPV6; family <<= 1)
		if (space_endpoint(c->lint->space, endpoint, family).count)
			family_mask |= family;
	if (endpoint->kind != ENDPOINT_SET || (family_mask & rule->family_mask))
		return;
	if (endpoint->ipset->span.begin)
		diag_label(d, endpoint->ipset->span, "holds no%s address",
			   version_text(family_mask ? rule->family_mask : 0));
	else
		diag_note(d, "the set `%.*s` holds no%s address", TEXT_ARG(endpoint->ipset->name),
			  version_text(family_mask ? rule->family_mask : 0));
}

static void report_nothing(struct cover *c, const struct step *step)
{
	const struct rule *rule = step->rule;
	struct diagnostic *d;

	if (step->implied || step->rule != step->line || is_unsure(rule->source) || is_unsure(rule->dest))
		return;
	d = diag(c->lint->diags, rule->span, DIAG_RULE_MATCHES_NOTHING, "this rule matches no packet");
	explain_empty(c, d, rule, rule->source);
	explain_empty(c, d, rule, rule->dest);
	diag_note(d, "%s", rule->action == ACTION_ACCEPT ? "it lets nobody in or out" : "it stops nobody");
}

/* ---- a chain ---- */

/* A host's own rules and the cluster's stand in different files. */
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
	if (!take_above(c, s))
		report_bound(c, s);
	else if (!s->left.count && s->coverer_count)
		report_covered(c, s);
	else if (s->left.count && is_like_policy(c, s))
		check_policy(c, s);
}

static void check_direction(struct lint *lint, const struct lint_chain *chain, enum direction direction)
{
	struct cover c = { .lint = lint, .chain = chain, .direction = direction };

	lay_out(&c);
	for (uint32_t i = 0; i < c.own && c.work <= MOST_WORK;) {
		struct arena_mark mark = arena_mark(&lint->scratch);
		struct subject s = { .line = c.steps[i].line, .first = i };

		while (i < c.own && c.steps[i].line == s.line)
			i++;
		s.last = i;
		check_subject(&c, &s);
		if (c.work > MOST_WORK && i < c.own)
			report_bound(&c, &s);
		arena_release(&lint->scratch, mark);
	}
	end_telling(&c);
}

static void check_chain(struct lint *lint, const struct lint_chain *chain)
{
	struct arena_mark mark = arena_mark(&lint->scratch);

	for (int direction = DIRECTION_IN; direction <= DIRECTION_FORWARD; direction++)
		check_direction(lint, chain, (enum direction)direction);
	arena_release(&lint->scratch, mark);
}

void lint_coverage(struct lint *lint)
{
	lint_each_chain(lint, check_chain);
}
