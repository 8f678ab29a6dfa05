/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the configuration as rules of a chain (spec 2.6 to 2.8).
 *
 * A rule is a row of parts that must all match, some of which have alternatives
 * (three ports, two sources).  Sets for those would be as many as there are
 * rules; instead a part with alternatives becomes one rule for each, and where two
 * parts have them, the first ones jump to a chain that asks for the rest: 5 sources
 * and 10 ports are 15 rules.  What such a rule logs is in a chain of its own too,
 * for it has one rate limit.
 */
#include "nft/build.h"

#include <stdlib.h>

enum part_id {
	PART_VERSION,
	PART_IFACE,
	PART_SOURCE,
	PART_DEST,
	PART_PROTO,
	PART_ICMP, /* type and code, twice */
	PART_ICMP_END = PART_ICMP + 4,
	PART_SPORT = PART_ICMP_END,
	PART_DPORT,
	PARTS
};

/* No alternatives: matches anything. */
struct part {
	const struct nft_statement *items;
	uint32_t count;
};

/* One condition of a rule in one IP version, or in both. */
struct lowering {
	struct nft_builder *b;
	struct nft_place *place;
	const struct rule *rule;
	unsigned version; /* 0: both */
	struct part parts[PARTS];
	bool never;       /* something cannot match */
};

/* ---- logging ---- */

static struct nft_limit limit_of(const struct ratelimit *r)
{
	static const struct {
		const char *name;
		enum nft_unit unit;
	} units[] = { { "/second", NFT_SECOND }, { "/minute", NFT_MINUTE }, { "/hour", NFT_HOUR }, { "/day", NFT_DAY } };
	struct nft_limit limit = { .rate = 1, .unit = NFT_SECOND, .burst = r->burst ? r->burst : 5 };
	long slash = text_find(r->rate, '/');
	uint64_t most;

	if (slash >= 0)
		text_to_number((struct text){ r->rate.ptr, (uint32_t)slash }, UINT32_MAX, &limit.rate);
	for (size_t i = 0; slash >= 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (text_is((struct text){ r->rate.ptr + slash, r->rate.len - (uint32_t)slash }, units[i].name))
			limit.unit = units[i].unit;
	/* The kernel counts it in nanoseconds of the unit, in 64 bits. */
	most = UINT64_MAX / 1000000000 / limit.unit - 1;
	if (limit.burst > most)
		limit.burst = (uint32_t)most;
	return limit;
}

static struct nft_statement log_statement(struct nft_builder *b, const struct nft_place *place, enum log_level level,
					  const char *message)
{
	const char *prefix = arena_printf(b->arena, ":%u:%u:%.*s: %s", place->vmid, (unsigned)level,
					  TEXT_ARG(place->chain->name), message);

	return (struct nft_statement){ .kind = NFT_STMT_LOG, .log_prefix = text_of(prefix) };
}

void nft_log_add(struct nft_builder *b, const struct nft_place *place, struct nft_chain *chain,
		 const struct nft_draft *matches, enum log_level level, const char *message, struct span span)
{
	const struct ratelimit *rate = &b->config->cluster_options.log_ratelimit;
	struct nft_draft d = *matches;

	if (level == LOG_NOLOG)
		return;
	if (!rate->off) {
		struct nft_limit *limit = ARENA_NEW(b->arena, struct nft_limit);

		*limit = limit_of(rate);
		nft_draft_add(&d, (struct nft_statement){ .kind = NFT_STMT_LIMIT, .limit = limit });
	}
	nft_draft_add(&d, log_statement(b, place, level, message));
	nft_rule_from(b, nft_rule_add(b, chain, d.items, d.count), span);
}

static const char *log_message(const struct nft_place *place, enum action action)
{
	static const char *const messages[ACTIONS] = { "ACCEPT: ", "DROP: ", "REJECT: " };

	return place->group ? "" : messages[action];
}

/* ---- parts ---- */

static void set_part(struct lowering *l, enum part_id id, struct nft_statement s)
{
	struct nft_statement *item = ARENA_NEW(l->b->arena, struct nft_statement);

	*item = s;
	l->parts[id] = (struct part){ item, 1 };
}

/* The addresses are those of some ranges. */
static void set_ranges(struct lowering *l, enum part_id id, enum nft_field field, const struct address_set *set)
{
	struct nft_statement *items;

	if (set->count == 0)
		l->never = true;
	if (set->count == 1 && address_range_bits(&set->ranges[0], set->size) == 0)
		return;
	items = ARENA_ARRAY(l->b->arena, struct nft_statement, set->count);
	for (uint32_t i = 0; i < set->count; i++)
		items[i] = nft_address(l->b, field, &set->ranges[i], set->size);
	l->parts[id] = (struct part){ items, set->count };
}

static void set_list(struct lowering *l, enum part_id id, enum nft_field field, const struct prefix *prefixes,
		     uint32_t count)
{
	struct prefix_entry *entries = ARENA_ARRAY(l->b->arena, struct prefix_entry, count);
	struct address_set set;

	for (uint32_t i = 0; i < count; i++)
		entries[i].prefix = prefixes[i];
	set = prefix_set_resolve(l->b->arena, entries, count, l->version == IPV4 ? 4 : 6);
	set_ranges(l, id, field, &set);
}

static void set_ipset(struct lowering *l, enum part_id id, enum nft_field field, const struct ipset *ipset)
{
	const struct address_set *set = nft_resolve(l->b, ipset, l->version);

	if (set->count <= 1)
		set_ranges(l, id, field, set);
	else
		set_part(l, id, nft_in_ipset(l->b, field, ipset, l->version));
}

static void set_endpoint(struct lowering *l, enum part_id id, const struct endpoint *e)
{
	static const enum nft_field fields[2][2] = { { NFT_FIELD_IP_SADDR, NFT_FIELD_IP_DADDR },
						     { NFT_FIELD_IP6_SADDR, NFT_FIELD_IP6_DADDR } };
	enum nft_field field = fields[l->version == IPV6][id == PART_DEST];
	struct address_range range;
	struct address_set one = { .size = l->version == IPV4 ? 4 : 16, .ranges = &range, .count = 1 };

	switch (e->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		set_ipset(l, id, field, e->ipset);
		break;
	case ENDPOINT_ALIAS:
		set_list(l, id, field, &e->alias->prefix, 1);
		break;
	case ENDPOINT_LIST:
		set_list(l, id, field, e->prefixes, e->count);
		break;
	case ENDPOINT_RANGE:
		memcpy(range.first, e->prefixes[0].bytes, 16);
		memcpy(range.last, e->prefixes[1].bytes, 16);
		set_ranges(l, id, field, &one);
		break;
	}
}

/* ---- ports and ICMP ---- */

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

static void set_ports(struct lowering *l, enum part_id id, const struct ports *ports, uint8_t proto)
{
	struct port_range *ranges;
	struct nft_statement *items;
	uint32_t count;

	if (!ports)
		return;
	ranges = ARENA_ARRAY(l->b->arena, struct port_range, ports->count);
	memcpy(ranges, ports->ranges, ports->count * sizeof(*ranges));
	count = join_ports(ranges, ports->count);
	items = ARENA_ARRAY(l->b->arena, struct nft_statement, count);
	for (uint32_t i = 0; i < count; i++)
		items[i] = nft_ports(l->b, port_field(proto, id == PART_SPORT), ranges[i]);
	l->parts[id] = (struct part){ items, count };
}

static void set_icmp(struct lowering *l, enum part_id id, unsigned version, const struct icmp_match *m)
{
	bool six = version == IPV6;
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
		set_part(l, id, nft_is(l->b, six ? NFT_FIELD_ICMPV6_TYPE : NFT_FIELD_ICMP_TYPE, (uint32_t)type));
	if (code >= 0)
		set_part(l, id + 1, nft_is(l->b, six ? NFT_FIELD_ICMPV6_CODE : NFT_FIELD_ICMP_CODE, (uint32_t)code));
}

static void set_condition(struct lowering *l, const struct condition *c)
{
	/* "-p 0" is any protocol to iptables. */
	if (c->proto.text.len && !text_is(c->proto.text, "0"))
		set_part(l, PART_PROTO, nft_proto(l->b, c->proto.number));
	for (unsigned i = 0; i < 2; i++)
		set_icmp(l, (enum part_id)(PART_ICMP + 2 * i), c->proto.icmp, &c->icmp[i]);
	set_ports(l, PART_SPORT, c->sport, c->proto.number);
	set_ports(l, PART_DPORT, c->dport, c->proto.number);
}

static enum nft_field iface_field(const struct nft_place *place)
{
	return place->direction == DIRECTION_OUT ? NFT_FIELD_OIFNAME : NFT_FIELD_IIFNAME;
}

static void set_iface(struct lowering *l)
{
	if (!l->place->ifaces || !l->rule->iface.len)
		return;
	if (!nft_iface_possible(l->rule->iface))
		l->never = true;
	else
		set_part(l, PART_IFACE, nft_iface(l->b, iface_field(l->place), l->rule->iface));
}

/* ---- from parts to rules ---- */

/* The first part with alternatives from `from` on; PARTS if there is none. */
static unsigned next_choice(const struct lowering *l, unsigned from)
{
	while (from < PARTS && l->parts[from].count <= 1)
		from++;
	return from;
}

static void draft_part(const struct lowering *l, struct nft_draft *d, unsigned id, uint32_t alternative)
{
	const struct part *part = &l->parts[id];

	if (part->count)
		nft_draft_add(d, part->items[part->count > 1 ? alternative : 0]);
}

/* In a chain that rules jump to, the parts from `from` on need what they rest on once more. */
static void draft_dependencies(const struct lowering *l, struct nft_draft *d, unsigned from)
{
	if (from > PART_VERSION && from <= PART_DEST)
		draft_part(l, d, PART_VERSION, 0);
	if (from > PART_PROTO)
		draft_part(l, d, PART_PROTO, 0);
}

static struct nft_chain *sub_chain(struct lowering *l)
{
	struct nft_place *place = l->place;

	return nft_chain_add(l->b, text_of(arena_printf(l->b->arena, "%.*s-%u", TEXT_ARG(place->chain->name),
							++place->parts)));
}

static void finish(const struct lowering *l, struct nft_chain *chain, const struct nft_draft *matches,
		   struct nft_statement verdict)
{
	struct nft_draft d = *matches;

	nft_draft_add(&d, verdict);
	nft_rule_from(l->b, nft_rule_add(l->b, chain, d.items, d.count), l->rule->span);
}

static void emit(struct lowering *l, struct nft_chain *chain, unsigned from, struct nft_statement verdict)
{
	unsigned choice = next_choice(l, from);
	unsigned end = next_choice(l, choice + 1) < PARTS ? choice + 1 : PARTS;
	struct nft_chain *rest = end < PARTS ? sub_chain(l) : NULL;
	uint32_t count = choice < PARTS ? l->parts[choice].count : 1;

	for (uint32_t i = 0; i < count; i++) {
		struct nft_draft d = { .count = 0 };

		draft_dependencies(l, &d, from);
		for (unsigned id = from; id < end; id++)
			draft_part(l, &d, id, i);
		finish(l, chain, &d, rest ? nft_to_chain(NFT_TO_JUMP, rest) : verdict);
	}
	if (rest)
		emit(l, rest, end, verdict);
}

/* The rule logs what it decides. */
static void emit_logged(struct lowering *l, struct nft_statement verdict)
{
	const char *message = log_message(l->place, l->rule->action);
	struct nft_chain *chain = l->place->chain;
	struct nft_draft d = { .count = 0 };

	if (next_choice(l, 0) < PARTS) {
		chain = sub_chain(l);
		emit(l, l->place->chain, 0, nft_to_chain(NFT_TO_GOTO, chain));
	} else {
		for (unsigned id = 0; id < PARTS; id++)
			draft_part(l, &d, id, 0);
	}
	nft_log_add(l->b, l->place, chain, &d, l->rule->log, message, l->rule->span);
	finish(l, chain, &d, verdict);
}

static struct nft_statement verdict_of(struct lowering *l)
{
	if (l->rule->action == ACTION_ACCEPT)
		return l->place->accept;
	if (l->rule->action == ACTION_DROP)
		return nft_to(NFT_TO_DROP);
	return nft_to_chain(NFT_TO_GOTO, nft_reject_chain(l->b));
}

static void lower_condition(struct nft_builder *b, struct nft_place *place, const struct rule *rule,
			    const struct condition *c, unsigned version)
{
	struct lowering l = { .b = b, .place = place, .rule = rule, .version = version };

	if (version)
		set_part(&l, PART_VERSION, nft_version(b, version));
	set_iface(&l);
	set_endpoint(&l, PART_SOURCE, rule->source);
	set_endpoint(&l, PART_DEST, rule->dest);
	set_condition(&l, c);
	if (l.never)
		return;
	if (rule->log == LOG_NOLOG)
		emit(&l, place->chain, 0, verdict_of(&l));
	else
		emit_logged(&l, verdict_of(&l));
}

static void lower_rule(struct nft_builder *b, struct nft_place *place, const struct rule *rule)
{
	unsigned versions = rule->versions & rule->source->versions & rule->dest->versions;
	bool addresses = rule->source->kind != ENDPOINT_ANY || rule->dest->kind != ENDPOINT_ANY;

	for (uint32_t i = 0; i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];
		unsigned both = versions & c->versions;

		if (both == IPV_BOTH && !addresses) {
			lower_condition(b, place, rule, c, 0);
			continue;
		}
		if (both & IPV4)
			lower_condition(b, place, rule, c, IPV4);
		if (both & IPV6)
			lower_condition(b, place, rule, c, IPV6);
	}
}

/* ---- groups ---- */

/* The group's chain of one direction, made when it is first used; NULL if it has no rule there. */
static struct nft_chain *group_chain(struct nft_builder *b, const struct group *group, enum direction direction)
{
	static const char *const suffixes[] = { "in", "out", "forward" };
	struct nft_chain **chain = &b->group_chains[group->id * 3 + (unsigned)direction];
	struct nft_place place = { .direction = direction, .accept = nft_to(NFT_TO_ACCEPT), .group = true, .net = -1 };

	if (*chain || !nft_rules_any(&group->rules, direction))
		return *chain;
	if (b->bridge && direction == DIRECTION_IN)
		place.accept = nft_to_chain(NFT_TO_GOTO, nft_accept_in_chain(b));
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

	set_iface(&l);
	if (chain && !l.never)
		emit(&l, place->chain, 0, nft_to_chain(NFT_TO_JUMP, chain));
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

void nft_rules(struct nft_builder *b, struct nft_place *place, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		if (!rule->enabled || (place->net >= 0 && rule->net >= 0 && rule->net != place->net))
			continue;
		if (rule->direction == DIRECTION_GROUP)
			lower_group(b, place, rule);
		else if (rule->direction == place->direction)
			lower_rule(b, place, rule);
	}
}

void nft_policy(struct nft_builder *b, const struct nft_place *place, enum action policy, enum log_level level)
{
	static const struct nft_draft always;
	static const struct span nowhere;

	switch (policy) {
	case ACTION_DROP:
		NFT_RULE(b, place->chain, nft_to_chain(NFT_TO_JUMP, nft_policy_chain(b, policy)));
		nft_log_add(b, place, place->chain, &always, level, "policy DROP: ", nowhere);
		NFT_RULE(b, place->chain, nft_to(NFT_TO_DROP));
		break;
	case ACTION_REJECT:
		NFT_RULE(b, place->chain, nft_to_chain(NFT_TO_JUMP, nft_policy_chain(b, policy)));
		nft_log_add(b, place, place->chain, &always, level, "policy REJECT: ", nowhere);
		NFT_RULE(b, place->chain, nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b)));
		break;
	case ACTION_ACCEPT:
	case ACTIONS:
		NFT_RULE(b, place->chain, place->accept);
		break;
	}
}
