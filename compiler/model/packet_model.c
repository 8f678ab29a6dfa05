/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/model_state.h"

#include <stdlib.h>

#include "base/xmalloc.h"

struct model *model_new(const struct model_ifaces *ifaces, struct model_budget budget)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->ifaces = ifaces;
	m->dd.step_budget = budget.steps ? budget.steps : MODEL_STEPS;
	m->dd.byte_budget = budget.bytes ? budget.bytes : MODEL_BYTES;
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	dd_free(&m->dd);
	arena_free(&m->arena);
	arena_free(&m->walk_arena);
	free(m);
}

void model_reuse(struct model *m, const struct model_ifaces *ifaces)
{
	struct model empty = { .ifaces = ifaces, .arena = m->arena, .walk_arena = m->walk_arena, .dd = m->dd };

	arena_reset(&empty.arena);
	arena_reset(&empty.walk_arena);
	*m = empty;
}

/* ---- collecting ---- */

static void model_add_chain(struct model *m, const struct model_chain *chain)
{
	bool added;

	packet_index_add(&m->arena, &m->chains, (uintptr_t)chain, 0, &added);
	if (!added)
		return;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		for (uint32_t k = 0; k < step->match_count; k++)
			classes_collect(m, &step->matches[k], true);
		if (step->effect == MODEL_JUMP || step->effect == MODEL_GOTO)
			model_add_chain(m, step->to);
	}
}

void model_add(struct model *m, const struct model_program *program)
{
	for (uint32_t i = 0; i < program->count; i++)
		if (program->stages[i].chain)
			model_add_chain(m, program->stages[i].chain);
}

void model_add_match(struct model *m, const struct model_match *match)
{
	classes_collect(m, match, false);
}

void model_seal(struct model *m)
{
	world_collect(m);
	classes_make(m);
}

void model_restart(struct model *m)
{
	dd_reset(&m->dd, m->dd.vars);
	for (uint32_t i = 1; i <= m->literal_count; i++)
		m->literals[i].has[0] = m->literals[i].has[1] = false;
	memset(m->has_applies, 0, sizeof(m->has_applies));
	m->has_world = m->has_groups = m->is_unknown = false;
	m->over_chain = (struct text){ NULL, 0 };
	m->over_count = 0;
	walk_forget(m);
}

/* ---- sets ---- */

bool model_over(const struct model *m, struct text *chain)
{
	if (chain)
		*chain = m->over_chain;
	return m->dd.over;
}

bool model_is_unknown(const struct model *m)
{
	return m->is_unknown;
}

uint64_t model_steps(const struct model *m)
{
	return m->dd.steps;
}

size_t model_bytes(const struct model *m)
{
	return dd_bytes(&m->dd);
}

packets model_match(struct model *m, const struct model_match *match)
{
	return dd_and(&m->dd, model_world(m), world_match(m, match));
}

packets model_and(struct model *m, packets a, packets b)
{
	return dd_and(&m->dd, a, b);
}

packets model_or(struct model *m, packets a, packets b)
{
	return dd_or(&m->dd, a, b);
}

packets model_minus(struct model *m, packets a, packets b)
{
	return dd_minus(&m->dd, a, b);
}

packets model_xor(struct model *m, packets a, packets b)
{
	return dd_xor(&m->dd, a, b);
}
