/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/diff_print.h"

#include "base/escape.h"
#include "format/diag_text.h"

enum { ZONES_SHOWN = 3 };

/* ---- words ---- */

static const char *verdict_participle(enum model_verdict verdict)
{
	switch (verdict) {
	case MODEL_PASSED:
		return "accepted";
	case MODEL_DROPPED:
		return "dropped";
	case MODEL_QUEUED:
		return "queued";
	default:
		return "rejected";
	}
}

const char *change_packets_text(const struct diff *diff, const struct change *change)
{
	struct arena *arena = diff->arena;
	const char *zone = change_zones_text(arena, diff, change, ZONES_SHOWN);
	const char *peer = change->peer[0] ? change->peer : "any";

	if (!change->ordinary)
		peer = "unusual packets";
	if (change->own[0])
		zone = arena_printf(arena, "%s at %s", zone, change->own);
	return arena_printf(arena, "%s -> %s%s%s", change->inward ? peer : zone,
			    change->inward     ? zone
			    : change->ordinary ? peer
					       : "outside, unusual packets",
			    change->what[0] ? ", " : "", change->what);
}

const char *change_verdict_text(struct arena *arena, const struct change_side *side)
{
	return side->is_mixed ? verdict_action(side->decision.verdict)
			      : decision_text(arena, &side->decision);
}

const char *diff_summary_text(const struct diff *diff)
{
	return arena_printf(diff->arena, "%u %s; %u %s the same", diff->zones_differ,
			    diff->zones_differ == 1 ? "zone differs" : "zones differ", diff->guests_same,
			    diff->guests_same == 1 ? "guest is" : "guests are");
}

/* ---- a change ---- */

static void out_line(struct out *out, const char *text)
{
	out_escaped(out, text_of(text));
	out_char(out, '\n');
}

/* "firewall/101.fw:12  IN ACCEPT -p tcp -dport 5432" */
static const char *reason_and_line(struct arena *arena, const struct source_map *map,
				   const struct reason *reason)
{
	struct text line = reason_source_line(map, reason);

	return arena_printf(arena, "%s%s%.*s", reason_text(arena, map, reason), line.len ? "  " : "",
			    TEXT_ARG(line));
}

/* "accepted"; if only the kind of refusal differs, "rejected with a TCP reset". */
static const char *was_text(struct arena *arena, const struct change *c)
{
	enum model_verdict old = c->sides[DIFF_OLD].decision.verdict;
	const char *words = model_verdict_text(old);

	if (c->kind != CHANGE_OTHER || c->sides[DIFF_OLD].is_mixed || old < MODEL_REJECTED ||
	    old >= MODEL_QUEUED)
		return verdict_participle(old);
	return arena_printf(arena, "rejected %s", words + strcspn(words, " ") + (strchr(words, ' ') != NULL));
}

static void text_change(const struct text_printer *p, const struct diff *diff, const struct change *c)
{
	static const struct {
		const char *text;
		enum text_style style;
	} labels[CHANGE_KINDS] = {
		[CHANGE_ALLOWED] = { "+ newly allowed   ", STYLE_ADDED },
		[CHANGE_REFUSED] = { "- newly refused   ", STYLE_REMOVED },
		[CHANGE_OTHER] = { "~ other verdict   ", STYLE_BOLD },
	};
	const struct decision *old = &c->sides[DIFF_OLD].decision, *new = &c->sides[DIFF_NEW].decision;
	struct arena *arena = diff->arena;

	text_style(p, labels[c->kind].style);
	out_string(p->out, labels[c->kind].text);
	text_style(p, STYLE_OFF);
	out_line(p->out, change_packets_text(diff, c));
	out_line(p->out, arena_printf(arena, "                  e.g. %s", c->example));
	if (c->more)
		out_string(p->out, "                  and more packets that the same lines decide\n");
	out_line(p->out,
		 arena_printf(arena, "  --> %s  (new: %s)", reason_and_line(arena, diff->map, &new->reason),
			      decision_text(arena, new)));
	out_line(p->out, arena_printf(arena, "  was %s by  %s", was_text(arena, c),
				      reason_and_line(arena, diff->map, &old->reason)));
	out_char(p->out, '\n');
}

void diff_print_text(struct out *out, const struct diff *diff, bool colour)
{
	const struct text_printer p = { .out = out, .map = diff->map, .arena = diff->arena, .colour = colour };

	for (const struct change *c = diff->changes; c; c = c->next)
		text_change(&p, diff, c);
	if (diff->left_out)
		out_printf(out, "%u more rows are not shown: raise --limit\n", diff->left_out);
	for (const struct diff_note *n = diff->notes; n; n = n->next)
		out_line(out, n->text);
	for (const struct diff_undecided *u = diff->undecided; u; u = u->next)
		out_line(out,
			 arena_printf(diff->arena,
				      "%s: not decided: %s%s%s the budget; raise it with --budget", u->zone,
				      u->chain[0] ? "chain " : "the question", u->chain, " exceeds"));
	out_line(out, diff_summary_text(diff));
}

/* ---- the proof ---- */

static const char *path_words(struct arena *arena, const char *node, const char *from, const char *to,
			      bool flooded, bool direct)
{
	return arena_printf(arena, "%s%s%s -> %s%s%s", node ? node : "", node ? ": " : "", from, to,
			    flooded ? ", broadcast frames" : "",
			    direct ? ", plugged without a firewall bridge" : "");
}

static void print_difference(struct out *out, const struct proof *proof, const struct source_map *map,
			     const struct proof_difference *d)
{
	struct arena *arena = proof->arena;

	out_line(out, arena_printf(arena, "%s: %s and %s differ",
				   path_words(arena, d->node, d->from, d->to, d->flooded, d->direct),
				   d->sides[0].target->name, d->sides[1].target->name));
	out_line(out, arena_printf(arena, "  e.g. %s", d->packet));
	for (int i = 0; i < 2; i++) {
		const struct proof_side *side = &d->sides[i];

		out_line(out, arena_printf(arena, "  %-9s %-6s %s", side->target->name,
					   decision_text(arena, &side->decision),
					   reason_and_line(arena, map, &side->decision.reason)));
		if (side->trail)
			out_line(out, arena_printf(arena, "            %s", side->trail));
	}
	out_char(out, '\n');
}

static const char *target_names(const struct proof *proof)
{
	const char *text = "";

	for (uint32_t i = 0; i < proof->target_count; i++)
		text = arena_printf(proof->arena, "%s%s%s", text,
				    i == 0                         ? ""
				    : i + 1 == proof->target_count ? " and "
								   : ", ",
				    proof->targets[i].name);
	return text;
}

void proof_print_text(struct out *out, const struct proof *proof, const struct source_map *map)
{
	struct arena *arena = proof->arena;
	uint32_t differences = 0, undecided = 0;

	for (const struct proof_difference *d = proof->differences; d; d = d->next, differences++)
		print_difference(out, proof, map, d);
	for (const struct proof_undecided *u = proof->undecided; u; u = u->next, undecided++)
		out_line(out, arena_printf(arena,
					   "%s: not decided: %s%s exceeds the budget; raise it with --budget",
					   path_words(arena, u->node, u->from, u->to, u->flooded, u->direct),
					   u->chain[0] ? "chain " : "the question", u->chain));
	for (int i = 0; i < NAMED_DIFFERENCES; i++)
		if (proof->named[i])
			out_printf(out, "%s on %u %s: %s\n", named_rows[i].id, proof->named[i],
				   proof->named[i] == 1 ? "path" : "paths", named_rows[i].text);
	out_line(out,
		 arena_printf(arena, "%s: %u %s, %u differences, %u not decided", target_names(proof),
			      proof->paths, proof->paths == 1 ? "path" : "paths", differences, undecided));
}
