/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What arrives of the packets of a rule: they walk the program of what is written, on their whole path, with
 * the blacklist. Asked are packets that a person would think of: new connections between single hosts.
 *
 * Packets from the addresses of a guest of this node pass its own rules first, if the rule names sources;
 * packets to one pass its rules, too, if the rule names destinations.
 *
 * Of most rules the steps before them show that all arrives: none that blocks can meet their packets.  Only
 * for a zone that has others a model is made.
 */
#include "report/model.h"

#include "config/zones.h"
#include "meaning/written.h"
#include "model/step_packets.h"

enum {
	ACCEPTS_MOST = 64,
	SAMPLES_MOST = 200,     /* packets that are tried for a rule */
	OWNERS_MOST = 32,       /* guests of this node whose addresses rules of one zone name */
	LOOPBACK = 1,           /* the first of path_ifaces() */
	ZONES_AT_ONCE = 64,     /* whose chains are kept */
	MULTICAST_FIRST = 0xe0, /* 224.0.0.0 is the first address that is no host's */
};

/* A NIC whose addresses are known. */
struct owner {
	const struct guest *guest;
	const struct nic *nic;
	struct interval_set addresses[2]; /* IPv4, IPv6 */
	struct owner *next;
	UT_hash_handle hh;
};

/* Packets between the zone and an owner. */
struct owner_path {
	const struct owner *owner;
	const struct model_program *program;
	struct model_chain packets; /* from or to its addresses */
	packets set, accepted;
};

struct reach_rule {
	const struct rule *rule;
	struct model_chain steps;
	const struct model_match **ends; /* addresses at the other end that it names */
	uint32_t end_count;
};

struct reach {
	struct config config; /* as the report's target enforces it */
	struct translator *written;
	struct address_cache addresses;
	struct model_ifaces ifaces;
	struct model *model;
	struct owner *owners;
	struct owner *by_nic; /* uthash: the same */
	struct interval_set owned[2]; /* all of their addresses */
	uint32_t zones;               /* so far */
	struct arena arena;           /* of the report */
	struct arena scratch;         /* of the zone */
	/* The zone. */
	const struct report_zone *zone;
	enum report_way way;
	const struct model_chain *chain; /* of the zone itself */
	const struct model_program *program;
	struct reach_rule *rules;
	uint32_t rule_count, rule_room;
	struct owner_path owner_paths[OWNERS_MOST];
	uint32_t owner_count;
	struct model_chain own, blacklist; /* packets that are asked, and those from the set */
	struct model_packet usual;
	bool is_sealed;
	packets base, accepted, blacklisted; /* of the model */
};

/* ---- addresses of guests ---- */

static struct interval_set addresses_of(struct reach *r, const struct guest *guest, const struct nic *nic,
					unsigned family_mask)
{
	const struct ipset *set = guest_filter_set(guest, nic);
	struct prefix address = family_mask == IPV4 ? nic->ip4 : nic->ip6;

	if (set)
		return ipset_addresses(&r->addresses, set, family_mask);
	if (!address.family)
		return (struct interval_set){ NULL, 0 };
	address.length = (uint8_t)prefix_bits(&address);
	return interval_set_of_prefixes(&r->arena, &address, 1, family_mask);
}

static struct interval_set all_addresses(struct reach *r, unsigned six)
{
	struct interval *ranges;
	uint32_t count = 0;

	for (const struct owner *owner = r->owners; owner; owner = owner->next)
		count += owner->addresses[six].count;
	ranges = ARENA_ARRAY(&r->arena, struct interval, count);
	count = 0;
	for (const struct owner *owner = r->owners; owner; owner = owner->next)
		for (uint32_t i = 0; i < owner->addresses[six].count; i++)
			ranges[count++] = owner->addresses[six].ranges[i];
	return interval_set_normalize(ranges, count);
}

static void find_owners(struct reach *r)
{
	struct nic_walk walk = { .nic = NULL };

	while (nic_walk_next(&walk, &r->config)) {
		struct owner *owner = ARENA_NEW(&r->arena, struct owner);

		*owner = (struct owner){ .guest = walk.guest, .nic = walk.nic, .next = r->owners };
		owner->addresses[0] = addresses_of(r, walk.guest, walk.nic, IPV4);
		owner->addresses[1] = addresses_of(r, walk.guest, walk.nic, IPV6);
		if (!owner->addresses[0].count && !owner->addresses[1].count)
			continue;
		r->owners = owner;
		HASH_ADD_PTR(r->by_nic, nic, owner);
	}
	for (unsigned six = 0; six < 2; six++)
		r->owned[six] = all_addresses(r, six);
}

struct reach *reach_open(struct report_builder *b)
{
	struct reach *r = ARENA_NEW(b->arena, struct reach);

	r->config = *b->config;
	if (!b->config->host_options.nftables)
		r->config.vnets = NULL;
	r->ifaces = path_ifaces(&r->arena, &r->config);
	r->written = written_open(&r->config, &r->ifaces);
	find_owners(r);
	return r;
}

void reach_close(struct reach *r)
{
	HASH_CLEAR(hh, r->by_nic);
	translator_close(r->written);
	address_cache_free(&r->addresses);
	model_free(r->model);
	arena_free(&r->scratch);
	arena_free(&r->arena);
}

/* ---- a zone ---- */

static struct path_end end_of_zone(const struct report_zone *zone)
{
	if (zone->kind == REPORT_NIC)
		return (struct path_end){ .zone = PATH_GUEST, .guest = zone->owner, .nic = zone->nic };
	if (zone->kind == REPORT_VNET)
		return (struct path_end){ .zone = PATH_VNET, .vnet = zone->vnet };
	return (struct path_end){ .zone = PATH_HOST };
}

/* The program between the zone and another one; NULL: they do not meet. */
static const struct model_program *program_of(struct reach *r, const struct path_end *other)
{
	struct path_end own = end_of_zone(r->zone);
	struct path path;

	if (!path_between(&r->scratch, &r->config, r->way == REPORT_INTO ? other : &own,
			  r->way == REPORT_INTO ? &own : other, false, &path))
		return NULL;
	return translator_program(r->written, &r->scratch, &path);
}

static const struct model_chain *chain_of_zone(struct reach *r)
{
	if (r->zone->kind == REPORT_NIC)
		return written_nic(r->written, r->zone->owner, r->zone->nic, r->way == REPORT_OUT_OF);
	if (r->zone->kind == REPORT_VNET)
		return written_vnet(r->written, r->zone->vnet);
	return written_host(r->written, r->way == REPORT_INTO ? DIRECTION_IN : DIRECTION_OUT);
}

/* A NIC without a bridge has no path, but rules. */
static const struct model_program *program_of_chain(struct reach *r)
{
	struct model_program *program = ARENA_NEW(&r->scratch, struct model_program);
	struct model_stage *stage = ARENA_NEW(&r->scratch, struct model_stage);

	*stage = (struct model_stage){ r->chain, "rules" };
	*program = (struct model_program){ stage, r->chain ? 1 : 0 };
	return program;
}

static enum model_field other_field(const struct reach *r, unsigned six)
{
	static const enum model_field fields[2][2] = { { MODEL_SOURCE4, MODEL_SOURCE6 },
						       { MODEL_DEST4, MODEL_DEST6 } };

	return fields[r->way == REPORT_OUT_OF][six];
}

static enum model_field zone_field(const struct reach *r, unsigned six)
{
	return r->way == REPORT_INTO ? (six ? MODEL_DEST6 : MODEL_DEST4)
	       : six                 ? MODEL_SOURCE6
				     : MODEL_SOURCE4;
}

static struct interval_set mac_of(struct reach *r, const struct nic *nic)
{
	struct interval *mac = ARENA_NEW(&r->scratch, struct interval);

	for (unsigned i = 0; i < 6; i++)
		mac->first.low = mac->last.low = mac->first.low << 8 | nic->mac_bytes[i];
	return (struct interval_set){ mac, 1 };
}

/* Packets from or to addresses, with room for `more` matches in each step. */
static struct model_chain packets_of(struct reach *r, const struct interval_set addresses[2], bool source,
				     uint32_t more)
{
	static const struct interval types[] = { { { 0, 0x0800 }, { 0, 0x0800 } },
						 { { 0, 0x86dd }, { 0, 0x86dd } } };
	static const enum model_field fields[2][2] = { { MODEL_DEST4, MODEL_DEST6 },
						       { MODEL_SOURCE4, MODEL_SOURCE6 } };
	struct model_step *steps = ARENA_ARRAY(&r->scratch, struct model_step, 2);
	uint32_t count = 0;

	for (unsigned six = 0; six < 2; six++) {
		struct model_match *matches = ARENA_ARRAY(&r->scratch, struct model_match, 2 + more);

		matches[0] = (struct model_match){ MODEL_ETHERTYPE, false, { &types[six], 1 } };
		matches[1] = (struct model_match){ fields[source][six], false, addresses[six] };
		if (addresses[six].count)
			steps[count++] = (struct model_step){ .matches = matches, .match_count = 2 };
	}
	return (struct model_chain){ .steps = steps, .count = count };
}

/* The addresses of the zone's NIC, as far as they are known; count 0: they are not. */
static struct interval_set zone_addresses(const struct reach *r, unsigned six)
{
	const struct owner *owner;

	HASH_FIND_PTR(r->by_nic, &r->zone->nic, owner);
	return owner ? owner->addresses[six] : (struct interval_set){ NULL, 0 };
}

/* Packets from or to an owner's addresses; what is from it has its MAC address.  The other addresses are the
 * zone's. */
static struct model_chain packets_of_owner(struct reach *r, const struct owner *owner)
{
	bool source = r->way == REPORT_INTO;
	struct model_chain chain = packets_of(r, owner->addresses, source, 2);
	struct model_step *steps = (struct model_step *)chain.steps;

	for (uint32_t i = 0; i < chain.count; i++) {
		struct model_match *matches = (struct model_match *)steps[i].matches;
		unsigned six = matches[1].field == MODEL_SOURCE6 || matches[1].field == MODEL_DEST6;
		struct interval_set own = zone_addresses(r, six);

		if (source)
			matches[steps[i].match_count++] = (struct model_match){ MODEL_SOURCE_MAC, false,
										mac_of(r, owner->nic) };
		if (own.count)
			matches[steps[i].match_count++] = (struct model_match){ zone_field(r, six), false,
										own };
	}
	return chain;
}

/* A guest sends from its own addresses; and the loopback is no network. */
static struct model_chain own_packets(struct reach *r)
{
	static const struct interval ip[] = { { { 0, 0x0800 }, { 0, 0x0800 } },
					      { { 0, 0x86dd }, { 0, 0x86dd } } };
	static const struct interval loopback = { { 0, LOOPBACK }, { 0, LOOPBACK } };
	const struct nic *nic = r->way == REPORT_OUT_OF ? r->zone->nic : NULL;
	const struct ipset *set = nic ? guest_filter_set(r->zone->owner, nic) : NULL;
	struct model_step *steps = ARENA_ARRAY(&r->scratch, struct model_step, 2);
	uint32_t count = 0;

	for (unsigned six = 0; six < 2; six++) {
		struct model_match *matches = ARENA_ARRAY(&r->scratch, struct model_match, 4);
		uint32_t match_count = 2;

		matches[0] = (struct model_match){ MODEL_ETHERTYPE, false, { &ip[six], 1 } };
		matches[1] = (struct model_match){ MODEL_IFACE, true, { &loopback, 1 } };
		if (nic)
			matches[match_count++] = (struct model_match){ MODEL_SOURCE_MAC, false,
								       mac_of(r, nic) };
		if (set) {
			struct interval_set own = ipset_addresses(&r->addresses, set, six ? IPV6 : IPV4);

			if (!own.count)
				continue;
			matches[match_count++] = (struct model_match){ six ? MODEL_SOURCE6 : MODEL_SOURCE4,
								       false, own };
		}
		steps[count++] = (struct model_step){ .matches = matches, .match_count = match_count };
	}
	return (struct model_chain){ .steps = steps, .count = count };
}

static struct model_chain blacklisted_packets(struct reach *r)
{
	const struct ipset *set = cluster_ipset(&r->config, "blacklist");
	struct interval_set addresses[2];

	if (!set)
		return (struct model_chain){ .count = 0 };
	for (unsigned six = 0; six < 2; six++)
		addresses[six] = ipset_addresses(&r->addresses, set, six ? IPV6 : IPV4);
	return packets_of(r, addresses, true, 0);
}

/* An ordinary packet of the zone. */
static struct model_packet usual_packet(const struct reach *r)
{
	struct model_packet packet = {
		.value = { [MODEL_ETHERTYPE] = { 0, 0x0800 },
			   [MODEL_PROTOCOL] = { 0, 6 },
			   [MODEL_DPORT] = { 0, 80 },
			   [MODEL_SPORT] = { 0, 40000 },
			   [MODEL_ICMP_TYPE] = { 0, 8 },
			   [MODEL_TCP_FLAGS] = { 0, 0x02 },
			   [MODEL_SOURCE4] = { 0, 0xc0000201 },
			   [MODEL_DEST4] = { 0, 0xc6336401 },
			   [MODEL_SOURCE6] = { 0x20010db800000000, 1 },
			   [MODEL_DEST6] = { 0x20010db800000000, 2 },
			   [MODEL_SOURCE_TYPE] = { 0, MODEL_TYPE_UNICAST },
			   [MODEL_DEST_TYPE] = { 0, MODEL_TYPE_UNICAST } },
	};

	for (uint32_t i = r->own.count; i-- > 0;)
		for (uint32_t j = 0; j < r->own.steps[i].match_count; j++) {
			const struct model_match *m = &r->own.steps[i].matches[j];

			if (!m->negated && m->values.count)
				packet.value[m->field] = m->values.ranges[0].first;
		}
	return packet;
}

void reach_start(struct reach *r, const struct report_zone *zone, enum report_way way)
{
	static const struct path_end outside = { .zone = PATH_OUTSIDE };

	arena_reset(&r->scratch);
	if (++r->zones % ZONES_AT_ONCE == 0)
		translator_forget(r->written);
	r->zone = zone;
	r->way = way;
	r->rules = NULL;
	r->rule_count = r->rule_room = r->owner_count = 0;
	r->is_sealed = false;
	r->chain = chain_of_zone(r);
	/* The host's own vnets have rows of their own. */
	r->program = zone->kind == REPORT_HOST ? NULL : program_of(r, &outside);
	if (!r->program)
		r->program = program_of_chain(r);
	r->own = own_packets(r);
	r->blacklist = blacklisted_packets(r);
	r->usual = usual_packet(r);
}

/* ---- guests at the other end ---- */

/* Whether a rule names some of the addresses for the other end. */
static bool names_addresses(const struct reach_rule *rule, const struct interval_set addresses[2])
{
	for (uint32_t i = 0; i < rule->end_count; i++) {
		enum model_field field = rule->ends[i]->field;

		if (interval_set_overlaps(&rule->ends[i]->values,
					  &addresses[field == MODEL_SOURCE6 || field == MODEL_DEST6]))
			return true;
	}
	return false;
}

static bool names_owner(const struct reach_rule *rule, const struct owner *owner)
{
	return names_addresses(rule, owner->addresses);
}

/* Finds the addresses at the other end that a rule names, each set once. */
static void find_ends(struct reach *r, struct reach_rule *rule)
{
	const struct model_match **ends = ARENA_ARRAY(&r->scratch, const struct model_match *,
						      rule->steps.count);

	for (uint32_t i = 0; i < rule->steps.count; i++)
		for (uint32_t j = 0; j < rule->steps.steps[i].match_count; j++) {
			const struct model_match *m = &rule->steps.steps[i].matches[j];
			const struct model_match *last = rule->end_count ? ends[rule->end_count - 1] : NULL;

			if ((m->field == other_field(r, 0) || m->field == other_field(r, 1)) &&
			    !(last && last->values.ranges == m->values.ranges))
				ends[rule->end_count++] = m;
		}
	rule->ends = ends;
}

static bool has_owner(const struct reach *r, const struct owner *owner)
{
	for (uint32_t i = 0; i < r->owner_count; i++)
		if (r->owner_paths[i].owner == owner)
			return true;
	return false;
}

static void add_owners(struct reach *r, const struct reach_rule *rule)
{
	if (r->zone->kind == REPORT_VNET || !names_addresses(rule, r->owned))
		return;
	for (const struct owner *owner = r->owners; owner; owner = owner->next) {
		struct path_end end = { .zone = PATH_GUEST, .guest = owner->guest, .nic = owner->nic };
		const struct model_program *program;

		if (owner->guest == r->zone->owner || r->owner_count == OWNERS_MOST ||
		    !names_owner(rule, owner) || has_owner(r, owner))
			continue;
		program = program_of(r, &end);
		if (program)
			r->owner_paths[r->owner_count++] = (struct owner_path){
				.owner = owner, .program = program, .packets = packets_of_owner(r, owner)
			};
	}
}

/* ---- rules ---- */

uint32_t reach_add(struct reach *r, const struct rule *rule, struct text iface)
{
	struct reach_rule *added;

	if (r->rule_count == r->rule_room) {
		struct reach_rule *more;

		r->rule_room = r->rule_room * 2 + 16;
		more = ARENA_ARRAY(&r->scratch, struct reach_rule, r->rule_room);
		if (r->rule_count)
			memcpy(more, r->rules, r->rule_count * sizeof(*more));
		r->rules = more;
	}
	added = &r->rules[r->rule_count];
	*added = (struct reach_rule){ .rule = rule };
	/* The chains of a NIC get its packets only. */
	added->steps = r->zone->kind == REPORT_NIC ? written_rule_anywhere(r->written, &r->scratch, rule)
						   : written_rule_alone(r->written, &r->scratch, rule, iface);
	find_ends(r, added);
	add_owners(r, added);
	return r->rule_count++;
}

/* ---- without a model ---- */

static bool has_value(const struct model_match *m, uint64_t value)
{
	struct interval one = { number_small(value), number_small(value) };

	return interval_set_contains(&m->values, &(struct interval_set){ &one, 1 }) != m->negated;
}

/* Whether a step may match what base_of() asks for: no other rules are about these packets. */
static bool may_be_asked(const struct model_step *step)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *m = &step->matches[i];

		switch (m->field) {
		case MODEL_STATE:
			if (!has_value(m, MODEL_STATE_NEW))
				return false;
			break;
		case MODEL_SOURCE_TYPE:
		case MODEL_DEST_TYPE:
			if (!has_value(m, MODEL_TYPE_UNICAST))
				return false;
			break;
		case MODEL_TCP_FLAGS:
			if (!has_value(m, 0x02))
				return false;
			break;
		case MODEL_OVER_LIMIT:
			if (!has_value(m, 0))
				return false;
			break;
		case MODEL_SOURCE4:
			/* What is not the guest's own, or a multicast address. */
			if (m->negated || m->values.ranges[0].first.low >> 24 >= MULTICAST_FIRST)
				return false;
			break;
		case MODEL_SOURCE6:
		case MODEL_SOURCE_MAC:
			if (m->negated)
				return false;
			break;
		case MODEL_ETHERTYPE:
			if (m->negated)
				return false;
			break;
		case MODEL_SPORT:
			if (m->values.ranges[m->values.count - 1].last.low == 0)
				return false;
			break;
		case MODEL_IFACE:
			if (m->values.count == 1 && m->values.ranges[0].last.low == LOOPBACK)
				return false;
			break;
		default:
			break;
		}
	}
	return true;
}

/* A search for steps that decide about packets of a rule before it does. */
struct reach_search {
	const struct reach *r;
	const struct reach_rule *rule;
	bool denied; /* any step counts; else only those that block */
	const struct model_chain *before_policy[2];
	bool is_found, is_over;
	bool has_blacklisted;                           /* the blacklist may block some */
	const struct model_step *accepts[ACCEPTS_MOST]; /* steps that accept before, where the search is */
	uint32_t accept_count;
};

/* Whether one of the steps that accept before has all packets that both match. */
static bool is_accepted_before(const struct reach_search *s, const struct model_step *own,
			       const struct model_step *step)
{
	for (uint32_t i = 0; i < s->accept_count; i++)
		if (model_step_contains_common(s->accepts[i], own, step))
			return true;
	return false;
}

/* Whether packets of the rule may come to the step. */
static bool meets(const struct reach_search *s, const struct model_step *step)
{
	for (uint32_t i = 0; i < s->rule->steps.count; i++)
		if (!model_steps_are_apart(&s->rule->steps.steps[i], step) &&
		    !is_accepted_before(s, &s->rule->steps.steps[i], step))
			return true;
	return false;
}

static bool is_of_rule(const struct reach_search *s, const struct model_step *step)
{
	return step->span.begin && step->span.begin == s->rule->rule->span.begin;
}

static void search_step(struct reach_search *s, const struct model_step *step, bool always);

/* `is_own`: the chain of the zone, where the search ends with the rule, or with the rules. */
static void search_chain(struct reach_search *s, const struct model_chain *chain, bool is_own)
{
	for (uint32_t i = 0; i < chain->count && !s->is_found && !s->is_over; i++) {
		const struct model_step *step = &chain->steps[i];
		bool is_policy = step->effect == MODEL_JUMP &&
				 (step->to == s->before_policy[0] || step->to == s->before_policy[1]);

		if (is_own && (is_policy || is_of_rule(s, step)))
			return;
		search_step(s, step, true);
	}
}

/* `always`: the chain that it is in is passed by all packets. */
static void search_step(struct reach_search *s, const struct model_step *step, bool always)
{
	if (!may_be_asked(step) || !meets(s, step))
		return;
	if (step->implied == implied_phrase(IMPLIED_BLACKLIST) && !s->denied) {
		s->has_blacklisted = s->r->way == REPORT_INTO; /* guests do not send from these */
		return;
	}
	switch (step->effect) {
	case MODEL_JUMP:
		for (uint32_t i = 0; i < step->to->count && !s->is_found && !s->is_over; i++) {
			if (is_of_rule(s, &step->to->steps[i]))
				s->is_over = true;
			else
				search_step(s, &step->to->steps[i], always && !step->match_count);
		}
		break;
	case MODEL_ACCEPT:
	case MODEL_QUEUE:
		s->is_found = s->denied;
		if (always && s->accept_count < ACCEPTS_MOST)
			s->accepts[s->accept_count++] = step;
		break;
	case MODEL_LOG:
		break;
	default: /* DROP, and what goes to a reject */
		s->is_found = true;
		break;
	}
}

static bool is_whole_on(struct reach_search *s, const struct model_program *program)
{
	for (uint32_t i = 0; i < program->count && !s->is_found; i++) {
		s->is_over = false;
		s->accept_count = 0;
		search_chain(s, program->stages[i].chain, program->stages[i].chain == s->r->chain);
	}
	return !s->is_found;
}

/* Whether it is certain that all packets of the rule arrive, perhaps but those from the blacklist, or that it
 * blocks them all. */
static bool is_whole(struct reach *r, const struct reach_rule *rule, bool denied, bool *has_blacklisted)
{
	struct reach_search s = { .r = r, .rule = rule, .denied = denied };
	bool whole;

	s.before_policy[0] = written_before_policy(r->written, ACTION_DROP);
	s.before_policy[1] = written_before_policy(r->written, ACTION_REJECT);
	whole = is_whole_on(&s, r->program);
	for (uint32_t i = 0; i < r->owner_count && whole; i++)
		if (names_owner(rule, r->owner_paths[i].owner))
			whole = is_whole_on(&s, r->owner_paths[i].program);
	*has_blacklisted = s.has_blacklisted;
	return whole;
}

/* ---- by single packets ---- */

/* What was found out about packets of a rule. */
struct samples {
	struct reach *r;
	const struct reach_rule *rule;
	uint32_t left; /* packets to be tried */
	bool whole, denied;
	bool accepted, blocked; /* with `denied`: blocked by the rule, and decided by another */
};

/* Whether an address is of a single host. */
static bool is_host_address(const struct model_packet *packet, enum model_field field4,
			    enum model_field field6)
{
	uint64_t four = packet->value[field4].low;

	if (packet->value[MODEL_ETHERTYPE].low == 0x86dd)
		return packet->value[field6].high >> 56 != 0xff;
	return four && four >> 24 < MULTICAST_FIRST;
}

static bool has_packet(const struct model_chain *chain, const struct model_packet *packet)
{
	for (uint32_t i = 0; i < chain->count; i++)
		if (model_step_has(&chain->steps[i], packet))
			return true;
	return false;
}

static void try_packet(struct samples *s, const struct model_packet *packet)
{
	struct reach *r = s->r;
	const struct model_program *program = r->program;
	enum model_effect effect;
	struct span line;

	if (!is_host_address(packet, MODEL_SOURCE4, MODEL_SOURCE6) ||
	    !is_host_address(packet, MODEL_DEST4, MODEL_DEST6) || !has_packet(&r->own, packet) ||
	    packet->value[MODEL_SPORT].low == 0 ||
	    (r->way == REPORT_OUT_OF && has_packet(&r->blacklist, packet)))
		return;
	for (uint32_t i = 0; i < r->owner_count; i++)
		if (!s->denied && has_packet(&r->owner_paths[i].packets, packet) &&
		    names_owner(s->rule, r->owner_paths[i].owner))
			program = r->owner_paths[i].program;
	s->left--;
	effect = model_run(program, packet, &line);
	if (s->denied && line.begin == s->rule->rule->span.begin)
		s->accepted = true;
	else if (s->denied)
		s->blocked = true;
	else if (effect == MODEL_ACCEPT || effect == MODEL_QUEUE)
		s->accepted = true;
	else if (!has_packet(&r->blacklist, packet))
		s->blocked = true;
}

static bool is_done(const struct samples *s)
{
	return !s->left || (s->accepted && (s->blocked || s->whole));
}

static void try_step(struct samples *s, const struct model_step *own, const struct model_step *step)
{
	for (unsigned variant = 0; variant < MODEL_VARIANTS && !is_done(s); variant++) {
		struct model_packet packet = s->r->usual;

		if (model_steps_packet(&s->r->scratch, own, step, variant, &packet))
			try_packet(s, &packet);
	}
}

static void try_chain(struct samples *s, const struct model_step *own, const struct model_chain *chain)
{
	for (uint32_t i = 0; i < chain->count && !is_done(s); i++) {
		const struct model_step *step = &chain->steps[i];

		bool accepts = step->effect == MODEL_ACCEPT || step->effect == MODEL_QUEUE;

		/* One of each is enough. */
		if (step->effect == MODEL_LOG || (!s->denied && (accepts ? s->accepted : s->blocked)) ||
		    !may_be_asked(step) || model_steps_are_apart(own, step))
			continue;
		if (step->effect != MODEL_JUMP)
			try_step(s, own, step);
		if (step->effect == MODEL_JUMP)
			try_chain(s, own, step->to);
	}
}

/* Tries packets of the rule that meet the steps of the programs; `whole`: one that is accepted is enough. */
static struct samples try_rule(struct reach *r, const struct reach_rule *rule, bool whole, bool denied)
{
	struct samples s = { .r = r, .rule = rule, .whole = whole, .denied = denied, .left = SAMPLES_MOST };

	for (uint32_t i = 0; i < rule->steps.count; i++) {
		const struct model_step *own = &rule->steps.steps[i];

		try_step(&s, own, own);
		for (uint32_t j = 0; j < r->program->count; j++)
			try_chain(&s, own, r->program->stages[j].chain);
		for (uint32_t k = 0; k < r->owner_count; k++)
			for (uint32_t j = 0; j < r->owner_paths[k].packets.count && !is_done(&s); j++)
				try_step(&s, own, &r->owner_paths[k].packets.steps[j]);
	}
	return s;
}

/* Of one alternative of a rule. */
enum fate { FATE_OPEN, FATE_LOST, FATE_UNKNOWN };

/* Whether it is certain that a step blocks all packets of the alternative and none before lets any pass; with
 * `denied`, that a step before the rule decides them. */
static enum fate fate_in(const struct reach_rule *rule, const struct model_step *own,
			 const struct model_chain *chain, bool within, bool denied)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];
		bool contains = within && model_step_contains(step, own);
		enum fate fate;

		if (denied && step->span.begin && step->span.begin == rule->rule->span.begin)
			return FATE_UNKNOWN;
		if (step->effect == MODEL_LOG || !may_be_asked(step) || model_steps_are_apart(own, step))
			continue;
		if (step->effect == MODEL_JUMP) {
			fate = fate_in(rule, own, step->to, contains, denied);
			if (fate != FATE_OPEN)
				return fate;
		} else if (!denied && (step->effect == MODEL_ACCEPT || step->effect == MODEL_QUEUE)) {
			return FATE_UNKNOWN;
		} else if (contains) {
			return FATE_LOST;
		}
	}
	return FATE_OPEN;
}

/* Whether it is certain that nothing of an accepting rule arrives, or that a rule which blocks has nothing to
 * block. */
static bool is_nothing(const struct reach *r, const struct reach_rule *rule, bool denied)
{
	for (uint32_t i = 0; i < rule->steps.count; i++)
		if (!r->chain || fate_in(rule, &rule->steps.steps[i], r->chain, true, denied) != FATE_LOST)
			return false;
	return true;
}

/* ---- with a model ---- */

static void add_matches(struct model *m, const struct model_chain *chain)
{
	for (uint32_t i = 0; i < chain->count; i++)
		for (uint32_t j = 0; j < chain->steps[i].match_count; j++)
			model_add_match(m, &chain->steps[i].matches[j]);
}

static packets set_of(struct model *m, const struct model_chain *chain)
{
	packets all = PACKETS_NONE;

	for (uint32_t i = 0; i < chain->count; i++) {
		packets set = model_world(m);

		for (uint32_t j = 0; j < chain->steps[i].match_count; j++)
			set = model_and(m, set, model_match(m, &chain->steps[i].matches[j]));
		all = model_or(m, all, set);
	}
	return all;
}

static packets accepted_by(struct reach *r, const struct model_program *program, packets live)
{
	struct model_walk walk = { .live = live };
	struct model_result result = model_walk(r->model, program, &walk);

	return model_or(r->model, model_result_of(r->model, &result, MODEL_PASSED),
			model_result_of(r->model, &result, MODEL_QUEUED));
}

/* Far more than a chain of people needs. */
static const struct model_budget reach_budget = { .steps = 4000000, .bytes = (size_t)128 << 20 };

static void make_model(struct reach *r)
{
	static const struct interval zero = { { 0, 0 }, { 0, 0 } };
	static const struct model_match no_port = { MODEL_SPORT, false, { &zero, 1 } };

	if (r->model)
		model_reuse(r->model, &r->ifaces);
	else
		r->model = model_new(&r->ifaces, reach_budget);
	model_add(r->model, r->program);
	for (uint32_t i = 0; i < r->owner_count; i++) {
		model_add(r->model, r->owner_paths[i].program);
		add_matches(r->model, &r->owner_paths[i].packets);
	}
	for (uint32_t i = 0; i < r->rule_count; i++)
		add_matches(r->model, &r->rules[i].steps);
	add_matches(r->model, &r->own);
	add_matches(r->model, &r->blacklist);
	model_add_match(r->model, &no_port);
	model_seal(r->model);
	r->base = model_and(r->model, model_ordinary(r->model), set_of(r->model, &r->own));
	r->base = model_minus(r->model, r->base, model_match(r->model, &no_port));
	r->accepted = accepted_by(r, r->program, r->base);
	r->blacklisted = set_of(r->model, &r->blacklist);
	for (uint32_t i = 0; i < r->owner_count; i++) {
		struct owner_path *path = &r->owner_paths[i];

		path->set = set_of(r->model, &path->packets);
		path->accepted = accepted_by(r, path->program, model_and(r->model, path->set, r->base));
	}
	r->is_sealed = true;
}

/* What of the set is accepted, by the rules of both ends where the other one is a guest of this node. */
static packets accepted_of(struct reach *r, const struct reach_rule *rule, packets set)
{
	packets all = model_and(r->model, set, r->accepted);

	for (uint32_t i = 0; i < r->owner_count; i++) {
		const struct owner_path *path = &r->owner_paths[i];

		if (!names_owner(rule, path->owner))
			continue;
		all = model_or(r->model, model_minus(r->model, all, path->set),
			       model_and(r->model, model_and(r->model, set, path->set), path->accepted));
	}
	return all;
}

/* What a rule itself blocks. */
struct blocked {
	struct reach *r;
	const struct rule *rule;
	packets set;
};

static void note_blocked(void *context, const struct model_event *event)
{
	struct blocked *blocked = context;

	if (event->logs)
		return;
	for (const struct model_trail *t = event->trail; t; t = t->outer)
		if (t->step && t->step->span.begin == blocked->rule->span.begin) {
			blocked->set = model_or(blocked->r->model, blocked->set, event->hit);
			return;
		}
}

static packets blocked_of(struct reach *r, const struct reach_rule *rule, packets set)
{
	struct blocked blocked = { .r = r, .rule = rule->rule, .set = PACKETS_NONE };
	struct model_walk walk = { .live = set, .decided = note_blocked, .context = &blocked };

	model_walk(r->model, r->program, &walk);
	return blocked.set;
}

/* All but the blacklist: a rule that names no source is about everyone else anyway. */
static enum report_left but_blacklist(const struct reach_rule *rule)
{
	return rule->end_count ? REPORT_LEFT_BLACKLIST : REPORT_LEFT_ALL;
}

static enum report_left compare(struct reach *r, const struct reach_rule *rule, packets set, packets left)
{
	if (model_over(r->model, NULL))
		return REPORT_LEFT_PARTLY;
	if (left == PACKETS_NONE)
		return REPORT_LEFT_NOTHING;
	if (left == set)
		return REPORT_LEFT_ALL;
	/* Some from the blacklist is accepted before it is asked. */
	return model_minus(r->model, model_minus(r->model, set, r->blacklisted), left) == PACKETS_NONE ?
		       but_blacklist(rule) :
		       REPORT_LEFT_PARTLY;
}

/* Whether it is certain that all of the rule's packets have addresses that the guest may not send from. */
static bool is_foreign(const struct reach *r, const struct reach_rule *rule)
{
	for (uint32_t i = 0; i < rule->steps.count; i++)
		for (uint32_t j = 0; j < r->own.count; j++)
			if (!model_steps_are_apart(&rule->steps.steps[i], &r->own.steps[j]))
				return false;
	return true;
}

enum report_left reach_left(struct reach *r, uint32_t number, bool denied)
{
	const struct reach_rule *rule = &r->rules[number];
	struct samples samples;
	bool whole, has_blacklisted;
	packets set, usual;

	if (is_foreign(r, rule))
		return REPORT_LEFT_NOTHING;
	whole = is_whole(r, rule, denied, &has_blacklisted);
	if (whole && !has_blacklisted)
		return REPORT_LEFT_ALL;
	samples = try_rule(r, rule, whole, denied);
	if (samples.accepted && (samples.blocked || whole))
		return whole ? but_blacklist(rule) : REPORT_LEFT_PARTLY;
	if (!samples.accepted && is_nothing(r, rule, denied))
		return REPORT_LEFT_NOTHING;
	if (!r->is_sealed)
		make_model(r);
	set = set_of(r->model, &rule->steps);
	/* A rule that is about none of these packets, such as one for multicasts, is not judged by them. */
	if (model_and(r->model, set, model_ordinary(r->model)) == PACKETS_NONE)
		return REPORT_LEFT_ALL;
	set = model_and(r->model, set, r->base);
	usual = r->way == REPORT_OUT_OF ? model_minus(r->model, set, r->blacklisted) : set;
	if (usual != PACKETS_NONE)
		set = usual;
	return compare(r, rule, set, denied ? blocked_of(r, rule, set) : accepted_of(r, rule, set));
}
