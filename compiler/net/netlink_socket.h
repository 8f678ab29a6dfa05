/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets on libmnl: for single requests, and for multicast notifications. */
#ifndef PVEFW_NETLINK_SOCKET_H
#define PVEFW_NETLINK_SOCKET_H

#include <stdbool.h>

#include "net/netlink_dump.h"

/* The bit of a multicast group, such as RTNLGRP_LINK, of the first 32. */
#define NETLINK_GROUP(group) (1u << ((group) - 1))

/* Walk over the attributes of a message after its own header, and of a nest: those of libmnl, without their
 * conversion from long to int. */
#define NETLINK_FOR_EACH_ATTRIBUTE(attribute, message, header_size)                                             \
	for ((attribute) = mnl_nlmsg_get_payload_offset((message), (header_size));                               \
	     mnl_attr_ok((attribute), (int)((const char *)mnl_nlmsg_get_payload_tail(message) -                  \
					    (const char *)(attribute)));                                         \
	     (attribute) = mnl_attr_next(attribute))
#define NETLINK_FOR_EACH_NESTED(attribute, nest)                                                                 \
	for ((attribute) = mnl_attr_get_payload(nest);                                                           \
	     mnl_attr_ok((attribute), (int)((const char *)(nest) + (nest)->nla_len - (const char *)(attribute))); \
	     (attribute) = mnl_attr_next(attribute))

/*
 * Opens a socket of a bus, such as NETLINK_ROUTE, and joins `groups`, bits as above. `flags`: SOCK_NONBLOCK
 * or 0. Returns NULL with errno set if it cannot.
 */
struct mnl_socket *netlink_socket_open(int bus, int flags, unsigned groups);
/* Closes it, unless it is NULL, and makes it NULL. */
void netlink_socket_close(struct mnl_socket **socket);

/* Begins a request to nfnetlink in a zeroed buffer. */
struct nlmsghdr *netlink_nf_request(void *buffer, uint16_t type, uint16_t flags, uint8_t family);
/* Runs the request on a socket of its own; `peer` and `buffer` need not be set.  As netlink_dump_run(). */
int netlink_ask(int bus, struct netlink_dump *dump);
/* Gives `each` all messages that a non-blocking socket has; false if the kernel has dropped some before. */
bool netlink_socket_drain(struct mnl_socket *socket, mnl_cb_t each, void *data);

#endif
