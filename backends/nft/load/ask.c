/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps the loaded objects from the kernel. */
#include <libnftnl/common.h>
#include <libnftnl/udata.h>

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

static int take_userdata(const struct nftnl_udata *data, void *context)
{
	struct text *comment = context;

	if (nftnl_udata_type(data) == NFTNL_UDATA_RULE_COMMENT && nftnl_udata_len(data) > 0) {
		comment->ptr = nftnl_udata_get(data);
		comment->len = (uint32_t)strnlen(comment->ptr, nftnl_udata_len(data));
	}
	return 0;
}

struct text nft_rule_comment(const struct nlattr *userdata)
{
	struct text comment = { "", 0 };

	if (userdata)
		nftnl_udata_parse(mnl_attr_get_payload(userdata), mnl_attr_get_payload_len(userdata), take_userdata, &comment);
	return comment;
}
