/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as the kernel runs them: each statement of the lowered form becomes the
 * expressions that nft makes of the same words, so listings of both are equal. A value is
 * loaded into a register and compared there, looked up in a set, or stored.
 */
#ifndef PVEFW_NFT_NETLINK_EXPR_H
#define PVEFW_NFT_NETLINK_EXPR_H

/* What libnftnl/expr.h needs and does not include. */
#include <linux/netlink.h>
#include <stdio.h>
#include <libnftnl/expr.h>

#include "nft/lower/nft.h"

/* Where a rule's expressions go. */
struct nft_expr_writer {
	struct nlmsghdr *message;
	uint32_t first_set; /* added to the ids of sets: both tables are in one batch */
};

/* ---- expr_rule.c ---- */

/* Writes all expressions of a rule into the attribute that is open in the message. */
void nft_expr_rule(struct nft_expr_writer *w, const struct nft_rule *rule);

/* ---- expr.c: single expressions ---- */

enum nft_source {
	NFT_SOURCE_META,
	NFT_SOURCE_CT,
	NFT_SOURCE_PAYLOAD,
	NFT_SOURCE_FIB,
};

/* Where the kernel finds a field. */
struct nft_source_row {
	enum nft_source source;
	uint8_t key;    /* of META and CT; the base of PAYLOAD; the flags of FIB */
	uint8_t offset; /* of PAYLOAD */
};

extern const struct nft_source_row nft_sources[NFT_FIELDS];

struct nft_expr_number {
	uint16_t attribute; /* NFTNL_EXPR_... of 32 bits */
	uint32_t value;
};

/* A new expression, which nft_expr_add() writes and frees. Ends the process without memory. */
struct nftnl_expr *nft_expr_new(const char *name, const struct nft_expr_number *numbers, size_t count);
#define NFT_EXPR(name, ...) \
	nft_expr_new(name, (const struct nft_expr_number[]){ __VA_ARGS__ }, \
		     sizeof((const struct nft_expr_number[]){ __VA_ARGS__ }) / sizeof(struct nft_expr_number))
void nft_expr_add(struct nft_expr_writer *w, struct nftnl_expr *e);
/* `size` is the kernel's limit with the NUL, at most NFT_NAME_MAXLEN; the rest is cut off. */
void nft_expr_set_text(struct nftnl_expr *e, uint16_t attribute, struct text text, size_t size);

/* Load into registers from the first on: `length` bytes of payload or of a field, or whole keys. */
void nft_expr_load_payload(struct nft_expr_writer *w, uint8_t base, uint8_t offset, uint8_t length, uint32_t reg);
void nft_expr_load(struct nft_expr_writer *w, enum nft_field field, uint8_t length, uint32_t reg);
void nft_expr_load_keys(struct nft_expr_writer *w, const struct nft_key *keys, unsigned count);
/* Operate on the loaded value in register `reg`. */
void nft_expr_bitwise(struct nft_expr_writer *w, uint32_t reg, const void *mask, const void *bits, uint32_t len);
void nft_expr_compare(struct nft_expr_writer *w, uint32_t op, const void *bytes, uint32_t length);
void nft_expr_lookup(struct nft_expr_writer *w, const struct nft_set *set, bool invert);

/* The kernel's number of a verdict. */
int nft_verdict_code(enum nft_verdict_kind kind);

/* ---- expr_match.c ---- */

void nft_expr_match(struct nft_expr_writer *w, const struct nft_match *match);

/* ---- expr_join.c ---- */

enum { NFT_JOIN_BYTES = 16, NFT_JOIN_MAX = 32 };

/* What becomes of each statement when comparisons of adjacent payload are joined. */
struct nft_joined {
	uint32_t gone;   /* bit set of statements that another one does the work of */
	uint32_t longer; /* bit set of those that compare `length` bytes from `offset` on */
	struct nft_join {
		uint8_t offset, length;
		uint8_t bytes[NFT_JOIN_BYTES];
	} joins[NFT_JOIN_MAX];
};

void nft_expr_join(struct nft_joined *joined, const struct nft_rule *rule);

#endif
