/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences as JSON: schemas/change.schema.json and schemas/proof.schema.json describe them. */
#include "questions/diff_print.h"

#include "format/diag_json.h"

static json_t *escaped(const char *text)
{
	return json_escaped(text_of(text));
}

static void add_place(json_t *object, const char *key, const struct source_map *map, struct span span)
{
	struct place place;

	if (!source_find(map, span.begin))
		return;
	place = source_place(map, span.begin);
	json_object_set_new(object, key,
			    json_pack("{s:o, s:i, s:i}", "file", escaped(place.source->path), "line", (int)place.line, "column",
				      (int)place.column));
}

static json_t *reason_json(struct arena *arena, const struct source_map *map, enum model_verdict verdict, uint16_t queue,
			   const struct reason *reason, struct text line)
{
	json_t *object = json_object();

	json_object_set_new(object, "verdict", escaped(verdict_words(arena, verdict, queue)));
	add_place(object, "place", map, reason->span);
	if (line.len)
		json_object_set_new(object, "text", json_escaped(line));
	if (!line.len && reason->implied)
		json_object_set_new(object, "implied", escaped(reason->implied));
	if (source_find(map, reason->group.begin)) {
		json_object_set_new(object, "group", json_escaped(reason->group_name));
		add_place(object, "group_place", map, reason->group);
	}
	return object;
}

/* ---- what a change changes ---- */

static json_t *change_json(const struct diff *diff, const struct change *c)
{
	static const char *const kinds[CHANGE_KINDS] = { "allowed", "refused", "other" };
	json_t *zones = json_array(), *object;

	for (const struct change_zone *z = c->zones; z; z = z->next)
		json_array_append_new(zones, escaped(diff_zone_text(diff->arena, diff, z->zone)));
	object = json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "change", kinds[c->kind], "ordinary", c->ordinary,
			   "direction", c->inward ? "in" : "out", "zones", zones, "peer", escaped(c->peer), "own",
			   escaped(c->own), "packets", escaped(c->what), "example", escaped(c->example), "more", c->more != 0);
	for (int i = 0; i < DIFF_SIDES; i++) {
		const struct change_side *side = &c->sides[i];

		json_object_set_new(object, i == DIFF_OLD ? "old" : "new",
				    reason_json(diff->arena, diff->map, side->verdict, side->queue, &side->reason, side->line));
	}
	return object;
}

static json_t *undecided_json(const char *where, const char *chain)
{
	return json_pack("{s:o, s:o}", "where", escaped(where), "chain", escaped(chain));
}

json_t *diff_json(const struct diff *diff)
{
	json_t *rows = json_array(), *notes = json_array(), *undecided = json_array();

	for (const struct change *c = diff->changes; c; c = c->next)
		json_array_append_new(rows, change_json(diff, c));
	for (const struct diff_note *n = diff->notes; n; n = n->next)
		json_array_append_new(notes, escaped(n->text));
	for (const struct diff_undecided *u = diff->undecided; u; u = u->next)
		json_array_append_new(undecided, undecided_json(u->zone, u->chain));
	return json_pack("{s:b, s:o, s:i, s:o, s:o, s:i, s:i, s:i}", "equal", diff_is_empty(diff) && !diff->undecided, "rows",
			 rows, "rows_left_out", (int)diff->left_out, "notes", notes, "undecided", undecided, "zones_differ",
			 (int)diff->zones_differ, "zones_same", (int)diff->zones_same, "guests_same", (int)diff->guests_same);
}

/* ---- the proof ---- */

static json_t *difference_json(const struct proof *proof, const struct source_map *map, const struct proof_difference *d)
{
	json_t *sides = json_array();

	for (int i = 0; i < 2; i++) {
		const struct proof_side *side = &d->sides[i];
		struct source *source = source_find(map, side->reason.span.begin);
		struct text line = { NULL, 0 };
		json_t *object;

		if (source)
			line = text_trim(word_text(source_line(map, source, source_line_number(map, side->reason.span.begin))));
		object = reason_json(proof->arena, map, side->verdict, side->queue, &side->reason, line);
		json_object_set_new(object, "target", json_string(side->target->name));
		json_array_append_new(sides, object);
	}
	return json_pack("{s:o, s:o, s:b, s:b, s:o, s:o}", "from", escaped(d->from), "to", escaped(d->to), "broadcast", d->flooded,
			 "direct", d->direct, "example", escaped(d->packet), "verdicts", sides);
}

json_t *proof_json(const struct proof *proof, const struct source_map *map)
{
	json_t *differences = json_array(), *undecided = json_array(), *named = json_array(), *targets = json_array();

	for (uint32_t i = 0; i < proof->target_count; i++)
		json_array_append_new(targets, json_string(proof->targets[i].name));
	for (const struct proof_difference *d = proof->differences; d; d = d->next)
		json_array_append_new(differences, difference_json(proof, map, d));
	for (const struct proof_undecided *u = proof->undecided; u; u = u->next)
		json_array_append_new(undecided,
				      undecided_json(arena_printf(proof->arena, "%s -> %s", u->from, u->to), u->chain));
	for (int i = 0; i < NAMED_DIFFERENCES; i++)
		if (proof->named[i])
			json_array_append_new(named, json_pack("{s:s, s:i, s:s}", "id", named_rows[i].id, "paths",
							       (int)proof->named[i], "text", named_rows[i].text));
	return json_pack("{s:o, s:i, s:o, s:o, s:o}", "targets", targets, "paths", (int)proof->paths, "differences", differences,
			 "named", named, "undecided", undecided);
}
