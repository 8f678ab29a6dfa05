/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up names, and resolving references to them. */
#ifndef PVEFW_SCOPE_H
#define PVEFW_SCOPE_H

#include "lang/name.h"
#include "resolve/resolver.h"

/* NULL if there is none; `scope` may be NULL.  Names are stored in lower case. */
struct alias *scope_find_alias(const struct scope *scope, struct text name);
struct ipset *scope_find_set(const struct scope *scope, struct text name);
struct group *scope_find_group(const struct config *config, struct text name);

/* The key of a skipped name in scope->skipped, from the arena. */
struct text scope_skipped_key(struct arena *arena, enum section_kind kind, struct text name);
/* Whether the header of a set or group has a valid name, so that the section is not skipped. */
bool section_has_valid_name(const struct ast_section *section);

/* An alias, perhaps with dc/ or guest/ before it, rather than an address. */
bool looks_like_alias(struct text text);
/* Whether the first word of the line is the type of a rule. */
bool looks_like_rule(struct text line);

/* ---- references.c ---- */

/* The alias that `reference` names; NULL if it was reported. */
const struct alias *reference_alias(struct resolver *r, struct word reference);
/* The set that `reference` names, without the '+' before it; NULL if it was reported. */
const struct ipset *reference_set(struct resolver *r, struct word reference);
/*
 * Whether `reference` is wrong only because the section or line that defines `name` was skipped.  Then the diagnostic of
 * that line gets a label, and nothing else is reported.
 */
bool reference_is_skipped(struct resolver *r, const struct scope *scope, enum section_kind kind, struct text name,
			  struct word reference);
/* As reference_is_skipped(), for what may be meant as an alias, with or without its scope. */
bool reference_is_skipped_alias(struct resolver *r, struct word reference);

#endif
