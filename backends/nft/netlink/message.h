/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing messages into a batch, and reading attributes. */
#ifndef PVEFW_NFT_NETLINK_MESSAGE_H
#define PVEFW_NFT_NETLINK_MESSAGE_H

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/netlink/attribute.h"
#include "nft/netlink/batch.h"

/* ---- batch.c ---- */

/* `generation`: the kernel refuses the batch unless it is at this; 0: any. */
void nft_batch_begin(struct nft_batch *batch, uint32_t generation);
/* Requires the generation after the one that it was begun for: that of a batch which is sent before. */
void nft_batch_follow(struct nft_batch *batch);
void nft_batch_end(struct nft_batch *batch);

/* The next message, of type NFT_MSG_...; it stays in place until the one after it is begun. */
struct nlmsghdr *nft_message_begin(struct nft_batch *batch, uint16_t type, uint16_t flags, struct nft_origin origin);
void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message);

void nft_put_text(struct nlmsghdr *message, uint16_t attribute, struct text text);

static inline void nft_put_u32(struct nlmsghdr *message, uint16_t attribute, uint32_t number)
{
	nft_attr_u32(message, attribute, number);
}

/* 0 for NULL. */
static inline uint32_t nft_get_u32(const struct nlattr *attribute)
{
	return attribute ? be32toh(mnl_attr_get_u32(attribute)) : 0;
}

/* For mnl_attr_parse(): puts attributes into an array of NFT_ATTRIBUTES pointers, each by its number. */
enum { NFT_ATTRIBUTES = 32 };
int nft_collect(const struct nlattr *attribute, void *array);

/* ---- build.c: whole objects ---- */

struct nft_writer {
	struct nft_batch *batch;
	const struct nft_table *table;
	uint32_t first_set; /* added to the ids of sets */
};

struct nft_writer nft_writer_of(struct nft_batch *batch, const struct nft_ruleset *ruleset, unsigned table);
void nft_write_table(struct nft_writer *w, uint16_t type, uint8_t family, const char *name);
void nft_write_all(struct nft_writer *w);
void nft_write_chain(struct nft_writer *w, const struct nft_chain *chain);
/* Appends all rules of the chain. */
void nft_write_rules(struct nft_writer *w, const struct nft_chain *chain);
/* One rule after the rule with the handle `*position`, at 0 before all others; with NULL it is appended. */
void nft_write_rule(struct nft_writer *w, const struct nft_chain *chain, const struct nft_rule *rule,
		    const uint64_t *position);
void nft_write_delete_rule(struct nft_writer *w, struct text chain, uint64_t handle);
void nft_write_helper(struct nft_writer *w, const struct nft_helper *helper);
/* Deletes an object by name; with NFT_MSG_DELRULE all rules of a chain. */
void nft_write_delete(struct nft_writer *w, uint16_t type, struct text name);

/* ---- set.c ---- */

/* A set as the kernel describes it. */
struct nft_loaded_set {
	struct text name;
	uint32_t flags, key_type, key_length, data_type, size;
	uint64_t timeout; /* milliseconds */
};

struct nft_loaded_set nft_set_description(const struct nft_set *set);
/* Without its elements. */
void nft_write_set(struct nft_writer *w, const struct nft_set *set);

/* ---- element.c ---- */

enum { NFT_KEY_BYTES = 16 * NFT_KEY_PARTS };

/* An element as the kernel has it. A range of an interval set is two: its first key, and the first one after it. */
struct nft_kernel_element {
	uint8_t key[NFT_KEY_BYTES];
	uint8_t end[NFT_KEY_BYTES]; /* the first key after a range */
	bool has_end;               /* false: no range, or one up to the last key */
	bool open;                  /* a range up to the last key */
	bool first;                 /* only says that the set is empty from the lowest key on */
	bool any;                   /* catch-all, which has no key; the last one, and never wanted */
	int verdict;                /* the kernel's, of maps */
	struct text chain;
};

uint32_t nft_set_key_length(const struct nft_set *set);
struct nft_kernel_element nft_kernel_element(const struct nft_set *set, const struct nft_element *element);
/* True for a set with intervals that does not contain the lowest key. */
bool nft_set_begins_late(const struct nft_set *set);
/* All elements of a set sorted by key, from `arena`. */
struct nft_kernel_element *nft_kernel_elements_of(struct arena *arena, const struct nft_set *set, uint32_t *count);
bool nft_kernel_element_equal(const struct nft_kernel_element *a, const struct nft_kernel_element *b);

/* Writes elements in as many messages of `type` as they need; nft_elements_end() must follow. */
struct nft_element_writer {
	struct nft_writer *w;
	const struct nft_set *set;
	uint16_t type;
	struct nlmsghdr *message;
	struct nlattr *list;
	unsigned count;
};

void nft_element_write(struct nft_element_writer *e, const struct nft_kernel_element *element);
void nft_elements_end(struct nft_element_writer *e);
void nft_write_elements(struct nft_writer *w, const struct nft_set *set);

#endif
