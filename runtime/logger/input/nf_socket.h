/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets that the kernel tells things on: a large buffer, never waiting. */
#ifndef PVEFW_NF_SOCKET_H
#define PVEFW_NF_SOCKET_H

#include <libmnl/libmnl.h>

struct netlink_socket {
	struct mnl_socket *socket; /* NULL: not open */
};

typedef void netlink_handler(const struct nlmsghdr *message, void *data);
/* Gives the handler each of the messages that stand one behind the other in `size` bytes, aligned as a
 * message is; what comes behind one that is longer than what is left is no message. */
void netlink_each(const void *bytes, size_t size, netlink_handler *handler, void *data);

/* `groups`: bits of the multicast groups to join; `buffer`: bytes the kernel may keep for us.
 * Returns 0 or an errno. */
int netlink_open(struct netlink_socket *netlink, unsigned groups, unsigned buffer);
void netlink_close(struct netlink_socket *netlink);
int netlink_fd(const struct netlink_socket *netlink);

enum netlink_state {
	NETLINK_MORE,  /* there may be more */
	NETLINK_EMPTY, /* there is nothing more for now */
	NETLINK_FULL,  /* the buffer was full since the last time: something was lost */
};

/* Reads what one read gives: one datagram of one or many messages. */
enum netlink_state netlink_receive(struct netlink_socket *netlink, netlink_handler *handler, void *data);

#endif
