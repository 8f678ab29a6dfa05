/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the diagnostics of a run before they are printed: --baseline takes away those that are known,
 * --write-baseline all, notes of one kind in one set are summed up, and --max-findings cuts the list.
 */
#ifndef PVEFW_FINDINGS_H
#define PVEFW_FINDINGS_H

#include "findings/run.h"

/* Reads what the options say; false if that is wrong, which was reported. */
bool findings_begin(struct run *run);
/* Compares with the baseline, or writes it; after run_filter().  False if nothing is to be printed then. */
bool findings_compare(struct run *run);
/* Prints them, or how many there are, as the options say.  The list is changed: the last thing to be done with it. */
void findings_print(struct run *run, struct out *out, bool colour);

#endif
