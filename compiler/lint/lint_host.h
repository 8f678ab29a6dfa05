/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the host's reachability checks: its rules in order, and the sources accepted after them. */
#ifndef PVEFW_LINT_HOST_H
#define PVEFW_LINT_HOST_H

#include "lint/lint_packets.h"

/* A rule of the host. */
struct lint_host_rule {
	const struct rule *line, *rule; /* as of lint_each_rule() */
	struct model_chain steps;
	struct model_chain from; /* its packets, whatever interface they come in on and whatever address of the host they are for */
};

struct lint_host_rules {
	struct lint_host_rule *items;
	uint32_t count;
};

/* The rules of one direction of host.fw and then cluster.fw, without those that only match packets of the host to itself;
 * from lint->scratch. */
struct lint_host_rules lint_host_rules(struct lint *lint, enum direction direction);
void lint_host_add(struct model *m, const struct lint_host_rules *rules);

/* Addresses of both families, [1] of IPv6. */
struct lint_sources {
	struct interval_set of[2];
};

/* The addresses that [IPSET management] names, without those that it holds anyway. */
struct lint_sources lint_written_management(struct lint *lint);
/* All addresses of the local network, which is of one family. */
struct lint_sources lint_local_network(struct lint *lint);
/* All addresses except the local network and this machine's loopback addresses. */
struct lint_sources lint_elsewhere(struct lint *lint);
static inline bool lint_has_sources(const struct lint_sources *sources)
{
	return sources->of[0].count || sources->of[1].count;
}
/* Packets from these sources, as steps from lint->scratch. */
struct model_chain lint_from(struct lint *lint, const struct lint_sources *sources);
/* Packets of anyone to a service of the host. */
struct model_chain lint_service(struct lint *lint, enum implied_id service);

/* Whether the tree or the command line defines the local network. */
bool lint_knows_local_network(const struct lint *lint);

/* Whether an ignored, faulty rule of the host may have been meant to accept packets. */
bool lint_lost_rule(struct lint *lint);
/* The interface of a rule, or of the GROUP rule that brings it; len 0: any. */
struct text lint_rule_iface(const struct rule *line, const struct rule *rule);
/* Whether a rule blocks only on one interface or for one address of the host: on which way the packets come is unknown,
 * so it says nothing about them. */
bool lint_blocks_one_way(const struct rule *line, const struct rule *rule);
/* Whether a rule is for the port of a service and few others, not one that matches it among many. */
bool lint_names_service(const struct model_chain *steps, enum implied_id service);

#endif
