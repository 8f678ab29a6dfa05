/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the language, each kind an enumeration and a table: file kinds, sections, log levels, actions,
 * directions, and the parameters of rules.
 */
#ifndef PVEFW_LANGUAGE_H
#define PVEFW_LANGUAGE_H

#include "base/text.h"

/* Bits of a family mask: IP versions. */
enum {
	IPV4 = 1,
	IPV6 = 2,
	IPV_BOTH = IPV4 | IPV6,
};

enum file_kind { FILE_CLUSTER, FILE_HOST, FILE_GUEST, FILE_VNET, FILE_KINDS };

enum section_kind {
	SECTION_NONE, /* before the first header */
#define SECTION(ID, name, named, kinds) SECTION_##ID,
#include "lang/sections.def"
#undef SECTION
	SECTION_KINDS
};

/* One row of sections.def. */
struct section_row {
	const char *name; /* as in the header, upper case */
	bool named;       /* [IPSET name] */
	unsigned allowed; /* bit set of file kinds */
};

extern const struct section_row section_table[SECTION_KINDS];

static inline bool section_allowed(enum section_kind section, enum file_kind kind)
{
	return section_table[section].allowed >> kind & 1;
}

/* "cluster", "host", "guest", "vnet" */
const char *file_kind_name(enum file_kind kind);
const char *section_name(enum section_kind section);

enum log_level {
#define LOG_LEVEL(ID, name) LOG_##ID,
#include "lang/log_levels.def"
#undef LOG_LEVEL
	LOG_LEVELS
};

extern const char *const log_level_names[LOG_LEVELS];

/* LOG_LEVELS if there is no such level. In options case does not matter, in rules it does. */
enum log_level log_level_find(struct text name, bool any_case);

enum action { ACTION_ACCEPT, ACTION_DROP, ACTION_REJECT, ACTIONS };

extern const char *const action_names[ACTIONS];

enum action action_find(struct text name, bool any_case);

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_FORWARD, DIRECTION_GROUP, DIRECTIONS };

extern const char *const direction_names[DIRECTIONS];

/* Any case; DIRECTIONS if there is no such type. */
enum direction direction_find(struct text name);

enum rule_param {
#define PARAM(ID, spelling, second, third, text) PARAM_##ID,
#include "lang/rule_params.def"
#undef PARAM
	RULE_PARAMS
};

struct rule_param_row {
	const char *spellings[3]; /* the canonical one first; NULL: no more */
	const char *text;
};

extern const struct rule_param_row rule_param_table[RULE_PARAMS];

enum rule_param rule_param_find(struct text spelling);

#endif
