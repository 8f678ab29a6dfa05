/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the host's reachability checks: its rules in order, and the sources accepted after them. */
#ifndef PVEFW_LINT_HOST_H
#define PVEFW_LINT_HOST_H

#include "lint/lint_context.h"
#include "packets/packet_set.h"

/* Calls `each` for the rules of one direction of host.fw and then cluster.fw (see lint_each_rule()), without those that
 * only match packets of the host to itself. */
void lint_each_host_rule(struct lint *lint, enum direction direction, lint_rule_function *each, void *data);

/* The addresses of one IP version that [IPSET management] names, without those that it holds anyway. */
struct interval_set lint_written_management(struct lint *lint, unsigned family_mask);
/* All addresses of the local network; count 0: it is of the other IP version. */
struct interval_set lint_local_network(struct lint *lint, unsigned family_mask);
/* All addresses except the local network and this machine's loopback addresses. */
struct interval_set lint_elsewhere(struct lint *lint, unsigned family_mask);
/* Adds the packets of one family from `sources` to a service of the host; nothing if there is no source. */
void lint_add_service(struct lint *lint, struct packet_set *set, enum implied_id service, unsigned family_mask,
		      struct interval_set sources);
/* Whether the tree or the command line defines the local network. */
bool lint_knows_local_network(const struct lint *lint);

/* Whether an ignored, faulty rule of the host may have been meant to accept packets. */
bool lint_lost_rule(struct lint *lint);
/* The interface of a rule, or of the GROUP rule that brings it; len 0: any. */
struct text lint_rule_iface(const struct rule *line, const struct rule *rule);
/* Whether a rule blocks only on one interface or for one address of the host: on which way the packets come is unknown,
 * so it says nothing about them. */
bool lint_blocks_one_way(const struct rule *line, const struct rule *rule);
/* The packets of a rule, whatever interface they come in on and whatever address of the host they are for. */
struct packet_set lint_rule_from(struct lint *lint, const struct rule *line, const struct rule *rule);
/* Whether a rule is for the port of a service and few others, not one that matches it among many. */
bool lint_names_service(const struct packet_set *set, enum implied_id service);

#endif
