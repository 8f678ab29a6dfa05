/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layer 2: which MAC addresses, ARP senders and protocols a guest may use
 * (spec 2.10).  The rules are few and of five forms, so they are lowered to
 * text at once.
 */
#include <stdlib.h>

#include "xtables.h"

struct eb_rule {
	struct text text; /* behind "-A CHAIN " */
	struct eb_rule *next;
};

struct eb_chain {
	struct text name;
	struct eb_rule *first, **last;
};

struct eb_table {
	struct arena arena;
	struct eb_chain *chains;
	uint32_t count;
};

static struct eb_chain *add_chain(struct eb_table *t, struct text name)
{
	struct eb_chain *chain = &t->chains[t->count++];

	chain->name = name;
	chain->last = &chain->first;
	return chain;
}

static void add(struct eb_table *t, struct eb_chain *chain, struct text text)
{
	struct eb_rule *rule = ARENA_NEW(&t->arena, struct eb_rule);

	rule->text = text;
	*chain->last = rule;
	chain->last = &rule->next;
}

/* A rule put together from pieces of text. */
#define ADD(t, chain, ...) add(t, chain, ARENA_JOIN(&(t)->arena, __VA_ARGS__))

/* ebtables prints MAC addresses without leading zeros. */
static struct text mac_text(struct eb_table *t, const uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";
	char text[18];
	uint32_t len = 0;

	for (int i = 0; i < 6; i++) {
		if (i)
			text[len++] = ':';
		if (mac[i] > 0xf)
			text[len++] = digits[mac[i] >> 4];
		text[len++] = digits[mac[i] & 0xf];
	}
	return arena_copy(&t->arena, (struct text){ text, len });
}

/* ---- ARP ---- */

/* The IPv4 addresses that a NIC may answer for. */
struct arp_entry {
	struct prefix prefix;
	uint32_t order;
	bool nomatch;
};

struct arp_list {
	struct arp_entry *items;
	uint32_t count;
	bool exceptions;
};

static void arp_add(struct arp_list *list, struct prefix prefix, bool nomatch)
{
	list->items[list->count] = (struct arp_entry){ prefix, list->count, nomatch };
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

static struct arp_list arp_collect(struct eb_table *t, const struct guest *guest, const struct nic *nic)
{
	struct arp_list list = { .count = 0 };
	struct text name = ARENA_JOIN(&t->arena, TEXT("ipfilter-"), nic->key);
	const struct ipset *set = NULL;
	uint32_t room = 1;

	if (guest->scope.ipsets)
		HASH_FIND(hh, guest->scope.ipsets, name.ptr, name.len, set);
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		room++;
	list.items = ARENA_ARRAY(&t->arena, struct arp_entry, room);
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && e->prefix.version == 4)
			arp_add(&list, e->prefix, e->nomatch);
	if (guest->options.ipfilter && nic->ip4.version) {
		struct prefix own = nic->ip4;

		own.length = 32;
		arp_add(&list, own, false);
	}
	if (list.exceptions)
		qsort(list.items, list.count, sizeof(*list.items), by_length);
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
		ADD(t, protocols, TEXT("-p "), list->items[i].name, TEXT(" -j RETURN"));
	add(t, protocols, TEXT("-j DROP"));
}

static void add_nic(struct eb_table *t, struct eb_chain *forward_out, const struct guest *guest,
		    const struct nic *nic)
{
	struct eb_chain *chain = add_chain(t, ARENA_JOIN(&t->arena, nic->device, TEXT("-OUT")));

	if (guest->options.macfilter && nic->mac.len)
		ADD(t, chain, TEXT("-s ! "), mac_text(t, nic->mac_bytes), TEXT(" -j DROP"));
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

static void lower(struct eb_table *t, const struct config *config)
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

static void print_rules(struct out *out, const struct eb_chain *chain)
{
	for (const struct eb_rule *rule = chain->first; rule; rule = rule->next) {
		out_string(out, "-A ");
		out_text(out, chain->name);
		out_char(out, ' ');
		out_text(out, rule->text);
		out_char(out, '\n');
	}
}

void eb_print_listing(struct out *out, const struct config *config)
{
	struct eb_table t;

	lower(&t, config);
	for (uint32_t i = 0; i < t.count; i++) {
		out_char(out, ':');
		out_text(out, t.chains[i].name);
		out_char(out, '\n');
		print_rules(out, &t.chains[i]);
	}
	arena_free(&t.arena);
}

void eb_print_restore(struct out *out, const struct config *config)
{
	struct eb_table t;

	lower(&t, config);
	out_string(out, "*filter\n");
	for (uint32_t i = 0; i < t.count; i++) {
		out_char(out, ':');
		out_text(out, t.chains[i].name);
		out_string(out, " ACCEPT\n");
	}
	for (uint32_t i = 0; i < t.count; i++)
		print_rules(out, &t.chains[i]);
	if (t.count)
		out_string(out, "-A FORWARD -j PVEFW-FORWARD\n");
	arena_free(&t.arena);
}
