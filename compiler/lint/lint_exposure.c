/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that more people can reach than its administrators may think: the web interface is open to everyone, or the
 * local network, which the host lets in after all rules, has public addresses.
 */
#include "lint/lint_host.h"

enum {
	MOST_PIECES = 500,
	LENGTH_MOST = 29, /* a network with a longer prefix holds only this node and its gateway */
};

static void subtract_bounded(struct lint *lint, struct packet_set *left, const struct packet_set *set)
{
	for (uint32_t i = 0; i < set->count && left->count && left->count <= MOST_PIECES; i++)
		packet_set_subtract(&lint->scratch, left, &set->cubes[i]);
}

/* ---- the web interface ---- */

struct exposure {
	struct lint *lint;
	struct packet_set left; /* packets to the web interface that no rule has decided yet */
	struct packet_set ssh;  /* packets to SSH */
	bool done;
};

/* Whether this is usually the interface to the Internet; others may lead to a private network or a VPN. */
static bool is_uplink(struct text iface)
{
	static const char *const prefixes[] = { "en", "eth", "bond", "wl" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_starts(iface, prefixes[i]))
			return true;
	return !iface.len || text_is(iface, "vmbr0");
}

/* Whether a rule is for all addresses of a family; *nearly: at least for three quarters of IPv4, as with exceptions. */
static bool is_from_everyone(struct lint *lint, const struct rule *rule, bool *nearly)
{
	uint64_t count = 0;

	*nearly = false;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set source = space_endpoint(lint->space, rule->source, family_mask);

		if ((rule->family_mask & family_mask) && interval_set_is_full(&source, DIM_SOURCE, family_mask))
			return true;
		for (uint32_t i = 0; family_mask & rule->family_mask & IPV4 && i < source.count; i++)
			count += source.ranges[i].last.low - source.ranges[i].first.low + 1;
	}
	*nearly = count >= (uint64_t)3 << 30;
	return *nearly;
}

static void report_open(struct exposure *e, const struct rule *line, const struct rule *rule, bool ssh, bool nearly)
{
	struct text iface = lint_rule_iface(line, rule);
	struct arena *arena = e->lint->arena;
	struct diagnostic *d = diag(e->lint->diags, line->span, DIAG_WEB_OPEN,
				    "rule opens the web interface%s to %severyone%s%s", ssh ? " and SSH" : "",
				    nearly ? "nearly " : "",
				    rule->family_mask == IPV4   ? " with IPv4"
				    : rule->family_mask == IPV6 ? " with IPv6"
								: "",
				    iface.len ? arena_printf(arena, " through `%.*s`", TEXT_ARG(iface)) : "");

	if (rule != line)
		diag_label(d, rule->span, "this rule of the group");
	diag_note(d, "everyone who reaches the host's address can try passwords and exploit bugs");
	diag_help(
		d,
		"add -source, or put the administrators' addresses in [IPSET management] and delete the rule");
}

static void visit_open(void *data, const struct rule *line, const struct rule *rule)
{
	struct exposure *e = data;
	struct text iface = lint_rule_iface(line, rule);
	struct packet_set set;
	bool nearly;

	if (e->done || lint_blocks_one_way(line, rule))
		return;
	set = lint_rule_from(e->lint, line, rule);
	if (rule->action == ACTION_ACCEPT && is_uplink(iface) && packet_set_overlaps(&set, &e->left) &&
	    is_from_everyone(e->lint, rule, &nearly)) {
		report_open(e, line, rule, packet_set_overlaps(&set, &e->ssh), nearly);
		e->done = true;
	}
	if (rule->action == ACTION_ACCEPT && iface.len)
		return;
	subtract_bounded(e->lint, &e->left, &set);
}

/* ---- the local network ---- */

struct reach {
	struct lint *lint;
	struct packet_set left; /* packets from the local network that no rule has decided yet */
	bool accepted;          /* a rule accepts the last of them; otherwise what is left is accepted after the rules */
};

static void visit_local(void *data, const struct rule *line, const struct rule *rule)
{
	struct reach *r = data;
	struct packet_set set;

	if (lint_blocks_one_way(line, rule) || !r->left.count)
		return;
	set = lint_rule_from(r->lint, line, rule);
	subtract_bounded(r->lint, &r->left, &set);
	r->accepted |= rule->action == ACTION_ACCEPT && !r->left.count;
}

/* Most IPv6 networks have public addresses, but a router that blocks incoming connections. */
static bool is_public(const struct prefix *network)
{
	static const struct prefix loopback = { AF_INET, 8, { 127 } };

	for (unsigned i = 0; i <= LINT_PRIVATE_NETWORKS; i++) {
		const struct prefix *private = i < LINT_PRIVATE_NETWORKS ? &lint_private_networks[i] : &loopback;

		if (prefix_covers(private, network) || prefix_covers(network, private))
			return false;
	}
	return network->family == AF_INET && network->length <= LENGTH_MOST;
}

static void check_local_network(struct lint *lint)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct reach reach = { .lint = lint };
	struct diagnostic *d;

	if (!is_public(&network->prefix))
		return;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1)
		lint_add_service(lint, &reach.left, IMPLIED_WEB, family_mask, lint_local_network(lint, family_mask));
	lint_each_host_rule(lint, DIRECTION_IN, visit_local, &reach);
	if (!reach.left.count && !reach.accepted)
		return;
	d = diag(lint->diags,
		 network->span.begin ? network->span : lint_option_place(cluster, OPTION_CLUSTER_ENABLE),
		 DIAG_LOCAL_NETWORK_PUBLIC, "local network %.*s consists of public addresses",
		 TEXT_ARG(network->cidr));
	diag_note(
		d,
		"all its machines, including those of others, reach the web interface, SSH and the consoles");
	diag_help(
		d,
		"define `local_network` in [ALIASES] of cluster.fw with your own addresses, or block the others with a rule");
}

void lint_exposure(struct lint *lint)
{
	const struct config *config = lint->config;
	struct exposure e = { .lint = lint };

	if (!config_enabled(config) || !config->host_options.enable ||
	    config->cluster_options.policy_in.action == ACTION_ACCEPT)
		return;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		lint_add_service(lint, &e.left, IMPLIED_WEB, family_mask, every_address(family_mask));
		lint_add_service(lint, &e.ssh, IMPLIED_SSH, family_mask, every_address(family_mask));
	}
	lint_each_host_rule(lint, DIRECTION_IN, visit_open, &e);
	check_local_network(lint);
}
