/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says about this machine, through rtnetlink: the network it is
 * in, and the other names of its interfaces.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "inputs/localnet.h"
#include "inputs/lookup.h"
#include "net/netlink_socket.h"

/* ---- asking ---- */

/* Asks for all objects of a type; `family` is the first member of every request.  `restart` forgets what `each`
 * has taken of a dump that was interrupted.  0 or an errno. */
static int dump_routing(uint16_t type, unsigned char family, mnl_cb_t each, void (*restart)(void *data),
			void *data)
{
	_Alignas(struct nlmsghdr) char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct netlink_dump d = { .request = request, .each = each, .restart = restart, .data = data };

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (type == RTM_GETLINK) {
		struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

		link->ifi_family = family;
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	} else {
		struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));

		route->rtm_family = family;
	}
	return netlink_ask(NETLINK_ROUTE, &d);
}

/* ---- the local network ---- */

struct route_search {
	struct prefix address; /* which the route must hold */
	struct prefix best;    /* the narrowest so far; family_mask 0: none */
};

static int take_route_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= RTA_MAX)
		table[type] = attribute;
	return MNL_CB_OK;
}

/* A route of the main table to a network that this machine is part of. */
static bool is_connected(const struct rtmsg *route, const struct nlattr *const *attributes)
{
	uint32_t table = attributes[RTA_TABLE] ? mnl_attr_get_u32(attributes[RTA_TABLE])
					       : route->rtm_table;

	return table == RT_TABLE_MAIN && route->rtm_type == RTN_UNICAST && route->rtm_dst_len > 0 &&
	       attributes[RTA_DST] && !attributes[RTA_GATEWAY] && !attributes[RTA_VIA] &&
	       !attributes[RTA_MULTIPATH];
}

static int each_route(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[RTA_MAX + 1] = { 0 };
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct route_search *search = data;
	struct prefix network = { .family = route->rtm_family,
				  .length = route->rtm_dst_len };
	uint16_t size = (uint16_t)(prefix_bits(&network) / 8);

	if (message->nlmsg_type != RTM_NEWROUTE || network.length > size * 8)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*route), take_route_attribute, attributes);
	if (!is_connected(route, attributes) || mnl_attr_get_payload_len(attributes[RTA_DST]) < size)
		return MNL_CB_OK;
	memcpy(network.bytes, mnl_attr_get_payload(attributes[RTA_DST]), size);
	if (prefix_covers(&network, &search->address) &&
	    (!search->best.family || network.length > search->best.length))
		search->best = network;
	return MNL_CB_OK;
}

static void forget_route(void *data)
{
	struct route_search *search = data;

	search->best.family = 0;
}

int localnet_detect(struct arena *arena, const char *host_name, struct prefix *network)
{
	struct lookup found = lookup_host(arena, host_name);

	for (uint32_t i = 0; i < found.count; i++) {
		struct route_search search = { .address = found.addresses[i] };
		int reason = dump_routing(RTM_GETROUTE, search.address.family == AF_INET ? AF_INET : AF_INET6,
					  each_route, forget_route, &search);

		if (reason)
			return reason;
		if (search.best.family) {
			*network = search.best;
			return 0;
		}
	}
	return found.count ? ENETUNREACH : EHOSTUNREACH;
}

/* ---- alternative names ---- */

struct altname_list {
	struct arena *arena;
	struct altname *first;
	uint32_t count;
};

static void add_altname(struct altname_list *list, const char *name, const char *iface)
{
	struct altname *altname = ARENA_NEW(list->arena, struct altname);

	altname->name = arena_copy(list->arena, text_of(name));
	altname->iface = arena_copy(list->arena, text_of(iface));
	altname->next = list->first;
	list->first = altname;
	list->count++;
}

/* What matters of one interface. */
struct link {
	struct altname_list *list;
	const char *iface;
	const struct nlattr *names;
};

static int take_link_attribute(const struct nlattr *attribute, void *data)
{
	struct link *link = data;

	if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		link->iface = mnl_attr_get_str(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_PROP_LIST)
		link->names = attribute;
	return MNL_CB_OK;
}

static int take_altname(const struct nlattr *attribute, void *data)
{
	const struct link *link = data;

	if (mnl_attr_get_type(attribute) == IFLA_ALT_IFNAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		add_altname(link->list, mnl_attr_get_str(attribute), link->iface);
	return MNL_CB_OK;
}

static int each_link(const struct nlmsghdr *message, void *data)
{
	struct link link = { .list = data };

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(struct ifinfomsg), take_link_attribute, &link);
	if (link.iface && link.names)
		mnl_attr_parse_nested(link.names, take_altname, &link);
	return MNL_CB_OK;
}

static int compare_altnames(const void *a, const void *b)
{
	return text_compare((*(struct altname *const *)a)->name, (*(struct altname *const *)b)->name);
}

/* The list in the order of the names. */
static struct altname *sort_altnames(struct altname_list *list)
{
	struct altname **array = ARENA_ARRAY(list->arena, struct altname *, list->count);
	struct altname *first = NULL;
	uint32_t count = 0;

	for (struct altname *altname = list->first; altname; altname = altname->next)
		array[count++] = altname;
	if (count)
		qsort(array, count, sizeof(struct altname *), compare_altnames);
	while (count--) {
		array[count]->next = first;
		first = array[count];
	}
	return first;
}

static void forget_altnames(void *data)
{
	struct altname_list *list = data;

	list->first = NULL;
	list->count = 0;
}

int altnames_detect(struct arena *arena, struct altname **altnames)
{
	struct altname_list list = { .arena = arena };
	int reason = dump_routing(RTM_GETLINK, AF_UNSPEC, each_link, forget_altnames, &list);

	*altnames = reason ? NULL : sort_altnames(&list);
	return reason;
}
