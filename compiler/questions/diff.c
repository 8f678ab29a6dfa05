/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change changes, zone by zone.
 *
 * Zones are independent of each other.  Nearly all are the same in both versions: their programs are equal
 * step by step, which their digests tell, and no packet is computed.  In those that differ, both programs are
 * walked by the packets that match a changed rule.
 */
#include "questions/diff.h"

#include "questions/diff_rows.h"

struct diff_state {
	struct diff *diff;
	struct model_ifaces ifaces;      /* of all configurations */
	struct asked *asked[DIFF_SIDES]; /* by node */
	struct diff_zones zones;
	struct model_digests *digests;
	struct model *model; /* of one path after the other */
	struct arena rows;   /* of one zone */
	struct change *table;
};

/* How many zones share what was translated. */
enum { ZONES_REMEMBERED = 128 };

/* Packets that pass no firewall. */
static const struct model_program no_firewall;

/* ---- interfaces ---- */

static bool has_iface(const struct model_ifaces *ifaces, struct text name)
{
	for (uint32_t i = 0; i < ifaces->count; i++)
		if (text_equal(ifaces->names[i], name))
			return true;
	return false;
}

/* Appends the names that are not there. */
static struct model_ifaces join_ifaces(struct arena *arena, const struct model_ifaces *a,
				       const struct model_ifaces *b)
{
	struct text *names = ARENA_ARRAY(arena, struct text, a->count + b->count);
	struct model_ifaces joined = { names, a->count };

	if (a->count)
		memcpy(names, a->names, a->count * sizeof(*names));
	for (uint32_t i = 0; i < b->count; i++)
		if (!has_iface(&joined, b->names[i]))
			names[joined.count++] = b->names[i];
	return joined;
}

static struct model_ifaces all_ifaces(const struct diff *diff)
{
	struct model_ifaces all = { NULL, 0 };

	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < diff->config_count[side]; i++) {
			struct model_ifaces own = path_ifaces(diff->arena, diff->configs[side][i]);

			all = join_ifaces(diff->arena, &all, &own);
		}
	return all;
}

/* ---- one path ---- */

static struct asked *asked_of(struct diff_state *state, int side, unsigned node)
{
	struct asked *asked = &state->asked[side][node];
	const struct diff *diff = state->diff;
	const struct backend *target = diff->targets[side][node];

	if (asked->translator)
		return asked;
	*asked = (struct asked){ .config = diff->configs[side][node],
				 .ifaces = state->ifaces,
				 .budget = diff->budget };
	asked->translator = target ? target->meaning(asked->config, &asked->ifaces)
				   : written_open(asked->config, &asked->ifaces);
	return asked;
}

static struct question diff_ask(struct diff_state *state, const struct diff_path *path, int side)
{
	const struct diff_zone_side *zone = &path->zone->sides[side];
	struct question q = { .asked = asked_of(state, side, zone->node),
			      .path = path->paths[side],
			      .program = &no_firewall };

	if (path->filtered[side])
		q.program = translator_program(q.asked->translator, &q.arena, &q.path);
	return q;
}

/* The chain with the most steps, of this one and those that it leads to. */
static const struct model_chain *largest_chain(const struct model_chain *chain)
{
	const struct model_chain *largest = chain;

	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];
		const struct model_chain *below;

		if (step->effect != MODEL_JUMP && step->effect != MODEL_GOTO)
			continue;
		below = largest_chain(step->to);
		if (below->count > largest->count)
			largest = below;
	}
	return largest;
}

/* The chain that was walked; if none was, the largest one is the likely reason. */
static struct text chain_over(const struct model *m, const struct model_program *program)
{
	const struct model_chain *largest = NULL;
	struct text chain = { "", 0 };

	model_over(m, &chain);
	for (uint32_t i = 0; i < program->count && !chain.len; i++) {
		const struct model_chain *found = largest_chain(program->stages[i].chain);

		if (!largest || found->count > largest->count)
			largest = found;
	}
	return largest ? largest->name : chain;
}

static void diff_add_undecided(struct diff *diff, const struct diff_path *path, struct text chain)
{
	struct diff_undecided **last = &diff->undecided;

	while (*last)
		last = &(*last)->next;
	*last = ARENA_NEW(diff->arena, struct diff_undecided);
	(*last)->zone = diff_zone_text(diff->arena, diff, path->zone);
	(*last)->chain = arena_string(diff->arena, chain);
}

/* One path while it is asked. */
struct path_comparison {
	struct diff_state *state;
	const struct diff_path *path;
	struct question *questions; /* of both versions */
	struct change_list *list;
	struct usual_values usual;
	bool differs;
};

/* Adds the rows about packets of `part`, unless the budget is exceeded. */
static void compare_part(void *context, struct model *m, packets part)
{
	struct path_comparison *c = context;
	const struct diff *diff = c->state->diff;
	struct diff_question q = {
		.diff = diff, .path = c->path, .usual = &c->usual, .arena = &c->state->rows
	};
	struct model_result results[DIFF_SIDES];
	struct change_list before = *c->list;
	packets live = model_and(m, part,
				 model_changed(m, c->state->digests, c->questions[DIFF_OLD].program,
					       c->questions[DIFF_NEW].program));
	packets differing;

	for (int side = 0; side < DIFF_SIDES; side++) {
		q.questions[side] = &c->questions[side];
		results[side] = model_walk(m, c->questions[side].program,
					   &(struct model_walk){ .live = live });
	}
	differing = model_result_xor(m, &results[DIFF_OLD], &results[DIFF_NEW]);
	if (differing == PACKETS_NONE || model_over(m, NULL))
		return;
	q.ordinary = usual_packets(m, &c->usual, diff->any_state);
	diff_rows_add(c->list, &q, differing);
	if (model_over(m, NULL)) {
		*c->list = before;
		*before.last = NULL;
	} else {
		c->differs = true;
	}
}

static void compare_programs(struct diff_state *state, struct change_list *list, const struct diff_path *path,
			     struct question questions[DIFF_SIDES])
{
	struct model *m = state->model;
	struct path_comparison c = { .state = state, .path = path, .questions = questions, .list = list };

	c.usual = usual_values_of(&questions[DIFF_NEW].arena, path, &state->ifaces);
	model_reuse(m, &state->ifaces);
	for (int side = 0; side < DIFF_SIDES; side++) {
		questions[side].model = m;
		model_add(m, questions[side].program);
	}
	usual_values_add(m, &c.usual);
	model_seal(m);
	if (!model_ask(m, compare_part, &c))
		diff_add_undecided(state->diff, path, chain_over(m, questions[DIFF_NEW].program));
	path->zone->differs |= c.differs;
}

static bool same_digest(struct model_digests *digests, const struct question questions[DIFF_SIDES])
{
	return model_digest_equal(model_program_hash(digests, questions[DIFF_OLD].program),
				  model_program_hash(digests, questions[DIFF_NEW].program));
}

static void diff_path(struct diff_state *state, struct change_list *list, const struct diff_path *path)
{
	struct question questions[DIFF_SIDES];

	for (int side = 0; side < DIFF_SIDES; side++)
		questions[side] = diff_ask(state, path, side);
	if (!same_digest(state->digests, questions))
		compare_programs(state, list, path, questions);
	for (int side = 0; side < DIFF_SIDES; side++)
		arena_free(&questions[side].arena);
}

/* ---- all ---- */

static void diff_zone(struct diff_state *state, struct diff_zone *zone)
{
	struct change_list list = { .first = NULL };

	list.last = &list.first;
	if (!zone->sides[DIFF_OLD].config || !zone->sides[DIFF_NEW].config)
		return;
	for (int flooded = 0; flooded < 2; flooded++)
		for (const struct diff_path *path = zone->paths; path; path = path->next)
			if (path->flooded == flooded)
				diff_path(state, &list, path);
	change_list_merge(state->diff->arena, &state->table, list.first);
	arena_reset(&state->rows);
}

/* Counts the zones, and the guests of both versions that are the same in all NICs. */
static void count_zones(struct diff *diff, const struct diff_zones *zones)
{
	for (const struct diff_zone *z = zones->zones; z; z = z->hh.next) {
		diff->zones_differ += z->differs;
		diff->zones_same += !z->differs;
	}
	diff->guests_same = diff_zones_same_guests(zones, diff);
}

/* Bounds the memory of translators: frees what was translated for the zones so far. */
static void forget_programs(struct diff_state *state)
{
	model_digests_free(state->digests);
	state->digests = model_digests_new();
	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < state->diff->config_count[side]; i++)
			if (state->asked[side][i].translator)
				translator_forget(state->asked[side][i].translator);
}

void diff_run(struct diff *diff)
{
	struct diff_state state = { .diff = diff };
	uint32_t count = 0;

	state.ifaces = all_ifaces(diff);
	state.zones.arena = diff->arena;
	state.digests = model_digests_new();
	state.model = model_new(&state.ifaces, diff->budget);
	for (int side = 0; side < DIFF_SIDES; side++)
		state.asked[side] = ARENA_ARRAY(diff->arena, struct asked, diff->config_count[side] + 1);
	diff_zones_find(&state.zones, diff);
	for (struct diff_zone *zone = state.zones.zones; zone; zone = zone->hh.next) {
		diff_zone(&state, zone);
		if (++count % ZONES_REMEMBERED == 0)
			forget_programs(&state);
	}
	change_list_finish(diff, state.table);
	count_zones(diff, &state.zones);
	diff_zones_note(diff);
	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < diff->config_count[side]; i++)
			if (state.asked[side][i].translator)
				asked_close(&state.asked[side][i]);
	model_digests_free(state.digests);
	model_free(state.model);
	arena_free(&state.rows);
	HASH_CLEAR(hh, state.zones.paths);
	HASH_CLEAR(hh, state.zones.zones);
}
