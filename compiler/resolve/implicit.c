/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that exist although no file defines them: the alias local_network, the set `management` with the local network,
 * and the ipfilter sets with the link-local and static addresses of NICs.
 */
#include "resolve/implicit.h"

#include "resolve/scope.h"

static struct ipset *find_or_add_set(struct arena *arena, struct scope *scope, struct text name)
{
	struct ipset *set = scope_find_set(scope, name);

	if (set)
		return set;
	set = ARENA_NEW(arena, struct ipset);
	set->name = name;
	set->scope = scope->kind;
	set->vmid = scope->vmid;
	set->last = &set->entries;
	HASH_ADD_KEYPTR(hh, scope->ipsets, set->name.ptr, set->name.len, set);
	return set;
}

static void add_entry(struct arena *arena, struct ipset *set, struct prefix prefix, bool nomatch)
{
	struct set_entry *entry = ARENA_NEW(arena, struct set_entry);

	entry->prefix = prefix;
	prefix_clear_host_bits(&entry->prefix);
	entry->nomatch = nomatch;
	entry->implicit = true;
	*set->last = entry;
	set->last = &entry->next;
	set->size++;
}

/* ---- the local network ---- */

static const struct alias *local_network_alias(struct config *config, const struct inputs *inputs)
{
	struct text name = TEXT("local_network");
	struct alias *alias = scope_find_alias(&config->cluster, name);

	if (alias && alias->valid)
		return alias;
	alias = ARENA_NEW(config->arena, struct alias);
	alias->name = name;
	alias->implicit = true;
	alias->valid = true;
	alias->cidr = inputs->local_network.family ? inputs->local_network_text : TEXT("127.0.0.0/8");
	if (inputs->local_network.family)
		alias->prefix = inputs->local_network;
	else
		prefix_parse(alias->cidr, &alias->prefix);
	return alias;
}

void implicit_local_network(struct config *config, const struct inputs *inputs)
{
	struct ipset *management = find_or_add_set(config->arena, &config->cluster, TEXT("management"));

	config->local_network = local_network_alias(config, inputs);
	add_entry(config->arena, management, config->local_network->prefix, false);
	management->size++; /* the stock compiler counts it twice */
}

/* ---- source addresses of guests ---- */

static struct prefix host_address(struct prefix address)
{
	address.length = (uint8_t)prefix_bits(&address);
	return address;
}

static void filter_nic(struct arena *arena, struct guest *guest, const struct nic *nic)
{
	struct ipset *set = guest_filter_set(guest, nic);
	const uint8_t *mac = nic->mac_bytes;

	if (!nic->firewall || (!set && !guest->options.ipfilter))
		return;
	if (!set)
		set = find_or_add_set(arena, &guest->scope, ARENA_JOIN(arena, TEXT("ipfilter-"), nic->key));
	/* fe80::/64 with the modified EUI-64 of the MAC, RFC 4291 appendix A */
	if (nic->mac.len)
		add_entry(arena, set,
			  (struct prefix){ AF_INET6,
					   128,
					   { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff,
					     0xfe, mac[3], mac[4], mac[5] } },
			  false);
	add_entry(arena, set, (struct prefix){ AF_INET6, 10, { 0xfe, 0x80 } }, true);
	if (nic->ip4.family)
		add_entry(arena, set, host_address(nic->ip4), false);
	if (nic->ip6.family)
		add_entry(arena, set, host_address(nic->ip6), false);
}

void implicit_filters(struct arena *arena, struct guest *guest)
{
	for (const struct nic *nic = guest->nics; nic && guest->has_file; nic = nic->next)
		filter_nic(arena, guest, nic);
}
