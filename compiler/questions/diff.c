/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change changes, zone by zone.
 *
 * Zones are independent of each other.  Nearly all are the same in both versions: their programs are equal
 * step by step, which their digests tell, and no packet is computed.  A lowered form is large, and so one
 * version after the other is lowered for this.
 *
 * In the zones that differ, both programs are walked by the packets that match a changed rule.  For them both
 * versions are lowered again, with the guests of these zones alone.  Their digests must be as before; else
 * the version is lowered as a whole.
 */
#include "questions/diff.h"

#include "questions/diff_rows.h"

struct diff_state {
	struct diff *diff;
	struct model_ifaces ifaces;      /* of all configurations */
	/* By node: configurations, whole ones or with the guests that differ, and their translators. */
	const struct config **configs[DIFF_SIDES];
	struct asked *asked[DIFF_SIDES];
	struct diff_zones zones;
	struct model_digests *digests;
	struct model *model; /* of one path after the other */
	struct arena rows;   /* of one zone */
	struct arena programs[DIFF_SIDES]; /* of one path */
	struct change *table;
};

/* How many zones share what was translated. */
enum { ZONES_REMEMBERED = 128 };

/* Packets that pass no firewall. */
static const struct model_program no_firewall;
/* Packets to or from a NIC that does not exist. */
static const struct model_step no_nic_step = { .effect = MODEL_DROP, .implied = DIFF_NO_NIC };
static const struct model_chain no_nic_chain = { .steps = &no_nic_step, .count = 1 };
static const struct model_stage no_nic_stage = { .chain = &no_nic_chain };
static const struct model_program no_nic = { .stages = &no_nic_stage, .count = 1 };

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
	*asked = (struct asked){ .config = state->configs[side][node],
				 .ifaces = state->ifaces,
				 .budget = diff->budget };
	asked->translator = target ? target->meaning(asked->config, &asked->ifaces)
				   : written_open(asked->config, &asked->ifaces);
	return asked;
}

static struct question diff_ask(struct diff_state *state, const struct diff_path *path, int side)
{
	bool exists = path->zone->sides[side].config != NULL;
	int known = exists ? side : !side;
	const struct diff_zone_side *zone = &path->zone->sides[known];
	/* A NIC that does not exist asks no translator. */
	struct question q = { .asked = exists ? asked_of(state, side, zone->node)
					      : &state->asked[known][zone->node],
			      .path = path->paths[known],
			      .program = exists ? &no_firewall : &no_nic,
			      .arena = state->programs[side] };

	if (path->filtered[side])
		q.program = translator_program(q.asked->translator, &q.arena, &q.path);
	return q;
}

static void end_question(struct diff_state *state, struct question *q, int side)
{
	state->programs[side] = q->arena;
	arena_reset(&state->programs[side]);
}

static void close_asked(struct diff_state *state, int side)
{
	model_digests_forget(state->digests);
	for (unsigned i = 0; i < state->diff->config_count[side]; i++) {
		struct asked *asked = &state->asked[side][i];

		if (asked->translator)
			asked_close(asked);
		*asked = (struct asked){ .config = NULL };
	}
}

/* Bounds the memory of translators: frees what was translated for the zones so far. */
static void forget_programs(struct diff_state *state)
{
	model_digests_forget(state->digests);
	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < state->diff->config_count[side]; i++)
			if (state->asked[side][i].translator)
				translator_forget(state->asked[side][i].translator);
}

/* ---- which paths differ ---- */

/* What a new NIC lets through is new; of all else that is new or gone, a note is enough. */
static bool zone_is_compared(const struct diff_zone *zone)
{
	return zone->sides[DIFF_NEW].config && (zone->sides[DIFF_OLD].config || zone->kind == PATH_GUEST);
}

static bool path_is_changed(const struct diff_path *path)
{
	return !model_digest_equal(path->digests[DIFF_OLD], path->digests[DIFF_NEW]);
}

static void digest_zone(struct diff_state *state, struct diff_zone *zone, int side)
{
	for (struct diff_path *path = zone->paths; path; path = path->next) {
		struct question q = diff_ask(state, path, side);

		path->digests[side] = model_program_hash(state->digests, q.program);
		end_question(state, &q, side);
	}
}

static void digest_version(struct diff_state *state, int side)
{
	uint32_t count = 0;

	for (struct diff_zone *zone = state->zones.zones; zone; zone = zone->hh.next) {
		if (zone_is_compared(zone))
			digest_zone(state, zone, side);
		if (++count % ZONES_REMEMBERED == 0)
			forget_programs(state);
	}
	close_asked(state, side);
}

/* ---- the guests that differ ---- */

static bool zone_has_changed_path(const struct diff_zone *zone)
{
	for (const struct diff_path *path = zone->paths; path; path = path->next)
		if (path_is_changed(path))
			return true;
	return false;
}

/* A guest of a zone that differs. */
struct changed_guest {
	const struct guest *guest;
	UT_hash_handle hh;
};

static struct changed_guest *find_changed_guests(const struct diff_state *state, int side)
{
	struct changed_guest *guests = NULL, *found;

	for (struct diff_zone *zone = state->zones.zones; zone; zone = zone->hh.next) {
		const struct guest *guest = zone->sides[side].guest;

		if (!guest || !zone_is_compared(zone) || !zone_has_changed_path(zone))
			continue;
		HASH_FIND_PTR(guests, &guest, found);
		if (found)
			continue;
		found = ARENA_NEW(state->diff->arena, struct changed_guest);
		found->guest = guest;
		HASH_ADD_PTR(guests, guest, found);
	}
	return guests;
}

/* The configuration with these guests alone, in its order. */
static const struct config *narrow_config(struct arena *arena, const struct config *config,
					  struct changed_guest *guests)
{
	struct config *narrow = ARENA_NEW(arena, struct config);
	struct guest **last = &narrow->guests;

	*narrow = *config;
	for (const struct guest *guest = config->guests; guest; guest = guest->next) {
		struct changed_guest *found;

		HASH_FIND_PTR(guests, &guest, found);
		if (!found)
			continue;
		*last = ARENA_NEW(arena, struct guest);
		**last = *guest;
		last = &(*last)->next;
	}
	*last = NULL;
	return narrow;
}

static void narrow_version(struct diff_state *state, int side)
{
	const struct diff *diff = state->diff;
	struct changed_guest *guests = find_changed_guests(state, side);

	for (unsigned i = 0; i < diff->config_count[side]; i++)
		state->configs[side][i] = narrow_config(diff->arena, diff->configs[side][i], guests);
	HASH_CLEAR(hh, guests);
}

static void widen_version(struct diff_state *state, int side)
{
	close_asked(state, side);
	for (unsigned i = 0; i < state->diff->config_count[side]; i++)
		state->configs[side][i] = state->diff->configs[side][i];
}

/* Asks about the path, in the whole configuration if the program with few guests is another one. */
static struct question ask_again(struct diff_state *state, const struct diff_path *path, int side)
{
	struct question q = diff_ask(state, path, side);

	if (model_digest_equal(model_program_hash(state->digests, q.program), path->digests[side]))
		return q;
	end_question(state, &q, side);
	widen_version(state, side);
	return diff_ask(state, path, side);
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

static void diff_path(struct diff_state *state, struct change_list *list, const struct diff_path *path)
{
	struct question questions[DIFF_SIDES];

	for (int side = 0; side < DIFF_SIDES; side++)
		questions[side] = ask_again(state, path, side);
	compare_programs(state, list, path, questions);
	for (int side = 0; side < DIFF_SIDES; side++)
		end_question(state, &questions[side], side);
}

/* ---- all ---- */

static void diff_zone(struct diff_state *state, struct diff_zone *zone)
{
	struct change_list list = { .first = NULL };

	list.last = &list.first;
	for (int flooded = 0; flooded < 2; flooded++)
		for (const struct diff_path *path = zone->paths; path; path = path->next)
			if (path->flooded == flooded && path_is_changed(path))
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

static void start_version(struct diff_state *state, int side)
{
	const struct diff *diff = state->diff;
	uint32_t count = diff->config_count[side];

	state->asked[side] = ARENA_ARRAY(diff->arena, struct asked, count + 1);
	state->configs[side] = ARENA_ARRAY(diff->arena, const struct config *, count + 1);
	widen_version(state, side);
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
		start_version(&state, side);
	diff_zones_find(&state.zones, diff);
	for (int side = 0; side < DIFF_SIDES; side++)
		digest_version(&state, side);
	for (int side = 0; side < DIFF_SIDES; side++)
		narrow_version(&state, side);
	for (struct diff_zone *zone = state.zones.zones; zone; zone = zone->hh.next) {
		if (!zone_has_changed_path(zone))
			continue;
		diff_zone(&state, zone);
		if (++count % ZONES_REMEMBERED == 0)
			forget_programs(&state);
	}
	change_list_finish(diff, state.table);
	count_zones(diff, &state.zones);
	diff_zones_note(diff);
	for (int side = 0; side < DIFF_SIDES; side++)
		close_asked(&state, side);
	model_digests_free(state.digests);
	model_free(state.model);
	arena_free(&state.rows);
	for (int side = 0; side < DIFF_SIDES; side++)
		arena_free(&state.programs[side]);
	HASH_CLEAR(hh, state.zones.paths);
	HASH_CLEAR(hh, state.zones.zones);
}
