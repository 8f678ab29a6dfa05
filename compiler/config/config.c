/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#define FILTER_PREFIX "ipfilter-"

struct ipset *guest_filter_set(const struct guest *guest, const struct nic *nic)
{
	char name[64] = FILTER_PREFIX;
	size_t prefix = strlen(FILTER_PREFIX);
	struct ipset *set = NULL;

	if (!guest->scope.ipsets || nic->key.len > sizeof(name) - prefix)
		return NULL;
	memcpy(name + prefix, nic->key.ptr, nic->key.len);
	HASH_FIND(hh, guest->scope.ipsets, name, prefix + nic->key.len, set);
	return set;
}

const struct ipset *cluster_ipset(const struct config *config, const char *name)
{
	const struct ipset *set = NULL;

	if (config->cluster.ipsets)
		HASH_FIND_STR(config->cluster.ipsets, name, set);
	return set;
}

int icmp_match_type(const struct icmp_match *match, unsigned family_mask)
{
	uint64_t number;

	if (match->type)
		return match->type->type;
	if (!match->text.len || !text_to_number(match->text, UINT8_MAX, &number) ||
	    (number == UINT8_MAX && family_mask == IPV4))
		return -1;
	return (int)number;
}

int icmp_match_code(const struct icmp_match *match)
{
	return match->type ? match->type->code : -1;
}

const char *guest_name(struct arena *arena, const struct guest *guest)
{
	return arena_printf(arena, "%s %.*s", guest->type == GUEST_VM ? "VM" : "container", TEXT_ARG(guest->vmid_text));
}

struct config *config_of_changes(struct arena *arena, const struct config *config, const struct guest_change *changes,
				 unsigned count, bool is_new)
{
	struct config *view = ARENA_NEW(arena, struct config);
	struct guest *guests = ARENA_ARRAY(arena, struct guest, count);

	*view = *config;
	view->guests = count ? guests : NULL;
	for (unsigned i = 0; i < count; i++) {
		guests[i] = is_new ? *changes[i].new : *changes[i].old;
		guests[i].next = i + 1 < count ? &guests[i + 1] : NULL;
	}
	return view;
}

bool config_enabled(const struct config *config)
{
	int64_t enable = config->cluster_options.enable;

	return enable == 1 || (enable > 1 && config->now - enable <= 60);
}

void scope_free(struct scope *scope)
{
	HASH_CLEAR(hh, scope->aliases);
	HASH_CLEAR(hh, scope->ipsets);
	HASH_CLEAR(hh, scope->skipped);
}

void config_free_guests(struct config *config)
{
	for (struct guest *g = config->guests; g; g = g->next)
		scope_free(&g->scope);
	for (struct guest *g = config->strangers; g; g = g->next)
		scope_free(&g->scope);
}

void config_free_cluster(struct config *config)
{
	scope_free(&config->cluster);
	HASH_CLEAR(hh, config->groups);
}

void config_free(struct config *config)
{
	config_free_cluster(config);
	scope_free(&config->sdn);
	config_free_guests(config);
}
