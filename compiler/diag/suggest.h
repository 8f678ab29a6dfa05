/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": finds the nearest of several names. */
#ifndef PVEFW_SUGGEST_H
#define PVEFW_SUGGEST_H

#include "diag/diag.h"

struct suggestion {
	struct text wanted;
	struct text best; /* empty: no candidate was near */
	unsigned distance;
	struct span span; /* where the best is defined, or SPAN_NONE */
};

void suggest_start(struct suggestion *s, struct text wanted);
void suggest(struct suggestion *s, struct text candidate, struct span span);
/* A word of the command line: one that begins with the other is nearest, as `nftables` and `nft` are. */
void suggest_word(struct suggestion *s, struct text candidate);
/* Adds the label, the help and the fix if a candidate was near. */
struct diagnostic *suggest_to(struct diagnostic *d, const struct suggestion *s, struct span replace, const char *prefix);
/*
 * Returns false if a search among `names` more candidates would take too long: a file may have too many wrong
 * references and definitions. *compared counts the candidates so far.
 */
bool suggest_among(uint32_t *compared, uint32_t names);
/* Starts with the names of all diagnostics as candidates. */
void suggest_diagnostic(struct suggestion *s, struct text wanted);
/* Adds the log level that is probably meant, or names them all. */
struct diagnostic *suggest_log_level(struct diagnostic *d, struct word level);

#endif
