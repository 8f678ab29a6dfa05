/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/option_values.h"

#include "lang/tables.h"

static void set_default(const struct option_row *row, void *options)
{
	switch (row->type) {
	case OPTION_BOOL:
		*(bool *)option_member(options, row) = row->default_value;
		break;
	case OPTION_NUMBER:
		*(int64_t *)option_member(options, row) = row->default_value;
		break;
	case OPTION_POLICY:
	case OPTION_POLICY_FORWARD:
		((struct policy *)option_member(options, row))->action = (enum action)row->default_value;
		break;
	case OPTION_LOGLEVEL:
		*(enum log_level *)option_member(options, row) = (enum log_level)row->default_value;
		break;
	case OPTION_RATELIMIT:
	case OPTION_HELPERS:
	case OPTION_QUEUES:
	case OPTION_LAYER2:
		break; /* nothing is the default, and the memory is clear */
	}
}

void options_defaults(enum file_kind kind, void *options)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].kind == kind)
			set_default(&option_table[id], options);
}

const char *option_value_text(struct arena *arena, enum option_id id, const void *options)
{
	const struct option_row *row = &option_table[id];
	const void *value = (const char *)options + row->offset;
	const char *text = "";

	switch (row->type) {
	case OPTION_BOOL:
		return *(const bool *)value ? "1" : "0";
	case OPTION_NUMBER:
		return arena_printf(arena, "%lld", (long long)*(const int64_t *)value);
	case OPTION_POLICY:
	case OPTION_POLICY_FORWARD:
		return action_names[((const struct policy *)value)->action];
	case OPTION_LOGLEVEL:
		return log_level_names[*(const enum log_level *)value];
	case OPTION_RATELIMIT: {
		const struct ratelimit *limit = value;

		if (limit->off)
			return "off";
		text = limit->rate.len ? arena_string(arena, limit->rate) : "1/second";
		return limit->burst ? arena_printf(arena, "%s,burst=%u", text, limit->burst) : text;
	}
	case OPTION_HELPERS: {
		const struct helper_list *helpers = value;

		for (unsigned i = 0; i < helpers->count; i++)
			text = arena_printf(arena, "%s%s%s", text, i ? "," : "",
					    helper_table[helpers->order[i]].name);
		return helpers->count ? text : "unset";
	}
	case OPTION_QUEUES: {
		const struct queues *queues = value;

		if (!queues->set)
			return "unset";
		return queues->range ? arena_printf(arena, "%u:%u", queues->first, queues->last)
				     : arena_printf(arena, "%u", queues->first);
	}
	case OPTION_LAYER2: {
		const struct layer2_list *list = value;

		for (uint32_t i = 0; i < list->count; i++)
			text = arena_printf(arena, "%s%s%.*s", text, i ? "," : "",
					    TEXT_ARG(list->items[i].name));
		return list->count ? text : "unset";
	}
	}
	return text;
}
