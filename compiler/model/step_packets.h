/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be said of single steps without a model, in a few comparisons: for checks of many rules, most of
 * which need nothing more. */
#ifndef PVEFW_MODEL_STEP_PACKETS_H
#define PVEFW_MODEL_STEP_PACKETS_H

#include "model/packet_model.h"

/* Whether it is certain that no packet matches both steps. */
bool model_steps_are_apart(const struct model_step *a, const struct model_step *b);
/* A packet that matches: the last value of each field that the step asks, an odd one of the others.  False:
 * none was found; there may be one. */
bool model_step_last(const struct model_step *step, struct model_packet *packet);
/* A packet that matches both, by the same rule. */
bool model_steps_last(const struct model_step *a, const struct model_step *b, struct model_packet *packet);
/* Whether it is certain that all packets that match `b` match `a`. */
bool model_step_contains(const struct model_step *a, const struct model_step *b);
/* Whether it is certain that all packets that match `b` and `c` match `a`. */
bool model_step_contains_common(const struct model_step *a, const struct model_step *b,
				const struct model_step *c);
/*
 * Packets that match both steps: with `variant` 0 the usual value of each field, if the steps allow it, or the first that
 * is a host's; in other variants the first or the last values of what the steps ask.  *packet has the usual values before.
 * Returns false if the packet does not match both.
 */
enum { MODEL_VARIANTS = 5 };
bool model_steps_packet(struct arena *arena, const struct model_step *a, const struct model_step *b, unsigned variant,
			struct model_packet *packet);
/* What the program does to one packet that has all fields: ACCEPT, DROP, REJECT or QUEUE, and *line that decides, or
 * SPAN_NONE.  Its steps ask for no mark. */
enum model_effect model_run(const struct model_program *program, const struct model_packet *packet, struct span *line);
/* Whether a packet that has all fields matches the step (which asks for no mark). */
bool model_step_has(const struct model_step *step, const struct model_packet *packet);

#endif
