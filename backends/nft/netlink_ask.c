/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the kernel for what is loaded.  A dump takes several datagrams, and what
 * is dumped may change between two of them: the kernel marks what follows, and
 * nobody can know what is missing.  Then the rest is received, so that the next
 * answer is to the next request, and whoever has asked may do so again.
 */
#include <errno.h>
#include <libnftnl/common.h>

#include "nft/netlink_batch.h"

struct nlmsghdr *nft_request_begin(struct nft_kernel *kernel, char *buffer, uint16_t type, uint8_t family,
				   uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(buffer, type, family, flags, ++kernel->sequence);
}

static ssize_t receive(struct nft_kernel *kernel)
{
	ssize_t len;

	do
		len = mnl_socket_recvfrom(kernel->socket, kernel->buffer, NFT_RECEIVED_MOST);
	while (len < 0 && errno == EINTR);
	return len;
}

static bool has_end(const struct nft_kernel *kernel, ssize_t received)
{
	int len = (int)received;

	for (struct nlmsghdr *m = (void *)kernel->buffer; mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len))
		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

int nft_kernel_ask(struct nft_kernel *kernel, const struct nlmsghdr *request, mnl_cb_t callback,
		   void *context)
{
	unsigned port = mnl_socket_get_portid(kernel->socket);
	int result = MNL_CB_OK, reason = 0;
	ssize_t len = 0;

	if (mnl_socket_sendto(kernel->socket, request, request->nlmsg_len) < 0)
		return errno;
	while (result == MNL_CB_OK) {
		len = receive(kernel);
		if (len < 0)
			return errno;
		result = mnl_cb_run(kernel->buffer, (size_t)len, request->nlmsg_seq, port, callback, context);
	}
	if (result == MNL_CB_ERROR)
		reason = errno;
	while (reason == EINTR && len >= 0 && !has_end(kernel, len))
		len = receive(kernel);
	return reason;
}

uint32_t nft_get_u32(const struct nlattr *attribute)
{
	return attribute ? be32toh(mnl_attr_get_u32(attribute)) : 0;
}
