/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as steps of a chain: the classes of the values that they ask, and what the chain does to packets,
 * against an interpreter of single packets.
 *
 * A step is a byte (effect, and how many matches), and for each match a byte (field, negated) and a byte (how
 * many intervals, 0 to 3).  A value is one byte: 6 bits at the lower or the upper end of the field.
 */
#include "fuzz.h"

#include "../unit/random_programs.h"

enum { FUZZ_STEPS = 40, FUZZ_MATCHES = 3, FUZZ_RANGES = 3, FUZZ_PACKETS = 30 };

struct bytes_left {
	const uint8_t *data;
	size_t size;
};

static uint8_t take(struct bytes_left *left)
{
	if (!left->size)
		return 0;
	left->size--;
	return *left->data++;
}

static struct number take_value(struct bytes_left *left, enum model_field field)
{
	struct number top = top_of(field), n = number_small(0);
	uint8_t byte = take(left);

	if (byte & 0x40 && top.high)
		n.high = byte & 0x3f;
	else
		n.low = (byte & 0x3f) & top.low;
	if (byte & 0x80)
		n = (struct number){ top.high - n.high, top.low - n.low };
	return n;
}

static struct model_match take_match(struct bytes_left *left, struct arena *arena)
{
	uint8_t byte = take(left), count = take(left) % (FUZZ_RANGES + 1);
	struct model_match match = { (enum model_field)((byte & 0x7f) % MODEL_FIELDS),
				     byte & 0x80,
				     { NULL, 0 } };
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, FUZZ_RANGES);

	for (uint8_t i = 0; i < count; i++) {
		struct number a = take_value(left, match.field), b = take_value(left, match.field);

		ranges[i] = number_compare(a, b) <= 0 ? (struct interval){ a, b } : (struct interval){ b, a };
	}
	match.values = interval_set_normalize(ranges, count);
	return match;
}

static void take_step(struct bytes_left *left, struct arena *arena, struct model_step *step)
{
	static const enum model_effect effects[] = { MODEL_ACCEPT, MODEL_DROP, MODEL_REJECT, MODEL_MARK,
						     MODEL_RETURN };
	struct model_match *matches = ARENA_ARRAY(arena, struct model_match, FUZZ_MATCHES);
	uint8_t byte = take(left);

	*step = (struct model_step){ .matches = matches, .match_count = byte % (FUZZ_MATCHES + 1) };
	step->effect = effects[(byte >> 2) % 5];
	if (step->effect == MODEL_MARK) {
		step->mark.keep = byte >> 6;
		step->mark.bits = byte >> 5 & 3;
	} else if (byte & 0x80) {
		step->mark_mask = 3;
		step->mark_value = byte >> 5 & 3;
	}
	for (uint32_t i = 0; i < step->match_count; i++)
		matches[i] = take_match(left, arena);
}

static bool interval_has(const struct interval_set *set, struct number value)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (number_compare(set->ranges[i].first, value) <= 0 &&
		    number_compare(value, set->ranges[i].last) <= 0)
			return true;
	return false;
}

/* The values that a set of packets has of a field are those of the match, as far as packets have them. */
static void check_values(struct model *m, struct arena *arena, const struct model_match *match)
{
	packets set = model_match(m, match);
	struct interval_set values = model_values(m, arena, set, match->field);

	for (uint32_t i = 0; i < match->values.count; i++) {
		struct number ends[] = { match->values.ranges[i].first, match->values.ranges[i].last };

		for (unsigned k = 0; k < 2; k++)
			REQUIRE(!interval_has(&values, ends[k]) ||
				interval_has(&match->values, ends[k]) != match->negated);
	}
	for (uint32_t i = 0; i < values.count; i++)
		REQUIRE(interval_has(&match->values, values.ranges[i].first) != match->negated);
}

/* A packet near the values that are asked. */
static struct model_packet take_packet(struct bytes_left *left, const struct model_step *steps,
				       uint32_t count)
{
	struct model_packet p = random_packet();

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < steps[i].match_count; k++) {
			const struct model_match *match = &steps[i].matches[k];
			enum model_field f = match->field;
			const struct interval *range = match->values.ranges;

			if (f == MODEL_STATE || f == MODEL_IFACE || f == MODEL_SOURCE_TYPE ||
			    f == MODEL_DEST_TYPE || below(2) || !match->values.count)
				continue;
			p.value[f] = below(2) ? range->first : below(2) ? range->last : take_value(left, f);
		}
	p.value[MODEL_STATE] = number_small(is_ip(&p) ? below(MODEL_STATES) : MODEL_STATE_INVALID);
	p.value[MODEL_IFACE] = number_small(0);
	p.value[MODEL_SOURCE_TYPE] = number_small(type_of(&p, MODEL_SOURCE4, MODEL_SOURCE6, 1 + below(5)));
	p.value[MODEL_DEST_TYPE] = number_small(type_of(&p, MODEL_DEST4, MODEL_DEST6, 1 + below(5)));
	return p;
}

static void check_walk(struct model *m, struct bytes_left *left, const struct model_program *program)
{
	const struct model_chain *chain = program->stages[0].chain;
	struct model_result result = model_walk(m, program, &(struct model_walk){ .live = model_world(m) });

	for (int i = 0; i < FUZZ_PACKETS; i++) {
		struct model_packet p = take_packet(left, chain->steps, chain->count);
		struct met met = interpret(&p, program, SPAN_NONE);
		unsigned found = 0;

		REQUIRE(model_has(m, model_world(m), &p));
		for (uint32_t o = 0; o < result.count; o++)
			if (model_has(m, result.outcomes[o].set, &p)) {
				REQUIRE(result.outcomes[o].verdict == met.verdict);
				found++;
			}
		REQUIRE(found == 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_left left = { data, size };
	struct model_step steps[FUZZ_STEPS];
	struct model_chain chain = { TEXT("chain"), steps, 0, true };
	struct model_stage stage = { &chain, "stage" };
	struct model_program program = { &stage, 1 };
	struct model *m = model_new(NULL, (struct model_budget){ 0 });
	struct arena arena = { 0 };

	program_seed = 88172645463325252u;
	while (left.size && chain.count < FUZZ_STEPS)
		take_step(&left, &arena, &steps[chain.count++]);
	model_add(m, &program);
	model_seal(m);
	for (uint32_t i = 0; i < chain.count; i++)
		for (uint32_t k = 0; k < steps[i].match_count; k++)
			check_values(m, &arena, &steps[i].matches[k]);
	check_walk(m, &left, &program);
	model_free(m);
	arena_free(&arena);
	return 0;
}
