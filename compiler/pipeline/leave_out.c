/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the lines that the kernel or a tool refuses.
 *
 * Where a refusal has the number of a rule, the rule's line of source is left out, and everything is tried
 * again.  Where it has none, all rules that were sent are suspects.  First those with a line of source are
 * guarded: each is replaced by a rule of its chain that drops everything, so that less passes during the
 * search, never more.  If that loads, one of them is refused.  Halves are put back as long as the rest loads:
 * k refused lines among n take about 2 k log2(n / k) attempts.  Members of sets are left out instead, as no
 * rule can replace them.  If guarding the lines does not help, the same is done with rules that no line asks
 * for.
 */
#include "pipeline/leave_out.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* Numbers of rules are trusted for so many attempts, and seconds. */
enum { NUMBERED_MOST = 40, NUMBERED_SECONDS = LEAVE_OUT_SECONDS / 3 };

static double seconds_since(int64_t begin)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
}

static bool is_exhausted(const struct leave_out *l)
{
	return l->attempts >= LEAVE_OUT_ATTEMPTS || seconds_since(l->begin) > LEAVE_OUT_SECONDS;
}

/* Leaves out the layers that problems name; true if any is new. */
static bool note_layers(struct leave_out *l, const struct backend_loading *loading)
{
	bool any = false;

	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		if (p->layer != LAYERS)
			any |= left_out_add_layer(l->left_out, p->layer, p->text);
	return any;
}

/* ---- the search without numbers ---- */

/* The unit to leave out: all rules of one source line, or one rule without a line. */
struct unit {
	struct left_out_line *line; /* or NULL */
	struct text *rules;
	uint32_t rule_count;
	bool member; /* of a set */
	bool guarded;
	enum stand_in stand_in;
};

struct search {
	struct leave_out *l;
	struct arena arena;
	struct unit *units;
	uint32_t count;
	const char *words;
};

static void guard_units(struct search *s, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct unit *unit = &s->units[i];

		unit->guarded = true;
		if (unit->member)
			left_out_put_line(s->l->left_out, unit->line);
		for (uint32_t n = 0; n < unit->rule_count && !unit->member; n++)
			left_out_add_rule(s->l->left_out, unit->rules[n], s->words, true);
	}
}

static void put_units_back(struct search *s, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct unit *unit = &s->units[i];

		unit->guarded = false;
		if (unit->member)
			left_out_remove_line(s->l->left_out, unit->line);
		for (uint32_t n = 0; n < unit->rule_count && !unit->member; n++)
			left_out_remove_rule(s->l->left_out, unit->rules[n]);
	}
}

static bool attempt_again(struct leave_out *l)
{
	const struct source_map *map;
	bool loaded;

	l->attempts++;
	loaded = l->attempt(l->context, &l->last, &map);
	note_layers(l, &l->last);
	return loaded;
}

/* Of units that are all guarded, puts back those that load; `refused`: it is known that not all do.  True if some stay
 * guarded. */
static bool shrink(struct search *s, uint32_t from, uint32_t to, bool refused)
{
	uint32_t middle = from + (to - from) / 2;
	bool first;

	if (is_exhausted(s->l))
		return true;
	if (!refused) {
		put_units_back(s, from, to);
		if (attempt_again(s->l))
			return false;
		guard_units(s, from, to);
	}
	if (to - from == 1)
		return true;
	first = shrink(s, from, middle, false);
	return shrink(s, middle, to, !first) || first;
}

/* Leaves out the units that are still guarded: these are the refused ones. */
static void leave_guarded_out(struct search *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct unit *unit = &s->units[i];

		if (!unit->guarded)
			continue;
		put_units_back(s, i, i + 1);
		if (unit->line)
			left_out_put_line(s->l->left_out, unit->line);
		for (uint32_t n = 0; n < unit->rule_count && !unit->line; n++)
			left_out_add_rule(s->l->left_out, unit->rules[n], s->words,
					  unit->stand_in == STAND_IN_DROP);
	}
}

static bool run_search(struct search *s)
{
	if (!s->count)
		return false;
	guard_units(s, 0, s->count);
	if (!attempt_again(s->l)) {
		put_units_back(s, 0, s->count);
		return false;
	}
	shrink(s, 0, s->count, true);
	leave_guarded_out(s);
	return attempt_again(s->l);
}

static void add_unit(struct search *s, const struct backend_suspect *suspects, uint32_t count,
		     const struct source_map *map)
{
	struct unit *unit = &s->units[s->count++];

	*unit = (struct unit){ .line = left_out_new_line(map, suspects->span.begin, s->words), .rule_count = count,
			       .stand_in = suspects->stand_in };
	unit->member = unit->line && text_starts(text_of(suspects->rule), "add ");
	unit->rules = ARENA_ARRAY(&s->arena, struct text, count);
	for (uint32_t i = 0; i < count; i++)
		unit->rules[i] = arena_copy(&s->arena, text_of(suspects[i].rule));
}

/* Makes units of the suspects with a line of source, or of those without, except members of sets. */
static void collect_units(struct search *s, struct backend_suspect *suspects, uint32_t count,
			  const struct source_map *map, bool lines)
{
	s->units = ARENA_ARRAY(&s->arena, struct unit, count);
	for (uint32_t i = 0, next; i < count; i = next) {
		next = i + 1;
		while (next < count && lines && suspects[next].span.begin == suspects[i].span.begin)
			next++;
		if (lines ? suspects[i].span.begin != 0
			  : !suspects[i].span.begin && suspects[i].stand_in != STAND_IN_IMPOSSIBLE &&
			    !text_starts(text_of(suspects[i].rule), "add "))
			add_unit(s, &suspects[i], next - i, map);
	}
}

static void free_search(struct search *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		left_out_free_line(s->units[i].line);
	arena_free(&s->arena);
}

/* To leave out a layer of the suspects costs less than to leave out lines. */
static bool try_without_layers(struct search *s, const struct backend_suspect *suspects, uint32_t count)
{
	struct left_out *left_out = s->l->left_out;
	unsigned layers = 0;

	for (uint32_t i = 0; i < count; i++)
		if (suspects[i].layer != LAYERS && !left_out_layer(left_out, suspects[i].layer))
			layers |= 1u << suspects[i].layer;
	for (unsigned i = 0; i < LAYERS; i++) {
		if (!(layers >> i & 1))
			continue;
		left_out_add_layer(left_out, (enum layer)i, s->words);
		if (attempt_again(s->l))
			return true;
		left_out_remove_layer(left_out, (enum layer)i);
	}
	return false;
}

/* Prepares both searches before the first attempt, which frees the sources. */
static bool search_refused(struct leave_out *l, struct backend_loading *loading, const struct source_map *map)
{
	struct search with = { .l = l }, without = { .l = l };
	bool done;

	if (!loading->suspect_count || !map)
		return false;
	qsort(loading->suspects, loading->suspect_count, sizeof(*loading->suspects), compare_u32);
	with.words = without.words = arena_string(&with.arena, text_of(loading->suspicion));
	collect_units(&with, loading->suspects, loading->suspect_count, map, true);
	collect_units(&without, loading->suspects, loading->suspect_count, map, false);
	/* The same may load at the second attempt: the tool may have failed for another reason. */
	done = attempt_again(l) || try_without_layers(&with, loading->suspects, loading->suspect_count) ||
	       run_search(&with) || (!is_exhausted(l) && run_search(&without));
	free_search(&without);
	free_search(&with);
	return done;
}

/* ---- numbers ---- */

/* Leaves out the lines and rules that problems name; true if any is new. */
static bool note_refused(struct leave_out *l, const struct backend_loading *loading, const struct source_map *map)
{
	bool any = false;

	for (const struct backend_problem *p = loading->problems; p && map; p = p->next) {
		if (!p->refused || p->layer != LAYERS)
			continue;
		if (left_out_add_line(l->left_out, map, p->span.begin, p->text))
			any = true;
		else if (p->rule)
			any |= left_out_add_rule(l->left_out, text_of(p->rule), p->text, p->stand_in == STAND_IN_DROP);
	}
	return any;
}

/* Leaves out the part of a tool that takes nothing at all; true if any is new. */
static bool note_parts(struct leave_out *l, const struct backend_loading *loading)
{
	bool any = false;

	for (const struct backend_problem *p = loading->problems; p; p = p->next)
		if (p->part != LAYERS)
			any |= left_out_add_layer(l->left_out, p->part, p->text);
	return any;
}

bool leave_out_load(struct leave_out *l, struct backend_loading *loading)
{
	struct backend_loading first = *loading;
	const struct source_map *map = NULL;
	bool loaded, believed = true;

	l->begin = clock_ns(CLOCK_MONOTONIC);
	for (l->attempts = 0; !is_exhausted(l);) {
		l->attempts++;
		loaded = l->attempt(l->context, loading, &map);
		if (l->attempts == 1)
			first = *loading;
		if (!l->strict && note_layers(l, loading) && !loaded)
			continue;
		if (loaded || l->strict)
			return loaded;
		if (believed && (l->attempts > NUMBERED_MOST || seconds_since(l->begin) >= NUMBERED_SECONDS)) {
			left_out_clear(l->left_out);
			believed = false;
		}
		if (believed && note_refused(l, loading, map))
			continue;
		if (search_refused(l, loading, map)) {
			*loading = l->last;
			return true;
		}
		if (!note_parts(l, loading))
			break;
	}
	left_out_clear(l->left_out);
	*loading = first;
	return false;
}
