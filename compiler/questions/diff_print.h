/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing what a change changes, and whether targets do the same. */
#ifndef PVEFW_QUESTIONS_DIFF_PRINT_H
#define PVEFW_QUESTIONS_DIFF_PRINT_H

#include <jansson.h>

#include "base/output.h"
#include "questions/answers.h"
#include "questions/diff.h"
#include "questions/proof.h"

void diff_print_text(struct out *out, const struct diff *diff, bool colour);
/* A table for a comment on a merge request.  diff_markdown.c */
void diff_print_markdown(struct out *out, const struct diff *diff);
/* The caller owns the object.  diff_json.c */
json_t *diff_json(const struct diff *diff);

void proof_print_text(struct out *out, const struct proof *proof, const struct source_map *map);
json_t *proof_json(const struct proof *proof, const struct source_map *map);

/* "10.0.0.0/8 -> VM 101 net0, tcp 5432" */
const char *change_packets_text(const struct diff *diff, const struct change *change);
/* "DROP"; with the kind of reject if it is the same for all packets of the row. */
const char *change_verdict_text(struct arena *arena, const struct change_side *side);
/* "2 zones differ; 998 guests are the same" */
const char *diff_summary_text(const struct diff *diff);
#endif
