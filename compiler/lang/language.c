/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/language.h"

/* ---- files and sections ---- */

const struct section_row section_table[SECTION_KINDS] = {
	[SECTION_NONE] = { "", false, 0 },
#define SECTION(ID, name, named, kinds) [SECTION_##ID] = { name, named, kinds },
#include "lang/sections.def"
#undef SECTION
};

const char *file_kind_name(enum file_kind kind)
{
	static const char *const names[FILE_KINDS] = {
		[FILE_CLUSTER] = "cluster",
		[FILE_HOST] = "host",
		[FILE_GUEST] = "guest",
		[FILE_VNET] = "vnet",
	};

	return names[kind];
}

const char *section_name(enum section_kind section)
{
	return section_table[section].name;
}

/* ---- words ---- */

const char *const log_level_names[LOG_LEVELS] = {
#define LOG_LEVEL(ID, name) [LOG_##ID] = name,
#include "lang/log_levels.def"
#undef LOG_LEVEL
};

const char *const action_names[ACTIONS] = { "ACCEPT", "DROP", "REJECT" };

const char *const direction_names[DIRECTIONS] = { "IN", "OUT", "FORWARD", "GROUP" };

/* Index of `t` among `count` names, or `count`. Most names differ in their first letter. */
static unsigned find_word(const char *const names[], unsigned count, struct text t, bool any_case)
{
	unsigned i = 0;

	if (!t.len)
		return count;
	for (; i < count; i++) {
		/* Upper and lower case differ in one bit. */
		if ((t.ptr[0] ^ names[i][0]) & ~('a' ^ 'A'))
			continue;
		if (any_case ? text_is_nocase(t, names[i]) : text_is(t, names[i]))
			break;
	}
	return i;
}

enum log_level log_level_find(struct text name, bool any_case)
{
	return (enum log_level)find_word(log_level_names, LOG_LEVELS, name, any_case);
}

enum action action_find(struct text name, bool any_case)
{
	return (enum action)find_word(action_names, ACTIONS, name, any_case);
}

enum direction direction_find(struct text name)
{
	return (enum direction)find_word(direction_names, DIRECTIONS, name, true);
}

/* ---- rule parameters ---- */

const struct rule_param_row rule_param_table[RULE_PARAMS] = {
#define PARAM(ID, spelling, second, third, text) [PARAM_##ID] = { { spelling, second, third }, text },
#include "lang/rule_params.def"
#undef PARAM
};

/* All spellings with their lengths, because every word of every rule is looked up here: the usual ones first. A
 * missing spelling has no text. */
static const struct {
	struct text spelling;
	enum rule_param id;
} spellings[] = {
#define SPELLING(ID, s) { { s, (uint32_t)sizeof(s) - 1 }, PARAM_##ID },
#define PARAM(ID, first, second, third, text) SPELLING(ID, first)
#include "lang/rule_params.def"
#undef PARAM
#define PARAM(ID, first, second, third, text) SPELLING(ID, second) SPELLING(ID, third)
#include "lang/rule_params.def"
#undef PARAM
#undef SPELLING
};

enum rule_param rule_param_find(struct text spelling)
{
	/* No two spellings have both length and last letter in common. */
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct text known = spellings[i].spelling;

		if (known.len == spelling.len && known.ptr && known.ptr[known.len - 1] == spelling.ptr[known.len - 1] &&
		    text_equal(known, spelling))
			return spellings[i].id;
	}
	return RULE_PARAMS;
}
