/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/wiring/wiring.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/netlink_socket.h"

/* ---- the links of this machine ---- */

static int link_by_name(const void *a, const void *b)
{
	return strcmp(((const struct wiring_link *)a)->name, ((const struct wiring_link *)b)->name);
}

static int link_by_index(const void *a, const void *b)
{
	const struct wiring_link *first = *(struct wiring_link *const *)a, *second = *(struct wiring_link *const *)b;

	return (first->index > second->index) - (first->index < second->index);
}

bool wiring_links_init(struct wiring_links *links, struct wiring_link *all, size_t count)
{
	*links = (struct wiring_links){ .all = all, .count = count };
	links->by_index = calloc(count + 1, sizeof(*links->by_index));
	if (!links->by_index) {
		wiring_links_free(links);
		return false;
	}
	if (count)
		qsort(all, count, sizeof(*all), link_by_name);
	for (size_t i = 0; i < count; i++)
		links->by_index[i] = &all[i];
	qsort(links->by_index, count, sizeof(*links->by_index), link_by_index);
	return true;
}

void wiring_links_free(struct wiring_links *links)
{
	free(links->by_index);
	free(links->all);
	free(links->fwbrs);
	*links = (struct wiring_links){ .count = 0 };
}

static const struct wiring_link *link_named(const struct wiring_links *links, const char *name)
{
	struct wiring_link key = { .index = 0 };

	if (!links->count || strlen(name) >= sizeof(key.name))
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, links->all, links->count, sizeof(key), link_by_name);
}

static const struct wiring_link *link_numbered(const struct wiring_links *links, uint32_t index)
{
	struct wiring_link key = { .index = index }, *pointer = &key;
	struct wiring_link **found = NULL;

	if (links->count && index)
		found = bsearch(&pointer, links->by_index, links->count, sizeof(pointer), link_by_index);
	return found ? *found : NULL;
}

static bool is_firewall_bridge(const struct wiring_link *link)
{
	return link->is_bridge && strncmp(link->name, "fwbr", 4) == 0;
}

/* ---- asking the kernel ---- */

struct reading {
	struct wiring_link *all;
	size_t count, room;
	struct wiring_fwbr *fwbrs;
	size_t fwbr_count, fwbr_room;
};

/* The kind of a link. */
struct kind {
	bool is_bridge, has_calls, calls_iptables;
};

/* The array with room for one more; NULL if memory is short, then `all` is as it was. */
static void *with_room(void *all, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown = count < *room ? all : realloc(all, more * size);

	if (grown && count == *room)
		*room = more;
	return grown;
}

static bool wiring_make_room(struct reading *r)
{
	struct wiring_link *all = with_room(r->all, r->count, &r->room, sizeof(*all));
	struct wiring_fwbr *fwbrs;

	if (!all)
		return false;
	r->all = all;
	fwbrs = with_room(r->fwbrs, r->fwbr_count, &r->fwbr_room, sizeof(*fwbrs));
	if (!fwbrs)
		return false;
	r->fwbrs = fwbrs;
	return true;
}

static int wiring_take_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type <= IFLA_MAX)
		table[type] = attribute;
	return MNL_CB_OK;
}

/* For IPv4 and IPv6: both must be on. */
static int take_bridge_data(const struct nlattr *attribute, void *data)
{
	struct kind *kind = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if ((type == IFLA_BR_NF_CALL_IPTABLES || type == IFLA_BR_NF_CALL_IP6TABLES) &&
	    mnl_attr_validate(attribute, MNL_TYPE_U8) >= 0) {
		bool on = mnl_attr_get_u8(attribute);

		kind->calls_iptables = on && (kind->calls_iptables || !kind->has_calls);
		kind->has_calls = true;
	}
	return MNL_CB_OK;
}

/* The kernel sends the kind before its data. */
static int take_kind(const struct nlattr *attribute, void *data)
{
	struct kind *kind = data;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		kind->is_bridge |= strcmp(mnl_attr_get_str(attribute), "bridge") == 0;
	if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA && kind->is_bridge)
		mnl_attr_parse_nested(attribute, take_bridge_data, kind);
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *found[IFLA_MAX + 1] = { NULL };
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct reading *r = data;
	struct kind kind = { .is_bridge = false };
	struct wiring_link *link;

	if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(*info))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), wiring_take_attribute, found);
	if (!found[IFLA_IFNAME] || mnl_attr_validate(found[IFLA_IFNAME], MNL_TYPE_NUL_STRING) < 0 ||
	    strlen(mnl_attr_get_str(found[IFLA_IFNAME])) >= IFNAMSIZ)
		return MNL_CB_OK;
	if (!wiring_make_room(r))
		return MNL_CB_ERROR;
	link = &r->all[r->count++];
	*link = (struct wiring_link){ .index = (uint32_t)info->ifi_index, .is_up = info->ifi_flags & IFF_UP };
	strcpy(link->name, mnl_attr_get_str(found[IFLA_IFNAME]));
	if (found[IFLA_MASTER] && mnl_attr_validate(found[IFLA_MASTER], MNL_TYPE_U32) >= 0)
		link->master = mnl_attr_get_u32(found[IFLA_MASTER]);
	if (found[IFLA_LINKINFO])
		mnl_attr_parse_nested(found[IFLA_LINKINFO], take_kind, &kind);
	link->is_bridge = kind.is_bridge;
	if (is_firewall_bridge(link) && kind.has_calls)
		r->fwbrs[r->fwbr_count++] = (struct wiring_fwbr){ link->index, kind.calls_iptables };
	return MNL_CB_OK;
}

static void forget_links(void *data)
{
	struct reading *r = data;

	r->count = r->fwbr_count = 0;
}

static int wiring_ask(struct reading *r)
{
	_Alignas(struct nlmsghdr) char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct netlink_dump d = { .request = request, .each = take_link, .restart = forget_links, .data = r };
	struct ifinfomsg *info;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return netlink_ask(NETLINK_ROUTE, &d);
}

int wiring_links_read(struct wiring_links *links)
{
	struct reading r = { .count = 0 };
	int reason = wiring_ask(&r);

	if (reason)
		free(r.all);
	else if (!wiring_links_init(links, r.all, r.count))
		reason = ENOMEM;
	if (reason) {
		free(r.fwbrs);
		return reason;
	}
	links->fwbrs = r.fwbrs;
	links->fwbr_count = r.fwbr_count;
	return 0;
}

/* ---- judging ---- */

enum wiring_fault wiring_judge(const struct wiring_links *links, const char *device, bool iptables,
			       const struct wiring_link **link, const struct wiring_link **master)
{
	const struct wiring_link *found = link_named(links, device), *above = NULL;

	if (found)
		above = link_numbered(links, found->master);
	if (link)
		*link = found;
	if (master)
		*master = above;
	if (!found)
		return WIRING_ABSENT;
	if (!found->master)
		return found->is_up ? WIRING_UNPLUGGED : WIRING_FILTERED;
	if (!above || !above->is_bridge)
		return WIRING_NOT_IN_BRIDGE;
	return iptables && !is_firewall_bridge(above) ? WIRING_NO_FIREWALL_BRIDGE : WIRING_FILTERED;
}

/* ---- expected wiring ---- */

static bool is_filtered(const struct guest *guest, const struct nic *nic)
{
	return guest->options.enable && nic->firewall && nic->device.len && nic->device.len < IFNAMSIZ;
}

static void expect_nic(struct wiring *w, const struct source_map *map, const struct guest *guest, const struct nic *nic)
{
	struct wiring_nic *expected = &w->nics[w->count++];
	const struct source *source = source_find(map, nic->span.begin);

	*expected = (struct wiring_nic){ .vmid = guest->vmid, .index = nic->index };
	memcpy(expected->device, nic->device.ptr, nic->device.len);
	if (source) {
		expected->file = arena_printf(&w->arena, "%s", source->path);
		expected->line = source_line_number(map, nic->span.begin);
	}
}

static size_t wiring_count_nics(const struct config *config)
{
	size_t count = 0;

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			count += is_filtered(guest, nic);
	return count;
}

void wiring_expect(struct wiring *w, const struct config *config, const struct source_map *map, bool iptables)
{
	struct wiring before = *w;
	size_t count = config_enabled(config) ? wiring_count_nics(config) : 0;

	*w = (struct wiring){ .iptables = iptables };
	w->nics = count ? calloc(count, sizeof(*w->nics)) : NULL;
	for (const struct guest *guest = config->guests; guest && w->nics; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (is_filtered(guest, nic))
				expect_nic(w, map, guest, nic);
	/* A change of the configuration must not restart the time since interfaces were unplugged. */
	for (const struct wiring_nic *nic = before.nics; nic < before.nics + before.count; nic++)
		for (size_t i = 0; i < w->count && nic->unplugged_since; i++)
			if (strcmp(w->nics[i].device, nic->device) == 0)
				w->nics[i].unplugged_since = nic->unplugged_since;
	wiring_free(&before);
}

void wiring_free(struct wiring *w)
{
	free(w->nics);
	arena_free(&w->arena);
	*w = (struct wiring){ .count = 0 };
}

/* ---- checking ---- */

static void state(struct conditions *conditions, const struct wiring *w, const struct wiring_nic *nic,
		  enum wiring_fault fault, const struct wiring_link *master)
{
	struct log_about about = { .file = nic->file, .line = nic->line };
	const char *above = master ? master->name : "another interface", *target = w->iptables ? "iptables" : "nftables";

	switch (fault) {
	case WIRING_FILTERED:
	case WIRING_ABSENT:
		break;
	case WIRING_NO_FIREWALL_BRIDGE:
		conditions_add(
			conditions, &about,
			"guest %u: net%u is unfiltered: %s is plugged directly into %s, and iptables only filters packets on a firewall bridge; stop and start the guest, or set firewall=0 and then firewall=1 on net%u",
			nic->vmid, nic->index, nic->device, above, nic->index);
		break;
	case WIRING_NOT_IN_BRIDGE:
		conditions_add(
			conditions, &about,
			"guest %u: net%u is unfiltered: the master of %s is %s, which is not a Linux bridge, so %s does not see its packets; stop and start the guest to give it a firewall bridge",
			nic->vmid, nic->index, nic->device, above, target);
		break;
	case WIRING_UNPLUGGED:
		conditions_add(
			conditions, &about,
			"guest %u: net%u is unfiltered: %s is up but not in a bridge, so %s does not see its packets; stop and start the guest, or plug it into a bridge",
			nic->vmid, nic->index, nic->device, target);
		break;
	}
}

/* Whether the interface has been without a master for WIRING_PLUG_TIME; if not, *wait is lowered to the rest of that time. */
static bool stays_unplugged(struct wiring_nic *nic, uint64_t now, uint64_t *wait)
{
	uint64_t left;

	if (!nic->unplugged_since)
		nic->unplugged_since = now;
	if (now - nic->unplugged_since >= WIRING_PLUG_TIME)
		return true;
	left = WIRING_PLUG_TIME - (now - nic->unplugged_since);
	*wait = *wait && *wait < left ? *wait : left;
	return false;
}

uint64_t wiring_check(struct wiring *w, const struct wiring_links *links, struct conditions *conditions, uint64_t now)
{
	uint64_t wait = 0;
	uint32_t guest = 0; /* the last one that was counted; 0 is not a VMID */

	w->unfiltered_guests = 0;
	conditions_begin(conditions, CONDITION_GUEST_UNFILTERED);
	for (size_t i = 0; i < w->count; i++) {
		struct wiring_nic *nic = &w->nics[i];
		const struct wiring_link *master;
		enum wiring_fault fault = wiring_judge(links, nic->device, w->iptables, NULL, &master);

		if (fault != WIRING_UNPLUGGED)
			nic->unplugged_since = 0;
		else if (!stays_unplugged(nic, now, &wait))
			continue;
		if (fault > WIRING_ABSENT && nic->vmid != guest) {
			w->unfiltered_guests++;
			guest = nic->vmid;
		}
		state(conditions, w, nic, fault, master);
	}
	conditions_end(conditions);
	return wait;
}
