/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences as JSON: schemas/packet-diff.schema.json and schemas/proof.schema.json describe them. */
#include "questions/diff_print.h"

#include "format/diag_json.h"

static json_t *diff_escaped(const char *text)
{
	return json_escaped(text_of(text));
}

/* ---- what a change changes ---- */

/* The values of fields as in the rows of `query`: null for any, or if a packet does not have the field. */
static void add_values(json_t *object, const char *const values[MODEL_FIELDS])
{
	for (size_t i = 0; i < FIELD_MEMBERS; i++)
		json_object_set_new(object, field_members[i].name,
				    values[field_members[i].field]
					    ? diff_escaped(values[field_members[i].field])
					    : json_null());
}

/* `from` and `to` are zones as `simulate` takes them. */
static json_t *example_json(const struct change *c)
{
	json_t *object = json_pack("{s:o, s:o, s:o}", "text", diff_escaped(c->example), "from",
				   diff_escaped(c->from), "to", diff_escaped(c->to));

	add_values(object, c->values);
	return object;
}

static json_t *packets_json(const struct diff *diff, const struct change *c)
{
	json_t *object = json_pack("{s:o}", "text", diff_escaped(change_packets_text(diff, c)));
	json_t *except = json_array();

	add_values(object, c->exact);
	json_object_set_new(object, "except", except);
	for (const struct change_values *v = c->except; v; v = v->next) {
		json_t *values = json_object();

		add_values(values, v->exact);
		json_array_append_new(except, values);
	}
	return object;
}

static json_t *change_json(const struct diff *diff, const struct change *c)
{
	static const char *const kinds[CHANGE_KINDS] = { "allowed", "refused", "other" };
	json_t *zones = json_array(), *object;

	for (const struct change_zone *z = c->zones; z; z = z->next)
		json_array_append_new(zones, diff_escaped(diff_zone_text(diff->arena, diff, z->zone)));
	object = json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:b}", "change", kinds[c->kind], "ordinary",
			   c->ordinary, "direction", c->inward ? "in" : "out", "zones", zones, "packets",
			   packets_json(diff, c), "example", example_json(c), "more", c->more != 0);
	for (int i = 0; i < DIFF_SIDES; i++) {
		const struct change_side *side = &c->sides[i];

		json_object_set_new(object, i == DIFF_OLD ? "old" : "new",
				    decision_json(diff->map, &side->decision));
	}
	return object;
}

/* `node` NULL: there is one only, or it does not matter. */
static json_t *undecided_json(const char *node, const char *where, const char *chain)
{
	return json_pack("{s:o?, s:o, s:o}", "node", node ? diff_escaped(node) : NULL, "where",
			 diff_escaped(where), "chain", diff_escaped(chain));
}

json_t *diff_json(const struct diff *diff)
{
	json_t *rows = json_array(), *notes = json_array(), *undecided = json_array();

	for (const struct change *c = diff->changes; c; c = c->next)
		json_array_append_new(rows, change_json(diff, c));
	for (const struct diff_note *n = diff->notes; n; n = n->next)
		json_array_append_new(notes, diff_escaped(n->text));
	for (const struct diff_undecided *u = diff->undecided; u; u = u->next)
		json_array_append_new(undecided, undecided_json(NULL, u->zone, u->chain));
	return json_pack("{s:b, s:o, s:i, s:o, s:o, s:i, s:i, s:i}", "equal",
			 diff_is_empty(diff) && !diff->undecided, "rows", rows, "rows_left_out",
			 (int)diff->left_out, "notes", notes, "undecided", undecided, "zones_differ",
			 (int)diff->zones_differ, "zones_same", (int)diff->zones_same, "guests_same",
			 (int)diff->guests_same);
}

/* ---- the proof ---- */

static json_t *difference_json(const struct source_map *map, const struct proof_difference *d)
{
	json_t *sides = json_array();

	for (int i = 0; i < 2; i++) {
		const struct proof_side *side = &d->sides[i];
		json_t *object = decision_json(map, &side->decision);

		json_object_set_new(object, "target", json_string(side->target->name));
		json_array_append_new(sides, object);
	}
	return json_pack("{s:o?, s:o, s:o, s:b, s:b, s:o, s:o}", "node",
			 d->node ? diff_escaped(d->node) : NULL, "from", diff_escaped(d->from), "to",
			 diff_escaped(d->to), "broadcast", d->flooded, "direct", d->direct, "example",
			 diff_escaped(d->packet), "verdicts", sides);
}

json_t *proof_json(const struct proof *proof, const struct source_map *map)
{
	json_t *differences = json_array(), *undecided = json_array(), *named = json_array(),
	       *targets = json_array();

	for (uint32_t i = 0; i < proof->target_count; i++)
		json_array_append_new(targets, json_string(proof->targets[i].name));
	for (const struct proof_difference *d = proof->differences; d; d = d->next)
		json_array_append_new(differences, difference_json(map, d));
	for (const struct proof_undecided *u = proof->undecided; u; u = u->next)
		json_array_append_new(undecided,
				      undecided_json(u->node,
						     arena_printf(proof->arena, "%s -> %s", u->from, u->to),
						     u->chain));
	for (int i = 0; i < NAMED_DIFFERENCES; i++)
		if (proof->named[i])
			json_array_append_new(named,
					      json_pack("{s:s, s:i, s:s}", "id", named_rows[i].id, "paths",
							(int)proof->named[i], "text", named_rows[i].text));
	return json_pack("{s:o, s:i, s:o, s:o, s:o}", "targets", targets, "paths", (int)proof->paths,
			 "differences", differences, "named", named, "undecided", undecided);
}
