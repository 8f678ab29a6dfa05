/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules are, as the kernel has them and as they are wanted: for the files netlink_*.c only. */
#ifndef PVEFW_COMPARE_H
#define PVEFW_COMPARE_H

#include "nft/load/ask.h"

/* Two rules with the same digest do the same with packets and have the same comment. */
struct nft_rule_id {
	struct nft_digest digest;
	uint64_t handle; /* of a loaded one */
};

/* The rules of a loaded chain, in order, from `arena`.  0 or an errno. */
int nft_rules_read(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text chain,
		   struct nft_rule_id **rules, uint32_t *count);
/* The rules of a chain that is wanted, into an array of chain->rule_count.  `sets`: all sets of the table by their id,
 * `set_count` of them with that of 0.  What is needed on the way is from `arena`. */
void nft_rules_want(struct nft_rule_id *rules, struct arena *arena, const struct nft_set *const *sets, uint32_t set_count,
		    const struct nft_chain *chain);

#endif
