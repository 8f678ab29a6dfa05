/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layer 2: which MAC addresses, ARP senders and protocols a guest may use
 * (spec 2.10).  The rules are few and of five forms, so they are lowered to
 * text at once.
 */
#include <stdlib.h>

#include "xtables/lower/xtables.h"

static struct eb_chain *add_chain(struct eb_table *t, struct text name)
{
	struct eb_chain *chain = &t->chains[t->count++];

	chain->name = name;
	chain->last = &chain->first;
	return chain;
}

static struct eb_rule *add(struct eb_table *t, struct eb_chain *chain, struct text text)
{
	struct eb_rule *rule = ARENA_NEW(&t->arena, struct eb_rule);

	rule->text = text;
	*chain->last = rule;
	chain->last = &rule->next;
	return rule;
}

/* A rule put together from pieces of text. */
#define ADD(t, chain, ...) add(t, chain, ARENA_JOIN(&(t)->arena, __VA_ARGS__))

/* ebtables prints MAC addresses without leading zeros. */
static struct text mac_text(struct eb_table *t, const uint8_t mac[6])
{
	char text[18];
	uint32_t len = 0;

	for (int i = 0; i < 6; i++) {
		if (i)
			text[len++] = ':';
		if (mac[i] > 0xf)
			text[len++] = hex_digit(mac[i] >> 4);
		text[len++] = hex_digit(mac[i]);
	}
	return arena_copy(&t->arena, (struct text){ text, len });
}

/* ---- ARP ---- */

/* The IPv4 addresses that a NIC may answer for. */
struct arp_entry {
	struct prefix prefix;
	uint32_t order;
	bool nomatch, repeated; /* as in struct set_entry */
};

struct arp_list {
	struct arp_entry *items;
	uint32_t count;
	bool exceptions;
};

static void arp_add(struct arp_list *list, struct prefix prefix, bool nomatch, bool repeated)
{
	list->items[list->count] = (struct arp_entry){ prefix, list->count, nomatch, repeated };
	list->count++;
	list->exceptions |= nomatch;
}

/* Longest prefix first, as a set decides; else as written. */
static int by_length(const void *a, const void *b)
{
	const struct arp_entry *x = a, *y = b;

	if (x->prefix.length != y->prefix.length)
		return x->prefix.length > y->prefix.length ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Of one network the last first. */
static int by_network(const void *a, const void *b)
{
	const struct arp_entry *x = a, *y = b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : x->order > y->order ? -1 : 1;
}

/* With exceptions it matters which entry of a network counts: the last of those that are members of the set. */
static void arp_order(struct arp_list *list)
{
	uint32_t kept = 0;

	qsort(list->items, list->count, sizeof(*list->items), by_network);
	for (uint32_t i = 0; i < list->count; i++)
		if (!list->items[i].repeated &&
		    (!kept || prefix_compare(&list->items[kept - 1].prefix, &list->items[i].prefix) != 0))
			list->items[kept++] = list->items[i];
	list->count = kept;
	qsort(list->items, kept, sizeof(*list->items), by_length);
}

static struct arp_list arp_collect(struct eb_table *t, const struct guest *guest, const struct nic *nic)
{
	struct arp_list list = { .count = 0 };
	const struct ipset *set = guest_filter_set(guest, nic);
	uint32_t room = 1;

	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		room++;
	list.items = ARENA_ARRAY(&t->arena, struct arp_entry, room);
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && e->prefix.family == AF_INET)
			arp_add(&list, e->prefix, e->nomatch, e->repeated);
	if (guest->options.ipfilter && nic->ip4.family) {
		struct prefix own = nic->ip4;

		own.length = 32;
		arp_add(&list, own, false, false);
	}
	if (list.exceptions)
		arp_order(&list);
	return list;
}

static void add_arp(struct eb_table *t, struct eb_chain *chain, const struct guest *guest, const struct nic *nic)
{
	struct arp_list list = arp_collect(t, guest, nic);
	struct eb_chain *arp;

	if (!list.count)
		return;
	arp = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-ARP")));
	ADD(t, chain, TEXT("-p ARP -j "), arp->name);
	for (uint32_t i = 0; i < list.count; i++) {
		char text[PREFIX_TEXT_SIZE];
		uint32_t len = prefix_format(&list.items[i].prefix, text);

		ADD(t, arp, TEXT("-p ARP --arp-ip-src "), ((struct text){ text, len }),
		    list.items[i].nomatch ? TEXT(" -j DROP") : TEXT(" -j RETURN"));
	}
	add(t, arp, TEXT("-j DROP"));
}

/* ---- the chains ---- */

static void add_protocols(struct eb_table *t, struct eb_chain *chain, const struct guest *guest,
			  const struct nic *nic)
{
	const struct layer2_list *list = &guest->options.layer2_protocols;
	struct eb_chain *protocols;

	if (!list->count)
		return;
	protocols = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT-PROTO")));
	ADD(t, chain, TEXT("-j "), protocols->name);
	for (uint32_t i = 0; i < list->count; i++)
		ADD(t, protocols, TEXT("-p "), list->items[i].name, TEXT(" -j RETURN"))->span =
			guest_option_span(guest, OPTION_GUEST_LAYER2_PROTOCOLS);
	add(t, protocols, TEXT("-j DROP"));
}

static void add_nic(struct eb_table *t, struct eb_chain *forward_out, const struct guest *guest,
		    const struct nic *nic)
{
	struct eb_chain *chain = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT")));

	if (guest->options.macfilter && nic->mac.len)
		ADD(t, chain, TEXT("-s ! "), mac_text(t, nic->mac_bytes), TEXT(" -j DROP"))->span =
			guest_option_span(guest, OPTION_GUEST_MACFILTER);
	add_arp(t, chain, guest, nic);
	add_protocols(t, chain, guest, nic);
	add(t, chain, TEXT("-j ACCEPT"));
	ADD(t, forward_out, TEXT("-i "), nic->device, TEXT(" -j "), chain->name);
}

static int by_name(const void *a, const void *b)
{
	return text_compare(((const struct eb_chain *)a)->name, ((const struct eb_chain *)b)->name);
}

static uint32_t count_nics(const struct config *config)
{
	uint32_t count = 0;

	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			count++;
	return count;
}

void eb_lower(struct eb_table *t, const struct config *config)
{
	struct eb_chain *forward, *forward_out;

	*t = (struct eb_table){ .count = 0 };
	if (!config_enabled(config) || !config->cluster_options.ebtables)
		return;
	t->chains = ARENA_ARRAY(&t->arena, struct eb_chain, 2 + 3 * count_nics(config));
	forward = add_chain(t, TEXT("PVEFW-FORWARD"));
	forward_out = add_chain(t, TEXT("PVEFW-FWBR-OUT"));
	add(t, forward, TEXT("-p IPv4 -j ACCEPT"));
	add(t, forward, TEXT("-p IPv6 -j ACCEPT"));
	add(t, forward, TEXT("-o fwln+ -j PVEFW-FWBR-OUT"));
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic && guest->options.enable; nic = nic->next)
			if (nic->firewall)
				add_nic(t, forward_out, guest, nic);
	qsort(t->chains, t->count, sizeof(*t->chains), by_name);
}
