/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random packet programs and packets, the same at every run, and a plain interpreter: what one packet meets. */
#ifndef PVEFW_RANDOM_PROGRAMS_H
#define PVEFW_RANDOM_PROGRAMS_H

#include <stdlib.h>

#include "model/packet_model.h"

enum { CHAINS_MOST = 7, STEPS_MOST = 9, MATCHES_MOST = 3, STAGES_MOST = 3, IFACES = 3 };

/* How often to try, from `times`; fewer where it is slow. */
static inline int tries(int times)
{
	return getenv("PVEFW_FEWER") ? times / 5 : times;
}

static uint64_t program_seed = 88172645463325252u;

static inline uint32_t below(uint32_t limit)
{
	program_seed ^= program_seed << 13;
	program_seed ^= program_seed >> 7;
	program_seed ^= program_seed << 17;
	return (uint32_t)(program_seed >> 20) % limit;
}

static inline struct number top_of(enum model_field field)
{
	static const unsigned bits[] = {
#define FIELD(ID, bits, ...) [MODEL_##ID] = bits,
#include "model/field.def"
	};

	if (bits[field] == 128)
		return (struct number){ UINT64_MAX, UINT64_MAX };
	return number_small(((uint64_t)1 << bits[field]) - 1);
}

/* ---- values ---- */

/* Values that rules are likely to tell apart. */
static inline struct number random_value(enum model_field field)
{
	static const uint64_t ethertypes[] = { 0x800, 0x800, 0x800, 0x86dd, 0x86dd, 0x806, 0x8100 };
	static const uint64_t protocols[] = { 6, 6, 6, 17, 1, 58, 132, 47, 0, 255 };
	static const uint64_t addresses[] = { 0,          0x0a000000, 0x0a000001, 0x0a0000ff,
					      0x0a010000, 0xc0a80000, 0xdfffffff, 0xe0000000,
					      0xefffffff, 0xf0000000, 0xfffffffe, 0xffffffff };
	struct number n;

	switch (field) {
	case MODEL_ETHERTYPE:
		return number_small(ethertypes[below(7)]);
	case MODEL_PROTOCOL:
		return number_small(protocols[below(10)]);
	case MODEL_STATE:
		return number_small(below(MODEL_STATES));
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return number_small(1 + below(5));
	case MODEL_IFACE:
		return number_small(below(IFACES + 1));
	case MODEL_SOURCE4:
	case MODEL_DEST4:
	case MODEL_ARP_SENDER:
		return number_small((addresses[below(12)] + below(3)) & UINT32_MAX);
	case MODEL_SOURCE6:
	case MODEL_DEST6:
		n.high = (uint64_t[]){ 0, 0x20010db8ull << 32, 0xfe80ull << 48, 0xff02ull << 48,
				       UINT64_MAX }[below(5)];
		n.low = (uint64_t[]){ 0, 1, UINT64_MAX, 77 }[below(4)];
		return n;
	case MODEL_DPORT:
	case MODEL_SPORT:
		return number_small((uint64_t[]){ 0, 22, 23, 80, 443, 1023, 1024, 8006, 65535 }[below(9)]);
	default:
		n = top_of(field);
		n.low &= below(4) ? below(5) : n.low - below(3);
		return n;
	}
}

static inline struct interval_set random_values(struct arena *arena, enum model_field field)
{
	uint32_t count = 1 + below(3);
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, count);

	for (uint32_t i = 0; i < count; i++) {
		struct number a = random_value(field), b = below(2) ? a : random_value(field);

		ranges[i] = number_compare(a, b) <= 0 ? (struct interval){ a, b } : (struct interval){ b, a };
	}
	return below(40) ? interval_set_normalize(ranges, count) : (struct interval_set){ NULL, 0 };
}

/* ---- programs ---- */

struct random_chain {
	struct model_chain chain;
	struct model_step steps[STEPS_MOST];
};

/* Some match the most. */
static inline enum model_field random_field(void)
{
	static const enum model_field usual[] = { MODEL_ETHERTYPE, MODEL_PROTOCOL, MODEL_DPORT,
						  MODEL_SOURCE4,   MODEL_DEST4,    MODEL_STATE };

	return below(2) ? usual[below(6)] : (enum model_field)below(MODEL_FIELDS);
}

static inline void random_step(struct arena *arena, struct model_step *step, const struct random_chain *later,
			       uint32_t later_count)
{
	struct model_match *matches = ARENA_ARRAY(arena, struct model_match, MATCHES_MOST);

	memset(step, 0, sizeof(*step));
	step->matches = matches;
	step->match_count = below(MATCHES_MOST + 1);
	for (uint32_t i = 0; i < step->match_count; i++) {
		matches[i].field = random_field();
		matches[i].negated = below(4) == 0;
		matches[i].values = random_values(arena, matches[i].field);
	}
	if (below(5) == 0) {
		step->mark_mask = 1 + below(3);
		step->mark_value = below(4) & step->mark_mask;
		step->mark_negated = below(2);
	}
	step->span = (struct span){ 1 + below(1000000), 1000001 };
	step->effect = (enum model_effect)below(MODEL_LOG + 1);
	if ((step->effect == MODEL_JUMP || step->effect == MODEL_GOTO) && !later_count)
		step->effect = MODEL_RETURN;
	switch (step->effect) {
	case MODEL_JUMP:
	case MODEL_GOTO:
		step->to = &later[below(later_count)].chain;
		break;
	case MODEL_REJECT:
		step->reject = (enum model_reject)below(MODEL_REJECTS);
		break;
	case MODEL_QUEUE:
		step->queue.first = (uint16_t)below(2);
		step->queue.last = step->queue.first;
		break;
	case MODEL_MARK:
		step->mark.keep = below(4);
		step->mark.bits = below(4);
		break;
	default:
		break;
	}
}

static inline struct model_program *random_program(struct arena *arena)
{
	struct model_program *program = ARENA_NEW(arena, struct model_program);
	struct model_stage *stages = ARENA_ARRAY(arena, struct model_stage, STAGES_MOST);
	uint32_t count = 1 + below(CHAINS_MOST);
	struct random_chain *chains = ARENA_ARRAY(arena, struct random_chain, count);

	for (uint32_t i = count; i-- > 0;) {
		chains[i].chain = (struct model_chain){ .name = TEXT("chain"),
							.steps = chains[i].steps,
							.count = 1 + below(STEPS_MOST) };
		for (uint32_t k = 0; k < chains[i].chain.count; k++)
			random_step(arena, &chains[i].steps[k], &chains[i + 1], count - i - 1);
	}
	program->stages = stages;
	program->count = 1 + below(STAGES_MOST);
	for (uint32_t i = 0; i < program->count; i++)
		stages[i].chain = i && below(8) == 0 ? NULL : &chains[i ? below(count) : 0].chain;
	return program;
}

/* ---- packets ---- */

static inline bool is_ip(const struct model_packet *p)
{
	return p->value[MODEL_ETHERTYPE].low == 0x800 || p->value[MODEL_ETHERTYPE].low == 0x86dd;
}

static inline uint64_t type_of(const struct model_packet *p, enum model_field four, enum model_field six,
			       uint64_t wish)
{
	uint64_t address = p->value[four].low;

	if (p->value[MODEL_ETHERTYPE].low == 0x800) {
		if (address >> 28 == 14)
			return MODEL_TYPE_MULTICAST;
		if (address == 0 || address == UINT32_MAX)
			return MODEL_TYPE_BROADCAST;
	} else {
		if (p->value[six].high >> 56 == 0xff)
			return MODEL_TYPE_MULTICAST;
		if (wish == MODEL_TYPE_BROADCAST)
			return MODEL_TYPE_UNICAST;
	}
	return wish == MODEL_TYPE_MULTICAST ? MODEL_TYPE_UNICAST : wish;
}

/* One that exists. */
static inline struct model_packet random_packet(void)
{
	struct model_packet p;

	for (int f = 0; f < MODEL_FIELDS; f++)
		p.value[f] = random_value((enum model_field)f);
	if (!is_ip(&p)) {
		p.value[MODEL_STATE] = number_small(MODEL_STATE_INVALID);
		return p;
	}
	p.value[MODEL_SOURCE_TYPE] = number_small(
		type_of(&p, MODEL_SOURCE4, MODEL_SOURCE6, p.value[MODEL_SOURCE_TYPE].low));
	p.value[MODEL_DEST_TYPE] = number_small(
		type_of(&p, MODEL_DEST4, MODEL_DEST6, p.value[MODEL_DEST_TYPE].low));
	return p;
}

static inline bool has_field(const struct model_packet *p, enum model_field field)
{
	uint64_t ethertype = p->value[MODEL_ETHERTYPE].low, protocol = p->value[MODEL_PROTOCOL].low;

	switch (field) {
	case MODEL_SOURCE4:
	case MODEL_DEST4:
		return ethertype == 0x800;
	case MODEL_SOURCE6:
	case MODEL_DEST6:
		return ethertype == 0x86dd;
	case MODEL_ARP_SENDER:
		return ethertype == 0x806;
	case MODEL_PROTOCOL:
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return is_ip(p);
	case MODEL_DPORT:
	case MODEL_SPORT:
		return is_ip(p) && (protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
				    protocol == 136);
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return is_ip(p) && (protocol == 1 || protocol == 58);
	case MODEL_TCP_FLAGS:
		return is_ip(p) && protocol == 6;
	default:
		return true;
	}
}

/* ---- the interpreter ---- */

static inline bool packet_matches(const struct model_packet *p, const struct model_match *match)
{
	bool in = false;

	for (uint32_t i = 0; i < match->values.count; i++)
		in |= number_compare(match->values.ranges[i].first, p->value[match->field]) <= 0 &&
		      number_compare(p->value[match->field], match->values.ranges[i].last) <= 0;
	return has_field(p, match->field) && in != match->negated;
}

static inline bool step_matches(const struct model_packet *p, const struct model_step *step, uint32_t mark)
{
	for (uint32_t i = 0; i < step->match_count; i++)
		if (!packet_matches(p, &step->matches[i]))
			return false;
	return !step->mark_mask || ((mark & step->mark_mask) == step->mark_value) != step->mark_negated;
}

struct met {
	bool ends;
	enum model_verdict verdict;
	uint16_t queue;
	const struct model_step
		*step; /* that decided, in the last stage that was passed; NULL: its chain's end */
};

/* True if the packet's stage is over. */
static inline bool interpret_chain(const struct model_packet *p, const struct model_chain *chain,
				   uint32_t *mark, struct span without, struct met *met)
{
	uint64_t type = p->value[MODEL_DEST_TYPE].low;
	bool is_group = is_ip(p) && (type == MODEL_TYPE_BROADCAST || type == MODEL_TYPE_MULTICAST);

	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		if (without.begin && step->span.begin == without.begin && step->span.end == without.end)
			continue;
		if (!step_matches(p, step, *mark))
			continue;
		switch (step->effect) {
		case MODEL_ACCEPT:
			met->step = step;
			return true;
		case MODEL_DROP:
			*met = (struct met){ true, MODEL_DROPPED, 0, step };
			return true;
		case MODEL_REJECT:
			*met = (struct met){ true,
					     is_group ? MODEL_DROPPED
						      : (enum model_verdict)(MODEL_REJECTED + step->reject),
					     0, step };
			return true;
		case MODEL_QUEUE:
			*met = (struct met){ true, MODEL_QUEUED, step->queue.first, step };
			return true;
		case MODEL_RETURN:
			return false;
		case MODEL_GOTO:
			return interpret_chain(p, step->to, mark, without, met);
		case MODEL_JUMP:
			if (interpret_chain(p, step->to, mark, without, met))
				return true;
			break;
		case MODEL_MARK:
			*mark = (*mark & step->mark.keep) | step->mark.bits;
			break;
		case MODEL_LOG:
		case MODEL_UNKNOWN:
			break;
		}
	}
	return false;
}

static inline struct met interpret(const struct model_packet *p, const struct model_program *program,
				   struct span without)
{
	struct met met = { false, MODEL_PASSED, 0, NULL };
	uint32_t mark = 0;

	for (uint32_t i = 0; i < program->count && !met.ends; i++) {
		met.step = NULL;
		if (program->stages[i].chain)
			interpret_chain(p, program->stages[i].chain, &mark, without, &met);
	}
	return met;
}

#endif
