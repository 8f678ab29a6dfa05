/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/step_packets.h"

static bool steps_values_have(const struct interval_set *values, struct number n)
{
	uint32_t low = 0, high = values->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (number_compare(values->ranges[middle].last, n) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < values->count && number_compare(values->ranges[low].first, n) <= 0;
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
