/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the configuration as rules of a chain (spec 2.6 to 2.8). */
#include "xtables/lower/xtables.h"

#include "lang/limit_table.h"

enum {
	MATCHES_MOST = 12,
	MATCH_WORDS_MOST = 5,  /* of what a rule of a file matches */
	TARGET_WORDS_MOST = 12, /* of a log with its limit */
};

_Static_assert(2 + MATCHES_MOST * MATCH_WORDS_MOST + TARGET_WORDS_MOST <= LIMIT_SCRIPT_ARGUMENTS, "a rule is a line");
/* Two lists of addresses, two of ports; all the rest is less than one of them. */
_Static_assert(5 * LIMIT_ARGUMENT <= LIMIT_SCRIPT_LINE, "a rule is a line");
_Static_assert(sizeof("GROUP-" "-OUT") - 1 + LIMIT_GROUP_NAME <= LIMIT_CHAIN_NAME, "a group's chains have names");
_Static_assert(LIMIT_IFACE_NAME + sizeof("-OUT-PROTO") - 1 <= LIMIT_CHAIN_NAME, "a NIC's chains have names");

struct matches {
	struct xt_match items[MATCHES_MOST];
	uint32_t count;
};

static void add_text(struct matches *m, enum xt_match_kind kind, struct text text)
{
	m->items[m->count++] = (struct xt_match){ .kind = kind, .text = text };
}

static void add_endpoint(struct matches *m, enum xt_match_kind kind, const struct endpoint *e)
{
	if (e->kind != ENDPOINT_ANY)
		m->items[m->count++] = (struct xt_match){ .kind = kind, .endpoint = e };
}

static void add_ports(struct matches *m, enum xt_match_kind kind, const struct ports *ports)
{
	if (ports)
		m->items[m->count++] = (struct xt_match){ .kind = kind, .ports = ports };
}

/* iptables has no --dport of its own for udplite: there multiport serves. */
static bool is_list(const struct ports *ports, const struct proto *proto)
{
	return ports && (ports->count > 1 || proto->number == 136);
}

/* Single ports before lists, the source first otherwise. */
static void add_port_matches(struct matches *m, const struct condition *c)
{
	bool source_list = is_list(c->sport, &c->proto), dest_list = is_list(c->dport, &c->proto);
	enum xt_match_kind dest_kind = dest_list ? XT_DPORTS : XT_DPORT;

	if (source_list)
		add_ports(m, dest_kind, c->dport);
	add_ports(m, source_list ? XT_SPORTS : XT_SPORT, c->sport);
	if (!source_list)
		add_ports(m, dest_kind, c->dport);
}

static void add_icmp_matches(struct matches *m, const struct condition *c)
{
	for (int i = 0; i < 2; i++) {
		if (!c->icmp[i].text.len)
			continue;
		add_text(m, XT_MODULE, c->proto.text);
		add_text(m, c->proto.icmp == IPV4 ? XT_ICMP_TYPE : XT_ICMPV6_TYPE, c->icmp[i].text);
	}
}

static void match_condition(struct matches *m, const struct condition *c)
{
	/* "-p 0" is any protocol to iptables, and not printed. */
	if (c->proto.text.len && !text_is(c->proto.text, "0"))
		add_text(m, XT_PROTO, c->proto.text);
	add_icmp_matches(m, c);
	add_port_matches(m, c);
}

static void match_iface(struct matches *m, const struct xt_place *place, const struct rule *rule)
{
	if (place->ifaces && rule->iface.len)
		add_text(m, place->direction == DIRECTION_IN ? XT_IN_IFACE : XT_OUT_IFACE, rule->iface);
}

static struct xt_target target_of(const struct xt_place *place, enum action action)
{
	if (action == ACTION_ACCEPT)
		return place->accept;
	if (action == ACTION_DROP)
		return XT_TO(XT_DROP);
	return XT_TO_CHAIN(XT_JUMP, "PVEFW-reject");
}

static const char *log_message(const struct xt_place *place, enum action action)
{
	static const char *const messages[ACTIONS] = { "ACCEPT: ", "DROP: ", "REJECT: " };

	return place->group ? "" : messages[action];
}

static void add_rule(struct xt_builder *b, const struct xt_place *place, const struct rule *rule,
		     const struct matches *m)
{
	struct xt_match *copy = ARENA_ARRAY(b->arena, struct xt_match, m->count);
	struct xt_rule *added;

	memcpy(copy, m->items, m->count * sizeof(*copy));
	xt_log_add(b, place->chain, copy, m->count, place->vmid, rule->log, log_message(place, rule->action),
		   rule->span);
	added = xt_rule_add(b, place->chain, copy, m->count, target_of(place, rule->action));
	added->wide = true;
	added->span = rule->span;
	added->counts = true;
}

/* An alias that was redefined with the other IP version matches in neither. */
static bool endpoint_exists(const struct endpoint *e, unsigned family_mask)
{
	return e->family_mask & family_mask;
}

static void lower_part(struct xt_builder *b, const struct xt_place *place, const struct rule *rule,
		       const struct condition *condition, const struct endpoint *source,
		       const struct endpoint *dest)
{
	struct matches m = { .count = 0 };

	match_iface(&m, place, rule);
	add_endpoint(&m, XT_SOURCE, source);
	add_endpoint(&m, XT_DEST, dest);
	match_condition(&m, condition);
	add_rule(b, place, rule, &m);
}

/* Each part logs right before it decides, so a packet that is in two parts is logged once. */
static void lower_condition(struct xt_builder *b, const struct xt_place *place, const struct rule *rule,
			    const struct condition *condition)
{
	const struct endpoint *source = NULL, *dest;

	while ((source = xt_endpoint_part(b->arena, rule->source, source)))
		for (dest = NULL; (dest = xt_endpoint_part(b->arena, rule->dest, dest));)
			lower_part(b, place, rule, condition, source, dest);
}

static void lower_rule(struct xt_builder *b, const struct xt_place *place, const struct rule *rule)
{
	if (!(rule->family_mask & b->family_mask) || !endpoint_exists(rule->source, b->family_mask) ||
	    !endpoint_exists(rule->dest, b->family_mask))
		return;
	for (uint32_t i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].family_mask & b->family_mask)
			lower_condition(b, place, rule, &rule->conditions[i]);
}

/* ---- groups ---- */

static const struct xt_target set_accept_mark = { .kind = XT_GOTO, .text = TEXT_INIT("PVEFW-SET-ACCEPT-MARK") };

static struct text group_chain_name(struct xt_builder *b, const struct group *group, bool out)
{
	return ARENA_JOIN(b->arena, TEXT("GROUP-"), group->name, out ? TEXT("-OUT") : TEXT("-IN"));
}

static void fill_group(struct xt_builder *b, struct xt_chain *chain)
{
	const struct group *group = chain->subject;
	struct xt_place place = { .chain = chain, .direction = chain->out ? DIRECTION_OUT : DIRECTION_IN,
				  .accept = set_accept_mark, .group = true, .net = -1 };

	XT_ADD_ALL(b, chain, XT_TO_CHAIN(XT_SET_MARK, "0x00000000/0x80000000"));
	xt_rules(b, &place, &group->rules);
}

/* Adds both chains of every group that the list refers to, if rules for that NIC
 * (or for all: -1) are generated.  `used` tells which groups have theirs already. */
static void add_groups(struct xt_builder *b, const struct rule_list *rules, int32_t net, bool *used)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		const struct group *group = rule->group;

		if (!group || !rule->enabled || used[group->id] ||
		    (net >= 0 && rule->net >= 0 && rule->net != net))
			continue;
		used[group->id] = true;
		for (int out = 0; out < 2; out++) {
			struct xt_chain *chain = xt_chain_add(b, group_chain_name(b, group, out), fill_group);

			chain->subject = group;
			chain->out = out;
		}
	}
}

void xt_group_chains(struct xt_builder *b)
{
	const struct config *config = b->config;
	bool *used = ARENA_ARRAY(b->arena, bool, config->group_count);

	if (config->host_options.enable) {
		add_groups(b, &config->host_rules, -1, used);
		add_groups(b, &config->cluster_rules, -1, used);
	}
	for (const struct guest *g = xt_next_guest(config->guests); g; g = xt_next_guest(g->next))
		for (const struct nic *nic = g->nics; nic; nic = nic->next)
			if (nic->firewall)
				add_groups(b, &g->rules, (int32_t)nic->index, used);
}

/* The name of a guest's NIC, `netN`, which no interface of the host has: lint says that the rule matches nothing. */
static bool is_nic_name(struct text name)
{
	return text_starts(name, "net") && text_all_digits((struct text){ name.ptr + 3, name.len - 3 });
}

/*
 * The return on mark asks for the jump's interface where a packet that has not jumped can bring the mark (D21): a
 * guest's OUT chain sets it, and it stays on the packet through fwln and fwpr. A group that every packet passes
 * takes it off. Stock never asks.
 */
static bool needs_iface(const struct xt_place *place, const struct rule *rule)
{
	return !place->chain->mark_is_off && !is_nic_name(rule->iface);
}

static void lower_group(struct xt_builder *b, const struct xt_place *place, const struct rule *rule)
{
	struct text name = group_chain_name(b, rule->group, place->direction == DIRECTION_OUT);
	struct xt_target accept = place->accept;
	struct matches m = { .count = 0 };
	struct xt_rule *jump;

	match_iface(&m, place, rule);
	jump = xt_add_copy(b, place->chain, (struct xt_target){ .kind = XT_JUMP, .text = name }, m.items, m.count);
	jump->span = rule->span;
	jump->counts = true;
	if (accept.kind == XT_GOTO)
		accept = XT_TO(XT_RETURN);
	if (!needs_iface(place, rule))
		m.count = 0;
	add_text(&m, XT_MARK, TEXT("0x80000000/0x80000000"));
	xt_add_copy(b, place->chain, accept, m.items, m.count)->span = rule->span;
	place->chain->mark_is_off |= !rule->iface.len;
}

/* ---- lists of rules ---- */

void xt_rules(struct xt_builder *b, const struct xt_place *place, const struct rule_list *rules)
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

/* All that comes to the policy is counted at the first of its rules. */
static struct xt_rule *begin_policy(struct xt_builder *b, const struct xt_place *place, const struct policy *policy,
				    struct xt_target target)
{
	struct xt_rule *rule = XT_ADD_ALL(b, place->chain, target);

	rule->span = policy->span;
	rule->counts = true;
	return rule;
}

void xt_policy(struct xt_builder *b, const struct xt_place *place, const struct policy *policy, enum log_level level)
{
	switch (policy->action) {
	case ACTION_DROP:
		begin_policy(b, place, policy, XT_TO_CHAIN(XT_JUMP, "PVEFW-Drop"));
		xt_log_add(b, place->chain, NULL, 0, place->vmid, level, "policy DROP: ", policy->span);
		XT_ADD_ALL(b, place->chain, XT_TO(XT_DROP))->span = policy->span;
		break;
	case ACTION_REJECT:
		begin_policy(b, place, policy, XT_TO_CHAIN(XT_JUMP, "PVEFW-Reject"));
		xt_log_add(b, place->chain, NULL, 0, place->vmid, level, "policy REJECT: ", policy->span);
		XT_ADD_ALL(b, place->chain, XT_TO_CHAIN(XT_GOTO, "PVEFW-reject"))->span = policy->span;
		break;
	case ACTION_ACCEPT:
	case ACTIONS:
		begin_policy(b, place, policy, place->accept)->wide = true;
		break;
	}
}
