/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of the host's reachability share: its rules in order, and who is let in behind them. */
#ifndef PVEFW_LINT_HOST_H
#define PVEFW_LINT_HOST_H

#include "lint/lint_context.h"
#include "packets/packet_set.h"

/* Calls `each` for the enabled rules of one direction of host.fw and then of cluster.fw, those of groups in place, but
 * for those that are about the host's packets to itself.  `line` is the GROUP rule, or the rule itself. */
void lint_each_host_rule(struct lint *lint, enum direction direction,
			 void (*each)(void *data, const struct rule *line, const struct rule *rule), void *data);

/* The set of that name of the cluster; NULL if there is none. */
const struct ipset *lint_cluster_set(const struct lint *lint, const char *name);
/* The addresses of one IP version that [IPSET management] names, without those that it holds anyway. */
struct interval_set lint_written_management(struct lint *lint, unsigned family_mask);
/* All addresses of the local network; count 0: it is of the other IP version. */
struct interval_set lint_local_network(struct lint *lint, unsigned family_mask);
/* All addresses that are neither of the local network nor this machine's own loopback addresses. */
struct interval_set lint_elsewhere(struct lint *lint, unsigned family_mask);
/* Whether the tree or the command line says what the local network is. */
bool lint_knows_local_network(const struct lint *lint);

/* Whether a rule of the host that is wrong, and left out, may have been meant to let somebody in. */
bool lint_lost_rule(struct lint *lint);
/* The interface of a rule, or of the GROUP rule that brings it; len 0: any. */
struct text lint_rule_iface(const struct rule *line, const struct rule *rule);
/* The packets of a rule, whatever interface they come in on and whatever address of the host they are for. */
struct packet_set lint_rule_from(struct lint *lint, const struct rule *line, const struct rule *rule);
/* Whether the rule is about the port alone, and few others: not one that happens to hold it. */
bool lint_names_port(const struct packet_set *set, uint8_t proto, uint16_t port);

#endif
