/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of guests that are neither IPv4 nor IPv6: the sender's MAC address, the
 * senders of ARP, and the protocols that a guest may use (spec 2.10, 3.5).
 */
#include "nft/lower/passes.h"

struct nft_layer2 {
	struct nft_list macs;                             /* device and MAC address, with macfilter */
	struct nft_list protocols;                        /* device and protocol */
	struct nft_list macfilter, arpfilter, restricted; /* devices */
	struct nft_filter *arp;
};

/* The addresses that a NIC may use in ARP: those written in its ipfilter set and, with the option ipfilter, the
 * container's own. */
static void nft_collect_arp(struct nft_builder *b, struct nft_layer2 *l, const struct guest *guest, const struct nic *nic)
{
	const struct ipset *set = guest_filter_set(guest, nic);
	struct prefix_entry *entries;
	struct address_set addresses;
	uint32_t count = 0;

	entries = ARENA_ARRAY(b->drafts, struct prefix_entry, (set ? set->size : 0) + 1);
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && !e->repeated && e->prefix.family == AF_INET)
			entries[count++] = (struct prefix_entry){ e->prefix, e->nomatch };
	if (guest->options.ipfilter && nic->ip4.family) {
		entries[count].prefix = nic->ip4;
		entries[count++].prefix.length = 32;
	}
	if (!count)
		return;
	addresses = prefix_set_resolve(b->drafts, entries, count, AF_INET);
	if (!l->arp)
		l->arp = nft_filter_new(b, "arpfilter", NFT_FIELD_ARP_SADDR_IP, NFT_FIELDS);
	nft_filter_add(b, l->arp, nic->device, &addresses);
	nft_list_add_iface(b, &l->arpfilter, nic->device);
}

static void nft_collect_nic(struct nft_builder *b, struct nft_layer2 *l, const struct guest *guest, const struct nic *nic)
{
	const struct layer2_list *protocols = &guest->options.layer2_protocols;
	struct nft_value device = nft_iface_value(nic->device, false);

	if (guest->options.macfilter && nic->mac.len) {
		nft_list_add_iface(b, &l->macfilter, nic->device);
		nft_list_add(b, &l->macs, device, nft_bytes(nic->mac_bytes, 6));
	}
	nft_collect_arp(b, l, guest, nic);
	if (protocols->count)
		nft_list_add_iface(b, &l->restricted, nic->device);
	for (uint32_t i = 0; i < protocols->count; i++)
		nft_list_add(b, &l->protocols, device, nft_number(NFT_TYPE_ETHER_TYPE, protocols->items[i].number));
}

/* Drops a frame of one of the devices that is in no pair. */
static void nft_drop_unlisted(struct nft_builder *b, struct nft_chain *chain, const char *device_name,
			      struct nft_list *devices, const char *pair_name, enum nft_field field, struct nft_list *pairs,
			      enum implied_id id)
{
	struct nft_draft d = { .count = 0 };

	if (!devices->count)
		return;
	nft_list_sort(pairs, true);
	if (pairs->count > 1)
		nft_draft_iface_in(b, &d, device_name, NFT_FIELD_IIFNAME, devices);
	nft_draft_pair(b, &d, pair_name, NFT_FIELD_IIFNAME, nft_key(field), pairs, false);
	nft_rule_implied(nft_draft_end(b, chain, &d, nft_to(NFT_TO_DROP)), id);
}

struct nft_chain *nft_layer2(struct nft_builder *b)
{
	struct nft_layer2 l = { .arp = NULL };
	struct nft_draft d = { .count = 0 };
	struct nic_walk walk = { .nic = NULL };
	struct nft_chain *chain;

	if (!b->config->cluster_options.ebtables)
		return NULL;
	while (nic_walk_next(&walk, b->config))
		if (nft_nic_counts(walk.nic))
			nft_collect_nic(b, &l, walk.guest, walk.nic);
	if (!l.macfilter.count && !l.arp && !l.restricted.count)
		return NULL;
	chain = nft_chain_add(b, TEXT("layer2-out"));
	nft_drop_unlisted(b, chain, "mac-devices", &l.macfilter, "macs", NFT_FIELD_ETHER_SADDR, &l.macs,
			  IMPLIED_MAC_FILTER);
	if (l.arp) {
		nft_filter_finish(b, l.arp);
		nft_draft_add(&d, nft_is(b, NFT_FIELD_ETHER_TYPE, ETH_P_ARP));
		nft_draft_iface_in(b, &d, "arp-devices", NFT_FIELD_IIFNAME, &l.arpfilter);
		nft_draft_end(b, chain, &d, nft_to_chain(NFT_TO_JUMP, nft_filter_chain(l.arp)));
	}
	nft_drop_unlisted(b, chain, "layer2-devices", &l.restricted, "layer2-protocols", NFT_FIELD_ETHER_TYPE,
			  &l.protocols, IMPLIED_LAYER2);
	return chain;
}
