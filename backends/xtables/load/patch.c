/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The change of one guest's file, without the other guests.
 *
 * The guest is compiled alone, as it was and as it is, and both are printed.  Where they
 * agree in everything but the guest's own chains (and those of security groups, which
 * depend on the cluster's file alone), only these chains are loaded: sets, ebtables and
 * the chains of all guests would stay as they are.
 */
#include "xtables/load/xt_state.h"

/* ---- comparing ---- */

static struct text take_line(struct text *rest)
{
	long end = text_find(*rest, '\n');
	struct text line = { rest->ptr, end < 0 ? rest->len : (uint32_t)end };
	uint32_t taken = line.len + (end >= 0);

	*rest = (struct text){ rest->ptr + taken, rest->len - taken };
	return line;
}

/* The chain that a line of a listing declares or adds to; len 0: none. */
static struct text chain_of(struct text line)
{
	uint32_t from = text_starts(line, "-A ") ? 3 : text_starts(line, ":") ? 1 : 0, end = from;

	while (end < line.len && line.ptr[end] != ' ')
		end++;
	return (struct text){ line.ptr + from, from ? end - from : 0 };
}

/* A listing, in which `filter` tells that this is about one of the filter tables of iptables. */
struct reader {
	struct text rest;
	bool filter;
};

/* The next line that is not the guest's own; false at the end. */
static bool next_line(struct reader *r, const struct guest *guest, struct text *line)
{
	while (r->rest.len) {
		struct text chain;

		*line = take_line(&r->rest);
		if (text_starts(*line, "=== "))
			r->filter = text_is(*line, "=== iptables filter") || text_is(*line, "=== ip6tables filter");
		chain = chain_of(*line);
		if (!r->filter || !chain.len || (!xt_is_chain_of(guest, chain) && !text_starts(chain, "GROUP-")))
			return true;
	}
	return false;
}

static bool same_but_for(const struct guest *guest, const struct out *a, const struct out *b)
{
	struct reader first = { .rest = { a->data, (uint32_t)a->len } };
	struct reader second = { .rest = { b->data, (uint32_t)b->len } };
	struct text x, y;

	while (next_line(&first, guest, &x))
		if (!next_line(&second, guest, &y) || !text_equal(x, y))
			return false;
	return !next_line(&second, guest, &y);
}

static bool only_own_chains_differ(const struct guest_view *old, const struct guest_view *new)
{
	struct out before, after;
	bool same;

	out_init_memory(&before);
	out_init_memory(&after);
	xt_print_listing(&before, &old->config);
	xt_print_listing(&after, &new->config);
	same = same_but_for(&old->guest, &before, &after);
	out_free(&before);
	out_free(&after);
	return same;
}

/* ---- loading ---- */

static bool is_impossible(const struct xt_plan *plan)
{
	for (unsigned step = 0; step < XT_STEPS; step++)
		if (plan->scripts[step].impossible)
			return true;
	return !xt_read_can_be_short(plan);
}

static bool load(struct backend_loading *loading, struct xt_state *state, const struct xt_goal *goal)
{
	struct xt_plan plan;
	bool done;

	xt_plan_make_guest(&plan, &state->loaded, goal);
	done = !is_impossible(&plan);
	if (done)
		xt_loading_note(loading, &plan);
	if (done && !xt_plan_is_empty(&plan))
		done = xt_carry_out(loading, state, goal, &plan);
	xt_plan_free(&plan);
	return done;
}

bool xt_guest_patch(struct backend_loading *loading, struct xt_state *state, const struct config *config,
		    const struct guest *old, const struct guest *new)
{
	struct guest_view before, after;
	struct xt_goal goal = { .config = &after.config, .guest = &after.guest };
	bool done;

	if (!config_enabled(config))
		return false;
	guest_view_init(&before, config, old);
	guest_view_init(&after, config, new);
	if (!only_own_chains_differ(&before, &after))
		return false;
	if (!xt_lock_take(loading, &state->lock))
		return false;
	done = !xt_state_is_stale(state) && load(loading, state, &goal);
	xt_lock_give(&state->lock);
	return done;
}
