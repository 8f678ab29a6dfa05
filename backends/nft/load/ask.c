/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the kernel for what is loaded. */
#include <libnftnl/common.h>

#include "net/netlink_dump.h"
#include "nft/load/ask.h"

struct nlmsghdr *nft_request_begin(struct nft_kernel *kernel, char *buffer, uint16_t type, uint8_t family,
				   uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(buffer, type, family, flags, ++kernel->sequence);
}

int nft_kernel_ask(struct nft_kernel *kernel, const struct nlmsghdr *request, mnl_cb_t callback,
		   void (*restart)(void *context), void *context)
{
	struct netlink_dump dump = {
		.peer = netlink_peer_of(kernel->socket),
		.buffer = kernel->buffer,
		.request = request,
		.each = callback,
		.restart = restart,
		.data = context,
	};

	return netlink_dump_run(&dump);
}
