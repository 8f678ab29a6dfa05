/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether two packet programs are the same step by step, wherever their lines are.  Exact, and fast: of chains that many
 * programs share, each pair is compared once.
 */
#ifndef PVEFW_QUESTIONS_PROGRAM_EQUAL_H
#define PVEFW_QUESTIONS_PROGRAM_EQUAL_H

#include "model/program.h"

/* Pairs of shared chains that were compared; they must outlive it. */
struct program_pairs;

struct program_pairs *program_pairs_new(void);
void program_pairs_free(struct program_pairs *pairs);
/* Forgets all pairs: their chains are void. */
void program_pairs_forget(struct program_pairs *pairs);
bool program_equal(struct program_pairs *pairs, const struct model_program *a, const struct model_program *b);

#endif
