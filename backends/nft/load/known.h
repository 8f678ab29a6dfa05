/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bridge table holds: for the files netlink_*.c only. */
#ifndef PVEFW_KNOWN_H
#define PVEFW_KNOWN_H

#include <uthash.h>

#include "nft/load/kernel.h"


/* A chain and its digest, or a set and the digest of its contents. */
struct nft_known_item {
	struct nft_digest digest;
	UT_hash_handle by_name, by_digest;
	uint32_t len;
	char name[];
};

struct nft_known {
	bool valid;
	uint32_t generation; /* of the kernel, at which all this is so */
	struct nft_known_item *chains, *sets; /* uthash by name */
	struct nft_known_item *contents;      /* the sets, by digest */
};

/* After loading a ruleset. */
void nft_known_fill(struct nft_known *known, struct nft_kernel *kernel, const struct nft_ruleset *ruleset,
		    const struct nft_digests *digests);
const struct nft_known_item *nft_known_chain(const struct nft_known *known, struct text name);
const struct nft_known_item *nft_known_set(const struct nft_known *known, struct text name);
const struct nft_known_item *nft_known_contents(const struct nft_known *known, const struct nft_digest *digest);
/* These put it in the place of one of that name. */
void nft_known_put_chain(struct nft_known *known, struct text name, const struct nft_digest *digest);
void nft_known_put_set(struct nft_known *known, struct text name, const struct nft_digest *contents);
void nft_known_drop_chain(struct nft_known *known, struct text name);

#endif
