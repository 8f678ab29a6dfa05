/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/wiring/link_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "net/netlink_socket.h"

/* Microseconds; DEAREST: so many times as long as the handler took. */
enum { SETTLE = 100000, DEAREST = 20 };

/* ---- messages ---- */

static int link_take_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= RTA_MAX)
		table[type] = attribute;
	return MNL_CB_OK;
}

/* Routing daemons change others all the time: those have a gateway, or are in another table. */
static bool is_connected_network(const struct nlmsghdr *message)
{
	const struct nlattr *found[RTA_MAX + 1] = { NULL };
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	uint32_t table;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*route))
		return false;
	mnl_attr_parse(message, sizeof(*route), link_take_attribute, found);
	table = found[RTA_TABLE] ? mnl_attr_get_u32(found[RTA_TABLE]) : route->rtm_table;
	return table == RT_TABLE_MAIN && route->rtm_type == RTN_UNICAST && route->rtm_dst_len > 0 &&
	       !(route->rtm_flags & RTM_F_CLONED) && !found[RTA_GATEWAY] && !found[RTA_VIA] && !found[RTA_MULTIPATH];
}

static int on_message(const struct nlmsghdr *message, void *context)
{
	unsigned *changes = context;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		*changes |= LINK_CHANGE_LINK;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		*changes |= LINK_CHANGE_ADDRESS;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (is_connected_network(message))
			*changes |= LINK_CHANGE_NETWORK;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* ---- events ---- */

static int link_watch_on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct link_watch *w = context;
	unsigned before = w->changes;
	uint64_t due = clock_us(CLOCK_MONOTONIC) + SETTLE;

	(void)source;
	(void)fd;
	(void)revents;
	if (!netlink_socket_drain(w->socket, on_message, &w->changes))
		w->changes = LINK_CHANGE_ALL;
	if (before || !w->changes)
		return 0;
	sd_event_source_set_time(w->timer, due > w->earliest ? due : w->earliest);
	return sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static int on_settled(sd_event_source *source, uint64_t time, void *context)
{
	struct link_watch *w = context;
	unsigned changes = w->changes;
	uint64_t begin = clock_us(CLOCK_MONOTONIC), end;

	(void)source;
	(void)time;
	w->changes = 0;
	w->handler(w->context, changes);
	end = clock_us(CLOCK_MONOTONIC);
	w->earliest = end + DEAREST * (end - begin);
	return 0;
}

/* ---- starting ---- */

static int link_watch_add_sources(struct link_watch *w, sd_event *event)
{
	int result = sd_event_add_time(event, &w->timer, CLOCK_MONOTONIC, 0, SETTLE / 10, on_settled, w);

	if (result >= 0)
		result = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
	if (result >= 0)
		result = sd_event_add_io(event, &w->source, mnl_socket_get_fd(w->socket), EPOLLIN, link_watch_on_readable, w);
	return result < 0 ? -result : 0;
}

int link_watch_start(struct link_watch *w, sd_event *event, link_watch_handler *handler, void *context)
{
	int reason;

	*w = (struct link_watch){ .handler = handler, .context = context };
	w->socket = netlink_socket_open(NETLINK_ROUTE, SOCK_NONBLOCK,
					NETLINK_GROUP(RTNLGRP_LINK) | NETLINK_GROUP(RTNLGRP_IPV4_IFADDR) |
						NETLINK_GROUP(RTNLGRP_IPV6_IFADDR) | NETLINK_GROUP(RTNLGRP_IPV4_ROUTE) |
						NETLINK_GROUP(RTNLGRP_IPV6_ROUTE));
	if (!w->socket)
		return errno;
	reason = link_watch_add_sources(w, event);
	if (reason)
		link_watch_stop(w);
	return reason;
}

void link_watch_stop(struct link_watch *w)
{
	w->source = sd_event_source_unref(w->source);
	w->timer = sd_event_source_unref(w->timer);
	netlink_socket_close(&w->socket);
}
