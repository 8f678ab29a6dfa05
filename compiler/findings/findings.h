/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the diagnostics of a run before they are printed: --baseline removes those that are known,
 * --write-baseline all, notes of one kind in one set are summed up, and --max-findings cuts the list.
 */
#ifndef PVEFW_FINDINGS_H
#define PVEFW_FINDINGS_H

#include "findings/run.h"

/* Reads the options; returns false if one is wrong, which was reported. */
bool findings_begin(struct run *run);
/* Compares with the baseline, or writes it; after run_filter().  Returns false if nothing is to be printed then. */
bool findings_compare(struct run *run);
/* Prints them, or with --statistics their numbers.  The list is changed: nothing else may follow. */
void findings_print(struct run *run, struct out *out, bool colour);

#endif
