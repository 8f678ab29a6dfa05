/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/service/kernel_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "nft/load/ask.h"

void kernel_watch_init(struct kernel_watch *w, sd_event *event, void (*handler)(void *context), void *context)
{
	*w = (struct kernel_watch){ .event = event, .handler = handler, .context = context };
}

static bool is_our_family(uint8_t family)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (nft_families[i] == family)
			return true;
	return false;
}

/* In all messages about something in a table, attribute 1 is the table's name. */
static int note_table(const struct nlattr *attribute, void *context)
{
	bool *ours = context;

	if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		*ours |= strcmp(mnl_attr_get_str(attribute), NFT_TABLE_NAME) == 0;
	return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *header, void *context)
{
	const struct nfgenmsg *generic;

	if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    NFNL_MSG_TYPE(header->nlmsg_type) == NFT_MSG_NEWGEN ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*generic))
		return MNL_CB_OK;
	generic = mnl_nlmsg_get_payload(header);
	if (is_our_family(generic->nfgen_family))
		mnl_attr_parse(header, sizeof(*generic), note_table, context);
	return MNL_CB_OK;
}

/* All that has been told; true if it may have been about us, as what was lost may. */
static bool take_messages(struct kernel_watch *w)
{
	_Alignas(struct nlmsghdr) char buffer[65536];
	bool ours = false;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(w->socket, buffer, sizeof(buffer));

		if (got < 0 && errno == EINTR)
			continue;
		ours |= got < 0 && errno == ENOBUFS;
		if (got <= 0 && errno != ENOBUFS)
			break;
		if (got > 0)
			mnl_cb_run(buffer, (size_t)got, 0, 0, on_message, &ours);
	}
	return ours;
}

static void take_and_tell(struct kernel_watch *w)
{
	if (take_messages(w))
		w->handler(w->context);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	(void)source;
	(void)fd;
	(void)revents;
	take_and_tell(context);
	return 0;
}

static int listen_on(struct kernel_watch *w)
{
	int group = NFNLGRP_NFTABLES;

	if (mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return errno;
	return -sd_event_add_io(w->event, &w->source, mnl_socket_get_fd(w->socket), EPOLLIN, on_readable, w);
}

static void stop(struct kernel_watch *w)
{
	w->source = sd_event_source_unref(w->source);
	if (w->socket)
		mnl_socket_close(w->socket);
	w->socket = NULL;
}

int kernel_watch_listen(struct kernel_watch *w)
{
	int reason;

	if (w->socket)
		return 0;
	w->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->socket)
		return errno;
	reason = listen_on(w);
	if (reason > 0)
		stop(w);
	return reason > 0 ? reason : 0;
}

static uint32_t generation(void)
{
	struct nft_kernel kernel;
	uint32_t count = 0;

	if (nft_kernel_open(&kernel) != 0)
		return 0;
	if (nft_kernel_read_generation(&kernel, &count) != 0)
		count = 0;
	nft_kernel_close(&kernel);
	return count;
}

void kernel_watch_pause(struct kernel_watch *w)
{
	kernel_watch_begin(w);
	stop(w);
}

void kernel_watch_begin(struct kernel_watch *w)
{
	w->paused_at = generation();
	if (w->socket)
		take_and_tell(w);
}

void kernel_watch_end(struct kernel_watch *w)
{
	if (w->socket)
		take_messages(w);
}

bool kernel_watch_missed(const struct kernel_watch *w, uint32_t own)
{
	return w->paused_at && generation() - w->paused_at > own;
}
