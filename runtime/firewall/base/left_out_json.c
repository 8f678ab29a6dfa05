/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/left_out_json.h"

json_t *left_out_json(const struct left_out *left_out)
{
	json_t *lines = json_array(), *rules = json_array(), *guarded = json_array();

	/* Text that is not UTF-8 makes no JSON, and is left out of it. */
	for (const struct left_out_line *line = left_out->lines; line; line = line->hh.next) {
		json_t *one = json_pack("{s:s, s:s}", "file", line->path, "text", line->text);

		if (one)
			json_array_append_new(lines, one);
	}
	for (const struct left_out_rule *rule = left_out->rules; rule; rule = rule->hh.next) {
		json_t *one = json_string(rule->text);

		if (one)
			json_array_append_new(rule->guarded ? guarded : rules, one);
	}
	return json_pack("{s:o, s:o, s:o, s:I}", "lines", lines, "rules", rules, "guarded", guarded, "layers",
			 (json_int_t)left_out->layers);
}

static void read_rules(struct left_out *left_out, const json_t *rules, bool guarded)
{
	const json_t *one;
	size_t i;

	json_array_foreach(rules, i, one)
		if (json_is_string(one))
			left_out_add_rule(left_out, text_of(json_string_value(one)), "", guarded);
}

void left_out_read_json(struct left_out *left_out, const json_t *json)
{
	json_int_t layers = json_integer_value(json_object_get(json, "layers"));
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(json, "lines"), i, one) {
		const char *path = json_string_value(json_object_get(one, "file"));
		const char *text = json_string_value(json_object_get(one, "text"));

		if (path && text)
			left_out_add_text(left_out, path, text_of(text), "");
	}
	read_rules(left_out, json_object_get(json, "rules"), false);
	read_rules(left_out, json_object_get(json, "guarded"), true);
	for (unsigned layer = 0; layer < LAYERS; layer++)
		if (layers >> layer & 1)
			left_out_add_layer(left_out, (enum layer)layer, "");
}
