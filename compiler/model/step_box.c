/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/step_box.h"

/* The sides of a field: a number is cut to 32 bits, of which the second side of an IPv6 address has the next ones. */
struct box_side {
	enum model_field field;
	unsigned shift; /* of the upper half of a number; WHOLE: its lower half fits */
};

enum { WHOLE = 64 };

static const struct box_side sides[STEP_BOX_SIDES] = {
	{ MODEL_SOURCE4, WHOLE }, { MODEL_DEST4, WHOLE }, { MODEL_DPORT, WHOLE },     { MODEL_SPORT, WHOLE },
	{ MODEL_PROTOCOL, WHOLE }, { MODEL_SOURCE6, 32 }, { MODEL_SOURCE6, 0 },       { MODEL_DEST6, 32 },
	{ MODEL_DEST6, 0 },	  { MODEL_ETHERTYPE, WHOLE }, { MODEL_ICMP_TYPE, WHOLE }, { MODEL_IFACE, WHOLE },
};

static int32_t box_value(uint64_t value)
{
	return (int32_t)((uint32_t)value ^ 0x80000000u);
}

static void box_narrow(struct step_box *box, const struct model_match *match)
{
	struct number first = match->values.ranges[0].first, last = match->values.ranges[match->values.count - 1].last;

	for (int i = 0; i < STEP_BOX_SIDES; i++) {
		unsigned shift = sides[i].shift;
		int32_t low, high;

		if (sides[i].field != match->field)
			continue;
		/* Bits below others say something only where those are the same. */
		if (shift == 0 && first.high >> 32 != last.high >> 32)
			continue;
		low = box_value(shift == WHOLE ? first.low : first.high >> shift);
		high = box_value(shift == WHOLE ? last.low : last.high >> shift);
		box->first[i] = low > box->first[i] ? low : box->first[i];
		box->last[i] = high < box->last[i] ? high : box->last[i];
	}
}

static void box_of_step(const struct model_step *step, struct step_box *box)
{
	for (int i = 0; i < STEP_BOX_SIDES; i++) {
		box->first[i] = INT32_MIN;
		box->last[i] = INT32_MAX;
	}
	for (uint32_t i = 0; i < step->match_count; i++)
		if (!step->matches[i].negated && step->matches[i].values.count)
			box_narrow(box, &step->matches[i]);
}

void step_box_join(struct step_box *box, const struct step_box *other)
{
	for (int i = 0; i < STEP_BOX_SIDES; i++) {
		box->first[i] = other->first[i] < box->first[i] ? other->first[i] : box->first[i];
		box->last[i] = other->last[i] > box->last[i] ? other->last[i] : box->last[i];
	}
}

void step_box_of(const struct model_chain *chain, struct step_box *box)
{
	struct step_box one;

	for (int i = 0; i < STEP_BOX_SIDES; i++) {
		box->first[i] = INT32_MAX;
		box->last[i] = INT32_MIN;
	}
	for (uint32_t i = 0; i < chain->count; i++) {
		box_of_step(&chain->steps[i], &one);
		step_box_join(box, &one);
	}
}
