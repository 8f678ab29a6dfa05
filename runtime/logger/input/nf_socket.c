/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receiving, on libmnl. */
#include "logger/input/nf_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

/* A datagram has 128 KiB at the most: what NFLOG gathers before it sends. */
enum { DATAGRAM_MOST = 1 << 17 };

int netlink_open(struct netlink_socket *netlink, unsigned groups, unsigned buffer)
{
	int fd, size = (int)buffer, reason;

	netlink->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!netlink->socket)
		return errno;
	fd = mnl_socket_get_fd(netlink->socket);
	/* Without the right to more than the system's limit, that limit. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_bind(netlink->socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	reason = errno;
	netlink_close(netlink);
	return reason;
}

void netlink_close(struct netlink_socket *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
}

int netlink_fd(const struct netlink_socket *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

/* Not mnl_nlmsg_ok(): a length that is negative as an int passes there, and the loop would not end. */
void netlink_each(const void *bytes, size_t size, netlink_handler *handler, void *data)
{
	const struct nlmsghdr *message = bytes;

	while (size >= sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
	       message->nlmsg_len <= size) {
		size_t step = NLMSG_ALIGN((size_t)message->nlmsg_len);

		handler(message, data);
		if (step >= size)
			return;
		size -= step;
		message = (const struct nlmsghdr *)((const char *)message + step);
	}
}

enum netlink_state netlink_receive(struct netlink_socket *netlink, netlink_handler *handler, void *data)
{
	static _Alignas(struct nlmsghdr) char buffer[DATAGRAM_MOST];
	struct sockaddr_nl sender = { 0 };
	socklen_t sender_size = sizeof(sender);
	ssize_t size = recvfrom(netlink_fd(netlink), buffer, sizeof(buffer), MSG_TRUNC,
				(struct sockaddr *)&sender, &sender_size);

	if (size < 0 && errno == ENOBUFS)
		return NETLINK_FULL;
	if (size < 0)
		return errno == EINTR ? NETLINK_MORE : NETLINK_EMPTY;
	/* One that is cut short, or is not the kernel's, is passed over. */
	if ((size_t)size <= sizeof(buffer) && sender.nl_pid == 0)
		netlink_each(buffer, (size_t)size, handler, data);
	return NETLINK_MORE;
}
