/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines: files with findings that are known, so that lint reports only new ones.
 *
 * A finding is known again by its fingerprint: its number, its file as the tree sees it, the text of the line, and what is
 * marked in it.  Line numbers and the working folder do not matter.  Several of which nothing differs are
 * counted.  schemas/baseline.schema.json describes the file.
 */
#ifndef PVEFW_BASELINE_H
#define PVEFW_BASELINE_H

#include "diag/filter.h"
#include "inputs/inputs.h"

struct baseline;

/* NULL if the file cannot be read or is broken, which was reported with the place.  Belongs to the arena. */
struct baseline *baseline_read(struct arena *arena, const char *path);
/* What a run has looked for. */
struct baseline_scope {
	const struct diag_filter *filter;
	const struct node_option *nodes; /* NULL: all */
};

/* Takes away what is known, and says on standard error how much that is, and what was not found again although it
 * was looked for.  What cannot be read is never taken away. */
void baseline_apply(struct baseline *baseline, struct diags *diags, const struct baseline_scope *scope);
/* Writes all diagnostics to the file, whose order depends on nothing but them; `count` is how many.  False was
 * reported. */
bool baseline_write(const struct diags *diags, const char *path, uint32_t *count);

#endif
