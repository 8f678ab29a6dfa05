/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's events about traced packets. */
#include <libmnl/libmnl.h>
#include <libnftnl/trace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/xmalloc.h"
#include "net/netlink_socket.h"
#include "nft/trace/trace.h"

enum { TRACE_RECEIVE_BUFFER = 8 << 20 };

struct mnl_socket *trace_listen(void)
{
	struct mnl_socket *socket = netlink_socket_open(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC,
							NETLINK_GROUP(NFNLGRP_NFTRACE) | NETLINK_GROUP(NFNLGRP_NFTABLES));
	int size = TRACE_RECEIVE_BUFFER;

	/* As large as the system allows: a reload sends many messages at once. */
	if (socket && setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return socket;
}

bool trace_is_generation(const struct nlmsghdr *message)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN);
}

/* ---- attributes ---- */

static struct text trace_text(const struct nftnl_trace *trace, uint16_t attribute)
{
	const char *text = nftnl_trace_is_set(trace, attribute) ? nftnl_trace_get_str(trace, attribute) : NULL;

	return text_of(text ? text : "");
}

static uint32_t trace_number(const struct nftnl_trace *trace, uint16_t attribute)
{
	return nftnl_trace_is_set(trace, attribute) ? nftnl_trace_get_u32(trace, attribute) : 0;
}

static struct trace_header trace_header_of(const struct nftnl_trace *trace, uint16_t attribute)
{
	struct trace_header header = { NULL, 0 };

	if (nftnl_trace_is_set(trace, attribute))
		header.bytes = nftnl_trace_get_data(trace, attribute, &header.len);
	if (!header.bytes)
		header.len = 0;
	return header;
}

/* ---- events ---- */

static bool trace_take_verdict(struct trace_event *event, const struct nftnl_trace *trace)
{
	switch (trace_number(trace, NFTNL_TRACE_TYPE)) {
	case NFT_TRACETYPE_RULE:
		/* The end of a base chain is told as a rule without a handle. */
		event->kind = nftnl_trace_is_set(trace, NFTNL_TRACE_RULE_HANDLE) ? TRACE_RULE : TRACE_RETURN;
		event->verdict = (int32_t)trace_number(trace, NFTNL_TRACE_VERDICT);
		if (event->kind == TRACE_RULE)
			event->rule = nftnl_trace_get_u64(trace, NFTNL_TRACE_RULE_HANDLE);
		return true;
	case NFT_TRACETYPE_RETURN:
		event->kind = TRACE_RETURN;
		event->verdict = NFT_RETURN;
		return true;
	case NFT_TRACETYPE_POLICY:
		event->kind = TRACE_POLICY;
		event->verdict = (int32_t)trace_number(trace, NFTNL_TRACE_POLICY);
		return true;
	}
	return false;
}

bool trace_event_read(struct trace_event *event, const struct nlmsghdr *message)
{
	struct nftnl_trace *trace;

	*event = (struct trace_event){ .parsed = NULL };
	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return false;
	trace = xcheck(nftnl_trace_alloc());
	event->parsed = trace;
	if (nftnl_trace_nlmsg_parse(message, trace) < 0 || !trace_take_verdict(event, trace)) {
		trace_event_free(event);
		return false;
	}
	event->id = trace_number(trace, NFTNL_TRACE_ID);
	event->family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
	event->table = trace_text(trace, NFTNL_TRACE_TABLE);
	event->chain = trace_text(trace, NFTNL_TRACE_CHAIN);
	event->target = trace_text(trace, NFTNL_TRACE_JUMP_TARGET);
	event->network = trace_header_of(trace, NFTNL_TRACE_NETWORK_HEADER);
	event->transport = trace_header_of(trace, NFTNL_TRACE_TRANSPORT_HEADER);
	event->link = trace_header_of(trace, NFTNL_TRACE_LL_HEADER);
	event->in = trace_number(trace, NFTNL_TRACE_IIF);
	event->out = trace_number(trace, NFTNL_TRACE_OIF);
	event->mark = trace_number(trace, NFTNL_TRACE_MARK);
	event->has_headers = event->network.len > 0 || event->link.len > 0;
	return true;
}

void trace_event_free(struct trace_event *event)
{
	if (event->parsed)
		nftnl_trace_free(event->parsed);
	event->parsed = NULL;
}
