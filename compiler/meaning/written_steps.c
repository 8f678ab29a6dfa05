/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches, steps and chains of what is written. */
#include "meaning/written_parts.h"

#include <stdlib.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/xmalloc.h"

const struct written_matches written_always = { .count = 0 };

/* ---- matches ---- */

void written_match(struct written_matches *m, enum model_field field, struct interval_set values,
		   bool negated)
{
	m->never |= !negated && !values.count;
	m->items[m->count++] = (struct model_match){ field, negated, values };
}

void written_match_range(struct written *w, struct written_matches *m, enum model_field field, uint64_t first,
			 uint64_t last)
{
	struct interval *range = ARENA_NEW(w->arena, struct interval);

	*range = (struct interval){ number_small(first), number_small(last) };
	written_match(m, field, (struct interval_set){ range, 1 }, false);
}

void written_match_family(struct written_matches *m, unsigned family_mask)
{
	static const struct interval types[] = { { { 0, ETH_P_IP }, { 0, ETH_P_IP } },
						 { { 0, ETH_P_IPV6 }, { 0, ETH_P_IPV6 } } };

	if (family_mask != IPV_BOTH)
		written_match(m, MODEL_ETHERTYPE, (struct interval_set){ &types[family_mask == IPV6], 1 },
			      false);
}

void written_match_addresses(struct written_matches *m, bool source, struct interval_set values,
			     unsigned family_mask, bool negated)
{
	static const enum model_field fields[2][2] = { { MODEL_DEST4, MODEL_SOURCE4 },
						       { MODEL_DEST6, MODEL_SOURCE6 } };

	written_match_family(m, family_mask);
	written_match(m, fields[family_mask == IPV6][source], values, negated);
}

void written_match_flags(struct written *w, struct written_matches *m, uint8_t mask, uint8_t flags,
			 bool negated)
{
	struct interval ranges[256], *kept;
	struct interval_set values;
	uint32_t count = 0;

	for (unsigned value = 0; value < 256; value++)
		if ((value & mask) == flags)
			ranges[count++] = (struct interval){ number_small(value), number_small(value) };
	values = interval_set_normalize(ranges, count);
	kept = ARENA_ARRAY(w->arena, struct interval, values.count);
	if (values.count)
		memcpy(kept, ranges, values.count * sizeof(*kept));
	values.ranges = kept;
	written_match_range(w, m, MODEL_PROTOCOL, IPPROTO_TCP, IPPROTO_TCP);
	written_match(m, MODEL_TCP_FLAGS, values, negated);
}

void written_match_iface(struct written *w, struct written_matches *m, const struct written_place *place,
			 struct text name)
{
	struct interval_set values = model_iface_values(w->arena, w->ifaces, name);
	struct interval one = { number_small(place->iface), number_small(place->iface) };

	if (place->iface == WRITTEN_ANY_IFACE)
		written_match(m, MODEL_IFACE, values, false);
	else
		m->never |= !interval_set_contains(&values, &(struct interval_set){ &one, 1 });
}

void written_match_icmp(struct written *w, struct written_matches *m, const struct icmp_type *type)
{
	if (type->type >= 0)
		written_match_range(w, m, MODEL_ICMP_TYPE, (uint64_t)type->type, (uint64_t)type->type);
	if (type->code >= 0)
		written_match_range(w, m, MODEL_ICMP_CODE, (uint64_t)type->code, (uint64_t)type->code);
}

/* ---- steps ---- */

struct model_step *written_add(struct written *w, struct written_draft *d, const struct written_matches *m,
			       enum model_effect effect)
{
	struct model_match *matches;
	struct model_step *step;

	if (d->count == d->room) {
		d->room = d->room * 2 + 16;
		d->steps = xrealloc(d->steps, d->room * sizeof(*d->steps));
	}
	step = &d->steps[d->count];
	*step = (struct model_step){ .effect = effect, .match_count = m->count };
	if (m->never)
		return step;
	d->count++;
	if (m->count) {
		matches = ARENA_ARRAY(w->arena, struct model_match, m->count);
		memcpy(matches, m->items, m->count * sizeof(*matches));
		step->matches = matches;
	}
	return step;
}

void written_add_accept(struct written *w, struct written_draft *d, const struct written_matches *m,
			const struct written_accept *accept, struct span span, const char *implied)
{
	struct model_step *step = written_add(w, d, m, accept->effect);

	step->queue.first = accept->first;
	step->queue.last = accept->last;
	step->span = span;
	step->implied = span.begin ? NULL : implied;
}

void written_add_log(struct written *w, struct written_draft *d, const struct written_matches *m,
		     const char *log_chain, uint32_t vmid, enum log_level level, const char *message)
{
	if (level != LOG_NOLOG && log_chain)
		written_add(w, d, m, MODEL_LOG)->prefix = text_of(
			arena_printf(w->arena, ":%u:%u:%s: %s", vmid, (unsigned)level, log_chain, message));
}

void written_add_jump(struct written *w, struct written_draft *d, const struct written_matches *m,
		      enum model_effect effect, const struct model_chain *to, struct span span,
		      const char *implied)
{
	struct model_step *step = written_add(w, d, m, effect);

	step->to = to;
	step->span = span;
	step->implied = span.begin ? NULL : implied;
}

/* ---- chains ---- */

struct written_chain {
	struct written_key key;
	struct model_chain chain;
	UT_hash_handle hh;
};

const struct model_chain *written_find(struct written *w, const struct written_key *key)
{
	struct written_chain *found;

	HASH_FIND(hh, w->chains, key, sizeof(*key), found);
	return found ? &found->chain : NULL;
}

struct model_chain written_take(struct arena *arena, struct written_draft *d, const char *name)
{
	struct model_step *steps = ARENA_ARRAY(arena, struct model_step, d->count);

	if (d->count)
		memcpy(steps, d->steps, d->count * sizeof(*steps));
	free(d->steps);
	d->steps = NULL;
	return (struct model_chain){ .name = text_of(name), .steps = steps, .count = d->count };
}

const struct model_chain *written_keep(struct written *w, const struct written_key *key, const char *name,
				       struct written_draft *d)
{
	struct written_chain *kept = ARENA_NEW(w->arena, struct written_chain);

	kept->key = *key;
	kept->chain = written_take(w->arena, d, name);
	HASH_ADD(hh, w->chains, key, sizeof(kept->key), kept);
	return &kept->chain;
}

void written_forget_chains(struct written *w)
{
	HASH_CLEAR(hh, w->chains);
}
