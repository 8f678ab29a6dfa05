/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vnets: what passes through a vnet's bridge is judged by the FORWARD rules of its
 * file, in both directions (spec 3.6).  Established connections were accepted
 * before.  Neighbour discovery passes unless a rule says otherwise, as ARP does.
 */
#include "nft/build.h"

/* The name of a bridge, and fit for that of a chain. */
static bool is_possible(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (!char_is_letter(name.ptr[i]) && !char_is_digit(name.ptr[i]) && !strchr("_.-", name.ptr[i]))
			return false;
	return nft_iface_possible(name);
}

static bool judges(const struct vnet *vnet)
{
	return vnet->options.enable && is_possible(vnet->name) &&
	       (vnet->options.policy_forward.action != ACTION_ACCEPT || nft_rules_any(&vnet->rules, DIRECTION_FORWARD));
}

bool nft_any_vnet(const struct config *config)
{
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		if (judges(vnet))
			return true;
	return false;
}

static void add_ndp(struct nft_builder *b, struct nft_chain *chain)
{
	for (uint32_t type = 133; type <= 136; type++)
		NFT_RULE(b, chain, nft_version(b, IPV6), nft_proto(b, PROTO_ICMPV6),
			 nft_is(b, NFT_FIELD_ICMPV6_TYPE, type), nft_to(NFT_TO_ACCEPT));
}

static struct nft_chain *vnet_chain(struct nft_builder *b, const struct vnet *vnet)
{
	struct text name = ARENA_JOIN(b->arena, TEXT("vnet-"), vnet->name, TEXT("-forward"));
	struct nft_place place = { .chain = nft_chain_add(b, name), .direction = DIRECTION_FORWARD,
				   .accept = nft_to(NFT_TO_ACCEPT), .net = -1, .file = vnet->file->path };

	nft_rules(b, &place, &vnet->rules);
	if (vnet->options.policy_forward.action != ACTION_ACCEPT)
		add_ndp(b, place.chain);
	nft_policy(b, &place, &vnet->options.policy_forward, vnet->options.log_level_forward);
	return place.chain;
}

const struct nft_set *nft_vnets(struct nft_builder *b)
{
	struct nft_list list = { .items = NULL };

	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next) {
		struct nft_verdict verdict = { .kind = NFT_TO_GOTO };

		if (!judges(vnet))
			continue;
		verdict.chain = vnet_chain(b, vnet);
		nft_list_add(b, &list, nft_iface_value(vnet->name, false), (struct nft_value){ 0 })->verdict = verdict;
	}
	return list.count ? nft_map_of(b, "vnets", 1, &list) : NULL;
}
