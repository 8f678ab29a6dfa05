/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/zones.h"

#include "diag/diag.h"

struct zone zone_of_host(const struct config *config, enum direction direction)
{
	const struct cluster_options *o = &config->cluster_options;
	const struct policy *policies[] = { &o->policy_in, &o->policy_out, &o->policy_forward };
	const enum log_level logs[] = { config->host_options.log_level_in, config->host_options.log_level_out,
					config->host_options.log_level_forward };

	return (struct zone){ .direction = direction, .net = -1, .ifaces = true, .policy = policies[direction],
			      .policy_log = logs[direction], .policy_file = "cluster.fw" };
}

struct zone zone_of_nic(const struct guest *guest, const struct nic *nic, bool out)
{
	const struct guest_options *o = &guest->options;

	return (struct zone){ .direction = out ? DIRECTION_OUT : DIRECTION_IN, .vmid = guest->vmid,
			      .net = (int32_t)nic->index, .policy = out ? &o->policy_out : &o->policy_in,
			      .policy_log = out ? o->log_level_out : o->log_level_in,
			      .policy_file = guest->file->path };
}

struct zone zone_of_vnet(const struct vnet *vnet)
{
	return (struct zone){ .direction = DIRECTION_FORWARD, .net = -1, .policy = &vnet->options.policy_forward,
			      .policy_log = vnet->options.log_level_forward, .policy_file = vnet->file->path };
}

struct zone zone_of_group(enum direction direction)
{
	return (struct zone){ .direction = direction, .net = -1, .group = true };
}

const char *zone_log_message(const struct zone *zone, enum action action)
{
	static const char *const messages[ACTIONS] = { "ACCEPT: ", "DROP: ", "REJECT: " };

	return zone->group ? "" : messages[action];
}

bool rules_have_direction(const struct rule_list *rules, enum direction direction)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->enabled && (rule->direction == direction || (rule->direction == DIRECTION_GROUP &&
				      rules_have_direction(&rule->group->rules, direction))))
			return true;
	return false;
}

const struct source *config_line(const struct config *config, struct span span, uint32_t *line)
{
	const struct source_map *map = config->diags->map;
	const struct source *source = source_find(map, span.begin);

	if (source)
		*line = source_line_number(map, span.begin);
	return source;
}

bool nic_walk_next(struct nic_walk *walk, const struct config *config)
{
	walk->nic = walk->nic ? walk->nic->next : NULL;
	for (;;) {
		for (; walk->nic; walk->nic = walk->nic->next)
			if (walk->nic->firewall)
				return true;
		do
			walk->guest = walk->guest ? walk->guest->next : config->guests;
		while (walk->guest && !walk->guest->options.enable);
		if (!walk->guest)
			return false;
		walk->nic = walk->guest->nics;
	}
}
