/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the language, made from the .def files, and looking things up
 * in them.
 *
 * Every rule of a configuration looks up its parameters, its macro and its log
 * level, so these searches decide at the first byte whether to go on; the macros,
 * which are many, are sorted and searched by halves.
 */
#include "lang/tables.h"

#include "resolve/config.h"
#include "lang/limit_table.h"

/* ---- what ast.h declares ---- */

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

/* `t` is the string `name`.  Inline and by bytes: nearly every call ends at the first. */
static inline bool spelled(const char *name, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (name[i] == '\0' || name[i] != t.ptr[i])
			return false;
	return name[t.len] == '\0';
}

static inline bool spelled_nocase(const char *name, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (name[i] == '\0' || char_lower(name[i]) != char_lower(t.ptr[i]))
			return false;
	return name[t.len] == '\0';
}

/* Index of `t` among `count` names, or `count`. */
static unsigned find_name(const char *const names[], unsigned count, struct text t, bool any_case)
{
	unsigned i = 0;

	while (i < count && !(any_case ? spelled_nocase(names[i], t) : spelled(names[i], t)))
		i++;
	return i;
}

enum log_level log_level_find(struct text name, bool any_case)
{
	return (enum log_level)find_name(log_level_names, LOG_LEVELS, name, any_case);
}

enum action action_find(struct text name, bool any_case)
{
	return (enum action)find_name(action_names, ACTIONS, name, any_case);
}

enum direction direction_find(struct text name)
{
	return (enum direction)find_name(direction_names, DIRECTIONS, name, true);
}

/* ---- rule parameters ---- */

const struct rule_param_row rule_param_table[RULE_PARAMS] = {
#define PARAM(ID, spelling, second, third, text) [PARAM_##ID] = { { spelling, second, third }, text },
#include "lang/rule_params.def"
#undef PARAM
};

/* All spellings with their lengths, because every word of every rule is looked
 * up here.  A missing spelling has no text. */
static const struct {
	struct text spelling;
	enum rule_param id;
} spellings[] = {
#define SPELLING(ID, s) { { s, (uint32_t)sizeof(s) - 1 }, PARAM_##ID },
#define PARAM(ID, first, second, third, text) SPELLING(ID, first) SPELLING(ID, second) SPELLING(ID, third)
#include "lang/rule_params.def"
#undef PARAM
#undef SPELLING
};

enum rule_param rule_param_find(struct text spelling)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (spellings[i].spelling.ptr && text_equal(spellings[i].spelling, spelling))
			return spellings[i].id;
	return RULE_PARAMS;
}

/* ---- options ---- */

const struct option_row option_table[OPTION_COUNT] = {
#define OPTION_CLUSTER(ID, key, TYPE, member, default_, least, most, text)           \
	[OPTION_##ID] = { FILE_CLUSTER, key, OPTION_##TYPE,                          \
			  offsetof(struct cluster_options, member), default_, least, \
			  most, text },
#define OPTION_HOST(ID, key, TYPE, member, default_, least, most, text)                   \
	[OPTION_##ID] = { FILE_HOST, key, OPTION_##TYPE,                                  \
			  offsetof(struct host_options, member), default_, least, \
			  most, text },
#define OPTION_GUEST(ID, key, TYPE, member, default_, least, most, text)                   \
	[OPTION_##ID] = { FILE_GUEST, key, OPTION_##TYPE,                                  \
			  offsetof(struct guest_options, member), default_, least, \
			  most, text },
#define OPTION_VNET(ID, key, TYPE, member, default_, least, most, text)                   \
	[OPTION_##ID] = { FILE_VNET, key, OPTION_##TYPE,                                  \
			  offsetof(struct vnet_options, member), default_, least, \
			  most, text },
#include "lang/options.def"
};

enum option_id option_find(enum file_kind kind, struct text key)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].kind == kind && spelled_nocase(option_table[i].key, key))
			return (enum option_id)i;
	return OPTION_COUNT;
}

/* ---- macros ---- */

/*
 * macros.def lists each macro's rules behind it and names neither.  The line
 * they stand on does: it gives every row a name of its own, from which the
 * compiler counts where a macro's rules begin and how many they are.
 */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* All rules of all macros. */
static const struct macro_rule macro_rules[] = {
#define MACRO(name, family_mask, text)
#define MACRO_RULE(family_mask, proto, dport, sport) { family_mask, proto, dport, sport },
#include "lang/macros.def"
#undef MACRO
#undef MACRO_RULE
};

/* The index of each macro's first rule: a rule counts one up, a macro takes
 * itself back. */
enum {
#define MACRO(name, family_mask, text) JOIN(FIRST_, __LINE__), JOIN(BACK_, __LINE__) = JOIN(FIRST_, __LINE__) - 1,
#define MACRO_RULE(family_mask, proto, dport, sport) JOIN(RULE_, __LINE__),
#include "lang/macros.def"
#undef MACRO
#undef MACRO_RULE
};

/* A structure for each macro with a byte for each of its rules: its size is
 * their number. */
struct before_the_first {
	char none;
#define MACRO(name, family_mask, text) }; struct JOIN(rules_, __LINE__) {
#define MACRO_RULE(family_mask, proto, dport, sport) char JOIN(rule_, __LINE__);
#include "lang/macros.def"
#undef MACRO
#undef MACRO_RULE
};

const struct macro macro_table[] = {
#define MACRO(name, family_mask, text)                                               \
	{ name, family_mask, text, macro_rules + JOIN(FIRST_, __LINE__),             \
	  sizeof(struct JOIN(rules_, __LINE__)) },
#define MACRO_RULE(family_mask, proto, dport, sport)
#include "lang/macros.def"
#undef MACRO
#undef MACRO_RULE
	{ 0 },
};

const unsigned macro_count = sizeof(macro_table) / sizeof(macro_table[0]) - 1;

/* Order without case; `name` ends with a NUL, `t` does not. */
static int compare_nocase(const char *name, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++) {
		int order = (unsigned char)char_lower(name[i]) - (unsigned char)char_lower(t.ptr[i]);

		if (order || name[i] == '\0')
			return order ? order : -1;
	}
	return name[t.len] != '\0';
}

const struct macro *macro_find(struct text name)
{
	unsigned low = 0, high = macro_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = compare_nocase(macro_table[middle].name, name);

		if (order == 0)
			return &macro_table[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- ICMP types and helpers ---- */

const struct icmp_type icmp_table[] = {
#define ICMP_TYPE(family_mask, name, type, code) { family_mask, name, type, code },
#include "lang/icmp_types.def"
#undef ICMP_TYPE
};

const unsigned icmp_count = sizeof(icmp_table) / sizeof(icmp_table[0]);

const struct icmp_type *icmp_type_find(unsigned family_mask, struct text name)
{
	for (unsigned i = 0; i < icmp_count; i++)
		if (icmp_table[i].family_mask == family_mask && spelled(icmp_table[i].name, name))
			return &icmp_table[i];
	return NULL;
}

const struct helper helper_table[] = {
#define HELPER(name, proto, port, ipv4, ipv6) \
	{ name, proto, port, (ipv4 ? IPV4 : 0) | (ipv6 ? IPV6 : 0) },
#include "lang/helpers.def"
#undef HELPER
};

const unsigned helper_count = sizeof(helper_table) / sizeof(helper_table[0]);
