/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What backends and packet programs ask the configuration: in which zones rules apply, and which rules these are. */
#ifndef PVEFW_CONFIG_ZONES_H
#define PVEFW_CONFIG_ZONES_H

#include "config/config.h"
#include "source/source.h"

/* One direction of the host, a NIC, a vnet or a security group. */
struct zone {
	enum direction direction;
	uint32_t vmid;               /* of a NIC's guest; else 0 */
	int32_t net;                 /* rules with the index of another NIC are left out; -1: none are */
	bool group;                  /* logs without a message */
	bool ifaces;                 /* -i names an interface to match */
	const struct policy *policy; /* NULL: a group has none */
	enum log_level policy_log;
	const char *policy_file;     /* the path of the file that sets the policy, or could */
};

struct zone zone_of_host(const struct config *config, enum direction direction);
struct zone zone_of_nic(const struct guest *guest, const struct nic *nic, bool out);
struct zone zone_of_vnet(const struct vnet *vnet);
struct zone zone_of_group(enum direction direction);

/* Whether the rule, or the group that it refers to, is for the zone. */
static inline bool zone_has_rule(const struct zone *zone, const struct rule *rule)
{
	return rule->enabled && (zone->net < 0 || rule->net < 0 || rule->net == zone->net) &&
	       (rule->direction == DIRECTION_GROUP || rule->direction == zone->direction);
}

/* Returns the log's word for a rule with this action. */
const char *zone_log_message(const struct zone *zone, enum action action);

/* Whether a rule of the list, or of a group in it, is enabled in this direction. */
bool rules_have_direction(const struct rule_list *rules, enum direction direction);

/* The file of a span and its line, from 1; NULL for SPAN_NONE. */
const struct source *config_line(const struct config *config, struct span span, uint32_t *line);

/* Walks over the NICs with a firewall of guests whose firewall is on; begins zeroed. */
struct nic_walk {
	const struct guest *guest;
	const struct nic *nic;
};

/* Goes to the next NIC, or to the first; false after the last. */
bool nic_walk_next(struct nic_walk *walk, const struct config *config);

#endif
