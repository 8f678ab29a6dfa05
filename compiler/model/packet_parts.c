/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question whose answer is too large for the budget is asked of parts: packets whose protocol and
 * destination port are of some classes.  Few rules concern one service only, so that parts are small where
 * the whole is not.
 */
#include "model/model_state.h"

#include "base/xmalloc.h"

#include <stdlib.h>

enum { PARTS_AT_ONCE = 8 };

/* Packets without the field are in the part that has its class 0. */
struct part {
	struct class_run protocols, ports;
};

struct parts {
	struct part *waiting;
	uint32_t count, room;
};

static void parts_push(struct parts *parts, struct part part)
{
	if (parts->count == parts->room) {
		parts->room = parts->room ? parts->room * 2 : 2 * PARTS_AT_ONCE;
		parts->waiting = xrealloc(parts->waiting, parts->room * sizeof(part));
	}
	parts->waiting[parts->count++] = part;
}

/* Cuts one field of a part, `run` being the part's; false if it is one class already. */
static bool parts_cut(struct parts *parts, const struct part *part, const struct class_run *run)
{
	uint64_t size = (uint64_t)run->last - run->first + 1;
	uint64_t pieces = size < PARTS_AT_ONCE ? size : PARTS_AT_ONCE;

	if (size < 2)
		return false;
	/* The first one is asked first. */
	for (uint64_t i = pieces; i-- > 0;) {
		struct part piece = *part;
		struct class_run *cut = run == &part->ports ? &piece.ports : &piece.protocols;

		cut->first = run->first + (uint32_t)(size * i / pieces);
		cut->last = run->first + (uint32_t)(size * (i + 1) / pieces) - 1;
		parts_push(parts, piece);
	}
	return true;
}

static bool parts_split(struct parts *parts, const struct part *part)
{
	return parts_cut(parts, part, &part->protocols) || parts_cut(parts, part, &part->ports);
}

static packets parts_limit(struct model *m, enum model_field field, struct class_run run)
{
	packets has = world_applies(m, field), set;

	set = dd_and(&m->dd, has, classes_runs(m, field, &run, 1));
	return run.first ? set : dd_or(&m->dd, set, dd_not(&m->dd, has));
}

static packets parts_set(struct model *m, const struct part *part)
{
	packets set = parts_limit(m, MODEL_PROTOCOL, part->protocols);

	set = dd_and(&m->dd, set, parts_limit(m, MODEL_DPORT, part->ports));
	return dd_and(&m->dd, set, model_world(m));
}

bool model_ask(struct model *m, void (*ask)(void *context, struct model *m, packets part), void *context)
{
	const uint64_t most = m->dd.step_budget * MODEL_PARTS_STEPS;
	struct parts parts = { 0 };
	struct text blamed = { NULL, 0 };
	uint64_t steps = 0;

	parts_push(&parts, (struct part){ { 0, m->fields[MODEL_PROTOCOL].count - 1 },
					  { 0, m->fields[MODEL_DPORT].count - 1 } });
	while (parts.count) {
		struct part part = parts.waiting[--parts.count];

		model_restart(m);
		ask(context, m, parts_set(m, &part));
		steps += m->dd.steps;
		if (m->over_chain.ptr)
			blamed = m->over_chain;
		if (m->dd.over && (steps > most || !parts_split(&parts, &part)))
			break;
	}
	free(parts.waiting);
	/* The last part may have ended before or after its walk. */
	if (m->dd.over)
		m->over_chain = blamed;
	return !m->dd.over;
}
