/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that is reachable by more people than its administrators may think: the web interface is open to everyone, or
 * the local network, which the host lets in behind all rules, is one of public addresses.
 */
#include "lint/lint_host.h"

enum {
	WEB = 8006,
	SSH = 22,
	MOST_PIECES = 500,
	WIDEST = 29, /* prefix length: a narrower network holds this node and its gateway */
};

static struct packet_set service_from(struct lint *lint, uint16_t port, struct interval_set (*sources)(struct lint *lint, unsigned family_mask))
{
	struct packet_set set = { .count = 0 };

	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct cube cube = space_service(lint->space, family_mask, 6, port, port);

		cube.side[DIM_SOURCE] = sources(lint, family_mask);
		if (cube.side[DIM_SOURCE].count)
			packet_set_add(&lint->scratch, &set, &cube);
	}
	return set;
}

static void take(struct lint *lint, struct packet_set *left, const struct packet_set *set)
{
	for (uint32_t i = 0; i < set->count && left->count && left->count <= MOST_PIECES; i++)
		packet_set_subtract(&lint->scratch, left, &set->cubes[i]);
}

/* ---- the web interface ---- */

struct exposure {
	struct lint *lint;
	struct packet_set left; /* from everyone, not decided yet */
	struct packet_set ssh;  /* from everyone */
	bool done;
};

static struct interval_set everyone(struct lint *lint, unsigned family_mask)
{
	(void)lint;
	return space_everyone(family_mask);
}

/* The interface that a host usually has towards the rest of the world: others may be a private network, or a VPN. */
static bool is_uplink(struct text iface)
{
	static const char *const prefixes[] = { "en", "eth", "bond", "wl" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_starts(iface, prefixes[i]))
			return true;
	return !iface.len || text_is(iface, "vmbr0");
}

/* Three quarters of all addresses of IPv4: with exceptions, it is still everyone that is meant. */
static bool are_most(const struct interval_set *source, unsigned family_mask)
{
	uint64_t count = 0;

	for (uint32_t i = 0; family_mask == IPV4 && i < source->count; i++)
		count += source->ranges[i].last.low - source->ranges[i].first.low + 1;
	return count >= (uint64_t)3 << 30;
}

static bool is_from_everyone(struct lint *lint, const struct rule *rule, bool *nearly)
{
	*nearly = false;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set source = space_endpoint(lint->space, rule->source, family_mask);

		if ((rule->family_mask & family_mask) && interval_set_is_full(&source, DIM_SOURCE, family_mask)) {
			*nearly = false;
			return true;
		}
		*nearly |= (rule->family_mask & family_mask) && are_most(&source, family_mask);
	}
	return *nearly;
}

static void report_open(struct exposure *e, const struct rule *line, const struct rule *rule, bool ssh, bool nearly)
{
	struct text iface = lint_rule_iface(line, rule);
	struct arena *arena = e->lint->arena;
	struct diagnostic *d = diag(e->lint->diags, line->span, DIAG_WEB_OPEN, "this rule opens the web interface%s to %severyone%s%s",
				    ssh ? " and SSH" : "", nearly ? "nearly " : "",
				    rule->family_mask == IPV4   ? " with IPv4"
				    : rule->family_mask == IPV6 ? " with IPv6"
							     : "",
				    iface.len ? arena_printf(arena, " on the side of `%.*s`", TEXT_ARG(iface)) : "");

	if (rule != line)
		diag_label(d, rule->span, "the rule of the group");
	diag_note(d, "whoever can send to the host's address can try passwords and faults of the software");
	diag_help(d, "name a source, or write the administrators' addresses into [IPSET management] and remove the rule");
}

static void visit_open(void *data, const struct rule *line, const struct rule *rule)
{
	struct exposure *e = data;
	struct text iface = lint_rule_iface(line, rule);
	struct packet_set set;
	bool nearly;

	if (e->done || (rule->action != ACTION_ACCEPT && (iface.len || rule->dest->kind != ENDPOINT_ANY)))
		return;
	set = lint_rule_from(e->lint, line, rule);
	if (rule->action == ACTION_ACCEPT && is_uplink(iface) && packet_set_overlaps(&set, &e->left) &&
	    is_from_everyone(e->lint, rule, &nearly)) {
		report_open(e, line, rule, packet_set_overlaps(&set, &e->ssh), nearly);
		e->done = true;
	}
	if (rule->action == ACTION_ACCEPT && iface.len)
		return;
	take(e->lint, &e->left, &set);
}

/* ---- the local network ---- */

struct reach {
	struct lint *lint;
	struct packet_set left; /* from the local network, not decided yet */
	bool accepted;      /* all that was left, by a rule; without one what is left is */
};

static void visit_local(void *data, const struct rule *line, const struct rule *rule)
{
	struct reach *r = data;
	struct packet_set set;

	if (rule->action != ACTION_ACCEPT && (lint_rule_iface(line, rule).len || rule->dest->kind != ENDPOINT_ANY))
		return;
	if (!r->left.count)
		return;
	set = lint_rule_from(r->lint, line, rule);
	take(r->lint, &r->left, &set);
	r->accepted |= rule->action == ACTION_ACCEPT && !r->left.count;
}

/* Of IPv6 most networks have public addresses, and a router before them that lets nobody in. */
static bool is_public(const struct prefix *network)
{
	static const struct prefix private[] = {
		{ AF_INET, 8, { 10 } },	 { AF_INET, 12, { 172, 16 } },  { AF_INET, 16, { 192, 168 } },
		{ AF_INET, 10, { 100, 64 } }, { AF_INET, 16, { 169, 254 } }, { AF_INET, 8, { 127 } },
	};

	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (prefix_covers(&private[i], network) || prefix_covers(network, &private[i]))
			return false;
	return network->family == AF_INET && network->length <= WIDEST;
}

static void check_local_network(struct lint *lint)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct reach reach = { .lint = lint, .left = service_from(lint, WEB, lint_local_network) };
	struct diagnostic *d;

	if (!is_public(&network->prefix))
		return;
	lint_each_host_rule(lint, DIRECTION_IN, visit_local, &reach);
	if (!reach.left.count && !reach.accepted)
		return;
	d = diag(lint->diags, network->span.begin ? network->span : lint_option_place(cluster, "enable"),
		 DIAG_LOCAL_NETWORK_PUBLIC, "the local network %.*s is one of public addresses", TEXT_ARG(network->cidr));
	diag_note(d, "the host lets all of it reach the web interface, SSH and the consoles, other people's machines in it too");
	diag_help(d, "write `local_network` with your own addresses into [ALIASES] of cluster.fw, or drop the others with a rule");
}

void lint_exposure(struct lint *lint)
{
	const struct config *config = lint->config;
	struct exposure e = { .lint = lint };

	if (!config_enabled(config) || !config->host_options.enable ||
	    config->cluster_options.policy_in.action == ACTION_ACCEPT)
		return;
	e.left = service_from(lint, WEB, everyone);
	e.ssh = service_from(lint, SSH, everyone);
	lint_each_host_rule(lint, DIRECTION_IN, visit_open, &e);
	check_local_network(lint);
}
