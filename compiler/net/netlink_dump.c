/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmnl reports NLM_F_DUMP_INTR as EINTR, as it does a signal during recv(). The two are kept apart here:
 * after a signal the same datagram is received, after an interruption the rest of the dump is received and
 * thrown away, and the request is sent once more.
 */
#include "net/netlink_dump.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { REPEAT_FOR = 1000000 /* microseconds */, PAUSE = 1 /* milliseconds */ };

static ssize_t socket_send(void *context, const void *bytes, size_t size)
{
	return mnl_socket_sendto(context, bytes, size);
}

static ssize_t socket_receive(void *context, void *bytes, size_t size)
{
	return mnl_socket_recvfrom(context, bytes, size);
}

struct netlink_peer netlink_peer_of(struct mnl_socket *socket)
{
	return (struct netlink_peer){ socket_send, socket_receive, socket, mnl_socket_get_portid(socket) };
}

static ssize_t receive_datagram(const struct netlink_dump *d)
{
	ssize_t got;

	do
		got = d->peer.receive(d->peer.context, d->buffer, NETLINK_DATAGRAM_MOST);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool has_end(const struct netlink_dump *d, ssize_t received)
{
	int left = (int)received;

	for (const struct nlmsghdr *m = d->buffer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

static int ask_once(const struct netlink_dump *d)
{
	int result = MNL_CB_OK, reason;
	ssize_t got = 0;

	if (d->peer.send(d->peer.context, d->request, d->request->nlmsg_len) < 0)
		return errno;
	while (result > MNL_CB_STOP) {
		got = receive_datagram(d);
		if (got < 0)
			return errno;
		result = mnl_cb_run(d->buffer, (size_t)got, d->request->nlmsg_seq, d->peer.port, d->each, d->data);
	}
	reason = result < 0 ? errno : 0;
	/* The end of an interrupted dump is marked, too, and has been seen then. */
	while (reason == EINTR && got >= 0 && !has_end(d, got))
		got = receive_datagram(d);
	return reason;
}

int netlink_dump_run(const struct netlink_dump *d)
{
	uint64_t end = clock_us(CLOCK_MONOTONIC) + REPEAT_FOR;
	int reason = ask_once(d);

	while (reason == EINTR && d->restart && clock_us(CLOCK_MONOTONIC) < end) {
		sleep_ms(PAUSE);
		d->restart(d->data);
		reason = ask_once(d);
	}
	return reason;
}
