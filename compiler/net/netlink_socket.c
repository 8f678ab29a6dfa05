/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/netlink_socket.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>

struct mnl_socket *netlink_socket_open(int bus, int flags, unsigned groups)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	int reason;

	if (!socket || mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	reason = errno;
	netlink_socket_close(&socket);
	errno = reason;
	return NULL;
}

void netlink_socket_close(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
	*socket = NULL;
}

struct nlmsghdr *netlink_nf_request(void *buffer, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *general = mnl_nlmsg_put_extra_header(request, sizeof(*general));

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	return request;
}

int netlink_ask(int bus, struct netlink_dump *dump)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_DATAGRAM_MOST];
	struct mnl_socket *socket = netlink_socket_open(bus, 0, 0);
	int reason;

	if (!socket)
		return errno;
	dump->buffer = buffer;
	dump->peer = netlink_peer_of(socket);
	reason = netlink_dump_run(dump);
	netlink_socket_close(&socket);
	dump->buffer = NULL;
	return reason;
}

bool netlink_socket_drain(struct mnl_socket *socket, mnl_cb_t each, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_DATAGRAM_MOST];
	bool complete = true;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got > 0) /* A message that ends this early, as one of another process would, has told nothing. */
			mnl_cb_run(buffer, (size_t)got, 0, 0, each, data);
		else if (got < 0 && errno == ENOBUFS)
			complete = false;
		else if (got == 0 || errno != EINTR)
			return complete;
	}
}
