/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that compile have in common: the state of one run, the
 * options that all of them take, and how a run ends.
 */
#ifndef PVEFW_RUN_H
#define PVEFW_RUN_H

#include "cli/options.h"
#include "diag/filter.h"
#include "format/formats.h"

struct baseline;

struct run {
	const struct cli *cli;
	struct arena arena;
	struct source_map map;
	struct diags diags;
	struct input_options options;
	const struct diag_format *format;
	int stream; /* where diagnostics go without --output: standard error, unless they are the product */
	struct diag_filter choice;
	struct baseline *baseline; /* of --baseline, or NULL */
	unsigned max_findings;
	const struct left_out *left_out; /* what the kernel has refused, or NULL */
	bool chosen; /* run_choose() was called */
	bool failed; /* something was reported by cli_error(): exit status 2 */
};

/* False when an option is wrong, which was reported; then only run_end() may follow. */
bool run_begin(struct run *run, const struct cli *cli);
/* Leaves those diagnostics that are to be shown, sorted; run_end() does it, too. */
void run_choose(struct run *run);
/* Whether something as bad as --fail-on says was reported; after run_choose(). */
bool run_finds(const struct run *run);
/* Ends it without printing anything. */
void run_drop(struct run *run);
/* Prints the diagnostics, gives all memory back and returns the exit status. */
int run_end(struct run *run);

#endif
