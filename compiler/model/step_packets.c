/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/step_packets.h"

static bool steps_values_have(const struct interval_set *values, struct number n)
{
	const struct interval *range = interval_set_from(values, n);

	return range && number_compare(range->first, n) <= 0;
}

bool model_step_has(const struct model_step *step, const struct model_packet *packet)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *m = &step->matches[i];

		if (steps_values_have(&m->values, packet->value[m->field]) == m->negated)
			return false;
	}
	return true;
}

bool model_steps_are_apart(const struct model_step *a, const struct model_step *b)
{
	for (uint32_t i = 0; i < a->match_count; i++)
		for (uint32_t j = 0; j < b->match_count; j++) {
			const struct model_match *x = &a->matches[i], *y = &b->matches[j];

			if (x->field == y->field && !x->negated && !y->negated &&
			    !interval_set_overlaps(&x->values, &y->values))
				return true;
		}
	return false;
}

/* Whether a match of `b` has no values but those of `x`. */
static bool steps_within(const struct model_match *x, const struct model_step *b)
{
	for (uint32_t j = 0; j < b->match_count; j++) {
		const struct model_match *y = &b->matches[j];

		if (x->field == y->field && !x->negated && !y->negated &&
		    interval_set_contains(&x->values, &y->values))
			return true;
	}
	return false;
}

bool model_step_contains_common(const struct model_step *a, const struct model_step *b,
				const struct model_step *c)
{
	for (uint32_t i = 0; i < a->match_count; i++)
		if (!steps_within(&a->matches[i], b) && !steps_within(&a->matches[i], c))
			return false;
	return true;
}

bool model_step_contains(const struct model_step *a, const struct model_step *b)
{
	return model_step_contains_common(a, b, b);
}

/* ---- one packet ---- */

/* No group address: with one, a packet is of another type. */
static const struct model_packet steps_odd = {
	.value = { [MODEL_ETHERTYPE] = { 0, 0x86dd },
		   [MODEL_PROTOCOL] = { 0, 255 },
		   [MODEL_DPORT] = { 0, 65535 },
		   [MODEL_SPORT] = { 0, 65535 },
		   [MODEL_ICMP_TYPE] = { 0, 255 },
		   [MODEL_ICMP_CODE] = { 0, 255 },
		   [MODEL_TCP_FLAGS] = { 0, 0x02 },
		   [MODEL_SOURCE4] = { 0, 0xdfffffff },
		   [MODEL_DEST4] = { 0, 0xdfffffff },
		   [MODEL_SOURCE6] = { 0xfdffffffffffffff, UINT64_MAX },
		   [MODEL_DEST6] = { 0xfdffffffffffffff, UINT64_MAX },
		   [MODEL_SOURCE_TYPE] = { 0, MODEL_TYPE_UNICAST },
		   [MODEL_DEST_TYPE] = { 0, MODEL_TYPE_UNICAST } },
};

static void steps_set_last(const struct model_step *step, struct model_packet *packet)
{
	for (uint32_t i = 0; i < step->match_count; i++) {
		const struct model_match *m = &step->matches[i];

		if (!m->negated && m->values.count)
			packet->value[m->field] = m->values.ranges[m->values.count - 1].last;
	}
}

bool model_step_last(const struct model_step *step, struct model_packet *packet)
{
	*packet = steps_odd;
	steps_set_last(step, packet);
	return model_step_has(step, packet);
}

/* The last value that both sets have; false: none. */
static bool steps_common_last(const struct interval_set *a, const struct interval_set *b,
			      struct number *value)
{
	uint32_t i = a->count, j = b->count;

	while (i && j) {
		const struct interval *x = &a->ranges[i - 1], *y = &b->ranges[j - 1];
		struct number last = number_compare(x->last, y->last) < 0 ? x->last : y->last;

		if (number_compare(number_max(x->first, y->first), last) <= 0) {
			*value = last;
			return true;
		}
		if (number_compare(x->first, y->first) > 0)
			i--;
		else
			j--;
	}
	return false;
}

bool model_steps_last(const struct model_step *a, const struct model_step *b, struct model_packet *packet)
{
	*packet = steps_odd;
	steps_set_last(a, packet);
	steps_set_last(b, packet);
	for (uint32_t i = 0; i < a->match_count; i++)
		for (uint32_t j = 0; j < b->match_count; j++)
			if (a->matches[i].field == b->matches[j].field &&
			    !steps_common_last(&a->matches[i].values, &b->matches[j].values,
					       &packet->value[a->matches[i].field]))
				return false;
	return model_step_has(a, packet) && model_step_has(b, packet);
}

/* ---- packets of other values ---- */

static struct number steps_usual_value(enum model_field field, const struct interval_set *values, struct number usual)
{
	const struct interval *first = values->ranges;
	bool has_network = field == MODEL_SOURCE4 || field == MODEL_DEST4 || field == MODEL_SOURCE6 || field == MODEL_DEST6;

	if (steps_values_have(values, usual))
		return usual;
	/* No host has the first address of a network. */
	return has_network && number_compare(first->first, first->last) < 0 ? number_next(first->first) : first->first;
}

static struct number steps_value(unsigned variant, enum model_field field, const struct interval_set *values,
				 struct number usual)
{
	bool is_source = field == MODEL_SOURCE4 || field == MODEL_SOURCE6;
	bool last = variant == 1 || (variant == 3 && is_source) || (variant == 4 && !is_source);

	if (variant == 0)
		return steps_usual_value(field, values, usual);
	return last ? values->ranges[values->count - 1].last : values->ranges[0].first;
}

static void steps_choose(struct arena *arena, const struct model_step *a, const struct model_step *b, unsigned variant,
			 struct model_packet *packet)
{
	for (uint32_t i = 0; i < a->match_count; i++) {
		enum model_field field = a->matches[i].field;
		struct interval_set values = a->matches[i].values;

		if (a->matches[i].negated)
			continue;
		for (uint32_t j = 0; j < b->match_count; j++)
			if (b->matches[j].field == field && !b->matches[j].negated)
				values = interval_set_intersect(arena, &values, &b->matches[j].values);
		if (values.count)
			packet->value[field] = steps_value(variant, field, &values, packet->value[field]);
	}
}

bool model_steps_packet(struct arena *arena, const struct model_step *a, const struct model_step *b, unsigned variant,
			struct model_packet *packet)
{
	steps_choose(arena, a, b, variant, packet);
	steps_choose(arena, b, a, variant, packet);
	return model_step_has(a, packet) && model_step_has(b, packet);
}

/* RETURN: the packet leaves the chain at its end. */
static enum model_effect steps_run_chain(const struct model_chain *chain, const struct model_packet *packet,
					 struct span *line)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];
		enum model_effect effect = step->effect;

		if (effect == MODEL_LOG || effect == MODEL_MARK || !model_step_has(step, packet))
			continue;
		if (step->span.begin)
			*line = step->span;
		if (effect == MODEL_JUMP || effect == MODEL_GOTO)
			effect = steps_run_chain(step->to, packet, line);
		if (effect != MODEL_RETURN || step->effect != MODEL_JUMP)
			return effect;
	}
	return MODEL_RETURN;
}

enum model_effect model_run(const struct model_program *program, const struct model_packet *packet, struct span *line)
{
	*line = SPAN_NONE;
	for (uint32_t i = 0; i < program->count; i++) {
		enum model_effect effect;

		*line = SPAN_NONE;
		effect = steps_run_chain(program->stages[i].chain, packet, line);
		if (effect != MODEL_RETURN && effect != MODEL_ACCEPT)
			return effect;
	}
	return MODEL_ACCEPT;
}
