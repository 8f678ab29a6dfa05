/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The minimal ruleset, which is loaded when the full one is refused.
 *
 * A copy of the configuration without anything that a kernel or tool may refuse.
 */
#include "config/config.h"

static const struct rule_list no_rules;

static struct guest *reduce_guests(struct arena *arena, const struct guest *guests)
{
	struct guest *first = NULL, **last = &first;

	for (const struct guest *g = guests; g; g = g->next) {
		struct guest *copy = ARENA_NEW(arena, struct guest);

		/* Guests keep their policies, DHCP and neighbour discovery. */
		*copy = *g;
		copy->options.macfilter = copy->options.ipfilter = copy->options.ips = false;
		copy->options.log_level_in = copy->options.log_level_out = LOG_NOLOG;
		copy->options.layer2_protocols.count = 0;
		copy->scope.aliases = NULL;
		copy->scope.ipsets = NULL;
		copy->rules = no_rules;
		copy->next = NULL;
		*last = copy;
		last = &copy->next;
	}
	return first;
}

static struct vnet *reduce_vnets(struct arena *arena, const struct vnet *vnets)
{
	struct vnet *first = NULL, **last = &first;

	for (const struct vnet *v = vnets; v; v = v->next) {
		struct vnet *copy = ARENA_NEW(arena, struct vnet);

		*copy = *v;
		copy->options.log_level_forward = LOG_NOLOG;
		copy->rules = no_rules;
		copy->next = NULL;
		*last = copy;
		last = &copy->next;
	}
	return first;
}

/* The cluster's sets without all but the one that the host's services are open to. */
static void keep_management(struct arena *arena, const struct scope *cluster, struct scope *minimal)
{
	struct ipset *set = NULL, *copy;

	minimal->ipsets = NULL;
	minimal->skipped = NULL;
	if (cluster->ipsets)
		HASH_FIND_STR(cluster->ipsets, "management", set);
	if (!set)
		return;
	copy = ARENA_NEW(arena, struct ipset);
	*copy = *set;
	HASH_ADD_KEYPTR(hh, minimal->ipsets, copy->name.ptr, copy->name.len, copy);
}

void config_minimal(struct arena *arena, const struct config *config, struct config *minimal)
{
	struct host_options *host = &minimal->host_options;

	*minimal = *config;
	minimal->cluster_options.ebtables = false;
	host->nosmurfs = host->tcpflags = host->protection_synflood = false;
	host->nf_conntrack_helpers.count = 0;
	host->log_level_in = host->log_level_out = host->log_level_forward = LOG_NOLOG;
	host->smurf_log_level = host->tcp_flags_log_level = LOG_NOLOG;
	keep_management(arena, &config->cluster, &minimal->cluster);
	minimal->cluster.aliases = NULL;
	minimal->sdn.ipsets = NULL;
	minimal->sdn.aliases = NULL;
	minimal->groups = NULL;
	minimal->group_count = 0;
	minimal->cluster_rules = minimal->host_rules = no_rules;
	minimal->guests = reduce_guests(arena, config->guests);
	minimal->vnets = reduce_vnets(arena, config->vnets);
}
