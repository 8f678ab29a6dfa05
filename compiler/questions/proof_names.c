/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets that named differences are about. */
#include "questions/proof.h"

#include "lang/tables.h"

const struct named_row named_rows[NAMED_DIFFERENCES] = {
#define NAMED_DIFFERENCE(ID, text) [NAMED_##ID] = { #ID, text },
#include "questions/proof_names.def"
};

/* ---- the matches ---- */

enum { MATCH_RANGES_MAX = 2 };

/* Values of one field, as a row. */
struct named_match {
	enum model_field field;
	uint32_t count;
	struct interval ranges[MATCH_RANGES_MAX];
};

#define VALUE(n)               \
	{                      \
		{ 0, (n) },    \
		{              \
			0, (n) \
		}              \
	}

enum match_id { FROM_BROADCAST, FROM_ONES_OR_ZEROS, TO_GROUP, TO_GROUP6, TO_ANYCAST, MATCHES };

static const struct named_match named_matches[MATCHES] = {
	[FROM_BROADCAST] = { MODEL_SOURCE_TYPE, 1, { VALUE(MODEL_TYPE_BROADCAST) } },
	[FROM_ONES_OR_ZEROS] = { MODEL_SOURCE4, 2, { VALUE(0), VALUE(0xffffffff) } },
	[TO_GROUP] = { MODEL_DEST_TYPE, 2, { VALUE(MODEL_TYPE_BROADCAST), VALUE(MODEL_TYPE_MULTICAST) } },
	[TO_GROUP6] = { MODEL_DEST6, 1, { { { 0xff00000000000000, 0 }, { UINT64_MAX, UINT64_MAX } } } },
	[TO_ANYCAST] = { MODEL_DEST_TYPE, 1, { VALUE(MODEL_TYPE_ANYCAST) } },
};

static struct model_match match_of(enum match_id id)
{
	const struct named_match *m = &named_matches[id];

	return (struct model_match){ .field = m->field, .values = { m->ranges, m->count } };
}

/* Packets that the host gets from a vnet, or sends to it. */
static struct model_match vnet_match(struct arena *arena, const struct asked *asked)
{
	struct interval *ranges;
	uint32_t count = 0;

	for (const struct vnet *v = asked->config->vnets; v; v = v->next)
		count++;
	ranges = ARENA_ARRAY(arena, struct interval, count + 1);
	count = 0;
	for (const struct vnet *v = asked->config->vnets; v; v = v->next)
		ranges[count++] = model_iface_values(arena, &asked->ifaces, v->name).ranges[0];
	return (struct model_match){ .field = MODEL_IFACE, .values = interval_set_normalize(ranges, count) };
}

void named_add_matches(struct model *m, struct arena *arena, const struct asked *asked)
{
	struct model_match vnets = vnet_match(arena, asked);

	for (int i = 0; i < MATCHES; i++) {
		struct model_match match = match_of((enum match_id)i);

		model_add_match(m, &match);
	}
	if (vnets.values.count)
		model_add_match(m, &vnets);
}

static packets named_packets(struct model *m, enum match_id id)
{
	struct model_match match = match_of(id);

	return model_match(m, &match);
}

/* ---- the sets ---- */

static bool path_is_bridged(const struct path *path)
{
	for (uint32_t i = 0; i < path->count; i++)
		if (path->passes[i].hook == PATH_BRIDGE)
			return true;
	return false;
}

static bool is_vnet(const struct config *config, struct text bridge)
{
	for (const struct vnet *v = config->vnets; v; v = v->next)
		if (text_equal(v->name, bridge))
			return true;
	return false;
}

static bool path_has_vnet(const struct config *config, const struct path *path)
{
	for (uint32_t i = 0; i < path->count; i++)
		if (is_vnet(config, path->passes[i].bridge))
			return true;
	return path->from.zone == PATH_VNET || path->to.zone == PATH_VNET;
}

/* Whether FORWARD rules are asked, of the host or of a vnet. */
static bool path_is_forwarded(const struct config *config, const struct path *path)
{
	return path->passes[0].hook == PATH_ROUTED || path_has_vnet(config, path);
}

/* Whether frames to the NIC at this end cannot be recognised where they come in: there is no firewall bridge,
 * and it has no MAC address, or another NIC of the node has the same. */
static bool end_is_ambiguous(const struct config *config, const struct path_end *end)
{
	if (end->zone != PATH_GUEST || !end->direct)
		return false;
	if (!end->nic->mac.len)
		return true;
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (nic != end->nic &&
			    memcmp(nic->mac_bytes, end->nic->mac_bytes, sizeof(nic->mac_bytes)) == 0)
				return true;
	return false;
}

/* Packets whose address is of another kind than the frame's. */
static packets crafted(struct model *m, const struct path *path)
{
	packets group = model_or(m, named_packets(m, TO_GROUP), named_packets(m, TO_GROUP6));

	return path->flooded ? model_minus(m, model_world(m), group) : group;
}

/* All packets of a path through a vnet, or that the host forwards; those that the host exchanges with a vnet.
 */
static packets forwarded(struct model *m, struct arena *arena, const struct asked *asked,
			 const struct path *path)
{
	struct model_match vnets = vnet_match(arena, asked);

	if (path_is_forwarded(asked->config, path))
		return model_world(m);
	return path_is_bridged(path) || !vnets.values.count ? PACKETS_NONE : model_match(m, &vnets);
}

struct named_sets named_sets_of(struct model *m, struct arena *arena, const struct asked *asked,
				const struct path *path)
{
	struct named_sets sets = { { PACKETS_NONE } };

	sets.set[NAMED_D6] = forwarded(m, arena, asked, path);
	if (!path_is_bridged(path))
		return sets;
	sets.set[NAMED_D1] = model_minus(m, named_packets(m, FROM_BROADCAST),
					 named_packets(m, FROM_ONES_OR_ZEROS));
	sets.set[NAMED_D2] = crafted(m, path);
	sets.set[NAMED_D3] = named_packets(m, TO_ANYCAST);
	if (end_is_ambiguous(asked->config, &path->to) || path_has_vnet(asked->config, path))
		sets.set[NAMED_D7] = model_world(m);
	return sets;
}

/* nftables, as against iptables and what is written, which follows iptables. */
static bool target_is_nft(const struct proof_target *target)
{
	return target->backend && !target->backend->needs_bridge_calls;
}

static bool target_is_iptables(const struct proof_target *target)
{
	return target->backend && target->backend->needs_bridge_calls;
}

static bool verdict_passes(enum model_verdict verdict)
{
	return verdict == MODEL_PASSED || verdict == MODEL_QUEUED;
}

bool named_fits(enum named_difference named, const struct path *path, const struct proof_target *a,
		const struct proof_target *b, enum model_verdict va, enum model_verdict vb)
{
	bool nft_drops = target_is_nft(va == MODEL_DROPPED ? a : b);
	bool is_fit = (va == MODEL_DROPPED) != (vb == MODEL_DROPPED) && target_is_nft(a) != target_is_nft(b);

	switch (named) {
	case NAMED_D1:
		return is_fit && !nft_drops && path->to.zone == PATH_GUEST;
	case NAMED_D2:
		return is_fit && nft_drops == path->flooded;
	case NAMED_D3:
		return is_fit && !nft_drops;
	case NAMED_D7:
		return is_fit && nft_drops && !verdict_passes(va) && !verdict_passes(vb);
	case NAMED_D6:
		return target_is_iptables(a) != target_is_iptables(b);
	case NAMED_DIFFERENCES:
		break;
	}
	return false;
}
