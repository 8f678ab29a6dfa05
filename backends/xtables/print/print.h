/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lowered form as text. */
#ifndef PVEFW_XTABLES_PRINT_H
#define PVEFW_XTABLES_PRINT_H

#include "base/output.h"
#include "xtables/lower/xtables.h"

/* ---- print.c ---- */

/* The line that begins a chain of the listing. */
static inline void xt_print_chain_name(struct out *out, struct text name)
{
	out_char(out, ':');
	out_text(out, name);
	out_char(out, '\n');
}

/* A rule in the language of iptables-save, without the line's end. */
void xt_print_rule(struct out *out, const struct xt_chain *chain, const struct xt_rule *rule, unsigned family_mask);
/* ":100:6:tap100i0-IN: DROP: ", what packets are logged with. */
void xt_print_log_prefix(struct out *out, const struct xt_chain *chain, const struct xt_log *log);
/* How many rules the tools make of it: one for each pair of a source and a destination. */
uint32_t xt_rule_multiplicity(const struct xt_rule *rule);
/* PVEFW-<vmid>-<name>-v<4 or 6>, shortened as spec 2.9 says. */
void xt_print_set_name(struct out *out, const struct ipset *set, unsigned family_mask);

/* ---- ipset.c ---- */

/* A set of one family. */
struct xt_set {
	char name[32];
	const struct ipset *set;
	unsigned family_mask;
	uint32_t order;
};

struct xt_set_list {
	struct xt_set *items;
	uint32_t count;
};

/* All sets, sorted by name, from `arena`. */
struct xt_set_list xt_sets_of(struct arena *arena, const struct config *config);
/* `create` and the sorted members. `spans`, if not NULL, gets the line of source of each member. */
void xt_print_set(struct out *out, struct out *spans, struct arena *arena, const struct xt_set *item);
/* The same; what nodes have in common is sorted and printed once for all of them. */
void xt_print_one_set(struct out *out, struct arena *arena, const struct config *config, const struct xt_set *item);
void xt_print_ipsets(struct out *out, const struct config *config);

/* ---- ebtables.c, listing.c, signature.c ---- */

void eb_print_rules(struct out *out, const struct eb_chain *chain);
void xt_print_listing(struct out *out, const struct config *config);
/* "PVESIG:", then the SHA-1 of `len` bytes in base64 without padding. */
void xt_print_signature(struct out *out, const char *bytes, size_t len);

#endif
