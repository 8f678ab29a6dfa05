/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of a command that compiles: the memory, the diagnostics, and how they are printed.  Diagnostics are printed at
 * the end, all at once and sorted, whatever has happened.
 */
#ifndef PVEFW_RUN_H
#define PVEFW_RUN_H

#include "diag/filter.h"
#include "format/formats.h"
#include "pipeline/input_options.h"

struct baseline;

struct run {
	const struct cli *cli;
	struct arena arena;
	struct source_map map;
	struct diags diags;
	struct input_options options;
	const struct diag_format *format; /* NULL: nothing is printed */
	int stream; /* where diagnostics go without --output: standard error, unless they are the product */
	struct diag_filter filter;
	struct baseline *baseline; /* of --baseline, or NULL */
	unsigned max_findings;
	bool filtered; /* run_filter() was called */
	bool failed;   /* cli_error() has reported something: exit status 2 */
};

/* Returns false if an option is wrong, which was reported; then only run_end() may follow. */
bool run_begin(struct run *run, const struct cli *cli);
/* Leaves those diagnostics that are to be shown, sorted; run_end() does it, too. */
void run_filter(struct run *run);
/* Whether something as bad as --fail-on says was reported; after run_filter(). */
bool run_finds(const struct run *run);
/* Ends it without printing anything. */
void run_drop(struct run *run);
/* Prints the diagnostics, frees everything and returns the exit status. */
int run_end(struct run *run);

#endif
