/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lint/lint_packets.h"

#include "model/step_packets.h"

/* ---- interfaces ---- */

struct iface_list {
	struct arena *arena;
	struct text *names;
	uint32_t count, room;
};

static void iface_list_add(struct iface_list *list, struct text name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (text_equal(list->names[i], name))
			return;
	if (list->count == list->room) {
		struct text *more;

		list->room = list->room * 2 + 16;
		more = ARENA_ARRAY(list->arena, struct text, list->room);
		if (list->count)
			memcpy(more, list->names, list->count * sizeof(*more));
		list->names = more;
	}
	list->names[list->count++] = name;
}

static void iface_list_add_rules(struct iface_list *list, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->enabled && rule->iface.len)
			iface_list_add(list, rule->iface);
}

struct model_ifaces lint_ifaces(struct lint *lint)
{
	struct iface_list list = { .arena = lint->arena };

	iface_list_add(&list, TEXT("lo"));
	iface_list_add_rules(&list, &lint->config->cluster_rules);
	for (unsigned i = 0; i < lint->node_count; i++)
		iface_list_add_rules(&list, &lint->nodes[i]->host_rules);
	iface_list_add_rules(&list, &lint->config->host_rules);
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest)
			iface_list_add_rules(&list, &lint->files[i].guest->rules);
	return (struct model_ifaces){ list.names, list.count };
}

/* ---- rules ---- */

struct model_chain lint_rule_steps(struct lint *lint, const struct rule *rule, struct text iface)
{
	return written_rule_alone(lint->written, &lint->scratch, rule, iface);
}

struct model_chain lint_steps_without(struct lint *lint, const struct model_chain *steps,
				      enum model_field field)
{
	struct model_step *copy = ARENA_ARRAY(&lint->scratch, struct model_step, steps->count);

	for (uint32_t i = 0; i < steps->count; i++) {
		const struct model_step *step = &steps->steps[i];
		struct model_match *matches = ARENA_ARRAY(&lint->scratch, struct model_match,
							  step->match_count);
		uint32_t count = 0;

		for (uint32_t j = 0; j < step->match_count; j++)
			if (step->matches[j].field != field)
				matches[count++] = step->matches[j];
		copy[i] = *step;
		copy[i].matches = matches;
		copy[i].match_count = count;
	}
	return (struct model_chain){ .name = steps->name, .steps = copy, .count = steps->count };
}

struct interval_set lint_endpoint(struct lint *lint, const struct endpoint *endpoint, unsigned family_mask)
{
	return endpoint_addresses(written_addresses(lint->written), &lint->scratch, endpoint, family_mask);
}

struct interval_set lint_ipset(struct lint *lint, const struct ipset *set, unsigned family_mask)
{
	return ipset_addresses(written_addresses(lint->written), set, family_mask);
}

/* ---- models ---- */

/* Far more than chains of people need; a hostile one takes a second. */
static const struct model_budget lint_budget = { .steps = 4000000, .bytes = (size_t)128 << 20 };

struct model *lint_model_start(struct lint *lint)
{
	if (lint->model)
		model_reuse(lint->model, &lint->ifaces);
	else
		lint->model = model_new(&lint->ifaces, lint_budget);
	return lint->model;
}

void lint_model_add(struct model *m, const struct model_chain *steps)
{
	for (uint32_t i = 0; i < steps->count; i++)
		for (uint32_t j = 0; j < steps->steps[i].match_count; j++)
			model_add_match(m, &steps->steps[i].matches[j]);
}

packets lint_model_set(struct model *m, const struct model_chain *steps)
{
	packets all = PACKETS_NONE;

	for (uint32_t i = 0; i < steps->count; i++) {
		packets set = model_world(m);

		if (steps->steps[i].effect == MODEL_LOG)
			continue;
		for (uint32_t j = 0; j < steps->steps[i].match_count; j++)
			set = model_and(m, set, model_match(m, &steps->steps[i].matches[j]));
		all = model_or(m, all, set);
	}
	return all;
}

/* ---- examples ---- */

/* IPv4 is preferred, and as destinations addresses for documentation of another network than the source's
 * (RFC 5737, 3849). */
static const struct interval example_families[] = { { { 0, 0x0800 }, { 0, 0x0800 } },
						    { { 0, 0x86dd }, { 0, 0x86dd } } };
static const struct interval example_dests[] = {
	{ { 0, 0xc6336401 }, { 0, 0xc6336401 } },
	{ { 0x20010db800000000, 2 }, { 0x20010db800000000, 2 } },
};
static const struct model_match example_matches[2][2] = {
	{ { MODEL_ETHERTYPE, false, { &example_families[0], 1 } },
	  { MODEL_DEST4, false, { &example_dests[0], 1 } } },
	{ { MODEL_ETHERTYPE, false, { &example_families[1], 1 } },
	  { MODEL_DEST6, false, { &example_dests[1], 1 } } },
};

void lint_model_seal(struct model *m)
{
	for (unsigned i = 0; i < 2; i++) {
		model_add_match(m, &example_matches[i][0]);
		model_add_match(m, &example_matches[i][1]);
	}
	model_seal(m);
}

static const char *address_text(struct arena *arena, struct number n, bool six)
{
	struct prefix prefix = { .family = six ? AF_INET6 : AF_INET, .length = six ? 128 : 32 };
	char text[PREFIX_TEXT_SIZE];
	uint32_t len;

	for (int i = 0; i < 8; i++) {
		if (six) {
			prefix.bytes[i] = (uint8_t)(n.high >> (56 - 8 * i));
			prefix.bytes[8 + i] = (uint8_t)(n.low >> (56 - 8 * i));
		} else if (i < 4) {
			prefix.bytes[i] = (uint8_t)(n.low >> (24 - 8 * i));
		}
	}
	len = prefix_format(&prefix, text);
	return arena_string(arena, (struct text){ text, len });
}

static const char *proto_text(struct arena *arena, unsigned proto)
{
	static const struct {
		unsigned number;
		const char *name;
	} names[] = { { 1, "icmp" }, { 2, "igmp" },   { 6, "tcp" },    { 17, "udp" },     { 33, "dccp" },
		      { 58, "icmpv6" }, { 132, "sctp" }, { 136, "udplite" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == proto)
			return names[i].name;
	return arena_printf(arena, "protocol %u", proto);
}

static const char *packet_text(struct arena *arena, const struct model_packet *p)
{
	bool six = p->value[MODEL_ETHERTYPE].low == 0x86dd;
	unsigned proto = (unsigned)p->value[MODEL_PROTOCOL].low;
	const char *name = proto_text(arena, proto);
	const char *source = address_text(arena, p->value[six ? MODEL_SOURCE6 : MODEL_SOURCE4], six);
	const char *dest = address_text(arena, p->value[six ? MODEL_DEST6 : MODEL_DEST4], six);

	if (proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136)
		return arena_printf(arena, "%s from %s port %u to %s port %u", name, source,
				    (unsigned)p->value[MODEL_SPORT].low, dest,
				    (unsigned)p->value[MODEL_DPORT].low);
	if (proto == 1 || proto == 58)
		return arena_printf(arena, "%s type %u code %u from %s to %s", name,
				    (unsigned)p->value[MODEL_ICMP_TYPE].low,
				    (unsigned)p->value[MODEL_ICMP_CODE].low, source, dest);
	return arena_printf(arena, "%s from %s to %s", name, source, dest);
}

const char *lint_example(struct lint *lint, struct model *m, packets set)
{
	struct model_packet packet;

	for (unsigned i = 0; i < 2; i++) {
		packets family = model_and(m, set, model_match(m, &example_matches[i][0]));
		packets preferred = model_and(m, family, model_match(m, &example_matches[i][1]));

		if (model_pick(m, preferred != PACKETS_NONE ? preferred : family, &packet))
			return packet_text(lint->arena, &packet);
	}
	return NULL;
}

const char *lint_packet_text(struct lint *lint, const struct model_packet *packet)
{
	return packet_text(lint->arena, packet);
}

bool lint_steps_packet(struct lint *lint, const struct model_step *a, const struct model_step *b,
		       unsigned variant, struct model_packet *packet)
{
	*packet = (struct model_packet){
		.value = { [MODEL_ETHERTYPE] = { 0, 0x0800 },
			   [MODEL_PROTOCOL] = { 0, 6 },
			   [MODEL_DPORT] = { 0, 80 },
			   [MODEL_SPORT] = { 0, 40000 },
			   [MODEL_ICMP_TYPE] = { 0, 8 },
			   [MODEL_SOURCE4] = { 0, 0xc0000201 },
			   [MODEL_DEST4] = example_dests[0].first,
			   [MODEL_SOURCE6] = { 0x20010db800000000, 1 },
			   [MODEL_DEST6] = example_dests[1].first },
	};
	return model_steps_packet(&lint->scratch, a, b, variant, packet);
}
