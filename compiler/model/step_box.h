/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes around steps: of each field that most rules ask, the least and the greatest value.  Of 10,000 rules most pairs have
 * no packet in common, and a comparison of two boxes shows that in a few nanoseconds.
 */
#ifndef PVEFW_MODEL_STEP_BOX_H
#define PVEFW_MODEL_STEP_BOX_H

#include "model/program.h"

/* A multiple of four, so that the compiler compares four at a time. */
enum { STEP_BOX_SIDES = 12 };

/* Signed, as older processors compare no unsigned vectors: a value has its highest bit inverted. */
struct step_box {
	int32_t first[STEP_BOX_SIDES], last[STEP_BOX_SIDES];
};

/* The box around all packets that the chain's steps match; without steps it has none. */
void step_box_of(const struct model_chain *chain, struct step_box *box);
/* Extends `box` by `other`. */
void step_box_join(struct step_box *box, const struct step_box *other);

/* Whether it is certain that no packet is in both. */
static inline bool step_boxes_are_apart(const struct step_box *a, const struct step_box *b)
{
	int apart = 0;

	for (int i = 0; i < STEP_BOX_SIDES; i++)
		apart |= (a->last[i] < b->first[i]) | (b->last[i] < a->first[i]);
	return apart;
}

#endif
