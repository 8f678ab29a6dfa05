/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vnets: the FORWARD rules of a vnet's file filter what passes its bridge, in both
 * directions (spec 3.6). Established connections were accepted before. Neighbour discovery
 * passes unless a rule drops it, as ARP does.
 */
#include "nft/lower/passes.h"

static struct nft_chain *nft_vnet_chain(struct nft_builder *b, const struct vnet *vnet)
{
	struct text name = ARENA_JOIN(b->arena, TEXT("vnet-"), vnet->name, TEXT("-forward"));
	struct nft_place place = { .zone = zone_of_vnet(vnet), .chain = nft_chain_add(b, name),
				   .accept = nft_to(NFT_TO_ACCEPT) };
	struct nft_labels labels = nft_labels_of(vnet->name);

	if (b->bridge) {
		place.accept = nft_accept(b, DIRECTION_FORWARD);
		nft_accept_known(b, place.chain, &labels);
	}
	nft_rules(b, &place, &vnet->rules);
	if (vnet->options.policy_forward.action != ACTION_ACCEPT)
		nft_implied_add(b, place.chain, IMPLIED_VNET_NDP, AT_VNET, NULL, nft_to(NFT_TO_ACCEPT));
	nft_policy(b, &place);
	return place.chain;
}

/* A new chain that gives the connection the labels of a bridge. */
static struct nft_chain *nft_keep_chain(struct nft_builder *b, struct text bridge)
{
	struct nft_chain *chain = nft_chain_add(b, ARENA_JOIN(b->arena, TEXT("vnet-"), bridge, TEXT("-keep")));
	struct nft_labels labels = nft_labels_of(bridge);
	struct nft_draft d = { .count = 0 };

	nft_draft_add(&d, nft_ct_state(b, CT_NEW | CT_ESTABLISHED | CT_RELATED));
	for (unsigned i = 0; i < LABELS_EACH; i++)
		nft_draft_add(&d, nft_set_label(labels.bits[i]));
	nft_rule_add(b, chain, d.items, d.count);
	return chain;
}

static void nft_add_bridge_name(struct nft_builder *b, struct nft_list *list, struct text name)
{
	if (name.len && nft_bridge_possible(name))
		nft_list_add_iface(b, list, name);
}

/* Adds the bridges of guests that no vnet's rules filter. They can be filtered later, so their connections get labels
 * too. */
static void nft_add_unjudged(struct nft_builder *b, struct nft_list *map)
{
	struct nft_list names = { .items = NULL };

	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		nft_add_bridge_name(b, &names, vnet->name);
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
			nft_add_bridge_name(b, &names, nic->bridge);
			if (nic->tag && nic->bridge.len)
				nft_add_bridge_name(b, &names, text_of(arena_printf(b->arena, "%.*sv%u", TEXT_ARG(nic->bridge),
										    nic->tag)));
		}
	nft_list_sort(&names, true);
	for (uint32_t i = 0; i < names.count; i++) {
		const char *bytes = (const char *)names.items[i].key[0].bytes;
		struct text name = { bytes, (uint32_t)strnlen(bytes, 16) };
		const struct vnet *judged = b->config->vnets;

		while (judged && !(nft_judges_vnet(judged) && text_equal(judged->name, name)))
			judged = judged->next;
		if (!judged)
			nft_list_add_iface(b, map, name)->verdict =
				(struct nft_verdict){ NFT_TO_GOTO, nft_keep_chain(b, name) };
	}
}

void nft_vnets_finish(struct nft_builder *b)
{
	struct nft_chain *accept = b->accept[DIRECTION_FORWARD];
	struct nft_list keep = { .items = NULL };

	if (!accept)
		return;
	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		if (nft_judges_vnet(vnet))
			nft_list_add_iface(b, &keep, vnet->name)->verdict =
				(struct nft_verdict){ NFT_TO_JUMP, nft_keep_chain(b, vnet->name) };
	NFT_RULE(b, accept, nft_vmap(b, NFT_FIELD_IBRNAME, nft_map_of(b, "keep-vnets", 1, &keep)));
	NFT_RULE(b, accept, nft_to(NFT_TO_ACCEPT));
}

const struct nft_set *nft_vnets(struct nft_builder *b)
{
	struct nft_list list = { .items = NULL };

	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		if (nft_judges_vnet(vnet))
			nft_list_add_iface(b, &list, vnet->name)->verdict =
				(struct nft_verdict){ NFT_TO_GOTO, nft_vnet_chain(b, vnet) };
	if (!list.count)
		return NULL;
	if (b->bridge)
		nft_add_unjudged(b, &list);
	return nft_map_of(b, "vnets", 1, &list);
}
