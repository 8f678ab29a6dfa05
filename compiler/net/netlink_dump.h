/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One netlink request and everything that answers it, for rtnetlink and nf_tables alike.
 *
 * A dump takes several datagrams. What is dumped may change between two of them: the kernel marks the
 * messages that follow with NLM_F_DUMP_INTR, and nobody can know what is missing. Such a dump is repeated.
 */
#ifndef PVEFW_NETLINK_DUMP_H
#define PVEFW_NETLINK_DUMP_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <sys/types.h>

/* The peer that answers: a socket, or a script in tests.  Both functions return as send() and recv() do. */
struct netlink_peer {
	ssize_t (*send)(void *context, const void *bytes, size_t size);
	ssize_t (*receive)(void *context, void *bytes, size_t size);
	void *context;
	unsigned port;
};

struct netlink_peer netlink_peer_of(struct mnl_socket *socket);

/* The kernel sends no datagram of a dump that is longer. */
enum { NETLINK_DATAGRAM_MOST = 1 << 16 };

struct netlink_dump {
	struct netlink_peer peer;
	void *buffer; /* NETLINK_DATAGRAM_MOST bytes, aligned as a message */
	const struct nlmsghdr *request;
	mnl_cb_t each;                /* gets every message of the answer */
	void (*restart)(void *data);  /* forgets what `each` has taken; NULL: an interruption is returned */
	void *data;                   /* of both */
};

/*
 * Asks. An interrupted dump is repeated for up to a second. Returns 0 or an errno: of the kernel's answer, of
 * `each`, or EINTR when every dump was interrupted. In any case the whole answer has been received, so that
 * the next one answers the next request.
 */
int netlink_dump_run(const struct netlink_dump *dump);

#endif
