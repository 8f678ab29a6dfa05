/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of iptables as steps: a rule is a step, unless it has no effect on packets. */
#include "xtables/meaning/xt_chains.h"

#include "config/addresses.h"
#include "net/prefix_set.h"

/* ---- values ---- */

static struct interval_set xt_one_number(struct xt_translator *t, uint8_t number)
{
	return (struct interval_set){ &t->numbers[number], 1 };
}

/* All numbers below 256 that `has` accepts. */
static struct interval_set xt_numbers_where(struct xt_translator *t, bool (*has)(const struct xt_match *match, unsigned n),
					    const struct xt_match *match)
{
	struct interval ranges[128], *kept;
	uint32_t count = 0;

	for (unsigned n = 0; n < 256; n++) {
		if (!has(match, n))
			continue;
		if (count && ranges[count - 1].last.low + 1 == n)
			ranges[count - 1].last.low = n;
		else
			ranges[count++] = t->numbers[n];
	}
	kept = ARENA_ARRAY(&t->arena, struct interval, count);
	if (count)
		memcpy(kept, ranges, count * sizeof(*kept));
	return (struct interval_set){ kept, count };
}

static bool xt_has_flags(const struct xt_match *match, unsigned flags)
{
	return (flags & match->tcp_flags.mask) == match->tcp_flags.flags;
}

static bool xt_has_state(const struct xt_match *match, unsigned state)
{
	return state < MODEL_STATES && (match->states >> state & 1);
}

_Static_assert(XT_NEW == 1 << MODEL_STATE_NEW && XT_ESTABLISHED == 1 << MODEL_STATE_ESTABLISHED &&
	       XT_RELATED == 1 << MODEL_STATE_RELATED && XT_INVALID == 1 << MODEL_STATE_INVALID, "one order of states");

static struct interval_set xt_port_values(struct xt_translator *t, const struct ports *ports)
{
	struct interval *ranges = ARENA_ARRAY(&t->arena, struct interval, ports->count);

	for (uint32_t i = 0; i < ports->count; i++)
		ranges[i] = (struct interval){ number_small(ports->ranges[i].first), number_small(ports->ranges[i].last) };
	return interval_set_normalize(ranges, ports->count);
}

static struct interval_set xt_mac_value(struct xt_translator *t, const uint8_t mac[6])
{
	struct interval *range = ARENA_NEW(&t->arena, struct interval);
	uint64_t number = 0;

	for (unsigned i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	*range = (struct interval){ number_small(number), number_small(number) };
	return (struct interval_set){ range, 1 };
}

/* ---- IP sets ---- */

/* The members that are loaded: an entry for all addresses is two members, one for each half. */
static struct interval_set xt_resolve_set(struct xt_translator *t, const struct ipset *set, unsigned family_mask)
{
	struct prefix_entry *entries = ARENA_ARRAY(&t->scratch, struct prefix_entry, 2 * set->size + 1);
	struct address_set found;
	struct interval *ranges;
	uint32_t count = 0;

	for (const struct set_entry *e = set->entries; e; e = e->next) {
		struct prefix prefix = e->prefix;

		if (e->repeated || !(prefix_family_mask(&prefix) & family_mask))
			continue;
		if (prefix.length == 0) {
			prefix.length = 1;
			prefix.bytes[0] = 0x80;
			entries[count++] = (struct prefix_entry){ prefix, e->nomatch };
			prefix.bytes[0] = 0;
		}
		entries[count++] = (struct prefix_entry){ prefix, e->nomatch };
	}
	found = prefix_set_resolve(&t->scratch, entries, count, family_mask == IPV4 ? AF_INET : AF_INET6);
	ranges = ARENA_ARRAY(&t->arena, struct interval, found.count + 1);
	for (uint32_t i = 0; i < found.count; i++)
		ranges[i] = (struct interval){ number_of_address(found.ranges[i].first, found.size),
					       number_of_address(found.ranges[i].last, found.size) };
	return (struct interval_set){ ranges, found.count };
}

static int xt_compare_set_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct xt_set *)item)->name);
}

/* Rules name a set, and a set of the SDN can have the name of one of the cluster. */
static struct interval_set xt_set_values(struct xt_translator *t, const struct ipset *set, unsigned family_mask)
{
	char name[sizeof(t->sets.items->name)];
	struct out out = { .data = name, .room = sizeof(name), .fd = -1 };
	const struct xt_set *item;
	struct interval_set *values;

	xt_print_set_name(&out, set, family_mask);
	name[out.len] = '\0';
	item = t->sets.count ? bsearch(name, t->sets.items, t->sets.count, sizeof(*t->sets.items), xt_compare_set_name) : NULL;
	if (!item)
		return (struct interval_set){ NULL, 0 };
	values = &t->set_values[item - t->sets.items];
	if (!values->ranges)
		*values = xt_resolve_set(t, item->set, item->family_mask);
	return *values;
}

static struct interval_set xt_endpoint_values(struct xt_translator *t, const struct endpoint *endpoint, unsigned family_mask)
{
	struct address_cache unused = { .sets = NULL };

	if (endpoint->kind == ENDPOINT_SET)
		return xt_set_values(t, endpoint->ipset, family_mask);
	return endpoint_addresses(&unused, &t->arena, endpoint, family_mask);
}

/* ---- matches ---- */

struct xt_step_matches {
	struct model_match *items;
	uint32_t count;
};

static void xt_add_match(struct xt_step_matches *m, enum model_field field, bool negated, struct interval_set values)
{
	m->items[m->count++] = (struct model_match){ field, negated, values };
}

static void xt_add_number(struct xt_translator *t, struct xt_step_matches *m, enum model_field field, int number)
{
	if (number >= 0)
		xt_add_match(m, field, false, xt_one_number(t, (uint8_t)number));
}

static void xt_add_condition(struct xt_step *step, enum xt_side side, struct text name)
{
	step->conditions[step->condition_count++] = (struct xt_condition){ side, name };
}

static void xt_translate_match(struct xt_translator *t, const struct xt_match *match, unsigned family_mask,
			       struct xt_step *step, struct xt_step_matches *m)
{
	bool four = family_mask == IPV4;

	switch (match->kind) {
	case XT_ANY:
	case XT_MODULE:
		break;
	case XT_IN_IFACE:
	case XT_OUT_IFACE: /* xt_add_iface_match() */
		xt_add_condition(step, match->kind == XT_IN_IFACE ? XT_SIDE_IN : XT_SIDE_OUT, match->text);
		break;
	case XT_PHYSDEV_IN:
		xt_add_condition(step, XT_SIDE_PORT_IN, match->text);
		break;
	case XT_PHYSDEV_OUT:
	case XT_PHYSDEV_IPS:
		xt_add_condition(step, XT_SIDE_PORT_OUT, match->text);
		break;
	case XT_SOURCE:
	case XT_NOT_SOURCE:
		xt_add_match(m, four ? MODEL_SOURCE4 : MODEL_SOURCE6, match->kind == XT_NOT_SOURCE,
			     xt_endpoint_values(t, match->endpoint, family_mask));
		break;
	case XT_DEST:
		xt_add_match(m, four ? MODEL_DEST4 : MODEL_DEST6, false, xt_endpoint_values(t, match->endpoint, family_mask));
		break;
	case XT_PROTO:
		if (match->protocol)
			xt_add_number(t, m, MODEL_PROTOCOL, match->protocol);
		break;
	case XT_ICMP_TYPE:
	case XT_ICMPV6_TYPE:
		xt_add_number(t, m, MODEL_ICMP_TYPE, match->icmp.type);
		xt_add_number(t, m, MODEL_ICMP_CODE, match->icmp.code);
		break;
	case XT_SPORT:
	case XT_SPORTS:
		xt_add_match(m, MODEL_SPORT, false, xt_port_values(t, match->ports));
		break;
	case XT_DPORT:
	case XT_DPORTS:
		xt_add_match(m, MODEL_DPORT, false, xt_port_values(t, match->ports));
		break;
	case XT_DST_TYPE:
		xt_add_number(t, m, MODEL_DEST_TYPE, match->address_type);
		break;
	case XT_SRC_TYPE:
		xt_add_number(t, m, MODEL_SOURCE_TYPE, match->address_type);
		break;
	case XT_CTSTATE:
		xt_add_match(m, MODEL_STATE, false, xt_numbers_where(t, xt_has_state, match));
		break;
	case XT_MARK:
		step->step.mark_mask = match->mark.mask;
		step->step.mark_value = match->mark.value;
		break;
	case XT_NOT_MAC:
		xt_add_match(m, MODEL_SOURCE_MAC, true, xt_mac_value(t, match->mac));
		break;
	case XT_TCP_FLAGS:
	case XT_NOT_TCP_FLAGS:
		xt_add_match(m, MODEL_TCP_FLAGS, match->kind == XT_NOT_TCP_FLAGS, xt_numbers_where(t, xt_has_flags, match));
		break;
	case XT_SYN_RATE:
		xt_add_number(t, m, MODEL_OVER_LIMIT, 1);
		break;
	}
}

/* What the step asks for on paths that do not say which interface of the host it is. */
static void xt_add_iface_match(struct xt_translator *t, const struct xt_step *step, struct xt_step_matches *m)
{
	for (uint32_t i = 0; i < step->condition_count; i++)
		if (step->conditions[i].side < XT_SIDE_PORT_IN)
			m->items[m->count] = (struct model_match){
				MODEL_IFACE, false, model_iface_values(&t->arena, t->ifaces, step->conditions[i].name)
			};
}

/* ---- targets ---- */

static enum model_reject xt_reject_kind(enum xt_reject reject)
{
	static const enum model_reject kinds[] = {
		[XT_REJECT_RESET] = MODEL_REJECT_RESET,
		[XT_REJECT_PORT_UNREACHABLE] = MODEL_REJECT_PORT_UNREACHABLE,
		[XT_REJECT_HOST_UNREACHABLE] = MODEL_REJECT_HOST_UNREACHABLE,
		[XT_REJECT_HOST_PROHIBITED] = MODEL_REJECT_HOST_PROHIBITED,
		[XT_REJECT_ADMIN_PROHIBITED] = MODEL_REJECT_ADMIN_PROHIBITED,
	};

	return kinds[reject];
}

static struct text xt_log_prefix(struct xt_translator *t, const struct xt_chain *chain, const struct xt_log *log)
{
	struct text prefix;
	struct out out;

	out_init_memory(&out);
	xt_print_log_prefix(&out, chain, log);
	prefix = arena_copy(&t->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return prefix;
}

/* False: the target does nothing to packets. */
static bool xt_translate_target(struct xt_translator *t, const struct xt_node *node, const struct xt_target *target,
				struct xt_step *out)
{
	struct model_step *step = &out->step;

	switch (target->kind) {
	case XT_ACCEPT:
		step->effect = MODEL_ACCEPT;
		return true;
	case XT_DROP:
		step->effect = MODEL_DROP;
		step->unanswered = text_is(node->lowered->name, "PVEFW-reject");
		return true;
	case XT_RETURN:
		step->effect = MODEL_RETURN;
		return true;
	case XT_JUMP:
	case XT_GOTO:
		step->effect = target->kind == XT_JUMP ? MODEL_JUMP : MODEL_GOTO;
		out->to = xt_node_find(node->source, target->text);
		return true;
	case XT_REJECT:
		step->effect = MODEL_REJECT;
		step->reject = xt_reject_kind(target->reject);
		return true;
	case XT_SET_MARK:
		step->effect = MODEL_MARK;
		step->mark.keep = ~target->mark.mask;
		step->mark.bits = target->mark.value;
		return true;
	case XT_NFQUEUE:
		step->effect = MODEL_QUEUE;
		step->queue.first = target->queues->set ? target->queues->first : 0;
		step->queue.last = target->queues->range ? target->queues->last : step->queue.first;
		return true;
	case XT_LOG:
		step->effect = MODEL_LOG;
		step->prefix = xt_log_prefix(t, node->lowered, target->log);
		return true;
	case XT_SET_CONNMARK:
	case XT_HELPER:
		break;
	}
	return false;
}

/* ---- chains ---- */

enum { XT_MATCHES_OF_MATCH = 2 }; /* type and code */

static void xt_translate_rule(struct xt_translator *t, struct xt_node *node, const struct xt_rule *rule, unsigned family_mask)
{
	struct xt_step *step = &node->steps[node->count];
	struct xt_step_matches m = { .items = ARENA_ARRAY(&t->arena, struct model_match,
							  XT_MATCHES_OF_MATCH * rule->match_count + 1) };

	if (!xt_translate_target(t, node, &rule->target, step))
		return;
	for (uint32_t i = 0; i < rule->match_count; i++)
		xt_translate_match(t, &rule->matches[i], family_mask, step, &m);
	xt_add_iface_match(t, step, &m);
	step->step.matches = m.items;
	step->step.match_count = m.count;
	step->step.span = rule->span;
	step->step.implied = rule->implied;
	node->count++;
}

void xt_translate_rules(struct xt_translator *t, struct xt_node *node)
{
	const struct xt_table *table = node->source->table;
	uint32_t count = 0;

	xt_chain_fill(&t->scratch, table, node->lowered);
	if (t->change)
		t->change(t->context, &t->scratch, table, node->lowered);
	for (const struct xt_rule *rule = node->lowered->first; rule; rule = rule->next)
		count++;
	node->steps = ARENA_ARRAY(&t->arena, struct xt_step, count);
	for (const struct xt_rule *rule = node->lowered->first; rule; rule = rule->next)
		xt_translate_rule(t, node, rule, table->family_mask);
	node->lowered->first = NULL;
	arena_reset(&t->scratch);
}

struct xt_node *xt_node_find(const struct xt_source *source, struct text name)
{
	uint32_t low = 0, high = source->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = text_compare(source->table->chains[middle]->name, name);

		if (order == 0)
			return &source->nodes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
