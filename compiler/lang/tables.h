/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts of the language, each in one table: log levels, actions, rule
 * parameters, options, macros, ICMP types, connection tracking helpers.
 */
#ifndef PVEFW_TABLES_H
#define PVEFW_TABLES_H

#include <stddef.h>

#include "ast.h"
#include "base/text.h"

/* Bits of a family mask: IP versions. */
enum {
	IPV4 = 1,
	IPV6 = 2,
	IPV_BOTH = IPV4 | IPV6,
};

enum log_level {
#define LOG_LEVEL(ID, name) LOG_##ID,
#include "lang/log_levels.def"
#undef LOG_LEVEL
	LOG_LEVELS
};

extern const char *const log_level_names[LOG_LEVELS];

/* LOG_LEVELS if there is no such level.  In options case does not matter, in
 * rules it does. */
enum log_level log_level_find(struct text name, bool any_case);

enum action {
	ACTION_ACCEPT,
	ACTION_DROP,
	ACTION_REJECT,
	ACTIONS
};

extern const char *const action_names[ACTIONS];

enum action action_find(struct text name, bool any_case);

enum direction {
	DIRECTION_IN,
	DIRECTION_OUT,
	DIRECTION_FORWARD,
	DIRECTION_GROUP,
	DIRECTIONS
};

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

enum option_type {
	OPTION_BOOL,
	OPTION_NUMBER,
	OPTION_POLICY,
	OPTION_POLICY_FORWARD,
	OPTION_LOGLEVEL,
	OPTION_RATELIMIT,
	OPTION_HELPERS,
	OPTION_QUEUES,
	OPTION_LAYER2,
};

enum option_id {
#define OPTION(kind, ID, key, TYPE, member, default_, least, most, text) OPTION_##ID,
#include "lang/options.def"
#undef OPTION
	OPTION_COUNT
};

struct option_row {
	enum file_kind kind;
	const char *key;
	enum option_type type;
	size_t offset; /* of the member in struct <kind>_options */
	int64_t default_value;
	int64_t least, most;
	const char *text;
};

extern const struct option_row option_table[OPTION_COUNT];

/* The option of a file kind, in any case; OPTION_COUNT if there is none. */
enum option_id option_find(enum file_kind kind, struct text key);

struct macro_rule {
	unsigned family_mask;
	const char *proto, *dport, *sport; /* NULL: not set */
};

struct macro {
	const char *name;
	unsigned family_mask;
	const char *text;
	const struct macro_rule *rules;
	unsigned count;
};

/* Sorted by name without case, NULL name at the end. */
extern const struct macro macro_table[];
extern const unsigned macro_count;

/* Any case; NULL if there is none. */
const struct macro *macro_find(struct text name);

struct icmp_type {
	unsigned family_mask; /* IPV4 or IPV6 */
	const char *name;
	int16_t type, code; /* -1: any */
};

extern const struct icmp_type icmp_table[];
extern const unsigned icmp_count;

/* NULL if that IP version's ICMP has no such type. */
const struct icmp_type *icmp_type_find(unsigned family_mask, struct text name);

struct helper {
	const char *name, *proto;
	uint16_t port;
	unsigned family_mask;
};

extern const struct helper helper_table[];
extern const unsigned helper_count;

#endif
