/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/wiring/bridge_calls.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "net/netlink_socket.h"

static void put_change(struct nlmsghdr *message, uint32_t index, bool on)
{
	struct ifinfomsg *info;
	struct nlattr *link, *data;

	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	link = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u8(message, IFLA_BR_NF_CALL_IPTABLES, on);
	mnl_attr_put_u8(message, IFLA_BR_NF_CALL_IP6TABLES, on);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, link);
}

/* 0 or an errno. */
static int bridge_calls_change(struct mnl_socket *socket, uint32_t index, bool on)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_DATAGRAM_MOST], request[1024] = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(request);
	struct netlink_dump d = { .peer = netlink_peer_of(socket), .buffer = buffer, .request = message };
	int reason;

	put_change(message, index, on);
	message->nlmsg_seq = index;
	reason = netlink_dump_run(&d);
	return reason == ENODEV ? 0 : reason;
}

int bridge_calls_set(const struct wiring_links *links, bool on)
{
	struct mnl_socket *socket = NULL;
	int reason = 0, failed = 0;

	for (size_t i = 0; i < links->fwbr_count && !reason; i++) {
		if (links->fwbrs[i].calls_iptables == on)
			continue;
		if (!socket) {
			socket = netlink_socket_open(NETLINK_ROUTE, 0, 0);
			reason = socket ? 0 : errno;
		}
		if (!reason) {
			int result = bridge_calls_change(socket, links->fwbrs[i].index, on);

			failed = result ? result : failed;
		}
	}
	netlink_socket_close(&socket);
	return reason ? reason : failed;
}

void bridge_calls_clear(void)
{
	struct wiring_links links;

	if (wiring_links_read(&links) == 0) {
		bridge_calls_set(&links, false);
		wiring_links_free(&links);
	}
}
