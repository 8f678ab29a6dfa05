/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The macros, the ICMP types and the helpers of connection tracking that the language knows. */
#ifndef PVEFW_TABLES_H
#define PVEFW_TABLES_H

#include "lang/language.h"

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

/* NULL if the ICMP of that IP version has no such type. */
const struct icmp_type *icmp_type_find(unsigned family_mask, struct text name);

struct helper {
	const char *name, *proto;
	uint16_t port;
	unsigned family_mask;
};

extern const struct helper helper_table[];
extern const unsigned helper_count;

#endif
