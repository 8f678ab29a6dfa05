/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The readers of a rule's parts, which rules.c calls. */
#ifndef PVEFW_RULE_PARTS_H
#define PVEFW_RULE_PARTS_H

#include "resolve/resolver.h"

/* A rule's options; ptr NULL for what is not given, or cannot be read. */
struct params {
	struct word value[RULE_PARAMS];
	struct word key[RULE_PARAMS];
	bool meant[RULE_PARAMS]; /* given, or something wrong is there that is probably meant as it */
	bool action;             /* likewise for the action: one stands among the options */
};

/* Takes a rule's options apart.  Those that are wrong are reported, the others are returned in *params.  `stray`: words
 * before the first option were reported already.  params.c */
void params_read(struct resolver *r, const struct ast_rule *rule, bool group, bool stray, struct params *params);

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

#endif
