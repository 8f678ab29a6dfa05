/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stock topology.  A NIC with firewall=1 has a bridge of its own between its port and the bridge that it
 * is plugged into:
 *
 *   tap100i0 - fwbr100i0 - fwln100i0 = fwpr100p0 - vmbr0 - eth0
 *
 * A NIC with a VLAN tag is plugged into vmbr0v5, unless the bridge knows VLANs itself, as one with trunks
 * must.  Frames that carry a tag are not IP packets to a filter, so a NIC's trunks are no path.
 */
#include "meaning/paths.h"

#include "lang/limit_table.h"

/* Destination of frames to anybody who is not a guest of this node. */
static const uint8_t path_other_mac[6] = { 0x02, 0xff, 0, 0, 0, 0x09 };

#define PATH_OUTSIDE_PORT TEXT("eth0")
#define PATH_NFVM_PORT TEXT("tapXYZ") /* as stock's simulator has it */
#define PATH_FIRST_BRIDGE TEXT("vmbr0")

/* ---- zones ---- */

static const struct guest *path_find_guest(const struct config *config, struct text number)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		if (text_equal(guest->vmid_text, number))
			return guest;
	return NULL;
}

static const char *path_guest_kind(const struct guest *guest)
{
	return guest->type == GUEST_VM ? "vm" : "ct";
}

/* The known guest whose number is most alike. */
static const char *path_no_guest(const struct config *config, struct text text, struct text number)
{
	const struct guest *best = NULL;
	unsigned limit = 2;

	for (const struct guest *guest = config->guests; guest; guest = guest->next) {
		unsigned distance = text_distance(guest->vmid_text, number, limit);

		if (distance < limit) {
			limit = distance;
			best = guest;
		}
	}
	if (best)
		return arena_printf(config->arena, "node %.*s has no guest `%.*s`; did you mean `%s%u`?",
				    TEXT_ARG(config->node), TEXT_ARG(text), path_guest_kind(best),
				    best->vmid);
	return arena_printf(config->arena, "node %.*s has no guest `%.*s`", TEXT_ARG(config->node),
			    TEXT_ARG(text));
}

static bool path_nic_counts(const struct nic *nic)
{
	return nic->firewall && nic->device.len <= LIMIT_IFACE_NAME;
}

static const struct nic *path_first_nic(const struct guest *guest)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		if (path_nic_counts(nic))
			return nic;
	return guest->nics;
}

static const struct nic *path_nic_of_index(const struct guest *guest, uint64_t index)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		if (nic->index == index)
			return nic;
	return NULL;
}

/* `rest` is what follows "vm" or "ct". */
static const char *path_parse_guest(const struct config *config, struct text text, struct text rest,
				    enum guest_type type, struct path_end *end)
{
	long split = text_find(rest, 'i');
	struct text number = split < 0 ? rest : (struct text){ rest.ptr, (uint32_t)split };
	struct text index = split < 0 ? (struct text){ NULL, 0 } : text_skip(rest, (uint32_t)split + 1);
	uint64_t net = 0;

	if (!number.len || !text_all_digits(number) ||
	    (split >= 0 && !text_to_number(index, UINT32_MAX, &net)))
		return arena_printf(config->arena, "`%.*s` is not a guest's NIC, such as vm100 or vm100i1",
				    TEXT_ARG(text));
	end->zone = PATH_GUEST;
	end->guest = path_find_guest(config, number);
	if (!end->guest)
		return path_no_guest(config, text, number);
	if (end->guest->type != type)
		return arena_printf(config->arena, "guest %.*s is a %s; write `%s%.*s`", TEXT_ARG(number),
				    type == GUEST_VM ? "container" : "VM", path_guest_kind(end->guest),
				    TEXT_ARG(rest));
	end->nic = split < 0 ? path_first_nic(end->guest) : path_nic_of_index(end->guest, net);
	if (!end->nic && split >= 0)
		return arena_printf(config->arena, "guest %.*s has no NIC net%.*s", TEXT_ARG(number),
				    TEXT_ARG(index));
	return end->nic ? NULL : arena_printf(config->arena, "guest %.*s has no NIC", TEXT_ARG(number));
}

static const char *path_parse_vnet(const struct config *config, struct text name, struct path_end *end)
{
	end->zone = PATH_VNET;
	for (end->vnet = config->vnets; end->vnet; end->vnet = end->vnet->next)
		if (text_equal(end->vnet->name, name))
			return NULL;
	return arena_printf(config->arena, "no vnet `%.*s` has a firewall file", TEXT_ARG(name));
}

const char *path_end_parse(const struct config *config, struct text text, struct path_end *end)
{
	static const struct {
		const char *name;
		enum path_zone zone;
	} names[] = { { "host", PATH_HOST }, { "outside", PATH_OUTSIDE }, { "nfvm", PATH_NFVM } };
	struct text rest;
	long slash = text_find(text, '/');

	*end = (struct path_end){ .guest = NULL };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(text, names[i].name)) {
			end->zone = names[i].zone;
			return NULL;
		}
	if ((rest = text_after(text, "vnet")).ptr && rest.len && char_is_blank(rest.ptr[0]))
		return path_parse_vnet(config, text_trim(rest), end);
	if (slash > 0 && (uint32_t)slash + 1 < text.len) {
		*end = (struct path_end){ .zone = PATH_PORT,
					  .bridge = { text.ptr, (uint32_t)slash },
					  .port = text_skip(text, (uint32_t)slash + 1) };
		return NULL;
	}
	if ((rest = text_after(text, "vm")).ptr && rest.len && char_is_digit(rest.ptr[0]))
		return path_parse_guest(config, text, rest, GUEST_VM, end);
	if ((rest = text_after(text, "ct")).ptr && rest.len && char_is_digit(rest.ptr[0]))
		return path_parse_guest(config, text, rest, GUEST_CONTAINER, end);
	return arena_printf(config->arena,
			    "`%.*s` is not a zone: host, outside, nfvm, vmN, ctN, BRIDGE/PORT or vnet NAME",
			    TEXT_ARG(text));
}

const char *path_end_text(struct arena *arena, const struct path_end *end)
{
	switch (end->zone) {
	case PATH_HOST:
		return "host";
	case PATH_OUTSIDE:
		return "outside";
	case PATH_NFVM:
		return "nfvm";
	case PATH_GUEST:
		if (end->guest->nics && end->guest->nics->next)
			return arena_printf(arena, "%s%ui%u", path_guest_kind(end->guest), end->guest->vmid,
					    end->nic->index);
		return arena_printf(arena, "%s%u", path_guest_kind(end->guest), end->guest->vmid);
	case PATH_PORT:
		return arena_printf(arena, "%.*s/%.*s", TEXT_ARG(end->bridge), TEXT_ARG(end->port));
	case PATH_VNET:
		return arena_printf(arena, "vnet %.*s", TEXT_ARG(end->vnet->name));
	}
	return "";
}

/* ---- passes ---- */

static bool path_is_firewalled(const struct path_end *end)
{
	return end->zone == PATH_GUEST && !end->direct && path_nic_counts(end->nic);
}

/* The name of an interface of the guest's NIC: `kind` is fwbr, fwln or fwpr. */
static struct text path_nic_iface(struct arena *arena, const struct path_end *end, const char *kind)
{
	char mark = strcmp(kind, "fwpr") == 0 ? 'p' : 'i';

	return text_of(arena_printf(arena, "%s%u%c%u", kind, end->guest->vmid, mark, end->nic->index));
}

/* The port of the bridge that the zone is behind; len 0: the host itself. */
static struct text path_port(struct arena *arena, const struct path_end *end)
{
	switch (end->zone) {
	case PATH_HOST:
		break;
	case PATH_OUTSIDE:
	case PATH_VNET:
		return PATH_OUTSIDE_PORT;
	case PATH_NFVM:
		return PATH_NFVM_PORT;
	case PATH_PORT:
		return end->port;
	case PATH_GUEST:
		return path_is_firewalled(end) ? path_nic_iface(arena, end, "fwpr") : end->nic->device;
	}
	return (struct text){ NULL, 0 };
}

/* A bridge, or one VLAN of it. */
struct path_network {
	struct text bridge;
	uint16_t tag;
	bool known; /* false: of any network, as outside */
	bool knows_vlans;
	bool any_tag; /* a port of a bridge has all VLANs */
};

static struct path_network path_network_of(const struct path_end *end)
{
	switch (end->zone) {
	case PATH_PORT:
		return (struct path_network){ .bridge = end->bridge, .known = true, .any_tag = true };
	case PATH_GUEST:
		return (struct path_network){ .bridge = end->nic->bridge,
					      .tag = end->nic->tag,
					      .known = true,
					      .knows_vlans = end->nic->trunks.len > 0 };
	case PATH_VNET:
		return (struct path_network){ .bridge = end->vnet->name, .known = true };
	default:
		return (struct path_network){ .known = false };
	}
}

/* Finds the network that both zones are on; false if they are on different ones. */
static bool path_common_network(const struct path_end *from, const struct path_end *to,
				struct path_network *network)
{
	struct path_network other = path_network_of(to);

	*network = path_network_of(from);
	if (!network->known)
		*network = other;
	if (!network->known)
		*network = (struct path_network){ .bridge = PATH_FIRST_BRIDGE, .known = true };
	if (other.known && (!text_equal(network->bridge, other.bridge) ||
			    (network->tag != other.tag && !network->any_tag && !other.any_tag)))
		return false;
	if (network->any_tag && other.known)
		network->tag = other.tag;
	network->knows_vlans |= other.knows_vlans;
	return network->bridge.len > 0;
}

static struct text path_bridge_name(struct arena *arena, const struct path_network *network)
{
	if (!network->tag || network->knows_vlans)
		return network->bridge;
	return text_of(arena_printf(arena, "%.*sv%u", TEXT_ARG(network->bridge), network->tag));
}

static struct path_pass *path_add(struct path *path, enum path_hook hook)
{
	struct path_pass *pass = &path->passes[path->count++];

	*pass = (struct path_pass){ .hook = hook };
	if (path->flooded)
		memset(pass->dest_mac, 0xff, 6);
	else if (path->to.zone == PATH_GUEST && path->to.nic->mac.len)
		memcpy(pass->dest_mac, path->to.nic->mac_bytes, 6);
	else
		memcpy(pass->dest_mac, path_other_mac, 6);
	return pass;
}

static void path_add_bridge(struct path *path, struct text bridge, struct text in, struct text out)
{
	struct path_pass *pass = path_add(path, PATH_BRIDGE);

	pass->bridge = bridge;
	pass->in = in;
	pass->out = out;
}

/* Whether the path between these two crosses the common bridge: from a firewall bridge to the host, only the
 * host's own hooks filter. */
static bool path_crosses_bridge(const struct path_end *from, const struct path_end *to)
{
	if (to->zone == PATH_HOST)
		return from->zone == PATH_GUEST && !path_is_firewalled(from);
	return from->zone != PATH_HOST || to->zone == PATH_GUEST || to->zone == PATH_VNET;
}

static void path_add_passes(struct arena *arena, struct path *path, const struct path_network *network)
{
	const struct path_end *from = &path->from, *to = &path->to;
	struct text bridge = path_bridge_name(arena, network);
	bool is_bridged = path_network_of(from).known || path_network_of(to).known;

	if (from->zone == PATH_HOST)
		path_add(path, PATH_OUTPUT)->out = is_bridged ? bridge : TEXT("");
	if (path_is_firewalled(from))
		path_add_bridge(path, path_nic_iface(arena, from, "fwbr"), from->nic->device,
				path_nic_iface(arena, from, "fwln"));
	if (path_crosses_bridge(from, to))
		path_add_bridge(path, bridge, path_port(arena, from), path_port(arena, to));
	if (path_is_firewalled(to))
		path_add_bridge(path, path_nic_iface(arena, to, "fwbr"), path_nic_iface(arena, to, "fwln"),
				to->nic->device);
	if (to->zone == PATH_HOST)
		path_add(path, PATH_INPUT)->in = is_bridged || from->zone == PATH_NFVM ? bridge : TEXT("");
}

/* Between two networks the host routes. */
static bool path_add_routed(struct arena *arena, struct path *path)
{
	const struct path_end *from = &path->from, *to = &path->to;
	const struct path_network first = path_network_of(from), second = path_network_of(to);
	struct text bridges[2] = { path_bridge_name(arena, &first), path_bridge_name(arena, &second) };

	if (!first.known || !second.known || !bridges[0].len || !bridges[1].len || path->flooded)
		return false;
	if (path_is_firewalled(from))
		path_add_bridge(path, path_nic_iface(arena, from, "fwbr"), from->nic->device,
				path_nic_iface(arena, from, "fwln"));
	else if (from->zone == PATH_GUEST)
		path_add_bridge(path, bridges[0], path_port(arena, from), TEXT(""));
	path_add(path, PATH_ROUTED)->in = bridges[0];
	path_add_bridge(path, bridges[1], TEXT(""), path_port(arena, to));
	if (path_is_firewalled(to))
		path_add_bridge(path, path_nic_iface(arena, to, "fwbr"), path_nic_iface(arena, to, "fwln"),
				to->nic->device);
	return true;
}

static bool path_same_nic(const struct path_end *a, const struct path_end *b)
{
	return a->zone == PATH_GUEST && b->zone == PATH_GUEST && a->nic == b->nic;
}

bool path_between(struct arena *arena, const struct config *config, const struct path_end *from,
		  const struct path_end *to, bool flooded, struct path *path)
{
	struct path_network network;

	(void)config;
	*path = (struct path){ .from = *from, .to = *to, .flooded = flooded };
	if (path_same_nic(from, to) || (from->zone == PATH_HOST && to->zone == PATH_HOST) ||
	    (from->zone == PATH_NFVM && to->zone == PATH_NFVM))
		return false;
	if (flooded && from->zone != PATH_GUEST && to->zone != PATH_GUEST)
		return false;
	if (from->zone == PATH_OUTSIDE && to->zone == PATH_OUTSIDE) {
		path_add(path, PATH_ROUTED);
		return true;
	}
	if (!path_common_network(from, to, &network))
		return path_add_routed(arena, path);
	path_add_passes(arena, path, &network);
	return true;
}

bool path_is_routed(const struct path *path)
{
	for (uint32_t i = 0; i < path->count && path->count > 1; i++)
		if (path->passes[i].hook == PATH_ROUTED)
			return true;
	return false;
}

const char *path_pass_text(struct arena *arena, const struct path_pass *pass)
{
	switch (pass->hook) {
	case PATH_INPUT:
		return "input";
	case PATH_OUTPUT:
		return "output";
	case PATH_ROUTED:
		return "forward";
	case PATH_BRIDGE:
		break;
	}
	return arena_printf(arena, "%.*s %s", TEXT_ARG(pass->bridge),
			    !pass->in.len    ? "output"
			    : !pass->out.len ? "input"
					     : "forward");
}

/* ---- all paths ---- */

/* The phases of a walk; within each `at` counts on. */
enum {
	PATH_AT_HOST = 0,  /* in, out, routed */
	PATH_AT_NICS = 3,  /* in, out; unicast, flooded */
	PATH_AT_VNETS = 7, /* bridged, from the host, to the host */
	PATH_AT_PAIRS = 10,
};

static struct path_end path_end_of_zone(enum path_zone zone)
{
	return (struct path_end){ .zone = zone };
}

static bool path_walk_host(struct path_walk *walk, struct arena *arena, struct path *path)
{
	static const enum path_zone from[] = { PATH_OUTSIDE, PATH_HOST, PATH_OUTSIDE },
				    to[] = { PATH_HOST, PATH_OUTSIDE, PATH_OUTSIDE };
	struct path_end ends[2] = { path_end_of_zone(from[walk->at]), path_end_of_zone(to[walk->at]) };

	walk->at++;
	return path_between(arena, walk->config, &ends[0], &ends[1], false, path);
}

/* Goes to the first NIC that counts, or to the next one; false after the last. */
static bool path_next_nic(const struct config *config, const struct guest **guest, const struct nic **nic)
{
	*nic = *nic ? (*nic)->next : NULL;
	for (;;) {
		for (; *nic; *nic = (*nic)->next)
			if (path_nic_counts(*nic) && (*nic)->bridge.len)
				return true;
		*guest = *guest ? (*guest)->next : config->guests;
		if (!*guest)
			return false;
		*nic = (*guest)->nics;
	}
}

static bool path_walk_nics(struct path_walk *walk, struct arena *arena, struct path *path)
{
	struct path_end ends[2] = { path_end_of_zone(PATH_OUTSIDE), path_end_of_zone(PATH_GUEST) };
	uint32_t step = walk->at - PATH_AT_NICS;

	if (step == 0 && !path_next_nic(walk->config, &walk->guest, &walk->nic)) {
		walk->at = PATH_AT_VNETS;
		return false;
	}
	ends[1].guest = walk->guest;
	ends[1].nic = walk->nic;
	ends[1].direct = walk->direct;
	walk->at = step == 3 ? PATH_AT_NICS : walk->at + 1;
	return path_between(arena, walk->config, &ends[step & 1], &ends[!(step & 1)], step >= 2, path);
}

static bool path_walk_vnets(struct path_walk *walk, struct arena *arena, struct path *path)
{
	struct path_end ends[2] = { path_end_of_zone(PATH_HOST), path_end_of_zone(PATH_VNET) };
	uint32_t step = walk->at - PATH_AT_VNETS;

	if (step == 0) {
		walk->vnet = walk->vnet ? walk->vnet->next : walk->config->vnets;
		if (!walk->vnet) {
			walk->at = PATH_AT_PAIRS;
			walk->guest = NULL;
			walk->nic = NULL;
			return false;
		}
		ends[0].zone = PATH_OUTSIDE;
	}
	ends[1].vnet = walk->vnet;
	walk->at = step == 2 ? PATH_AT_VNETS : walk->at + 1;
	return path_between(arena, walk->config, &ends[step == 2], &ends[step != 2], false, path);
}

/* The next pair of different guests, on whatever bridges; false after the last. */
static bool path_next_pair(struct path_walk *walk)
{
	do {
		if (!walk->nic || !path_next_nic(walk->config, &walk->other, &walk->other_nic)) {
			walk->other = NULL;
			walk->other_nic = NULL;
			if (!path_next_nic(walk->config, &walk->guest, &walk->nic))
				return false;
			if (!path_next_nic(walk->config, &walk->other, &walk->other_nic))
				return false;
		}
	} while (walk->other == walk->guest);
	return true;
}

static bool path_walk_pairs(struct path_walk *walk, struct arena *arena, struct path *path)
{
	while (walk->pair_count < walk->pairs && path_next_pair(walk)) {
		struct path_end from = { .zone = PATH_GUEST,
					 .guest = walk->guest,
					 .nic = walk->nic,
					 .direct = walk->direct },
				to = { .zone = PATH_GUEST,
				       .guest = walk->other,
				       .nic = walk->other_nic,
				       .direct = walk->direct };
		struct path_network network;

		if (path_common_network(&from, &to, &network) &&
		    path_between(arena, walk->config, &from, &to, false, path)) {
			walk->pair_count++;
			return true;
		}
	}
	walk->pair_count = walk->pairs;
	return false;
}

bool path_walk_next(struct path_walk *walk, struct arena *arena, struct path *path)
{
	while (walk->at < PATH_AT_PAIRS) {
		if (walk->at < PATH_AT_NICS    ? path_walk_host(walk, arena, path)
		    : walk->at < PATH_AT_VNETS ? path_walk_nics(walk, arena, path)
					       : path_walk_vnets(walk, arena, path))
			return true;
	}
	return path_walk_pairs(walk, arena, path);
}

/* ---- interfaces ---- */

struct path_names {
	struct text *names;
	uint32_t count;
};

static void path_add_name(struct path_names *names, struct text name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (text_equal(names->names[i], name))
			return;
	names->names[names->count++] = name;
}

static uint32_t path_count_names(const struct config *config)
{
	uint32_t count = 1;

	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		count++;
	return count + config->host_rules.count + config->cluster_rules.count;
}

struct model_ifaces path_ifaces(struct arena *arena, const struct config *config)
{
	const struct rule_list *const lists[] = { &config->host_rules, &config->cluster_rules };
	struct path_names names = { ARENA_ARRAY(arena, struct text, path_count_names(config)), 0 };

	path_add_name(&names, TEXT("lo"));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct rule *rule = lists[i]->first; rule; rule = rule->next)
			if (rule->enabled && rule->iface.len)
				path_add_name(&names, rule->iface);
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		path_add_name(&names, vnet->name);
	return (struct model_ifaces){ names.names, names.count };
}
