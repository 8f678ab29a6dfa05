/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digests of chains and steps. */
#ifndef PVEFW_PACKET_DIGEST_H
#define PVEFW_PACKET_DIGEST_H

#include "model/model_state.h"

/* Steps that decide nothing are no part of a digest. */
static inline bool digest_is_idle(const struct model_step *step)
{
	return step->effect == MODEL_LOG;
}

static inline bool digest_calls(const struct model_step *step)
{
	return step->effect == MODEL_JUMP || step->effect == MODEL_GOTO;
}

/* Forgets chains that are of one path. */
void digest_begin_path(struct model_digests *digests);
/* NULL counts as an empty chain. */
struct model_digest digest_chain(struct model_digests *digests, const struct model_chain *chain);
/* Of the step alone, without the chain that it jumps to. */
struct model_digest digest_step(const struct model_digests *digests, const struct model_step *step);

#endif
