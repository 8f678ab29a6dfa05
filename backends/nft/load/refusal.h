/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's answers as problems for people. */
#ifndef PVEFW_REFUSAL_H
#define PVEFW_REFUSAL_H

#include "nft/load/ask.h"

/* `what` could not be done, for a reason that is an errno. */
void nft_problem_errno(struct backend_loading *loading, const char *what, int reason);
/* The batch was not taken. */
void nft_problem_answers(struct backend_loading *loading, const struct nft_batch *batch,
			 const struct nft_answers *answers);
bool nft_permission_denied(const struct nft_answers *answers);

#endif
