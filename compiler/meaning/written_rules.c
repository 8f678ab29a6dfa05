/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of files, groups in place, and policies (spec 1.6, 2.3, 2.5 to 2.8). */
#include "meaning/written_parts.h"

static const struct written_accept written_passes = { .effect = MODEL_ACCEPT };

/* ---- one rule ---- */

static void written_match_ports(struct written *w, struct written_matches *m, enum model_field field,
				const struct ports *ports)
{
	struct interval *ranges;

	if (!ports)
		return;
	ranges = ARENA_ARRAY(w->arena, struct interval, ports->count);
	for (uint32_t i = 0; i < ports->count; i++)
		ranges[i] = (struct interval){ number_small(ports->ranges[i].first),
					       number_small(ports->ranges[i].last) };
	written_match(m, field, interval_set_normalize(ranges, ports->count), false);
}

static void written_match_rule_icmp(struct written *w, struct written_matches *m, unsigned family_mask,
				    const struct icmp_match *icmp)
{
	int type = icmp_match_type(icmp, family_mask);

	if (icmp->type)
		written_match_icmp(w, m, icmp->type);
	else if (type >= 0)
		written_match_range(w, m, MODEL_ICMP_TYPE, (uint64_t)type, (uint64_t)type);
}

static void written_match_condition(struct written *w, struct written_matches *m, const struct condition *c)
{
	if (!proto_is_any(&c->proto))
		written_match_range(w, m, MODEL_PROTOCOL, c->proto.number, c->proto.number);
	for (unsigned i = 0; i < 2; i++)
		written_match_rule_icmp(w, m, c->proto.icmp, &c->icmp[i]);
	written_match_ports(w, m, MODEL_SPORT, c->sport);
	written_match_ports(w, m, MODEL_DPORT, c->dport);
}

static void written_match_endpoint(struct written *w, struct written_matches *m, const struct endpoint *e,
				   bool source, unsigned family_mask)
{
	if (e->kind != ENDPOINT_ANY)
		written_match(m,
			      family_mask == IPV4 ? (source ? MODEL_SOURCE4 : MODEL_DEST4)
						  : (source ? MODEL_SOURCE6 : MODEL_DEST6),
			      endpoint_addresses(&w->addresses, w->arena, e, family_mask), false);
}

static void written_add_rule(struct written *w, struct written_draft *d, const struct written_place *place,
			     const struct rule *rule, const struct condition *c, unsigned family_mask)
{
	struct text iface = place->line_iface.len ? place->line_iface : rule->iface;
	struct written_matches m = written_always;

	if (place->zone.ifaces && iface.len)
		written_match_iface(w, &m, place, iface);
	written_match_family(&m, family_mask);
	if (family_mask != IPV_BOTH) {
		written_match_endpoint(w, &m, rule->source, true, family_mask);
		written_match_endpoint(w, &m, rule->dest, false, family_mask);
	}
	written_match_condition(w, &m, c);
	if (m.never)
		return;
	written_add_log(w, d, &m, place->log_chain, place->zone.vmid, rule->log,
			zone_log_message(&place->zone, rule->action));
	written_add_action(w, d, &m, rule->action, &place->accept, rule->span, NULL);
}

static unsigned written_families(const struct endpoint *e)
{
	return e->kind == ENDPOINT_ANY ? IPV_BOTH : e->family_mask;
}

void written_rule_add(struct written *w, struct written_draft *d, const struct written_place *place,
		      const struct rule *rule)
{
	unsigned all = rule->family_mask & written_families(rule->source) & written_families(rule->dest);
	bool asks = rule->source->kind != ENDPOINT_ANY || rule->dest->kind != ENDPOINT_ANY;

	for (uint32_t i = 0; i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];
		unsigned family_mask = all & c->family_mask;

		if (family_mask == IPV_BOTH && asks) {
			written_add_rule(w, d, place, rule, c, IPV4);
			written_add_rule(w, d, place, rule, c, IPV6);
		} else if (family_mask) {
			written_add_rule(w, d, place, rule, c, family_mask);
		}
	}
}

/* ---- groups ---- */

static const struct model_chain *written_group(struct written *w, const struct written_place *place,
					       const struct group *group)
{
	static const char *const words[] = { "IN", "OUT", "FORWARD" };
	enum direction direction = place->zone.direction;
	struct written_key key = { group, WRITTEN_GROUP + direction, 0, place->accept.effect == MODEL_QUEUE,
				   (uint32_t)place->accept.first << 16 | place->accept.last };
	const struct model_chain *made = written_find(w, &key);
	struct written_place inside = { .zone = zone_of_group(direction),
					.accept = place->accept,
					.iface = WRITTEN_ANY_IFACE };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	inside.log_chain = arena_printf(w->arena, "GROUP-%.*s-%s", TEXT_ARG(group->name), words[direction]);
	written_rules(w, &d, &inside, &group->rules);
	return written_keep(w, &key,
			    arena_printf(w->arena, "group %.*s %s", TEXT_ARG(group->name), words[direction]),
			    &d);
}

static void written_add_group(struct written *w, struct written_draft *d, const struct written_place *place,
			      const struct rule *rule)
{
	struct written_matches m = written_always;

	if (!rules_have_direction(&rule->group->rules, place->zone.direction))
		return;
	if (place->zone.ifaces && rule->iface.len)
		written_match_iface(w, &m, place, rule->iface);
	if (!m.never)
		written_add_jump(w, d, &m, MODEL_JUMP, written_group(w, place, rule->group), rule->span,
				 NULL);
}

void written_rules(struct written *w, struct written_draft *d, const struct written_place *place,
		   const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		if (!zone_has_rule(&place->zone, rule))
			continue;
		if (rule->direction == DIRECTION_GROUP)
			written_add_group(w, d, place, rule);
		else
			written_rule_add(w, d, place, rule);
	}
}

/* ---- policies ---- */

const struct model_chain *written_noise(struct written *w, bool reject)
{
	static const struct policy policies[] = { { .action = ACTION_DROP }, { .action = ACTION_REJECT } };
	struct written_key key = { .kind = reject ? WRITTEN_NOISE_REJECT : WRITTEN_NOISE };
	const struct model_chain *made = written_find(w, &key);
	struct written_place place = { .zone = { .policy = &policies[reject] },
				       .at = AT_HOST_IN,
				       .accept = written_passes,
				       .iface = WRITTEN_ANY_IFACE };
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	written_implied_stage(w, &d, &place, IMPLIED_POLICY);
	return written_keep(w, &key, reject ? "before REJECT" : "before DROP", &d);
}

void written_policy(struct written *w, struct written_draft *d, const struct written_place *place)
{
	const struct zone *zone = &place->zone;
	enum action action = zone->policy->action;
	const char *reason = policy_default_reason(zone->direction, action);
	struct span span = zone->policy->span;

	if (action != ACTION_ACCEPT) {
		written_add_jump(w, d, &written_always, MODEL_JUMP, written_noise(w, action == ACTION_REJECT),
				 span, reason);
		written_add_log(w, d, &written_always, place->log_chain, zone->vmid, zone->policy_log,
				action == ACTION_REJECT ? "policy REJECT: " : "policy DROP: ");
	}
	written_add_action(w, d, &written_always, action, &place->accept, span, reason);
}
