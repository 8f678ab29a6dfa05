/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the configuration as rules of a chain (spec 2.6 to 2.8).
 *
 * A rule asks for a source, a destination and what is sent, and has alternatives
 * for each: two IP versions, five addresses, a macro's three services.  Sets for
 * those would be as many as there are rules.  Instead all combinations become rules
 * where they are few; else the first question jumps to a chain that asks the rest: 5
 * sources and 10 ports are 15 rules and not 50.  A rule that logs and has more than
 * one combination does so in a chain of its own, for it has one rate limit.
 */
#include "nft/lower/build.h"

#include <stdlib.h>

enum { MATCHES_MOST = 12 };

/* One combination: all of these must match.  What it is in IP version is not among
 * the matches. */
struct alternative {
	unsigned family_mask;
	uint32_t count;
	const struct nft_match *matches[MATCHES_MOST];
};

struct choice {
	struct alternative *items;
	uint32_t count, room;
};

struct lowering {
	struct nft_builder *b;
	struct nft_place *place;
	const struct rule *rule;
	unsigned family_mask; /* in which the rule can match */
};

/* ---- alternatives ---- */

static struct alternative *add_alternative(struct lowering *l, struct choice *choice, unsigned family_mask)
{
	struct alternative *more;

	if (choice->count == choice->room) {
		choice->room = choice->room * 2 + 4;
		more = ARENA_ARRAY(&l->b->scratch, struct alternative, choice->room);
		if (choice->count)
			memcpy(more, choice->items, choice->count * sizeof(*more));
		choice->items = more;
	}
	choice->items[choice->count] = (struct alternative){ .family_mask = family_mask };
	return &choice->items[choice->count++];
}

static void add_match(struct alternative *a, struct nft_statement match)
{
	a->matches[a->count++] = match.match;
}

static void join(struct alternative *a, const struct alternative *more)
{
	a->family_mask &= more->family_mask;
	memcpy(&a->matches[a->count], more->matches, more->count * sizeof(more->matches[0]));
	a->count += more->count;
}

/* Every combination of the two that has an IP version. */
static struct choice combine(struct lowering *l, const struct choice *first, const struct choice *second)
{
	struct choice both = { .count = 0 };

	for (uint32_t i = 0; i < first->count; i++)
		for (uint32_t j = 0; j < second->count; j++)
			if (first->items[i].family_mask & second->items[j].family_mask) {
				struct alternative *a = add_alternative(l, &both, IPV_BOTH);

				join(a, &first->items[i]);
				join(a, &second->items[j]);
			}
	return both;
}

/* ---- addresses ---- */

static void add_ranges(struct lowering *l, struct choice *choice, enum nft_field field, unsigned family_mask,
		       const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		struct alternative *a = add_alternative(l, choice, family_mask);

		if (address_range_bits(&set->ranges[i], set->size) != 0)
			add_match(a, nft_address(l->b, field, &set->ranges[i], set->size));
	}
}

static void add_list(struct lowering *l, struct choice *choice, enum nft_field field, unsigned family_mask,
		     const struct prefix *prefixes, uint32_t count)
{
	struct prefix_entry *entries = ARENA_ARRAY(&l->b->scratch, struct prefix_entry, count);
	struct address_set set;

	for (uint32_t i = 0; i < count; i++)
		entries[i].prefix = prefixes[i];
	set = prefix_set_resolve(&l->b->scratch, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	add_ranges(l, choice, field, family_mask, &set);
}

static void add_ipset(struct lowering *l, struct choice *choice, enum nft_field field, unsigned family_mask,
		      const struct ipset *ipset)
{
	const struct address_set *set = nft_resolve(l->b, ipset, family_mask);

	if (set->count <= 1)
		add_ranges(l, choice, field, family_mask, set);
	else
		add_match(add_alternative(l, choice, family_mask), nft_in_ipset(l->b, field, ipset, family_mask));
}

static void add_range(struct lowering *l, struct choice *choice, enum nft_field field, unsigned family_mask,
		      const struct prefix *ends)
{
	struct address_range range;
	struct address_set set = { .size = family_mask == IPV4 ? 4 : 16, .ranges = &range, .count = 1 };

	memcpy(range.first, ends[0].bytes, 16);
	memcpy(range.last, ends[1].bytes, 16);
	add_ranges(l, choice, field, family_mask, &set);
}

static void add_endpoint(struct lowering *l, struct choice *choice, const struct endpoint *e, bool source,
			 unsigned family_mask)
{
	static const enum nft_field fields[2][2] = { { NFT_FIELD_IP_DADDR, NFT_FIELD_IP_SADDR },
						     { NFT_FIELD_IP6_DADDR, NFT_FIELD_IP6_SADDR } };
	enum nft_field field = fields[family_mask == IPV6][source];

	switch (e->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		add_ipset(l, choice, field, family_mask, e->ipset);
		break;
	case ENDPOINT_ALIAS:
		add_list(l, choice, field, family_mask, &e->alias->prefix, 1);
		break;
	case ENDPOINT_LIST:
		add_list(l, choice, field, family_mask, e->prefixes, e->count);
		break;
	case ENDPOINT_RANGE:
		add_range(l, choice, field, family_mask, e->prefixes);
		break;
	}
}

static struct choice choose_endpoint(struct lowering *l, const struct endpoint *e, bool source)
{
	struct choice choice = { .count = 0 };

	if (e->kind == ENDPOINT_ANY)
		add_alternative(l, &choice, l->family_mask);
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++)
		if (l->family_mask & e->family_mask & family_mask)
			add_endpoint(l, &choice, e, source, family_mask);
	return choice;
}

static unsigned endpoint_families(struct lowering *l, const struct endpoint *e)
{
	unsigned family_mask = e->kind == ENDPOINT_ANY ? IPV_BOTH : e->family_mask;

	for (unsigned family = IPV4; family <= IPV6 && e->kind == ENDPOINT_SET; family++)
		if (family_mask & family && !nft_resolve(l->b, e->ipset, family)->count)
			family_mask &= ~family;
	return family_mask;
}

/* In which IP version all parts of the rule can match: in others it must not ask for sets. */
static unsigned rule_families(struct lowering *l)
{
	const struct rule *rule = l->rule;
	unsigned services = 0;

	for (uint32_t i = 0; i < rule->condition_count; i++)
		services |= rule->conditions[i].family_mask;
	return rule->family_mask & services & endpoint_families(l, rule->source) & endpoint_families(l, rule->dest);
}

/* ---- protocols, ports and ICMP ---- */

static enum nft_field port_field(uint8_t proto, bool source)
{
	switch (proto) {
	case PROTO_UDP:
		return source ? NFT_FIELD_UDP_SPORT : NFT_FIELD_UDP_DPORT;
	case PROTO_DCCP:
		return source ? NFT_FIELD_DCCP_SPORT : NFT_FIELD_DCCP_DPORT;
	case PROTO_SCTP:
		return source ? NFT_FIELD_SCTP_SPORT : NFT_FIELD_SCTP_DPORT;
	case PROTO_UDPLITE:
		return source ? NFT_FIELD_UDPLITE_SPORT : NFT_FIELD_UDPLITE_DPORT;
	default:
		return source ? NFT_FIELD_TCP_SPORT : NFT_FIELD_TCP_DPORT;
	}
}

static int by_first_port(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts, and joins what overlaps or touches; returns how many are left. */
static uint32_t join_ports(struct port_range *ranges, uint32_t count)
{
	uint32_t kept = 0;

	qsort(ranges, count, sizeof(*ranges), by_first_port);
	for (uint32_t i = 0; i < count; i++) {
		struct port_range *before = kept ? &ranges[kept - 1] : NULL;

		if (before && ranges[i].first <= (uint32_t)before->last + 1)
			before->last = ranges[i].last > before->last ? ranges[i].last : before->last;
		else
			ranges[kept++] = ranges[i];
	}
	return kept;
}

static struct choice choose_ports(struct lowering *l, const struct ports *ports, uint8_t proto, bool source)
{
	struct choice choice = { .count = 0 };
	struct port_range *ranges;
	uint32_t count;

	if (!ports) {
		add_alternative(l, &choice, IPV_BOTH);
		return choice;
	}
	ranges = ARENA_ARRAY(&l->b->scratch, struct port_range, ports->count);
	memcpy(ranges, ports->ranges, ports->count * sizeof(*ranges));
	count = join_ports(ranges, ports->count);
	for (uint32_t i = 0; i < count; i++)
		add_match(add_alternative(l, &choice, IPV_BOTH), nft_ports(l->b, port_field(proto, source), ranges[i]));
	return choice;
}

static void add_icmp(struct lowering *l, struct alternative *a, unsigned family_mask, const struct icmp_match *m)
{
	bool six = family_mask == IPV6;
	int type = -1, code = -1;
	uint64_t number;

	if (!m->text.len)
		return;
	if (m->type) {
		type = m->type->type;
		code = m->type->code;
	} else if (text_to_number(m->text, 255, &number)) {
		type = (int)number;
	}
	if (type >= 0)
		add_match(a, nft_is(l->b, six ? NFT_FIELD_ICMPV6_TYPE : NFT_FIELD_ICMP_TYPE, (uint32_t)type));
	if (code >= 0)
		add_match(a, nft_is(l->b, six ? NFT_FIELD_ICMPV6_CODE : NFT_FIELD_ICMP_CODE, (uint32_t)code));
}

/* What one condition lets through, behind what others have. */
static void add_condition(struct lowering *l, struct choice *all, const struct condition *c)
{
	struct choice sports = choose_ports(l, c->sport, c->proto.number, true);
	struct choice dports = choose_ports(l, c->dport, c->proto.number, false);
	struct choice ports = combine(l, &sports, &dports);
	struct alternative proto = { .family_mask = c->family_mask & l->family_mask };

	if (!proto_is_any(&c->proto))
		add_match(&proto, nft_proto(l->b, c->proto.number));
	for (unsigned i = 0; i < 2; i++)
		add_icmp(l, &proto, c->proto.icmp, &c->icmp[i]);
	for (uint32_t i = 0; i < ports.count && proto.family_mask; i++) {
		struct alternative *a = add_alternative(l, all, IPV_BOTH);

		join(a, &proto);
		join(a, &ports.items[i]);
	}
}

static struct choice choose_service(struct lowering *l)
{
	struct choice choice = { .count = 0 };

	for (uint32_t i = 0; i < l->rule->condition_count; i++)
		add_condition(l, &choice, &l->rule->conditions[i]);
	return choice;
}

static enum nft_field iface_field(const struct nft_place *place)
{
	return place->direction == DIRECTION_OUT ? NFT_FIELD_OIFNAME : NFT_FIELD_IIFNAME;
}

static bool any_iface(const struct nft_place *place, const struct rule *rule)
{
	return !place->ifaces || !rule->iface.len;
}

static struct choice choose_iface(struct lowering *l)
{
	struct choice choice = { .count = 0 };

	if (any_iface(l->place, l->rule))
		add_alternative(l, &choice, IPV_BOTH);
	else
		add_match(add_alternative(l, &choice, IPV_BOTH), nft_iface(l->b, iface_field(l->place), l->rule->iface));
	return choice;
}

/* ---- from alternatives to rules ---- */

static struct nft_chain *sub_chain(struct lowering *l)
{
	struct nft_place *place = l->place;

	return nft_chain_add(l->b, text_of(arena_printf(l->b->arena, "%.*s-%u", TEXT_ARG(place->chain->name),
							++place->parts)));
}

static void draft_from(struct lowering *l, struct nft_draft *d, const struct alternative *a)
{
	d->count = 0;
	if (a->family_mask != IPV_BOTH)
		nft_draft_add(d, nft_family(l->b, a->family_mask));
	for (uint32_t i = 0; i < a->count; i++)
		nft_draft_add(d, (struct nft_statement){ .kind = NFT_STMT_MATCH, .match = a->matches[i] });
}

/* What matches is decided here, and counted, or led on to where that is done. */
struct outcome {
	struct nft_statement verdict;
	bool counted;
};

static struct outcome decided(struct nft_statement verdict)
{
	return (struct outcome){ verdict, true };
}

static struct outcome led_on(enum nft_verdict_kind kind, const struct nft_chain *chain)
{
	return (struct outcome){ nft_to_chain(kind, chain), false };
}

static void emit_one(struct lowering *l, struct nft_chain *chain, struct nft_draft *d, struct outcome outcome)
{
	if (outcome.counted)
		nft_draft_add(d, nft_counter());
	nft_draft_add(d, outcome.verdict);
	nft_rule_from(l->b, nft_rule_add(l->b, chain, d->items, d->count), l->rule->span);
}

static void emit(struct lowering *l, struct nft_chain *chain, const struct choice *choice, struct outcome outcome)
{
	struct nft_draft d;

	for (uint32_t i = 0; i < choice->count; i++) {
		draft_from(l, &d, &choice->items[i]);
		emit_one(l, chain, &d, outcome);
	}
}

/* Puts a question before others: combines them, or moves the others to a chain. */
static void ask_before(struct lowering *l, const struct choice *first, struct choice *rest, struct outcome *outcome)
{
	struct choice both = combine(l, first, rest);
	struct nft_chain *chain;

	if (both.count > first->count + rest->count + 1) {
		chain = sub_chain(l);
		emit(l, chain, rest, *outcome);
		*outcome = led_on(NFT_TO_JUMP, chain);
		both = *first;
	}
	*rest = both;
}

static void add_log(struct lowering *l, struct nft_chain *chain, const struct nft_draft *d)
{
	struct nft_rule *rule = nft_log_add(l->b, l->place, chain, d, l->rule->log,
					    nft_log_message(l->place, l->rule->action));

	nft_rule_from(l->b, rule, l->rule->span);
}

/* What the rule does is to log and then decide. */
static struct outcome log_and(struct lowering *l, struct outcome outcome)
{
	struct nft_draft always = { .count = 0 };
	struct nft_chain *chain = sub_chain(l);

	add_log(l, chain, &always);
	emit_one(l, chain, &always, outcome);
	return led_on(NFT_TO_GOTO, chain);
}

static struct nft_statement verdict_of(struct lowering *l)
{
	if (l->rule->action == ACTION_ACCEPT)
		return l->place->accept;
	if (l->rule->action == ACTION_DROP)
		return nft_to(NFT_TO_DROP);
	return nft_to_chain(NFT_TO_GOTO, nft_reject_chain(l->b));
}

/* What a rule asks, in the order in which it does. */
struct questions {
	struct choice iface, source, dest, service;
};

/* The combinations are these; they are emitted in fewer rules where that is possible. */
static void emit_all(struct lowering *l, struct questions *q, const struct choice *all)
{
	struct outcome outcome = decided(verdict_of(l));
	struct choice rest = q->service;
	struct nft_draft d;

	if (l->rule->log != LOG_NOLOG && all->count == 1) {
		draft_from(l, &d, &all->items[0]);
		add_log(l, l->place->chain, &d);
	} else if (l->rule->log != LOG_NOLOG) {
		outcome = log_and(l, outcome);
	}
	ask_before(l, &q->dest, &rest, &outcome);
	ask_before(l, &q->source, &rest, &outcome);
	rest = combine(l, &q->iface, &rest);
	emit(l, l->place->chain, &rest, outcome);
}

static void ask_all(struct lowering *l)
{
	struct questions q = { choose_iface(l), choose_endpoint(l, l->rule->source, true),
			       choose_endpoint(l, l->rule->dest, false), choose_service(l) };
	struct choice all;

	all = combine(l, &q.dest, &q.service);
	all = combine(l, &q.source, &all);
	all = combine(l, &q.iface, &all);
	if (all.count)
		emit_all(l, &q, &all);
}

static void lower_rule(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	struct lowering l = { .b = b, .place = place, .rule = rule };
	struct arena_mark mark = arena_mark(&b->scratch);

	l.family_mask = rule_families(&l);
	if (l.family_mask)
		ask_all(&l);
	arena_release(&b->scratch, mark);
}

/* ---- groups ---- */

/* The group's chain of one direction, made when it is first used; NULL if it has no rule there. */
static struct nft_chain *group_chain(struct nft_builder *b, const struct group *group, enum direction direction)
{
	static const char *const suffixes[] = { "in", "out", "forward" };
	struct nft_chain **chain = &b->group_chains[group->id * 3 + (unsigned)direction];
	struct nft_place place = { .direction = direction, .group = true, .net = -1 };

	if (*chain || !nft_rules_any(&group->rules, direction))
		return *chain;
	place.accept = nft_accept(b, direction);
	*chain = nft_chain_add(b, text_of(arena_printf(b->arena, "group-%.*s-%s", TEXT_ARG(group->name),
						       suffixes[direction])));
	place.chain = *chain;
	nft_rules(b, &place, &group->rules);
	return *chain;
}

static void lower_group(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	struct nft_chain *chain = group_chain(b, rule->group, place->direction);
	struct lowering l = { .b = b, .place = place, .rule = rule };
	struct choice iface = choose_iface(&l);

	if (chain)
		emit(&l, place->chain, &iface, decided(nft_to_chain(NFT_TO_JUMP, chain)));
}

/* ---- lists of rules ---- */

bool nft_rules_any(const struct rule_list *rules, enum direction direction)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		if (!rule->enabled)
			continue;
		if (rule->direction == direction)
			return true;
		if (rule->direction == DIRECTION_GROUP && nft_rules_any(&rule->group->rules, direction))
			return true;
	}
	return false;
}

/* No interface can have every name that a rule may give. */
static bool is_for(const struct nft_place *place, const struct rule *rule)
{
	return rule->enabled && (any_iface(place, rule) || nft_iface_possible(rule->iface)) &&
	       (place->net < 0 || rule->net < 0 || rule->net == place->net) &&
	       (rule->direction == DIRECTION_GROUP || rule->direction == place->direction);
}

static void lower_any(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	if (!is_for(place, rule))
		return;
	if (rule->direction == DIRECTION_GROUP)
		lower_group(b, place, rule);
	else
		lower_rule(b, place, rule);
}

/* ---- rules that NICs of a guest share ---- */

enum { SHORTEST_RUN = 3 };

/* In one direction, the same for every NIC of the guest. */
static bool is_common(const struct rule *rule)
{
	return rule->net < 0 && rule->log == LOG_NOLOG;
}

/* Of no NIC at all. */
static bool is_foreign(const struct nft_place *place, const struct rule *rule)
{
	return !rule->enabled || (rule->direction != DIRECTION_GROUP && rule->direction != place->direction);
}

/* The end of the run of common rules that begins here, wherever the NICs differ. */
static const struct rule *run_end(const struct nft_place *place, const struct rule *rule, unsigned *count)
{
	*count = 0;
	for (; rule && (is_common(rule) || is_foreign(place, rule)); rule = rule->next)
		*count += !is_foreign(place, rule);
	return rule;
}

struct nft_run {
	const struct rule *first;
	enum direction direction;
	struct nft_chain *chain;
	struct nft_run *next;
};

static struct nft_run *find_run(const struct nft_place *place, const struct rule *first)
{
	for (struct nft_run *run = place->runs->first; run; run = run->next)
		if (run->first == first && run->direction == place->direction)
			return run;
	return NULL;
}

static struct nft_run *add_run(struct nft_builder *b, const struct nft_place *place, const struct rule *first,
			       const struct rule *end)
{
	const char *way = place->direction == DIRECTION_OUT ? "out" : "in";
	struct nft_run *run = ARENA_NEW(b->arena, struct nft_run);
	struct nft_place shared = *place;

	shared.chain = nft_chain_add(b, text_of(arena_printf(b->arena, "guest-%u-%s-%u", place->vmid, way,
							     ++place->runs->count)));
	shared.parts = 0;
	for (const struct rule *rule = first; rule != end; rule = rule->next)
		lower_any(b, &shared, rule);
	*run = (struct nft_run){ first, place->direction, shared.chain, place->runs->first };
	place->runs->first = run;
	return run;
}

static void lower_run(struct nft_builder *b, struct nft_place *place, const struct rule *first, const struct rule *end)
{
	struct nft_run *run = find_run(place, first);

	if (!run)
		run = add_run(b, place, first, end);
	NFT_RULE(b, place->chain, nft_to_chain(NFT_TO_JUMP, run->chain));
}

void nft_rules(struct nft_builder *b, struct nft_place *place, const struct rule_list *rules)
{
	const struct rule *rule = rules->first;

	while (rule) {
		unsigned count = 0;
		const struct rule *end = place->runs ? run_end(place, rule, &count) : NULL;

		if (count >= SHORTEST_RUN) {
			lower_run(b, place, rule, end);
			rule = end;
		} else {
			lower_any(b, place, rule);
			rule = rule->next;
		}
	}
}
