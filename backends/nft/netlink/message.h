/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing messages into a batch: for the files netlink_*.c only. */
#ifndef PVEFW_MESSAGE_H
#define PVEFW_MESSAGE_H

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/load/kernel.h"

/* ---- netlink_batch.c ---- */

/* `generation` is what the kernel must be at; 0: any. */
void nft_batch_begin(struct nft_batch *batch, uint32_t generation);
void nft_batch_end(struct nft_batch *batch);

/* The next message, of type NFT_MSG_...; it stays in place until the one after it is begun. */
struct nlmsghdr *nft_message_begin(struct nft_batch *batch, uint16_t type, uint16_t flags,
				   struct nft_origin origin);
void nft_message_end(struct nft_batch *batch, struct nlmsghdr *message);

void nft_put_text(struct nlmsghdr *message, uint16_t attribute, struct text text);
static inline void nft_put_u32(struct nlmsghdr *message, uint16_t attribute, uint32_t number)
{
	mnl_attr_put_u32(message, attribute, htobe32(number));
}

/* For mnl_attr_parse(): puts attributes into an array of NFT_ATTRIBUTES pointers, each by its number. */
enum { NFT_ATTRIBUTES = 32 };
int nft_collect(const struct nlattr *attribute, void *array);

/* ---- netlink_build.c ---- */

/* Whole objects; `first_set` is added to the ids of sets. */
struct nft_writer {
	struct nft_batch *batch;
	const struct nft_table *table;
	uint32_t first_set;
};

struct nft_writer nft_writer_of(struct nft_batch *batch, const struct nft_ruleset *ruleset, unsigned table);
void nft_write_table(struct nft_writer *w, uint16_t type, uint8_t family, const char *name);
void nft_write_all(struct nft_writer *w);
void nft_write_chain(struct nft_writer *w, const struct nft_chain *chain);
/* The rules with their anonymous sets, behind what the chain has. */
void nft_write_rules(struct nft_writer *w, const struct nft_chain *chain);
/* One of them behind the rule with this handle, or with 0 before all others. */
void nft_write_rule_behind(struct nft_writer *w, const struct nft_chain *chain, const struct nft_rule *rule, uint64_t handle);
void nft_write_delete_rule(struct nft_writer *w, struct text chain, uint64_t handle);
void nft_write_helper(struct nft_writer *w, const struct nft_helper *helper);
/* Deletes an object by name; for NFT_MSG_DELRULE all rules of a chain. */
void nft_write_delete(struct nft_writer *w, uint16_t type, struct text name);

/* ---- netlink_set.c ---- */

/* The set without elements, as the kernel describes it. */
struct nft_loaded_set nft_set_description(const struct nft_set *set);
/* `keys` are what the set is looked up with, for anonymous ones: nft keeps them in the userdata. */
void nft_write_set(struct nft_writer *w, const struct nft_set *set, const struct nft_key *keys);
void nft_write_elements(struct nft_writer *w, const struct nft_set *set);

/* ---- netlink_element.c ---- */

enum { NFT_KEY_BYTES = 16 * NFT_KEY_PARTS };

/*
 * An element as the kernel has it.  Of an interval set each range is two: where it
 * begins and where it has ended.
 */
struct nft_kernel_element {
	uint8_t key[NFT_KEY_BYTES];
	uint8_t end[NFT_KEY_BYTES]; /* the first key behind a range */
	bool has_end;               /* false: no range, or one up to the last key */
	bool open;                  /* a range up to the last key */
	bool first;                 /* only says that nothing is in the set from 0 on */
	bool any;                   /* has no key: what no other element matches; the last one, and never wanted */
	int verdict;                /* the kernel's, of maps */
	struct text chain;
};

uint32_t nft_set_key_length(const struct nft_set *set);
struct nft_kernel_element nft_kernel_element(const struct nft_set *set, const struct nft_element *element);
/* A set with intervals, and the lowest key is in none of them. */
bool nft_set_begins_late(const struct nft_set *set);
/* Order of keys. */
int nft_kernel_element_compare(const void *a, const void *b);
/* All elements of a set, in the order of their keys, from `arena`. */
struct nft_kernel_element *nft_kernel_elements_of(struct arena *arena, const struct nft_set *set, uint32_t *count);
bool nft_kernel_element_equal(const struct nft_kernel_element *a, const struct nft_kernel_element *b);

/* Elements in as many messages of `type` as they need. */
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

/* ---- netlink_socket.c ---- */

/* No datagram of the kernel's is longer. */
enum { NFT_RECEIVED_MOST = 1 << 16 };

/* ---- netlink_ask.c ---- */

/* A request of type NFT_MSG_..., in `buffer`. */
struct nlmsghdr *nft_request_begin(struct nft_kernel *kernel, char *buffer, uint16_t type, uint8_t family,
				   uint16_t flags);
/* Sends a request and hands over all messages that answer it.  A dump that was interrupted is repeated after
 * `restart` has forgotten what was taken; without `restart` it returns EINTR.  0 or an errno. */
int nft_kernel_ask(struct nft_kernel *kernel, const struct nlmsghdr *request, mnl_cb_t callback,
		   void (*restart)(void *context), void *context);
/* A number; 0 for no attribute. */
uint32_t nft_get_u32(const struct nlattr *attribute);

/* ---- netlink_state.c ---- */

/* The kernel's count of transactions; 0 or an errno. */
int nft_kernel_read_generation(struct nft_kernel *kernel, uint32_t *generation);
/* The chains of a table; those, its sets and its helpers; or one of them.  0 or an errno, ENOENT if it is not there. */
int nft_kernel_read_chains(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			   struct nft_loaded_table *table);
int nft_kernel_read_names(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			  struct nft_loaded_table *table);
int nft_kernel_read_chain(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text name,
			  struct nft_loaded_chain *chain);
int nft_kernel_read_set(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text name,
			struct nft_loaded_set *set);
/* Reads the elements of a loaded set, sorted, ranges put together; 0 or an errno. */
int nft_kernel_read_elements(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text name,
			     bool interval, struct nft_kernel_element **elements, uint32_t *count);

#endif
