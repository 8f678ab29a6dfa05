/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines: files of known findings, so that lint reports only new ones.
 *
 * A finding is recognized by its fingerprint: its number, its file as the tree sees it, the text of the line,
 * and what is marked in it.  Line numbers and the working folder do not matter.  Equal findings are counted.
 * schemas/baseline.schema.json describes the file.
 */
#ifndef PVEFW_BASELINE_H
#define PVEFW_BASELINE_H

#include "diag/filter.h"
#include "inputs/inputs.h"

struct baseline;

/* Returns NULL if the file cannot be read or is malformed, which was reported.  Belongs to the arena. */
struct baseline *baseline_read(struct arena *arena, const char *path);
/* The scope of a run. */
struct baseline_scope {
	const struct diag_filter *filter;
	const struct node_option *nodes; /* NULL: all */
};

/* Removes known findings, but never what says that something cannot be read.  Prints to standard error how many those
 * are, and which were not found again although they were looked for. */
void baseline_apply(struct baseline *baseline, struct diags *diags, const struct baseline_scope *scope);
/* Writes all diagnostics to the file, sorted; sets *count to their number.  False was reported. */
bool baseline_write(const struct diags *diags, const char *path, uint32_t *count);

#endif
