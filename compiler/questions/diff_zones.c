/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zones of two versions.
 *
 * Each version is walked path by path.  A guest's zone does not depend on the node, so that a guest that has
 * moved is the same zone.  Of a zone that only one version filters, the other version's packets pass no
 * firewall.
 */
#include "questions/diff_zones.h"

/* ---- names ---- */

static const struct path_end *zone_end(const struct path *path)
{
	bool is_peer = path->to.zone == PATH_OUTSIDE ||
		       (path->from.zone == PATH_VNET && path->to.zone == PATH_HOST);

	return is_peer ? &path->from : &path->to;
}

static const char *zone_key(struct arena *arena, const struct path_end *end, const struct config *config)
{
	switch (end->zone) {
	case PATH_GUEST:
		return arena_printf(arena, "%u/%.*s", end->guest->vmid, TEXT_ARG(end->nic->key));
	case PATH_VNET:
		return arena_printf(arena, "vnet %.*s/%.*s", TEXT_ARG(end->vnet->name),
				    TEXT_ARG(config->node));
	default:
		return arena_printf(arena, "%s/%.*s", end->zone == PATH_HOST ? "host" : "routed",
				    TEXT_ARG(config->node));
	}
}

static const char *peer_key(const struct path_end *end)
{
	return end->zone == PATH_HOST ? "host" : "outside";
}

/* "101" of a guest, with its NIC if it has several. */
static const char *guest_number(struct arena *arena, const struct diff_zone_side *side)
{
	if (side->guest->nics && !side->guest->nics->next)
		return side->guest->vmid_text.ptr ? arena_string(arena, side->guest->vmid_text) : "";
	return arena_printf(arena, "%u %.*s", side->guest->vmid, TEXT_ARG(side->nic->key));
}

static const struct diff_zone_side *known_side(const struct diff_zone *zone)
{
	return zone->sides[DIFF_NEW].config ? &zone->sides[DIFF_NEW] : &zone->sides[DIFF_OLD];
}

static const char *node_suffix(struct arena *arena, const struct diff *diff,
			       const struct diff_zone_side *side)
{
	if (diff->config_count[DIFF_OLD] <= 1 && diff->config_count[DIFF_NEW] <= 1)
		return "";
	return arena_printf(arena, " on %.*s", TEXT_ARG(side->config->node));
}

const char *diff_zone_text(struct arena *arena, const struct diff *diff, const struct diff_zone *zone)
{
	const struct diff_zone_side *side = known_side(zone);

	switch (zone->kind) {
	case PATH_GUEST:
		return arena_printf(arena, "%s %.*s", guest_name(arena, side->guest),
				    TEXT_ARG(side->nic->key));
	case PATH_VNET:
		return arena_printf(arena, "vnet %.*s%s", TEXT_ARG(side->vnet->name),
				    node_suffix(arena, diff, side));
	default:
		return arena_printf(arena, "%s%s",
				    zone->kind == PATH_HOST ? "the host" : "what the host routes",
				    node_suffix(arena, diff, side));
	}
}

static const char *short_text(struct arena *arena, const struct diff *diff, const struct diff_zone *zone,
			      const struct diff_zone *before)
{
	const struct diff_zone_side *side = known_side(zone);
	bool same_kind = before && zone->kind == PATH_GUEST && before->kind == PATH_GUEST &&
			 known_side(before)->guest->type == side->guest->type;

	if (zone->kind != PATH_GUEST)
		return diff_zone_text(arena, diff, zone);
	if (same_kind && known_side(before)->guest->vmid == side->guest->vmid)
		return arena_string(arena, side->nic->key);
	if (same_kind)
		return guest_number(arena, side);
	return arena_printf(arena, "%s %s", side->guest->type == GUEST_VM ? "VM" : "container",
			    guest_number(arena, side));
}

const char *change_zones_text(struct arena *arena, const struct diff *diff, const struct change *change,
			      uint32_t most)
{
	const struct diff_zone *before = NULL;
	const char *text = "";
	uint32_t shown = 0;

	if (change->zone_count == 1)
		return diff_zone_text(arena, diff, change->zones->zone);
	if (change->zone_count == most + 1)
		most++;
	for (const struct change_zone *z = change->zones; z && shown < most; z = z->next, shown++) {
		text = arena_printf(arena, "%s%s%s", text, shown ? ", " : "",
				    short_text(arena, diff, z->zone, before));
		before = z->zone;
	}
	if (shown < change->zone_count)
		text = arena_printf(arena, "%s and %u more", text, change->zone_count - shown);
	return text;
}

/* ---- finding ---- */

static struct diff_zone *diff_add_zone(struct diff_zones *zones, const struct path_end *end,
				       const struct config *config)
{
	const char *key = zone_key(zones->arena, end, config);
	struct diff_zone *zone;

	HASH_FIND_STR(zones->zones, key, zone);
	if (zone)
		return zone;
	zone = ARENA_NEW(zones->arena, struct diff_zone);
	zone->key = key;
	zone->kind = end->zone;
	zone->last_path = &zone->paths;
	HASH_ADD_KEYPTR(hh, zones->zones, key, strlen(key), zone);
	return zone;
}

static void add_path(struct diff_zones *zones, enum diff_side side, const struct config *config,
		     unsigned node, const struct path *path)
{
	const struct path_end *end = zone_end(path), *peer = end == &path->to ? &path->from : &path->to;
	struct diff_zone *zone = diff_add_zone(zones, end, config);
	const char *key = arena_printf(zones->arena, "%s%c%s%s", zone->key, end == &path->to ? '<' : '>',
				       peer_key(peer), path->flooded ? "*" : "");
	struct diff_path *found;

	zone->sides[side] = (struct diff_zone_side){ config, node, end->guest, end->nic, end->vnet };
	HASH_FIND_STR(zones->paths, key, found);
	if (!found) {
		found = ARENA_NEW(zones->arena, struct diff_path);
		found->key = key;
		found->zone = zone;
		found->inward = end == &path->to;
		found->flooded = path->flooded;
		*zone->last_path = found;
		zone->last_path = &found->next;
		HASH_ADD_KEYPTR(hh, zones->paths, key, strlen(key), found);
	}
	found->filtered[side] = true;
	found->paths[side] = *path;
}

/* Finds the zone in a version that has no path to it: it may exist without being filtered. */
static void find_unfiltered(const struct diff *diff, struct diff_zone *zone, enum diff_side side)
{
	const struct diff_zone_side *known = &zone->sides[!side];

	for (unsigned i = 0; i < diff->config_count[side]; i++) {
		const struct config *config = diff->configs[side][i];

		if (zone->kind != PATH_GUEST) {
			if (text_equal(config->node, known->config->node))
				zone->sides[side] = (struct diff_zone_side){ .config = config,
									     .node = i,
									     .vnet = known->vnet };
			continue;
		}
		for (const struct guest *guest = config->guests; guest; guest = guest->next)
			for (const struct nic *nic = guest->vmid == known->guest->vmid ? guest->nics : NULL;
			     nic; nic = nic->next)
				if (nic->index == known->nic->index)
					zone->sides[side] = (struct diff_zone_side){ config, i, guest, nic,
										     NULL };
	}
}

void diff_zones_find(struct diff_zones *zones, const struct diff *diff)
{
	struct path path;

	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < diff->config_count[side]; i++) {
			struct path_walk walk = { .config = diff->configs[side][i] };

			while (path_walk_next(&walk, zones->arena, &path))
				add_path(zones, (enum diff_side)side, walk.config, i, &path);
		}
	for (struct diff_zone *zone = zones->zones; zone; zone = zone->hh.next)
		for (int side = 0; side < DIFF_SIDES; side++)
			if (!zone->sides[side].config)
				find_unfiltered(diff, zone, (enum diff_side)side);
}

/* ---- notes ---- */

static void add_note(struct diff *diff, const char *text)
{
	struct diff_note **last = &diff->notes;

	while (*last)
		last = &(*last)->next;
	*last = ARENA_NEW(diff->arena, struct diff_note);
	**last = (struct diff_note){ .text = text };
}

static const char *side_name(int side)
{
	return side == DIFF_OLD ? "old" : "new";
}

/* A guest by number, and the node that it is on. */
struct diff_guest {
	uint32_t vmid;
	const struct guest *guests[DIFF_SIDES];
	const struct config *configs[DIFF_SIDES];
	bool differs;
	UT_hash_handle hh;
};

static struct diff_guest *list_guests(const struct diff *diff)
{
	struct diff_guest *guests = NULL;

	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < diff->config_count[side]; i++)
			for (const struct guest *g = diff->configs[side][i]->guests; g; g = g->next) {
				struct diff_guest *found;

				HASH_FIND(hh, guests, &g->vmid, sizeof(g->vmid), found);
				if (!found) {
					found = ARENA_NEW(diff->arena, struct diff_guest);
					found->vmid = g->vmid;
					HASH_ADD(hh, guests, vmid, sizeof(found->vmid), found);
				}
				found->guests[side] = g;
				found->configs[side] = diff->configs[side][i];
			}
	return guests;
}

static const char *nic_change(struct arena *arena, const char *what, struct text old, struct text new,
			      const char *before)
{
	if (text_equal(old, new))
		return before;
	return arena_printf(arena, "%s%s%s from %.*s to %.*s", before, before[0] ? ", " : "", what,
			    TEXT_ARG(old.len ? old : TEXT("none")), TEXT_ARG(new.len ? new : TEXT("none")));
}

static struct text tag_text(struct arena *arena, const struct nic *nic)
{
	return nic->tag ? text_of(arena_printf(arena, "%u", nic->tag)) : TEXT("");
}

static void note_nic(struct diff *diff, const struct guest *guest, const struct nic *old,
		     const struct nic *new)
{
	struct arena *arena = diff->arena;
	const char *text = "";

	text = nic_change(arena, "bridge", old->bridge, new->bridge, text);
	text = nic_change(arena, "VLAN tag", tag_text(arena, old), tag_text(arena, new), text);
	text = nic_change(arena, "MAC address", old->mac, new->mac, text);
	text = nic_change(arena, "firewall", old->firewall ? TEXT("on") : TEXT("off"),
			  new->firewall ? TEXT("on") : TEXT("off"), text);
	if (text[0])
		add_note(diff, arena_printf(arena, "%s %.*s: %s", guest_name(arena, guest),
					    TEXT_ARG(new->key), text));
}

static const struct nic *find_nic(const struct guest *guest, uint32_t index)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		if (nic->index == index)
			return nic;
	return NULL;
}

static void note_nics(struct diff *diff, const struct diff_guest *g)
{
	for (int side = 0; side < DIFF_SIDES; side++)
		for (const struct nic *nic = g->guests[side]->nics; nic; nic = nic->next) {
			const struct nic *other = find_nic(g->guests[!side], nic->index);

			if (!other)
				add_note(diff, arena_printf(diff->arena, "%s %.*s is only in the %s version",
							    guest_name(diff->arena, g->guests[side]),
							    TEXT_ARG(nic->key), side_name(side)));
			else if (side == DIFF_NEW)
				note_nic(diff, g->guests[side], other, nic);
		}
}

static void note_guest(struct diff *diff, const struct diff_guest *g)
{
	struct arena *arena = diff->arena;

	for (int side = 0; side < DIFF_SIDES; side++)
		if (!g->guests[!side])
			add_note(diff, arena_printf(arena, "%s is only in the %s version",
						    guest_name(arena, g->guests[side]), side_name(side)));
	if (!g->guests[DIFF_OLD] || !g->guests[DIFF_NEW])
		return;
	if (!text_equal(g->configs[DIFF_OLD]->node, g->configs[DIFF_NEW]->node))
		add_note(diff, arena_printf(arena, "%s moves from %.*s to %.*s",
					    guest_name(arena, g->guests[DIFF_NEW]),
					    TEXT_ARG(g->configs[DIFF_OLD]->node),
					    TEXT_ARG(g->configs[DIFF_NEW]->node)));
	note_nics(diff, g);
}

static bool has_node(const struct diff *diff, enum diff_side side, struct text node)
{
	for (unsigned i = 0; i < diff->config_count[side]; i++)
		if (text_equal(diff->configs[side][i]->node, node))
			return true;
	return false;
}

static void note_nodes(struct diff *diff)
{
	for (int side = 0; side < DIFF_SIDES; side++)
		for (unsigned i = 0; i < diff->config_count[side]; i++) {
			struct text node = diff->configs[side][i]->node;

			if (!has_node(diff, (enum diff_side) !side, node))
				add_note(diff,
					 arena_printf(diff->arena, "node %.*s is only in the %s version",
						      TEXT_ARG(node), side_name(side)));
		}
}

static bool has_vnet(const struct config *config, struct text name)
{
	for (const struct vnet *v = config->vnets; v; v = v->next)
		if (text_equal(v->name, name))
			return true;
	return false;
}

static void note_vnets(struct diff *diff)
{
	if (!diff->config_count[DIFF_OLD] || !diff->config_count[DIFF_NEW])
		return;
	for (int side = 0; side < DIFF_SIDES; side++)
		for (const struct vnet *v = diff->configs[side][0]->vnets; v; v = v->next)
			if (!has_vnet(diff->configs[!side][0], v->name))
				add_note(diff,
					 arena_printf(diff->arena, "vnet %.*s is only in the %s version",
						      TEXT_ARG(v->name), side_name(side)));
}

uint32_t diff_zones_same_guests(const struct diff_zones *zones, const struct diff *diff)
{
	struct diff_guest *guests = list_guests(diff), *g;
	uint32_t count = 0;

	for (const struct diff_zone *z = zones->zones; z; z = z->hh.next) {
		const struct diff_zone_side *side = known_side(z);

		if (!z->differs || z->kind != PATH_GUEST)
			continue;
		HASH_FIND(hh, guests, &side->guest->vmid, sizeof(side->guest->vmid), g);
		g->differs = true;
	}
	for (g = guests; g; g = g->hh.next)
		count += !g->differs && g->guests[DIFF_OLD] && g->guests[DIFF_NEW];
	HASH_CLEAR(hh, guests);
	return count;
}

void diff_zones_note(struct diff *diff)
{
	struct diff_guest *guests = list_guests(diff);

	note_nodes(diff);
	note_vnets(diff);
	for (const struct diff_guest *g = guests; g; g = g->hh.next)
		note_guest(diff, g);
	HASH_CLEAR(hh, guests);
}
