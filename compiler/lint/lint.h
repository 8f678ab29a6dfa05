/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks beyond verification: what is right by the language and still does not
 * do what it seems to.  They work on the resolved configuration of a whole tree,
 * after it was compiled; `compile` does without them.
 *
 * Each is a row of lint.def and a function in one of the lint_*.c.
 */
#ifndef PVEFW_LINT_H
#define PVEFW_LINT_H

#include "resolve/compile.h"

/* Runs all checks over what compile() has made of `inputs`, and adds what they find to
 * `diags`.  A line that compile() has reported something about is passed over: a mistake
 * is told once. */
void lint_run(const struct config *config, const struct inputs *inputs, struct diags *diags);

/* The same for several nodes: what is found says for which of them (diags_merge()). */
void lint_run_nodes(const struct node_configs *configs, const struct node_inputs *nodes, struct diags *diags);

/* One row of lint.def. */
struct lint_row {
	const char *name;
	const char *text;
};

extern const struct lint_row lint_table[];
extern const unsigned lint_count;

#endif
