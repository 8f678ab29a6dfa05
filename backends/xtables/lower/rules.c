/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of the configuration as rules of a chain (spec 2.6 to 2.8). */
#include "xtables/lower/xtables.h"

#include "lang/limit_table.h"

enum {
	XT_MATCHES_MAX = 12,
	XT_MATCH_WORDS_MAX = 5,   /* words of a rule's matches */
	XT_TARGET_WORDS_MAX = 12, /* of a log with its limit */
};

_Static_assert(2 + XT_MATCHES_MAX * XT_MATCH_WORDS_MAX + XT_TARGET_WORDS_MAX <= LIMIT_SCRIPT_ARGUMENTS, "a rule is a line");
/* Two lists of addresses and two of ports; the rest is shorter than one of them. */
_Static_assert(5 * LIMIT_ARGUMENT <= LIMIT_SCRIPT_LINE, "a rule is a line");
_Static_assert(sizeof("GROUP-" "-OUT") - 1 + LIMIT_GROUP_NAME <= LIMIT_CHAIN_NAME, "a group's chains have names");
_Static_assert(LIMIT_IFACE_NAME + sizeof("-OUT-PROTO") - 1 <= LIMIT_CHAIN_NAME, "a NIC's chains have names");

const struct xt_target xt_set_accept_mark = { .kind = XT_GOTO, .text = TEXT_INIT("PVEFW-SET-ACCEPT-MARK") };
const struct xt_target xt_clear_accept_mark = { .kind = XT_SET_MARK, .text = TEXT_INIT("0x00000000/0x80000000"),
						.mark = { 0, XT_ACCEPT_MARK } };

struct xt_matches {
	struct xt_match items[XT_MATCHES_MAX];
	uint32_t count;
};

static void xt_match_text(struct xt_matches *m, enum xt_match_kind kind, struct text text)
{
	m->items[m->count++] = (struct xt_match){ .kind = kind, .text = text };
}

static void xt_match_endpoint(struct xt_matches *m, enum xt_match_kind kind, const struct endpoint *e)
{
	if (e->kind != ENDPOINT_ANY)
		m->items[m->count++] = (struct xt_match){ .kind = kind, .endpoint = e };
}

static void xt_match_ports(struct xt_matches *m, enum xt_match_kind kind, const struct ports *ports)
{
	if (ports)
		m->items[m->count++] = (struct xt_match){ .kind = kind, .ports = ports };
}

/* iptables has no --dport of its own for udplite, but multiport takes it. */
static bool xt_needs_multiport(const struct ports *ports, const struct proto *proto)
{
	return ports && (ports->count > 1 || proto->number == 136);
}

/* The order of stock: single ports before lists, else the source first. */
static void xt_match_condition(struct xt_matches *m, const struct condition *c)
{
	bool source_list = xt_needs_multiport(c->sport, &c->proto);
	enum xt_match_kind dest_kind = xt_needs_multiport(c->dport, &c->proto) ? XT_DPORTS : XT_DPORT;

	/* "-p 0" is any protocol to iptables, and not printed. */
	if (c->proto.text.len && !text_is(c->proto.text, "0"))
		m->items[m->count++] = (struct xt_match){ .kind = XT_PROTO, .text = c->proto.text,
							  .protocol = c->proto.number };
	for (int i = 0; i < 2; i++) {
		if (!c->icmp[i].text.len)
			continue;
		xt_match_text(m, XT_MODULE, c->proto.text);
		m->items[m->count++] = xt_icmp_match(c->proto.icmp, c->icmp[i].text, c->icmp[i].type);
	}
	if (source_list)
		xt_match_ports(m, dest_kind, c->dport);
	xt_match_ports(m, source_list ? XT_SPORTS : XT_SPORT, c->sport);
	if (!source_list)
		xt_match_ports(m, dest_kind, c->dport);
}

static void xt_match_iface(struct xt_matches *m, const struct xt_place *place, const struct rule *rule)
{
	if (place->zone.ifaces && rule->iface.len)
		xt_match_text(m, place->zone.direction == DIRECTION_IN ? XT_IN_IFACE : XT_OUT_IFACE, rule->iface);
}

static void xt_add_rule(struct xt_builder *b, const struct xt_place *place, const struct rule *rule,
			const struct xt_matches *m)
{
	const struct xt_match *copy = arena_clone(b->arena, m->items, m->count * sizeof(*m->items));
	struct xt_target target = rule->action == ACTION_ACCEPT ? place->accept :
				  rule->action == ACTION_DROP	? XT_TO(XT_DROP) :
								  XT_TO_CHAIN(XT_JUMP, "PVEFW-reject");
	struct xt_rule *added;

	xt_log_add(b, place->chain, copy, m->count, place->zone.vmid, rule->log,
		   zone_log_message(&place->zone, rule->action), rule->span);
	added = xt_rule_add(b, place->chain, copy, m->count, target);
	added->wide = true;
	added->span = rule->span;
	added->counts = true;
}

/* Each part of a long list logs directly before it decides, so a packet that is in two parts is logged once. */
static void xt_lower_condition(struct xt_builder *b, const struct xt_place *place, const struct rule *rule,
			       const struct condition *condition)
{
	const struct endpoint *source = NULL, *dest;

	while ((source = xt_endpoint_part(b->arena, rule->source, source)))
		for (dest = NULL; (dest = xt_endpoint_part(b->arena, rule->dest, dest));) {
			struct xt_matches m;

			m.count = 0;
			xt_match_iface(&m, place, rule);
			xt_match_endpoint(&m, XT_SOURCE, source);
			xt_match_endpoint(&m, XT_DEST, dest);
			xt_match_condition(&m, condition);
			xt_add_rule(b, place, rule, &m);
		}
}

/* ---- groups ---- */

static void xt_fill_group(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_place place = { .zone = zone_of_group(chain->out ? DIRECTION_OUT : DIRECTION_IN), .chain = chain,
				  .accept = xt_set_accept_mark };

	XT_ADD_ALL(b, chain, xt_clear_accept_mark);
	xt_rules(b, &place, &chain->group->rules);
}

/* Adds both chains of each group that a rule of the list refers to, for the NIC `net` or, with -1, for all. `used` tells
 * which groups have theirs already. */
static void xt_add_groups(struct xt_builder *b, const struct rule_list *rules, int32_t net, bool *used)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		const struct group *group = rule->group;

		if (!group || used[group->id] || !zone_has_rule(&(struct zone){ .net = net }, rule))
			continue;
		used[group->id] = true;
		for (int out = 0; out < 2; out++) {
			struct text name = ARENA_JOIN(b->arena, TEXT("GROUP-"), group->name, out ? TEXT("-OUT") : TEXT("-IN"));
			struct xt_chain *chain = xt_chain_add(b, name, xt_fill_group);

			b->group_names[group->id][out] = chain->name;
			chain->group = group;
			chain->out = out;
		}
	}
}

void xt_group_chains(struct xt_builder *b)
{
	const struct config *config = b->config;
	bool *used = ARENA_ARRAY(b->arena, bool, config->group_count);

	b->group_names = arena_alloc(b->arena, config->group_count * sizeof(*b->group_names));
	if (config->host_options.enable) {
		xt_add_groups(b, &config->host_rules, -1, used);
		xt_add_groups(b, &config->cluster_rules, -1, used);
	}
	for (struct nic_walk walk = { .nic = NULL }; nic_walk_next(&walk, config);)
		xt_add_groups(b, &walk.guest->rules, (int32_t)walk.nic->index, used);
}

/*
 * Whether RETURN on the mark must match the interface of the jump (D21). Stock never does. A packet that has not
 * jumped can have the mark: a guest's OUT chain sets it, and it stays on the packet through fwln and fwpr. A group
 * that every packet passes clears it. No interface of the host has the name of a guest's NIC, netN; lint reports that.
 */
static bool xt_mark_needs_iface(const struct xt_builder *b, const struct rule *rule)
{
	struct text number = text_after(rule->iface, "net");

	return !b->mark_is_off && !(number.ptr && text_all_digits(number));
}

static void xt_lower_group(struct xt_builder *b, const struct xt_place *place, const struct rule *rule)
{
	struct text name = b->group_names[rule->group->id][place->zone.direction == DIRECTION_OUT];
	struct xt_target accept = place->accept.kind == XT_GOTO ? XT_TO(XT_RETURN) : place->accept;
	struct xt_matches m;
	struct xt_rule *jump;

	m.count = 0;
	xt_match_iface(&m, place, rule);
	jump = xt_add_copy(b, place->chain, (struct xt_target){ .kind = XT_JUMP, .text = name }, m.items, m.count);
	jump->span = rule->span;
	jump->counts = true;
	if (!xt_mark_needs_iface(b, rule))
		m.count = 0;
	m.items[m.count++] = (struct xt_match){ .kind = XT_MARK, .text = TEXT("0x80000000/0x80000000"),
						.mark = { XT_ACCEPT_MARK, XT_ACCEPT_MARK } };
	xt_add_copy(b, place->chain, accept, m.items, m.count)->span = rule->span;
	b->mark_is_off |= !rule->iface.len;
}

/* ---- lists of rules ---- */

void xt_rules(struct xt_builder *b, const struct xt_place *place, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		/* An alias that is defined again with an address of the other family matches in neither. */
		unsigned family_mask = rule->family_mask & rule->source->family_mask & rule->dest->family_mask & b->family_mask;

		if (!zone_has_rule(&place->zone, rule))
			continue;
		if (rule->direction == DIRECTION_GROUP)
			xt_lower_group(b, place, rule);
		else
			for (uint32_t i = 0; family_mask && i < rule->condition_count; i++)
				if (rule->conditions[i].family_mask & b->family_mask)
					xt_lower_condition(b, place, rule, &rule->conditions[i]);
	}
}

/* The first rule counts all packets that reach the policy. */
void xt_policy(struct xt_builder *b, const struct xt_place *place)
{
	const struct zone *zone = &place->zone;
	bool accept = zone->policy->action == ACTION_ACCEPT, reject = zone->policy->action == ACTION_REJECT;
	struct xt_target first = accept ? place->accept :
				 reject ? XT_TO_CHAIN(XT_JUMP, "PVEFW-Reject") :
					  XT_TO_CHAIN(XT_JUMP, "PVEFW-Drop");
	const char *implied = policy_default_reason(zone->direction, zone->policy->action);
	struct xt_rule *rule = XT_ADD_ALL(b, place->chain, first);

	rule->span = zone->policy->span;
	rule->implied = implied;
	rule->counts = true;
	rule->wide = accept;
	if (accept)
		return;
	xt_log_add(b, place->chain, NULL, 0, zone->vmid, zone->policy_log,
		   reject ? "policy REJECT: " : "policy DROP: ", zone->policy->span);
	rule = XT_ADD_ALL(b, place->chain, reject ? XT_TO_CHAIN(XT_GOTO, "PVEFW-reject") : XT_TO(XT_DROP));
	rule->span = zone->policy->span;
	rule->implied = implied;
}
