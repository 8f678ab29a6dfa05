/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading from the kernel, for the files of this folder. */
#ifndef PVEFW_NFT_LOAD_ASK_H
#define PVEFW_NFT_LOAD_ASK_H

#include "nft/load/kernel.h"
#include "nft/netlink/message.h"

/* ---- ask.c ---- */

/* A request of type NFT_MSG_..., in `buffer`. */
struct nlmsghdr *nft_request_begin(struct nft_kernel *kernel, char *buffer, uint16_t type, uint8_t family,
				   uint16_t flags);
/* Sends a request and hands over all messages that answer it.  A dump that was interrupted is repeated after
 * `restart` has forgotten what was taken; without `restart` it returns EINTR.  0 or an errno. */
int nft_kernel_ask(struct nft_kernel *kernel, const struct nlmsghdr *request, mnl_cb_t callback,
		   void (*restart)(void *context), void *context);

/* The comment in a rule's NFTA_RULE_USERDATA, or an empty text. */
struct text nft_rule_comment(const struct nlattr *userdata);

/* ---- state.c ---- */

/* The kernel's count of transactions; 0 or an errno. */
int nft_kernel_read_generation(struct nft_kernel *kernel, uint32_t *generation);
/* The chains of a table; those, its sets and its helpers.  0 or an errno. */
int nft_kernel_read_chains(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			   struct nft_loaded_table *table);
int nft_kernel_read_names(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			  struct nft_loaded_table *table);
/* Reads the elements of a loaded set, sorted, ranges put together; 0 or an errno. */
int nft_kernel_read_elements(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text name,
			     bool interval, struct nft_kernel_element **elements, uint32_t *count);

#endif
