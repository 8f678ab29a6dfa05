/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/tables.h"

/* ---- macros ---- */

#define MACRO_RULE(family_mask, proto, dport, sport) { family_mask, proto, dport, sport }
#define MACRO(name, family_mask, text, ...)                                 \
	{ name, family_mask, text, (const struct macro_rule[]){ __VA_ARGS__ }, \
	  sizeof((const struct macro_rule[]){ __VA_ARGS__ }) / sizeof(struct macro_rule) },

const struct macro macro_table[] = {
#include "lang/macros.def"
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
	if (!name.len)
		return NULL;
	for (unsigned i = 0; i < icmp_count; i++)
		if (icmp_table[i].name[0] == name.ptr[0] && icmp_table[i].family_mask == family_mask &&
		    text_is(name, icmp_table[i].name))
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
