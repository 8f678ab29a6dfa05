/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layer 2: the MAC addresses, ARP senders and protocols that a guest may use (spec 2.10). */
#include <linux/if_ether.h>
#include <stdlib.h>

#include "xtables/lower/xtables.h"

static struct eb_chain *eb_chain_add(struct eb_table *t, struct text name)
{
	struct eb_chain *chain = t->chains[t->count++] = ARENA_NEW(&t->arena, struct eb_chain);

	chain->name = name;
	chain->last = &chain->first;
	return chain;
}

static struct eb_rule *eb_rule_add(struct eb_table *t, struct eb_chain *chain, struct eb_rule rule)
{
	struct eb_rule *copy = ARENA_NEW(&t->arena, struct eb_rule);

	*copy = rule;
	*chain->last = copy;
	chain->last = &copy->next;
	return copy;
}

static const struct layer2_protocol eb_ipv4 = { TEXT_INIT("IPv4"), ETH_P_IP }, eb_ipv6 = { TEXT_INIT("IPv6"), ETH_P_IPV6 },
				    eb_arp = { TEXT_INIT("ARP"), ETH_P_ARP };

#define EB_ADD(t, chain, ...) eb_rule_add(t, chain, (struct eb_rule){ __VA_ARGS__ })

/* ---- ARP ---- */

/* An IPv4 address that a NIC may use. */
struct eb_arp_entry {
	struct prefix prefix;
	uint32_t order;
	bool nomatch, repeated; /* as in struct set_entry */
};

/* The longest prefix first, as in a set; else as written. */
static int eb_compare_lengths(const void *a, const void *b)
{
	const struct eb_arp_entry *x = a, *y = b;

	if (x->prefix.length != y->prefix.length)
		return x->prefix.length > y->prefix.length ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Of one network the last first. */
static int eb_compare_networks(const void *a, const void *b)
{
	const struct eb_arp_entry *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : x->order > y->order ? -1 : 1;
}

/* With exceptions, of the entries for a network the last one that is a member of the set decides. Returns how many
 * remain. */
static uint32_t eb_order_arp(struct eb_arp_entry *items, uint32_t count)
{
	uint32_t kept = 0;

	qsort(items, count, sizeof(*items), eb_compare_networks);
	for (uint32_t i = 0; i < count; i++)
		if (!items[i].repeated && (!kept || prefix_compare(&items[kept - 1].prefix, &items[i].prefix) != 0))
			items[kept++] = items[i];
	qsort(items, kept, sizeof(*items), eb_compare_lengths);
	return kept;
}

static void eb_add_arp(struct eb_table *t, struct eb_chain *chain, const struct guest *guest, const struct nic *nic)
{
	const struct ipset *set = guest_filter_set(guest, nic);
	const char *foreign_address = implied_phrase(IMPLIED_IP_FILTER);
	struct eb_arp_entry *items;
	struct eb_chain *arp;
	uint32_t count = 1;
	bool exceptions = false;

	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		count++;
	items = ARENA_ARRAY(&t->arena, struct eb_arp_entry, count);
	count = 0;
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && e->prefix.family == AF_INET) {
			items[count] = (struct eb_arp_entry){ e->prefix, count, e->nomatch, e->repeated };
			count++;
			exceptions |= e->nomatch;
		}
	if (guest->options.ipfilter && nic->ip4.family) {
		items[count] = (struct eb_arp_entry){ .prefix = nic->ip4, .order = count };
		items[count++].prefix.length = 32;
	}
	if (exceptions)
		count = eb_order_arp(items, count);
	if (!count)
		return;
	arp = eb_chain_add(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-ARP")));
	EB_ADD(t, chain, .protocol = eb_arp, .target = EB_JUMP, .chain = arp);
	for (uint32_t i = 0; i < count; i++)
		EB_ADD(t, arp, .protocol = eb_arp, .arp_source = items[i].prefix,
		       .target = items[i].nomatch ? EB_DROP : EB_RETURN, .implied = foreign_address);
	EB_ADD(t, arp, .target = EB_DROP, .implied = foreign_address);
}

/* ---- the chains ---- */

static void eb_add_protocols(struct eb_table *t, struct eb_chain *chain, const struct guest *guest, const struct nic *nic)
{
	const struct layer2_list *list = &guest->options.layer2_protocols;
	struct eb_chain *protocols;

	if (!list->count)
		return;
	protocols = eb_chain_add(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-PROTO")));
	EB_ADD(t, chain, .target = EB_JUMP, .chain = protocols);
	for (uint32_t i = 0; i < list->count; i++)
		EB_ADD(t, protocols, .protocol = list->items[i], .target = EB_RETURN,
		       .span = guest_option_span(guest, OPTION_GUEST_LAYER2_PROTOCOLS));
	EB_ADD(t, protocols, .target = EB_DROP, .implied = implied_phrase(IMPLIED_LAYER2));
}

static int eb_compare_chains(const void *a, const void *b)
{
	return text_compare((*(struct eb_chain *const *)a)->name, (*(struct eb_chain *const *)b)->name);
}

void eb_lower(struct eb_table *t, const struct config *config)
{
	struct nic_walk walk = { .nic = NULL };
	struct eb_chain *forward, *forward_out;
	uint32_t count = 0;

	*t = (struct eb_table){ .count = 0 };
	if (!config_enabled(config) || !config->cluster_options.ebtables)
		return;
	while (nic_walk_next(&walk, config))
		count++;
	t->chains = ARENA_ARRAY(&t->arena, struct eb_chain *, 2 + 3 * count);
	t->forward = forward = eb_chain_add(t, TEXT("PVEFW-FORWARD"));
	forward_out = eb_chain_add(t, TEXT("PVEFW-FWBR-OUT"));
	EB_ADD(t, forward, .protocol = eb_ipv4, .target = EB_ACCEPT);
	EB_ADD(t, forward, .protocol = eb_ipv6, .target = EB_ACCEPT);
	EB_ADD(t, forward, .out_iface = TEXT("fwln+"), .target = EB_JUMP, .chain = forward_out);
	while (nic_walk_next(&walk, config)) {
		const struct nic *nic = walk.nic;
		struct eb_chain *chain = eb_chain_add(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT")));

		if (walk.guest->options.macfilter && nic->mac.len)
			EB_ADD(t, chain, .not_source = nic->mac_bytes, .target = EB_DROP,
			       .span = guest_option_span(walk.guest, OPTION_GUEST_MACFILTER),
			       .implied = implied_phrase(IMPLIED_MAC_FILTER));
		eb_add_arp(t, chain, walk.guest, nic);
		eb_add_protocols(t, chain, walk.guest, nic);
		EB_ADD(t, chain, .target = EB_ACCEPT);
		EB_ADD(t, forward_out, .in_iface = nic->device, .target = EB_JUMP, .chain = chain);
	}
	qsort(t->chains, t->count, sizeof(*t->chains), eb_compare_chains);
}
