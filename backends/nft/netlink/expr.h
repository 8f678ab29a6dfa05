/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as the kernel runs them: each statement of the lowered form becomes the
 * expressions that nft makes of the same words, so listings of both are equal. A value is
 * loaded into a register and compared there, looked up in a set, or stored.
 */
#ifndef PVEFW_NFT_NETLINK_EXPR_H
#define PVEFW_NFT_NETLINK_EXPR_H

#include <linux/netfilter/nf_tables.h>

#include "nft/lower/nft.h"
#include "nft/netlink/attribute.h"

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

/* An expression that is being written: what is added to the message until nft_expr_end() are its attributes. */
struct nft_expr {
	struct nlattr *element, *data;
};

static inline struct nft_expr nft_expr_begin(struct nft_expr_writer *w, const char *name)
{
	struct nft_expr e = { .element = nft_attr_nest(w->message, NFTA_LIST_ELEM) };

	nft_attr_bytes(w->message, NFTA_EXPR_NAME, name, strlen(name) + 1);
	e.data = nft_attr_nest(w->message, NFTA_EXPR_DATA);
	return e;
}

static inline void nft_expr_end(struct nft_expr_writer *w, struct nft_expr e)
{
	nft_attr_end(w->message, e.data);
	nft_attr_end(w->message, e.element);
}

/* A value that is compared with, or moved to, a register. */
static inline void nft_expr_data(struct nft_expr_writer *w, uint16_t attribute, const void *bytes, uint32_t length)
{
	struct nlattr *nest = nft_attr_nest(w->message, attribute);

	nft_attr_bytes(w->message, NFTA_DATA_VALUE, bytes, length);
	nft_attr_end(w->message, nest);
}

struct nft_expr_number {
	uint16_t attribute; /* NFTA_... of 32 bits */
	uint32_t value;
};

/* Writes an expression that has only numbers. */
static inline void nft_expr_write(struct nft_expr_writer *w, const char *name, const struct nft_expr_number *numbers, size_t count)
{
	struct nft_expr e = nft_expr_begin(w, name);

	for (size_t i = 0; i < count; i++)
		nft_attr_u32(w->message, numbers[i].attribute, numbers[i].value);
	nft_expr_end(w, e);
}
#define NFT_EXPR(w, name, ...) \
	nft_expr_write(w, name, (const struct nft_expr_number[]){ __VA_ARGS__ }, \
		       sizeof((const struct nft_expr_number[]){ __VA_ARGS__ }) / sizeof(struct nft_expr_number))
/* Moves a value to a register. */
void nft_expr_immediate(struct nft_expr_writer *w, uint32_t reg, const void *bytes, uint32_t length);

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
