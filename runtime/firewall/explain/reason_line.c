/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/explain/reason_line.h"

#include "base/escape.h"

const char *reason_place(struct arena *arena, const struct source_map *map, struct span span)
{
	struct place place = source_place(map, span.begin);

	return place.source ? arena_printf(arena, "%s:%u", place.source->path, place.line) : NULL;
}

const char *reason_line(struct arena *arena, const struct source_map *map, const struct reason *reason)
{
	struct source *source = source_find(map, reason->span.begin);
	const char *place = reason_place(arena, map, reason->span);
	const char *group = reason_place(arena, map, reason->group), *text;
	struct out out;

	if (!source)
		return reason->implied ? reason->implied : "no rule";
	out_init_memory(&out);
	out_escaped(&out, text_of(place));
	out_string(&out, "  ");
	out_escaped(&out, text_trim(word_text(source_line(map, source, source_line_number(map, reason->span.begin)))));
	if (group) {
		out_string(&out, "   (group ");
		out_escaped(&out, reason->group_name);
		out_string(&out, ", from ");
		out_escaped(&out, text_of(group));
		out_char(&out, ')');
	}
	text = arena_string(arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

bool reason_is_same(const struct source_map *map, const struct reason *a, const struct reason *b)
{
	const struct source *one = source_find(map, a->span.begin), *other = source_find(map, b->span.begin);

	if (one != other)
		return false;
	if (one)
		return source_line_number(map, a->span.begin) == source_line_number(map, b->span.begin);
	return a->implied && b->implied ? strcmp(a->implied, b->implied) == 0 : a->implied == b->implied;
}
