/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that more people can reach than its administrators may think: the web interface is open to everyone, or the
 * local network, which the host lets in after all rules, has public addresses.
 */
#include "lint/lint_host.h"

enum {
	LENGTH_MOST = 29, /* a network with a longer prefix holds only this node and its gateway */
};

/* ---- the web interface ---- */

struct exposure {
	struct lint *lint;
	struct model *model;
	packets left; /* packets to the web interface that no rule has decided yet */
	packets ssh;  /* packets to SSH */
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
		struct interval_set source = lint_endpoint(lint, rule->source, family_mask);

		if ((rule->family_mask & family_mask) && is_every_address(&source, family_mask))
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

static void visit_open(struct exposure *e, const struct lint_host_rule *r)
{
	const struct rule *rule = r->rule;
	struct text iface = lint_rule_iface(r->line, rule);
	packets set;
	bool nearly;

	if (e->done || lint_blocks_one_way(r->line, rule))
		return;
	set = lint_model_set(e->model, &r->from);
	if (rule->action == ACTION_ACCEPT && is_uplink(iface) && model_and(e->model, set, e->left) != PACKETS_NONE &&
	    is_from_everyone(e->lint, rule, &nearly) && !model_over(e->model, NULL)) {
		report_open(e, r->line, rule, model_and(e->model, set, e->ssh) != PACKETS_NONE, nearly);
		e->done = true;
	}
	if (rule->action == ACTION_ACCEPT && iface.len)
		return;
	e->left = model_minus(e->model, e->left, set);
}

/* ---- the local network ---- */

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

/* Whether some machine of the local network reaches the web interface: by a rule, or after all rules. */
static bool is_local_let_in(struct exposure *e, const struct lint_host_rules *rules, packets left)
{
	for (uint32_t i = 0; i < rules->count && left != PACKETS_NONE; i++) {
		const struct lint_host_rule *r = &rules->items[i];

		if (lint_blocks_one_way(r->line, r->rule))
			continue;
		left = model_minus(e->model, left, lint_model_set(e->model, &r->from));
		if (left == PACKETS_NONE)
			return r->rule->action == ACTION_ACCEPT && !model_over(e->model, NULL);
	}
	return left != PACKETS_NONE && !model_over(e->model, NULL);
}

static void report_local_network(struct lint *lint)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct diagnostic *d;

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
	struct lint_sources network;
	struct lint_host_rules rules;
	struct model_chain web, ssh, local;

	if (!config_enabled(config) || !config->host_options.enable ||
	    config->cluster_options.policy_in.action == ACTION_ACCEPT)
		return;
	rules = lint_host_rules(lint, DIRECTION_IN);
	network = lint_local_network(lint);
	web = lint_service(lint, IMPLIED_WEB);
	ssh = lint_service(lint, IMPLIED_SSH);
	local = lint_from(lint, &network);
	e.model = lint_model_start(lint);
	lint_host_add(e.model, &rules);
	lint_model_add(e.model, &web);
	lint_model_add(e.model, &ssh);
	lint_model_add(e.model, &local);
	lint_model_seal(e.model);
	e.left = lint_model_set(e.model, &web);
	e.ssh = lint_model_set(e.model, &ssh);
	for (uint32_t i = 0; i < rules.count; i++)
		visit_open(&e, &rules.items[i]);
	if (is_public(&config->local_network->prefix) &&
	    is_local_let_in(&e, &rules,
			    model_and(e.model, lint_model_set(e.model, &web), lint_model_set(e.model, &local))))
		report_local_network(lint);
}
