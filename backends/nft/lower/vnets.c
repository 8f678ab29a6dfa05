/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vnets: what passes through a vnet's bridge is judged by the FORWARD rules of its
 * file, in both directions (spec 3.6).  Established connections were accepted
 * before.  Neighbour discovery passes unless a rule says otherwise, as ARP does.
 */
#include "nft/lower/build.h"

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

static struct nft_chain *vnet_chain(struct nft_builder *b, const struct vnet *vnet)
{
	struct text name = ARENA_JOIN(b->arena, TEXT("vnet-"), vnet->name, TEXT("-forward"));
	struct nft_place place = { .chain = nft_chain_add(b, name), .direction = DIRECTION_FORWARD,
				   .accept = nft_to(NFT_TO_ACCEPT), .net = -1, .file = vnet->file->path };
	struct nft_labels labels = nft_labels_of(vnet->name);

	if (b->bridge) {
		place.accept = nft_accept(b, DIRECTION_FORWARD);
		nft_accept_known(b, place.chain, &labels);
	}
	nft_rules(b, &place, &vnet->rules);
	if (vnet->options.policy_forward.action != ACTION_ACCEPT)
		nft_implied_add(b, place.chain, IMPLIED_VNET_NDP, AT_VNET, NULL, nft_to(NFT_TO_ACCEPT));
	nft_policy(b, &place, &vnet->options.policy_forward, vnet->options.log_level_forward);
	return place.chain;
}

/* ---- who has accepted a connection ---- */

static const struct nft_value none;

/* The chain that gives the connection the labels of a bridge. */
static struct nft_chain *keep_chain(struct nft_builder *b, struct text bridge)
{
	struct nft_chain *chain =
		nft_chain_add(b, ARENA_JOIN(b->arena, TEXT("vnet-"), bridge, TEXT("-keep")));
	struct nft_labels labels = nft_labels_of(bridge);

	nft_add_labels(b, chain, &labels);
	return chain;
}

static void add_name(struct nft_builder *b, struct nft_list *list, struct text name)
{
	if (name.len && is_possible(name))
		nft_list_add(b, list, nft_iface_value(name, false), none);
}

static bool is_judged(const struct nft_builder *b, struct text name)
{
	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		if (judges(vnet) && text_equal(vnet->name, name))
			return true;
	return false;
}

/* Bridges that guests are plugged into and that no vnet's rules judge: they can be judged later, so what passes them
 * is noted, too. */
static void add_unjudged(struct nft_builder *b, struct nft_list *map)
{
	struct nft_list names = { .items = NULL };

	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		add_name(b, &names, vnet->name);
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
			add_name(b, &names, nic->bridge);
			if (nic->tag && nic->bridge.len)
				add_name(b, &names, text_of(arena_printf(b->arena, "%.*sv%u", TEXT_ARG(nic->bridge),
									 nic->tag)));
		}
	nft_list_sort(&names, true);
	for (uint32_t i = 0; i < names.count; i++) {
		const char *bytes = (const char *)names.items[i].key[0].bytes;
		struct text name = { bytes, (uint32_t)strnlen(bytes, 16) };

		if (!is_judged(b, name))
			nft_list_add(b, map, names.items[i].key[0], none)->verdict =
				(struct nft_verdict){ NFT_TO_GOTO, keep_chain(b, name) };
	}
}

void nft_vnets_finish(struct nft_builder *b)
{
	struct nft_chain *accept = b->accept[DIRECTION_FORWARD];
	struct nft_list keep = { .items = NULL };

	if (!accept)
		return;
	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next)
		if (judges(vnet))
			nft_list_add(b, &keep, nft_iface_value(vnet->name, false), none)->verdict =
				(struct nft_verdict){ NFT_TO_JUMP, keep_chain(b, vnet->name) };
	NFT_RULE(b, accept, nft_vmap(b, NFT_FIELD_IBRNAME, nft_map_of(b, "keep-vnets", 1, &keep)));
	NFT_RULE(b, accept, nft_to(NFT_TO_ACCEPT));
}

/* ---- the map ---- */

const struct nft_set *nft_vnets(struct nft_builder *b)
{
	struct nft_list list = { .items = NULL };

	for (const struct vnet *vnet = b->config->vnets; vnet; vnet = vnet->next) {
		struct nft_verdict verdict = { .kind = NFT_TO_GOTO };

		if (!judges(vnet))
			continue;
		verdict.chain = vnet_chain(b, vnet);
		nft_list_add(b, &list, nft_iface_value(vnet->name, false), none)->verdict = verdict;
	}
	if (!list.count)
		return NULL;
	if (b->bridge)
		add_unjudged(b, &list);
	return nft_map_of(b, "vnets", 1, &list);
}
