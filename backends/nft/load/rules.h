/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules do, as the kernel has them and as they are desired. */
#ifndef PVEFW_RULES_H
#define PVEFW_RULES_H

#include "nft/load/objects.h"

/* The rules of a chain, in order.  Two rules with the same digest do the same with packets and have the same comment. */
struct nft_rule_list {
	struct nft_digest *digests;
	uint64_t *handles; /* of loaded ones */
	uint32_t count;
};

/* Both are from `arena`.  0 or an errno. */
int nft_rules_read(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text chain,
		   struct nft_rule_list *rules);
struct nft_rule_list nft_rules_desired(struct arena *arena, const struct nft_chain *chain);

#endif
