/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the configuration as rules of a chain (spec 2.6 to 2.8).
 *
 * A rule asks for an interface, a source, a destination and a service, and has alternatives for
 * each: two IP versions, five addresses, a macro's three services. A set for each list would
 * be as many sets as there are rules. Instead every combination becomes a rule where these are few.
 * Else the first question jumps to a chain that asks the others: 5 sources and 10 ports
 * are 15 rules, not 50. A rule that logs and has more than one combination logs in a chain
 * of its own, because it has one rate limit.
 */
#include "nft/lower/passes.h"

#include <stdlib.h>

enum { NFT_MATCHES_MAX = 12, NFT_SHORTEST_RUN = 3 };

/* One combination: all of the matches and one of the families. */
struct nft_alternative {
	unsigned family_mask;
	uint32_t count;
	const struct nft_match *matches[NFT_MATCHES_MAX];
};

/* The answers to one question; a packet needs to match one. */
struct nft_question {
	struct nft_alternative *items;
	uint32_t count, room;
};

/* A rule while it is lowered; alternatives are from b->scratch. */
struct nft_rule_lowering {
	struct nft_builder *b;
	struct nft_place *place;
	const struct rule *rule;
	unsigned family_mask; /* in which the rule can match */
};

/* ---- alternatives ---- */

static struct nft_alternative *nft_alternative_add(struct nft_rule_lowering *l, struct nft_question *q, unsigned family_mask)
{
	if (q->count == q->room) {
		struct nft_alternative *more;

		q->room = q->room * 2 + 1; /* most have one */
		more = ARENA_ARRAY(&l->b->scratch, struct nft_alternative, q->room);
		if (q->count)
			memcpy(more, q->items, q->count * sizeof(*more));
		q->items = more;
	}
	q->items[q->count] = (struct nft_alternative){ .family_mask = family_mask };
	return &q->items[q->count++];
}

static void nft_alternative_match(struct nft_alternative *a, struct nft_statement match)
{
	a->matches[a->count++] = match.match;
}

static void nft_alternative_join(struct nft_alternative *a, const struct nft_alternative *more)
{
	a->family_mask &= more->family_mask;
	memcpy(&a->matches[a->count], more->matches, more->count * sizeof(more->matches[0]));
	a->count += more->count;
}

/* True if every packet of the families answers the question. */
static bool nft_asks_nothing(const struct nft_question *q)
{
	return q->count == 1 && !q->items[0].count && q->items[0].family_mask == IPV_BOTH;
}

/* Returns every combination of the two that has a family. */
static struct nft_question nft_combine(struct nft_rule_lowering *l, const struct nft_question *first,
				       const struct nft_question *second)
{
	struct nft_question both = { .count = 0 };

	if (nft_asks_nothing(first))
		return *second;
	if (nft_asks_nothing(second))
		return *first;
	for (uint32_t i = 0; i < first->count; i++)
		for (uint32_t j = 0; j < second->count; j++)
			if (first->items[i].family_mask & second->items[j].family_mask) {
				struct nft_alternative *a = nft_alternative_add(l, &both, IPV_BOTH);

				nft_alternative_join(a, &first->items[i]);
				nft_alternative_join(a, &second->items[j]);
			}
	return both;
}

/* ---- addresses ---- */

static void nft_ask_ranges(struct nft_rule_lowering *l, struct nft_question *q, enum nft_field field, unsigned family_mask,
			   const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		struct nft_alternative *a = nft_alternative_add(l, q, family_mask);

		if (address_range_bits(&set->ranges[i], set->size) != 0)
			nft_alternative_match(a, nft_address(l->b, field, &set->ranges[i], set->size));
	}
}

static void nft_ask_prefixes(struct nft_rule_lowering *l, struct nft_question *q, enum nft_field field,
			     unsigned family_mask, const struct prefix *prefixes, uint32_t count)
{
	struct prefix_entry *entries = ARENA_ARRAY(&l->b->scratch, struct prefix_entry, count);
	struct address_set set;

	for (uint32_t i = 0; i < count; i++)
		entries[i].prefix = prefixes[i];
	set = prefix_set_resolve(&l->b->scratch, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	nft_ask_ranges(l, q, field, family_mask, &set);
}

/* One family of an endpoint. */
static void nft_ask_addresses(struct nft_rule_lowering *l, struct nft_question *q, const struct endpoint *e, bool source,
			      unsigned family_mask)
{
	static const enum nft_field fields[2][2] = { { NFT_FIELD_IP_DADDR, NFT_FIELD_IP_SADDR },
						     { NFT_FIELD_IP6_DADDR, NFT_FIELD_IP6_SADDR } };
	enum nft_field field = fields[family_mask == IPV6][source];
	const struct address_set *set;
	struct address_range range;

	switch (e->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		set = nft_resolve(l->b, e->ipset, family_mask);
		if (set->count <= 1)
			nft_ask_ranges(l, q, field, family_mask, set);
		else
			nft_alternative_match(nft_alternative_add(l, q, family_mask),
					      nft_in_ipset(l->b, field, e->ipset, family_mask));
		break;
	case ENDPOINT_ALIAS:
		nft_ask_prefixes(l, q, field, family_mask, &e->alias->prefix, 1);
		break;
	case ENDPOINT_LIST:
		nft_ask_prefixes(l, q, field, family_mask, e->prefixes, e->count);
		break;
	case ENDPOINT_RANGE:
		memcpy(range.first, e->prefixes[0].bytes, 16);
		memcpy(range.last, e->prefixes[1].bytes, 16);
		nft_ask_ranges(l, q, field, family_mask,
			       &(struct address_set){ family_mask == IPV4 ? 4 : 16, &range, 1 });
		break;
	}
}

static struct nft_question nft_ask_endpoint(struct nft_rule_lowering *l, const struct endpoint *e, bool source)
{
	struct nft_question q = { .count = 0 };

	if (e->kind == ENDPOINT_ANY)
		nft_alternative_add(l, &q, l->family_mask);
	for (unsigned family = IPV4; family <= IPV6; family++)
		if (l->family_mask & e->family_mask & family)
			nft_ask_addresses(l, &q, e, source, family);
	return q;
}

/* The families in which the endpoint has addresses. */
static unsigned nft_endpoint_families(struct nft_rule_lowering *l, const struct endpoint *e)
{
	unsigned family_mask = e->kind == ENDPOINT_ANY ? IPV_BOTH : e->family_mask;

	for (unsigned family = IPV4; family <= IPV6 && e->kind == ENDPOINT_SET; family++)
		if (family_mask & family && !nft_resolve(l->b, e->ipset, family)->count)
			family_mask &= ~family;
	return family_mask;
}

/* ---- services ---- */

static enum nft_field nft_port_field(uint8_t proto, bool source)
{
	switch (proto) {
	case IPPROTO_UDP:
		return source ? NFT_FIELD_UDP_SPORT : NFT_FIELD_UDP_DPORT;
	case IPPROTO_DCCP:
		return source ? NFT_FIELD_DCCP_SPORT : NFT_FIELD_DCCP_DPORT;
	case IPPROTO_SCTP:
		return source ? NFT_FIELD_SCTP_SPORT : NFT_FIELD_SCTP_DPORT;
	case IPPROTO_UDPLITE:
		return source ? NFT_FIELD_UDPLITE_SPORT : NFT_FIELD_UDPLITE_DPORT;
	default:
		return source ? NFT_FIELD_TCP_SPORT : NFT_FIELD_TCP_DPORT;
	}
}

static int nft_compare_ports(const void *a, const void *b)
{
	return compare_numbers(((const struct port_range *)a)->first, ((const struct port_range *)b)->first);
}

/* An alternative for each range; ranges that overlap or touch are joined. */
static struct nft_question nft_ask_ports(struct nft_rule_lowering *l, const struct ports *ports, uint8_t proto, bool source)
{
	struct nft_question q = { .count = 0 };
	struct port_range *ranges;

	if (!ports) {
		nft_alternative_add(l, &q, IPV_BOTH);
		return q;
	}
	ranges = ARENA_ARRAY(&l->b->scratch, struct port_range, ports->count);
	memcpy(ranges, ports->ranges, ports->count * sizeof(*ranges));
	if (ports->count > 1)
		qsort(ranges, ports->count, sizeof(*ranges), nft_compare_ports);
	for (uint32_t i = 0, next; i < ports->count; i = next) {
		struct port_range all = ranges[i];

		for (next = i + 1; next < ports->count && ranges[next].first <= (uint32_t)all.last + 1; next++)
			if (ranges[next].last > all.last)
				all.last = ranges[next].last;
		nft_alternative_match(nft_alternative_add(l, &q, IPV_BOTH),
				      nft_ports(l->b, nft_port_field(proto, source), all));
	}
	return q;
}

static void nft_match_icmp(struct nft_rule_lowering *l, struct nft_alternative *a, bool six, const struct icmp_match *m)
{
	int type = icmp_match_type(m, six ? IPV6 : IPV4), code = icmp_match_code(m);

	if (type >= 0)
		nft_alternative_match(a, nft_is(l->b, six ? NFT_FIELD_ICMPV6_TYPE : NFT_FIELD_ICMP_TYPE, (uint32_t)type));
	if (code >= 0)
		nft_alternative_match(a, nft_is(l->b, six ? NFT_FIELD_ICMPV6_CODE : NFT_FIELD_ICMP_CODE, (uint32_t)code));
}

static struct nft_question nft_ask_service(struct nft_rule_lowering *l)
{
	struct nft_question q = { .count = 0 };

	for (uint32_t n = 0; n < l->rule->condition_count; n++) {
		const struct condition *c = &l->rule->conditions[n];
		struct nft_question sports = nft_ask_ports(l, c->sport, c->proto.number, true);
		struct nft_question dports = nft_ask_ports(l, c->dport, c->proto.number, false);
		struct nft_question ports = nft_combine(l, &sports, &dports);
		struct nft_alternative proto = { .family_mask = c->family_mask & l->family_mask };

		if (!proto_is_any(&c->proto))
			nft_alternative_match(&proto, nft_proto(l->b, c->proto.number));
		for (unsigned i = 0; i < 2; i++)
			nft_match_icmp(l, &proto, c->proto.icmp == IPV6, &c->icmp[i]);
		for (uint32_t i = 0; i < ports.count && proto.family_mask; i++) {
			struct nft_alternative *a = nft_alternative_add(l, &q, IPV_BOTH);

			nft_alternative_join(a, &proto);
			nft_alternative_join(a, &ports.items[i]);
		}
	}
	return q;
}

static bool nft_any_iface(const struct nft_place *place, const struct rule *rule)
{
	return !place->zone.ifaces || !rule->iface.len;
}

static struct nft_question nft_ask_iface(struct nft_rule_lowering *l)
{
	bool out = l->place->zone.direction == DIRECTION_OUT;
	struct nft_question q = { .count = 0 };
	struct nft_alternative *a = nft_alternative_add(l, &q, IPV_BOTH);

	if (!nft_any_iface(l->place, l->rule))
		nft_alternative_match(a, nft_iface(l->b, out ? NFT_FIELD_OIFNAME : NFT_FIELD_IIFNAME, l->rule->iface));
	return q;
}

/* ---- from alternatives to rules ---- */

/* What becomes of a packet that matches: it is counted and decided, or goes to a chain that does so. */
struct nft_outcome {
	struct nft_statement verdict;
	bool counted;
};

static struct nft_chain *nft_sub_chain(struct nft_rule_lowering *l)
{
	struct nft_place *place = l->place;

	return nft_chain_add(l->b, text_of(arena_printf(l->b->arena, "%.*s-%u", TEXT_ARG(place->chain->name),
							++place->parts)));
}

static void nft_draft_alternative(struct nft_rule_lowering *l, struct nft_draft *d, const struct nft_alternative *a)
{
	d->count = 0;
	if (a->family_mask != IPV_BOTH)
		nft_draft_add(d, nft_family(l->b, a->family_mask));
	for (uint32_t i = 0; i < a->count; i++)
		nft_draft_add(d, (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = a->matches[i] });
}

static void nft_emit_draft(struct nft_rule_lowering *l, struct nft_chain *chain, struct nft_draft *d,
			   struct nft_outcome outcome)
{
	if (outcome.counted)
		nft_draft_add(d, nft_counter());
	nft_draft_add(d, outcome.verdict);
	nft_rule_from(l->b, nft_rule_add(l->b, chain, d->items, d->count), l->rule->span);
}

static void nft_emit(struct nft_rule_lowering *l, struct nft_chain *chain, const struct nft_question *q,
		     struct nft_outcome outcome)
{
	struct nft_draft d;

	for (uint32_t i = 0; i < q->count; i++) {
		nft_draft_alternative(l, &d, &q->items[i]);
		nft_emit_draft(l, chain, &d, outcome);
	}
}

static void nft_emit_log(struct nft_rule_lowering *l, struct nft_chain *chain, const struct nft_draft *d)
{
	const char *message = zone_log_message(&l->place->zone, l->rule->action);

	nft_rule_from(l->b, nft_log_add(l->b, l->place, chain, d, l->rule->log, message), l->rule->span);
}

/* Asks `first` before `rest`: combines the two, or moves the rest to a chain of its own. */
static void nft_ask_before(struct nft_rule_lowering *l, const struct nft_question *first, struct nft_question *rest,
			   struct nft_outcome *outcome)
{
	struct nft_question both = nft_combine(l, first, rest);
	struct nft_chain *chain;

	if (both.count > first->count + rest->count + 1) {
		chain = nft_sub_chain(l);
		nft_emit(l, chain, rest, *outcome);
		*outcome = (struct nft_outcome){ nft_to_chain(NFT_TO_JUMP, chain), false };
		both = *first;
	}
	*rest = both;
}

static void nft_lower_combinations(struct nft_rule_lowering *l)
{
	const struct rule *rule = l->rule;
	struct nft_question iface = nft_ask_iface(l), source = nft_ask_endpoint(l, rule->source, true);
	struct nft_question dest = nft_ask_endpoint(l, rule->dest, false), rest = nft_ask_service(l), all;
	struct nft_outcome outcome = { .counted = true };
	struct nft_draft d = { .count = 0 };

	all = nft_combine(l, &dest, &rest);
	all = nft_combine(l, &source, &all);
	all = nft_combine(l, &iface, &all);
	if (!all.count)
		return;
	outcome.verdict = rule->action == ACTION_ACCEPT ? l->place->accept :
			  rule->action == ACTION_DROP	? nft_to(NFT_TO_DROP) :
							  nft_to_chain(NFT_TO_GOTO, nft_reject_chain(l->b));
	if (rule->log != LOG_NOLOG && all.count == 1) {
		nft_draft_alternative(l, &d, &all.items[0]);
		nft_emit_log(l, l->place->chain, &d);
	} else if (rule->log != LOG_NOLOG) {
		struct nft_chain *chain = nft_sub_chain(l);

		nft_emit_log(l, chain, &d);
		nft_emit_draft(l, chain, &d, outcome);
		outcome = (struct nft_outcome){ nft_to_chain(NFT_TO_GOTO, chain), false };
	}
	nft_ask_before(l, &dest, &rest, &outcome);
	nft_ask_before(l, &source, &rest, &outcome);
	rest = nft_combine(l, &iface, &rest);
	nft_emit(l, l->place->chain, &rest, outcome);
}

/* In families in which a part of the rule cannot match the rule asks for no sets. */
static void nft_lower_rule(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	struct nft_rule_lowering l = { .b = b, .place = place, .rule = rule };
	struct arena_mark mark = arena_mark(&b->scratch);

	for (uint32_t i = 0; i < rule->condition_count; i++)
		l.family_mask |= rule->conditions[i].family_mask;
	l.family_mask &= rule->family_mask & nft_endpoint_families(&l, rule->source) & nft_endpoint_families(&l, rule->dest);
	if (l.family_mask)
		nft_lower_combinations(&l);
	arena_release(&b->scratch, mark);
}

/* ---- groups ---- */

/* The group's chain of one direction, made when it is first used; NULL if it has no rule there. */
static struct nft_chain *nft_group_chain(struct nft_builder *b, const struct group *group, enum direction direction)
{
	static const char *const suffixes[] = { "in", "out", "forward" };
	struct nft_chain **chain = &b->group_chains[group->id * 3 + (unsigned)direction];
	struct nft_place place = { .zone = zone_of_group(direction) };

	if (*chain || !rules_have_direction(&group->rules, direction))
		return *chain;
	place.accept = nft_accept(b, direction);
	*chain = nft_chain_add(b, text_of(arena_printf(b->arena, "group-%.*s-%s", TEXT_ARG(group->name),
						       suffixes[direction])));
	place.chain = *chain;
	nft_rules(b, &place, &group->rules);
	return *chain;
}

static void nft_lower_group(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	struct nft_chain *chain = nft_group_chain(b, rule->group, place->zone.direction);
	struct nft_rule_lowering l = { .b = b, .place = place, .rule = rule };
	struct arena_mark mark = arena_mark(&b->scratch);
	struct nft_question iface;

	if (chain) {
		iface = nft_ask_iface(&l);
		nft_emit(&l, place->chain, &iface, (struct nft_outcome){ nft_to_chain(NFT_TO_JUMP, chain), true });
	}
	arena_release(&b->scratch, mark);
}

/* Rules may name an interface that no device can have. */
static void nft_lower_any(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	if (!zone_has_rule(&place->zone, rule) || (!nft_any_iface(place, rule) && !nft_iface_possible(rule->iface)))
		return;
	if (rule->direction == DIRECTION_GROUP)
		nft_lower_group(b, place, rule);
	else
		nft_lower_rule(b, place, rule);
}

/* ---- rules that the NICs of a guest share ---- */

/* Consecutive rules of a guest that are the same for each of its NICs, in a chain that these jump to. */
struct nft_run {
	const struct rule *first;
	enum direction direction;
	struct nft_chain *chain;
	struct nft_run *next;
};

/* The end of the run that begins here, wherever the NICs differ; *count: its rules that any NIC has. */
static const struct rule *nft_run_end(const struct nft_place *place, const struct rule *rule, unsigned *count)
{
	*count = 0;
	for (; rule; rule = rule->next) {
		bool skipped = !rule->enabled || (rule->direction != DIRECTION_GROUP && rule->direction != place->zone.direction);
		bool shared = rule->net < 0 && rule->log == LOG_NOLOG; /* a log names the chain */

		if (!skipped && !shared)
			break;
		*count += !skipped;
	}
	return rule;
}

static const struct nft_chain *nft_run_chain(struct nft_builder *b, const struct nft_place *place, const struct rule *first,
					     const struct rule *end)
{
	const char *direction = place->zone.direction == DIRECTION_OUT ? "out" : "in";
	struct nft_place shared = *place;
	struct nft_run *run;

	for (run = place->runs->first; run; run = run->next)
		if (run->first == first && run->direction == place->zone.direction)
			return run->chain;
	shared.chain = nft_chain_add(b, text_of(arena_printf(b->arena, "guest-%u-%s-%u", place->zone.vmid, direction,
							     ++place->runs->count)));
	shared.parts = 0;
	for (const struct rule *rule = first; rule != end; rule = rule->next)
		nft_lower_any(b, &shared, rule);
	run = ARENA_NEW(b->arena, struct nft_run);
	*run = (struct nft_run){ first, place->zone.direction, shared.chain, place->runs->first };
	place->runs->first = run;
	return shared.chain;
}

void nft_rules(struct nft_builder *b, struct nft_place *place, const struct rule_list *rules)
{
	const struct rule *rule = rules->first;

	while (rule) {
		unsigned count = 0;
		const struct rule *end = place->runs ? nft_run_end(place, rule, &count) : NULL;

		if (count >= NFT_SHORTEST_RUN) {
			NFT_RULE(b, place->chain, nft_to_chain(NFT_TO_JUMP, nft_run_chain(b, place, rule, end)));
			rule = end;
		} else {
			nft_lower_any(b, place, rule);
			rule = rule->next;
		}
	}
}
