/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers of a rule's parts, which rules.c calls. */
#ifndef PVEFW_RULE_PARTS_H
#define PVEFW_RULE_PARTS_H

#include "resolve/resolver.h"

/* A rule's options; ptr is NULL for missing or invalid ones. */
struct params {
	struct word value[RULE_PARAMS];
	struct word key[RULE_PARAMS];
	bool meant[RULE_PARAMS]; /* given, or something wrong is there that is probably meant as it */
	bool action;             /* likewise for the action: one stands among the options */
};

/* Takes a rule's options apart.  Those that are wrong are reported, the others are returned in *params.  `stray`: words
 * before the first option were reported already.  params.c */
void params_read(struct resolver *r, const struct ast_rule *rule, bool group, bool stray, struct params *params);

/* ---- rule_action.c ---- */

/*
 * Reads a rule's type.  Returns what to read the rest of the rule as: the rule itself, or what was probably meant; NULL if
 * nothing more can be said about it.  *has_action: the action stands where the type should be.
 */
const struct ast_rule *rule_read_type(struct resolver *r, const struct ast_rule *node, enum direction *direction,
				      bool *has_action);
/* Sets the action and the macro.  Returns true if words after the action are part of a mistake in it. */
bool rule_read_action(struct resolver *r, const struct ast_rule *node, struct rule *rule);
/* Reports that the action is missing: at the end of the line, before an option, or in a macro's brackets. */
void rule_report_no_action(struct resolver *r, const struct ast_rule *node, enum direction direction);
/* Whether an unknown macro is the name of a protocol or service. */
bool rule_macro_says_protocol(struct resolver *r, struct word macro);

/* ---- rule_conditions.c ---- */

/* Reads the protocol, the ports and the ICMP type that the rule itself gives. */
void rule_read_condition(struct resolver *r, const struct params *params, const struct macro *macro, struct condition *c);
/* Sets the conditions of a rule with a macro; `own` has the rule's own conditions. */
void rule_expand_macro(struct resolver *r, struct rule *rule, const struct params *params, const struct condition *own);

/* Verifies the value of -source or -dest; NULL if it was reported.  endpoint.c */
const struct endpoint *endpoint_read(struct resolver *r, struct word value);

/* ---- ports.c ---- */

/* Verifies -p; false if it was reported.  *proto is then the one that is probably meant, or proto_any. */
bool proto_read(struct resolver *r, struct word value, struct proto *proto);
/* An unknown protocol: values are verified as far as they are the same for all. */
extern const struct proto proto_any;
/* The protocol of a macro's rule, which is known to be right. */
struct proto proto_of_macro(struct resolver *r, const char *name);
/* Verifies a port list for a protocol that has ports; NULL if it was reported. */
const struct ports *ports_read(struct resolver *r, struct word value, const struct proto *proto);
const struct ports *ports_of_macro(struct resolver *r, const char *list, const struct proto *proto);
/* -icmp-type, or -dport of an ICMP rule: sets condition->icmp; false if it was reported. */
bool icmp_read(struct resolver *r, struct word value, bool old_spelling, struct condition *condition);

/* Where the element of a comma-separated list ends that begins at `begin`. */
static inline uint32_t element_end(struct word value, uint32_t begin)
{
	long comma = text_find(text_skip(word_text(value), begin), ',');

	return comma < 0 ? value.len : begin + (uint32_t)comma;
}

#endif
