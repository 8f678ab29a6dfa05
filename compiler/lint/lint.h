/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks for lines that are valid but probably wrong.  They work on the compiled configuration of a whole tree; `compile`
 * does not need them.  Each check is a row of lint.def and a function in one of the lint_*.c.
 */
#ifndef PVEFW_LINT_H
#define PVEFW_LINT_H

#include "resolve/compile.h"

/* Runs all checks on what compile() made of `inputs` and adds the findings to `diags`, except on lines that compile() has
 * reported: a mistake is reported once. */
void lint_run(const struct config *config, const struct inputs *inputs, struct diags *diags);

/* Does so for several nodes; each finding says for which of them (diags_merge()). */
void lint_run_nodes(const struct node_configs *configs, const struct node_inputs *nodes, struct diags *diags);

/* One row of lint.def. */
struct lint_row {
	const char *name;
	const char *text;
};

extern const struct lint_row lint_table[];
extern const unsigned lint_count;

#endif
