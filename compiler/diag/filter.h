/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which diagnostics are shown, and how bad they are: what -W and --select say, and comments in the files
 * (suppress.c). Errors of the catalogue are always shown.
 */
#ifndef PVEFW_FILTER_H
#define PVEFW_FILTER_H

#include "diag/diag.h"

struct diag_filter {
	bool off[DIAG_COUNT];
	bool error[DIAG_COUNT]; /* warnings and notes that count as errors */
	bool selected;          /* there was a --select */
};

/*
 * One -W: "W0206" or "duplicate-alias" switches it on, "no-W0206" off, "error=W0206" makes it an error. Later
 * ones count. Returns what is wrong with it, in the arena, or NULL.
 */
const char *diag_filter_warning(struct diag_filter *choice, struct arena *arena, const char *text);
/*
 * One --select, before any -W: a comma list of ids, names and beginnings of ids such as "W03" or "N". All
 * else but errors is switched off; several add up.
 */
const char *diag_filter_select(struct diag_filter *choice, struct arena *arena, const char *text);

/* Takes away what is switched off or suppressed by a comment, reports comments that suppress nothing, and
 * sorts; once. `choice` may be NULL. */
void diags_choose(struct diags *diags, const struct diag_filter *choice);

/* suppress.c: what comments suppress, of a sorted list; new diagnostics come to its end. */
void diags_suppress(struct diags *diags, const struct diag_filter *choice);

#endif
