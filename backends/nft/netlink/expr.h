/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as the kernel runs them: statements of the lowered form become the
 * expressions that nft would make of the same words, so that listings of both
 * are the same.  A value is loaded into a register and compared there, looked up
 * in a set, or stored.
 */
#ifndef PVEFW_EXPR_H
#define PVEFW_EXPR_H

/* What libnftnl/expr.h needs and does not include. */
#include <linux/netlink.h>
#include <stdio.h>
#include <libnftnl/expr.h>

#include "nft/lower/nft.h"

/* ---- expr_fields.c: where a field is loaded from ---- */

enum nft_source {
	NFT_SOURCE_META,
	NFT_SOURCE_CT,
	NFT_SOURCE_PAYLOAD,
	NFT_SOURCE_FIB,
};

struct nft_source_row {
	enum nft_source source;
	uint8_t key;    /* of META and CT; the base of PAYLOAD; the flags of FIB */
	uint8_t offset; /* of PAYLOAD */
	/* How nft numbers a PAYLOAD field in a set's userdata: header and member of it. */
	uint8_t header, member;
};

extern const struct nft_source_row nft_sources[NFT_FIELDS];

/* ---- expr.c ---- */

/* Where a rule's expressions go. */
struct nft_expr_writer {
	struct nlmsghdr *message;
	uint32_t first_set; /* added to the sets' ids: both tables are in one batch */
};

/* All expressions of a rule, in the attribute that is open in the message. */
void nft_expr_rule(struct nft_expr_writer *w, const struct nft_rule *rule);

/* A new expression; nft_expr_add() writes it and gives its memory back. */
struct nftnl_expr *nft_expr_new(const char *name);
void nft_expr_add(struct nft_expr_writer *w, struct nftnl_expr *e);
struct nftnl_expr *nft_expr_limit(const struct nft_limit *limit, bool over);

/* The kernel's number of a register that starts `words` 32-bit words behind the first. */
uint32_t nft_expr_register(unsigned words);
/* The kernel's number of a verdict. */
int nft_verdict_code(enum nft_verdict_kind kind);
/* The name by which expressions call a set: anonymous ones have a pattern. */
void nft_expr_set_name(struct nftnl_expr *e, uint16_t attribute, const struct nft_set *set);

/* ---- expr_match.c ---- */

void nft_expr_load_keys(struct nft_expr_writer *w, const struct nft_key *keys, unsigned count);
void nft_expr_bitwise(struct nft_expr_writer *w, unsigned words, const void *mask, const void *bits,
		      uint32_t len);
void nft_expr_match(struct nft_expr_writer *w, const struct nft_match *match);

/* ---- expr_join.c ---- */

enum { NFT_JOIN_BYTES = 16, NFT_JOIN_MOST = 32 };

/* What becomes of each statement when matches of adjacent payload are joined. */
struct nft_joined {
	uint32_t gone;   /* bit set of statements: another one does their work */
	uint32_t longer; /* these compare `length` bytes from `offset` on */
	struct nft_join {
		uint8_t offset, length;
		uint8_t bytes[NFT_JOIN_BYTES];
	} joins[NFT_JOIN_MOST];
};

void nft_expr_join(struct nft_joined *joined, const struct nft_rule *rule);
void nft_expr_joined_match(struct nft_expr_writer *w, const struct nft_match *match,
			   const struct nft_join *join);

#endif
