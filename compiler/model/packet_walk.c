/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks sets of packets through programs.
 *
 * What walks is a list of flows: packets that have the same mark.  A step takes from each flow what matches
 * it. The conjunction of its matches is computed first and then intersected once, since it is small and the
 * flow is not.
 *
 * If nobody asks for reasons, the result of a chain that is jumped to is kept.  If all packets walk, it is
 * computed for all packets and intersected where it is used, so that a chain is walked once a mark.  If only
 * some walk, they alone are taken along: they may be few, and the chain large.
 */
#include "model/model_state.h"

enum {
	WALK_DEPTH_MAX = 256,
	WALK_LIST_ROOM = 4,
	WALK_REASONS_MAX = 64, /* flows of one mark that differ in who set it */
};

/* What became of packets in a chain. */
enum walk_fate {
	WALK_ON, /* came to its end, or returned */
	WALK_ACCEPTED,
	WALK_DROPPED,
	WALK_REJECTED, /* `detail`: how */
	WALK_QUEUED,   /* `detail`: first queue << 16 | last */
};

struct walk_flow {
	enum walk_fate fate;
	uint32_t mark; /* WALK_ON and WALK_ACCEPTED; else 0 */
	uint32_t detail;
	const struct model_trail *marked;
	packets set;
};

struct walk_list {
	struct walk_flow *flows;
	uint32_t count, room;
};

struct walker {
	struct model *m;
	const struct model_walk *walk;
	bool keeps;   /* results of chains */
	bool is_wide; /* all packets walk */
	unsigned stage, depth;
};

void walk_forget(struct model *m)
{
	arena_reset(&m->walk_arena);
	m->walked = (struct packet_index){ 0 };
	m->results = NULL;
	m->result_count = m->result_room = 0;
}

/* ---- lists of flows ---- */

static struct walk_flow *walk_find(const struct walk_list *list, const struct walk_flow *flow)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		struct walk_flow *f = &list->flows[i];

		if (f->fate != flow->fate || f->mark != flow->mark || f->detail != flow->detail)
			continue;
		if (f->marked == flow->marked)
			return f;
		if (++same == WALK_REASONS_MAX) {
			f->marked = NULL;
			return f;
		}
	}
	return NULL;
}

static void walk_add(struct walker *w, struct walk_list *list, struct walk_flow flow)
{
	struct walk_flow *found;

	if (flow.set == PACKETS_NONE)
		return;
	if (flow.fate > WALK_ACCEPTED) {
		flow.mark = 0;
		flow.marked = NULL;
	}
	found = walk_find(list, &flow);
	if (found) {
		found->set = dd_or(&w->m->dd, found->set, flow.set);
		return;
	}
	if (list->count == list->room) {
		struct walk_flow *old = list->flows;

		list->room = list->room ? list->room * 2 : WALK_LIST_ROOM;
		list->flows = ARENA_ARRAY(&w->m->walk_arena, struct walk_flow, list->room);
		if (old)
			memcpy(list->flows, old, list->count * sizeof(*old));
	}
	list->flows[list->count++] = flow;
}

/* ---- reasons ---- */

/* A copy of the trail that lasts until the walk is over. */
static const struct model_trail *walk_keep_trail(struct walker *w, const struct model_trail *trail)
{
	struct model_trail *copy;

	if (!trail)
		return NULL;
	copy = ARENA_NEW(&w->m->walk_arena, struct model_trail);
	*copy = *trail;
	copy->outer = walk_keep_trail(w, trail->outer);
	return copy;
}

static void walk_tell_event(struct walker *w, struct model_event event)
{
	if (!w->walk->decided || event.hit == PACKETS_NONE || w->m->dd.over)
		return;
	event.stage = w->stage;
	w->walk->decided(w->walk->context, &event);
}

static enum model_verdict walk_verdict(const struct walk_flow *flow)
{
	switch (flow->fate) {
	case WALK_DROPPED:
		return MODEL_DROPPED;
	case WALK_REJECTED:
		return (enum model_verdict)(MODEL_REJECTED + flow->detail);
	case WALK_QUEUED:
		return MODEL_QUEUED;
	default:
		return MODEL_PASSED;
	}
}

static void walk_tell(struct walker *w, const struct model_trail *trail, const struct walk_flow *flow)
{
	struct model_event event = { .verdict = walk_verdict(flow),
				     .queue = (uint16_t)(flow->detail >> 16),
				     .trail = trail,
				     .marked = flow->marked,
				     .hit = flow->set };

	if (!w->walk->decided)
		return;
	if (flow->fate == WALK_REJECTED) {
		event.hit = dd_minus(&w->m->dd, flow->set, world_groups(w->m));
		walk_tell_event(w, event);
		event.hit = dd_and(&w->m->dd, flow->set, world_groups(w->m));
		event.verdict = MODEL_DROPPED;
	}
	walk_tell_event(w, event);
}

/* ---- steps ---- */

static bool walk_is_left_out(const struct walker *w, const struct model_step *step)
{
	return w->walk->without.begin && step->span.begin == w->walk->without.begin &&
	       step->span.end == w->walk->without.end;
}

static bool walk_has_mark(const struct model_step *step, uint32_t mark)
{
	return !step->mark_mask || ((mark & step->mark_mask) == step->mark_value) != step->mark_negated;
}

packets walk_condition(struct model *m, const struct model_step *step)
{
	packets all = DD_TRUE;

	for (uint32_t i = step->match_count; i-- > 0 && all != PACKETS_NONE;)
		all = dd_and(&m->dd, world_match(m, &step->matches[i]), all);
	return all;
}

static struct walk_list *walk_chain(struct walker *w, const struct model_chain *chain,
				    const struct walk_flow *in, const struct model_trail *outer);

/* Takes `hit` through the chain; what comes back goes on in `back`, or has returned from this chain, too. */
static void walk_call(struct walker *w, const struct model_step *step, const struct walk_flow *hit,
		      const struct model_trail *trail, struct walk_list *out, struct walk_list *back)
{
	struct walk_flow in = *hit;
	const struct walk_list *result;

	if (w->is_wide && w->keeps)
		in.set = DD_TRUE;
	result = walk_chain(w, step->to, &in, trail);
	for (uint32_t i = 0; i < result->count; i++) {
		struct walk_flow flow = result->flows[i];

		if (in.set != hit->set)
			flow.set = dd_and(&w->m->dd, flow.set, hit->set);
		walk_add(w, flow.fate == WALK_ON ? back : out, flow);
	}
}

/* The reason of packets that a step makes return: the step, if it stands for a line, and does not only carry
 * out what a mark says. */
static const struct model_trail *walk_return_reason(struct walker *w, const struct walk_flow *flow,
						    const struct model_trail *trail)
{
	bool is_line = trail->step->span.begin || trail->step->implied;

	if (!w->walk->decided || !is_line || (trail->step->mark_mask && flow->marked))
		return flow->marked;
	return walk_keep_trail(w, trail);
}

/* The packets of `flow` match the step: they go on to `next`, or end in `out`. */
static void walk_effect(struct walker *w, struct walk_flow flow, const struct model_trail *trail,
			struct walk_list *out, struct walk_list *next)
{
	const struct model_step *step = trail->step;

	switch (step->effect) {
	case MODEL_ACCEPT:
		flow.fate = WALK_ACCEPTED;
		break;
	case MODEL_DROP:
		flow.fate = WALK_DROPPED;
		break;
	case MODEL_REJECT:
		flow.fate = WALK_REJECTED;
		flow.detail = step->reject;
		break;
	case MODEL_QUEUE:
		flow.fate = WALK_QUEUED;
		flow.detail = (uint32_t)step->queue.first << 16 | step->queue.last;
		break;
	case MODEL_RETURN:
		flow.marked = walk_return_reason(w, &flow, trail);
		walk_add(w, out, flow);
		return;
	case MODEL_JUMP:
		walk_call(w, step, &flow, trail, out, next);
		return;
	case MODEL_GOTO:
		walk_call(w, step, &flow, trail, out, out);
		return;
	case MODEL_MARK:
		flow.mark = (flow.mark & step->mark.keep) | step->mark.bits;
		if (w->walk->decided)
			flow.marked = step->mark.bits ? walk_keep_trail(w, trail) : NULL;
		walk_add(w, next, flow);
		return;
	case MODEL_LOG:
		walk_tell_event(
			w, (struct model_event){
				   .logs = true, .trail = trail, .marked = flow.marked, .hit = flow.set });
		walk_add(w, next, flow);
		return;
	case MODEL_UNKNOWN:
		w->m->dd.over = w->m->is_unknown = true;
		return;
	}
	walk_tell(w, trail, &flow);
	walk_add(w, out, flow);
}

/* Of `live`, what matches the step; `next` is what remains in the chain. */
static void walk_step(struct walker *w, const struct model_trail *trail, const struct walk_list *live,
		      struct walk_list *out, struct walk_list *next)
{
	packets condition = walk_condition(w->m, trail->step);

	next->count = 0;
	for (uint32_t i = 0; i < live->count; i++) {
		struct walk_flow flow = live->flows[i], hit = flow;

		hit.set = walk_has_mark(trail->step, flow.mark) ? dd_and(&w->m->dd, flow.set, condition)
								: PACKETS_NONE;
		if (hit.set != PACKETS_NONE)
			flow.set = dd_minus(&w->m->dd, flow.set, condition);
		walk_add(w, next, flow);
		if (hit.set != PACKETS_NONE)
			walk_effect(w, hit, trail, out, next);
	}
}

/* Whether a step can be passed over: nothing depends on it. */
static bool walk_is_idle(const struct walker *w, const struct model_step *step)
{
	return (step->effect == MODEL_LOG && !w->walk->decided) || walk_is_left_out(w, step);
}

/*
 * The budget may end in a small chain that a large one calls for each rule: the largest on the way is to blame.  A part of a
 * list has the name of the list, which is the one that is known from the files and other targets.
 */
static void walk_blame(struct model *m, const struct model_chain *chain)
{
	if (m->over_chain.ptr && m->over_count >= chain->count)
		return;
	m->over_chain = chain->list.len ? chain->list : chain->name;
	m->over_count = chain->count;
}

static struct walk_list *walk_steps(struct walker *w, const struct model_chain *chain,
				    const struct walk_flow *in, const struct model_trail *outer)
{
	struct model_trail trail = { chain, NULL, outer };
	struct walk_list *out = ARENA_NEW(&w->m->walk_arena, struct walk_list);
	struct walk_list lists[2] = { { 0 }, { 0 } };
	unsigned now = 0;

	walk_add(w, &lists[now], *in);
	for (uint32_t i = 0; i < chain->count && lists[now].count; i++) {
		trail.step = &chain->steps[i];
		if (walk_is_idle(w, trail.step))
			continue;
		walk_step(w, &trail, &lists[now], out, &lists[!now]);
		now = !now;
		if (w->m->dd.over) {
			walk_blame(w->m, chain);
			break;
		}
	}
	for (uint32_t i = 0; i < lists[now].count; i++)
		walk_add(w, out, lists[now].flows[i]);
	return out;
}

static uint32_t walk_new_result(struct model *m)
{
	if (m->result_count == m->result_room) {
		struct walk_list **old = m->results;

		m->result_room = m->result_room ? m->result_room * 2 : 64;
		m->results = ARENA_ARRAY(&m->walk_arena, struct walk_list *, m->result_room);
		if (old)
			memcpy(m->results, old, m->result_count * sizeof(*old));
	}
	return m->result_count++;
}

static struct walk_list *walk_chain(struct walker *w, const struct model_chain *chain,
				    const struct walk_flow *in, const struct model_trail *outer)
{
	const uint64_t key = (uint64_t)in->mark << 32 | in->set;
	struct walk_list *result;
	const uint32_t *kept;
	bool added;

	/* No kernel takes chains that call themselves; a translator's fault must not crash us. */
	if (w->depth == WALK_DEPTH_MAX) {
		w->m->dd.over = true;
		return ARENA_NEW(&w->m->walk_arena, struct walk_list);
	}
	kept = w->keeps ? packet_index_find(&w->m->walked, (uintptr_t)chain, key) : NULL;
	if (kept)
		return w->m->results[*kept];
	w->depth++;
	result = walk_steps(w, chain, in, outer);
	w->depth--;
	if (w->keeps && !w->m->dd.over) {
		uint32_t number = walk_new_result(w->m);

		w->m->results[number] = result;
		*packet_index_add(&w->m->walk_arena, &w->m->walked, (uintptr_t)chain, key, &added) = number;
	}
	return result;
}

/* ---- stages ---- */

/* Packets of the list come to the stage: what passes it is in the list that is returned, the rest in `out`. */
static struct walk_list walk_stage(struct walker *w, const struct model_stage *stage,
				   const struct walk_list *live, struct walk_list *out)
{
	struct walk_list passed = { 0 };
	struct model_trail end = { stage->chain, NULL, NULL };

	for (uint32_t i = 0; i < live->count; i++) {
		const struct walk_flow *flow = &live->flows[i];
		struct walk_flow in = *flow;
		const struct walk_list *result;

		if (w->is_wide && w->keeps)
			in.set = DD_TRUE;
		result = walk_chain(w, stage->chain, &in, NULL);
		for (uint32_t k = 0; k < result->count; k++) {
			struct walk_flow f = result->flows[k];

			f.set = dd_and(&w->m->dd, f.set, flow->set);
			if (f.fate == WALK_ON)
				walk_tell(w, &end, &f);
			if (f.fate == WALK_ACCEPTED)
				f.fate = WALK_ON;
			walk_add(w, f.fate == WALK_ON ? &passed : out, f);
		}
	}
	return passed;
}

static void walk_outcome(struct model *m, struct model_result *result, struct model_outcome outcome)
{
	if (outcome.set == PACKETS_NONE)
		return;
	for (uint32_t i = 0; i < result->count; i++) {
		struct model_outcome *o = &result->outcomes[i];

		if (o->verdict == outcome.verdict && o->queue == outcome.queue &&
		    o->queue_last == outcome.queue_last) {
			o->set = dd_or(&m->dd, o->set, outcome.set);
			return;
		}
	}
	if (result->count == sizeof(result->outcomes) / sizeof(result->outcomes[0]))
		m->dd.over = true; /* no room for so many queues: not decided */
	else
		result->outcomes[result->count++] = outcome;
}

static void walk_outcomes(struct model *m, struct model_result *result, const struct walk_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct walk_flow *f = &list->flows[i];
		struct model_outcome outcome = { walk_verdict(f), 0, 0, f->set };

		if (f->fate == WALK_QUEUED) {
			outcome.queue = (uint16_t)(f->detail >> 16);
			outcome.queue_last = (uint16_t)f->detail;
		}
		if (f->fate == WALK_REJECTED) {
			outcome.set = dd_minus(&m->dd, f->set, world_groups(m));
			walk_outcome(m, result, outcome);
			outcome.set = dd_and(&m->dd, f->set, world_groups(m));
			outcome.verdict = MODEL_DROPPED;
		}
		walk_outcome(m, result, outcome);
	}
}

struct model_result model_walk(struct model *m, const struct model_program *program,
			       const struct model_walk *walk)
{
	struct walker w = { .m = m, .walk = walk };
	struct walk_list live = { 0 }, out = { 0 };
	struct model_result result = { .count = 0 };
	struct arena_mark before = arena_mark(&m->walk_arena);

	w.keeps = !walk->decided && !walk->without.begin;
	w.is_wide = walk->live == model_world(m);
	walk_add(&w, &live, (struct walk_flow){ .set = walk->live });
	for (; w.stage < program->count && live.count && !m->dd.over; w.stage++)
		if (program->stages[w.stage].chain)
			live = walk_stage(&w, &program->stages[w.stage], &live, &out);
	walk_outcomes(m, &result, &live);
	walk_outcomes(m, &result, &out);
	if (!w.keeps)
		arena_release(&m->walk_arena, before);
	return result;
}

/* ---- results ---- */

packets model_result_of(struct model *m, const struct model_result *result, enum model_verdict verdict)
{
	packets set = PACKETS_NONE;

	for (uint32_t i = 0; i < result->count; i++)
		if (result->outcomes[i].verdict == verdict)
			set = dd_or(&m->dd, set, result->outcomes[i].set);
	return set;
}

static packets walk_set_like(const struct model_result *result, const struct model_outcome *like)
{
	for (uint32_t i = 0; i < result->count; i++) {
		const struct model_outcome *o = &result->outcomes[i];

		if (o->verdict == like->verdict && o->queue == like->queue &&
		    o->queue_last == like->queue_last)
			return o->set;
	}
	return PACKETS_NONE;
}

packets model_result_xor(struct model *m, const struct model_result *a, const struct model_result *b)
{
	packets set = PACKETS_NONE;

	for (uint32_t i = 0; i < a->count; i++)
		set = dd_or(&m->dd, set,
			    dd_xor(&m->dd, a->outcomes[i].set, walk_set_like(b, &a->outcomes[i])));
	for (uint32_t i = 0; i < b->count; i++)
		if (walk_set_like(a, &b->outcomes[i]) == PACKETS_NONE)
			set = dd_or(&m->dd, set, b->outcomes[i].set);
	return set;
}

const char *model_verdict_text(enum model_verdict verdict)
{
	static const char *const texts[MODEL_VERDICTS] = {
		[MODEL_PASSED] = "ACCEPT",
		[MODEL_DROPPED] = "DROP",
		[MODEL_REJECTED + MODEL_REJECT_RESET] = "REJECT with a TCP reset",
		[MODEL_REJECTED + MODEL_REJECT_PORT_UNREACHABLE] = "REJECT with port unreachable",
		[MODEL_REJECTED + MODEL_REJECT_HOST_PROHIBITED] = "REJECT with host prohibited",
		[MODEL_REJECTED + MODEL_REJECT_ADMIN_PROHIBITED] = "REJECT with administratively prohibited",
		[MODEL_REJECTED + MODEL_REJECT_HOST_UNREACHABLE] = "REJECT with host unreachable",
		[MODEL_QUEUED] = "QUEUE",
	};

	return texts[verdict];
}
