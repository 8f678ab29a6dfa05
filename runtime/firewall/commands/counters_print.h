/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing counters, for people and as JSON. */
#ifndef PVEFW_COUNTERS_PRINT_H
#define PVEFW_COUNTERS_PRINT_H

#include "base/output.h"
#include "firewall/counters/counters.h"

/* The file's lines with their numbers in front; `exact` ones, or three digits and a unit. */
void counters_print_file(struct out *out, const struct counters *c, const struct counted_file *file, bool exact);
/* The `most` lines of all files with the most packets. */
void counters_print_top(struct out *out, const struct counters *c, uint32_t most, bool exact);
void counters_print_top_json(struct out *out, const struct counters *c, uint32_t most);
/* All of `file`, or of all files if it is NULL. */
void counters_print_json(struct out *out, const struct counters *c, const struct counted_file *file);

#endif
