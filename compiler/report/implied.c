/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that nobody writes: what both backends put before and behind those of the
 * files, in their order (spec 2.2 to 2.6), and which option they come from.
 */
#include "report/report.h"

/* ---- rows ---- */

/* An implied rule; `because` NULL: it is always there. */
static struct report_row *add(struct report_builder *b, struct report_chain *chain,
			      enum report_outcome outcome, const char *service, const char *because)
{
	struct report_row row = { .origin = because ? REPORT_OPTION : REPORT_ALWAYS,
				  .outcome = outcome,
				  .service = service,
				  .because = because,
				  .family_mask = IPV_BOTH };

	return report_row_add(b, chain, row);
}

/* One that stands for an option. */
static struct report_row *add_for(struct report_builder *b, struct report_chain *chain,
				  enum report_outcome outcome, const char *service, enum option_id id,
				  const void *options, const struct span *written)
{
	struct span span;
	struct report_row *row = add(b, chain, outcome, service, report_option(b, id, options, written, &span));

	row->span = span;
	return row;
}

static struct report_row *add_for_host(struct report_builder *b, struct report_chain *chain,
				       enum report_outcome outcome, const char *service, enum option_id id)
{
	return add_for(b, chain, outcome, service, id, &b->config->host_options, b->config->host_written);
}

static const struct ipset *cluster_set(const struct report_builder *b, const char *name)
{
	const struct ipset *set = NULL;

	if (b->config->cluster.ipsets)
		HASH_FIND_STR(b->config->cluster.ipsets, name, set);
	return set;
}

static const char *level(enum log_level log)
{
	return log == LOG_NOLOG ? NULL : log_level_names[log];
}

/* ---- for all that enters ---- */

static void add_early(struct report_builder *b, struct report_chain *chain)
{
	const struct host_options *o = &b->config->host_options;

	if (o->protection_synflood)
		add_for_host(b, chain, REPORT_DROP,
			     arena_printf(b->arena,
					  "more than %lld new TCP connections a second from one source",
					  (long long)o->protection_synflood_rate),
			     OPTION_HOST_PROTECTION_SYNFLOOD);
	if (o->nf_conntrack_helpers.count)
		add_for_host(b, chain, REPORT_ACCEPT, "data connections that the helpers recognise",
			     OPTION_HOST_NF_CONNTRACK_HELPERS);
}

static void add_stateful(struct report_builder *b, struct report_chain *chain, bool always)
{
	if (always)
		add(b, chain, REPORT_DROP, "invalid packets (conntrack state INVALID)", NULL);
	else if (!b->config->host_options.nf_conntrack_allow_invalid)
		add_for_host(b, chain, REPORT_DROP, "invalid packets (conntrack state INVALID)",
			     OPTION_HOST_NF_CONNTRACK_ALLOW_INVALID);
	add(b, chain, REPORT_ACCEPT, "packets of connections that were let through", NULL);
}

/* What is dropped before any rule is asked. */
static void add_input_filters(struct report_builder *b, struct report_chain *chain, enum log_level log)
{
	const struct host_options *o = &b->config->host_options;
	const struct ipset *blacklist = cluster_set(b, "blacklist");
	struct report_row *row;

	if (blacklist) {
		row = add(b, chain, REPORT_DROP, "everything", "[IPSET blacklist]");
		row->from = "+dc/blacklist";
		row->span = blacklist->last_span;
		row->log = level(log);
	}
	if (o->nosmurfs) {
		row = add_for_host(b, chain, REPORT_DROP, "packets from broadcast and multicast addresses",
				   OPTION_HOST_NOSMURFS);
		row->family_mask = IPV4;
		row->log = level(o->smurf_log_level);
	}
	if (o->tcpflags)
		add_for_host(b, chain, REPORT_DROP, "impossible combinations of TCP flags",
			     OPTION_HOST_TCPFLAGS)
			->log = level(o->tcp_flags_log_level);
}

/* ---- the host ---- */

void report_host_before(struct report_builder *b, struct report_chain *chain)
{
	bool forward = chain->direction == DIRECTION_FORWARD;

	if (chain->direction != DIRECTION_OUT)
		add_early(b, chain);
	if (!forward)
		add(b, chain, REPORT_ACCEPT, "everything", NULL)->iface = "lo";
	add_stateful(b, chain, !forward);
	if (forward)
		return;
	if (b->config->host_options.ndp)
		add_for_host(b, chain, REPORT_ACCEPT, "neighbour discovery", OPTION_HOST_NDP)->family_mask = IPV6;
	if (chain->direction == DIRECTION_IN)
		add_input_filters(b, chain, b->config->host_options.log_level_in);
	add(b, chain, REPORT_ACCEPT, "IGMP", NULL);
}

/* Services of the node; the last one is for the management only. */
static const struct service {
	const char *name, *detail;
	struct port_range ports;
} services[] = {
	{ "web interface", "tcp 8006", { 8006, 8006 } },
	{ "VNC", "tcp 5900:5999", { 5900, 5999 } },
	{ "SPICE", "tcp 3128", { 3128, 3128 } },
	{ "SSH", "tcp 22", { 22, 22 } },
	{ "migration", "tcp 60000:60050", { 60000, 60050 } },
};

static const struct endpoint anywhere = { .kind = ENDPOINT_ANY, .family_mask = IPV_BOTH };

/* As if it were written, so that the matrix can tell what rules before it take away. */
static const struct rule *as_rule(struct report_builder *b, const struct service *service,
				  enum direction direction, const struct endpoint *from,
				  const struct endpoint *to)
{
	struct port_range *range = ARENA_NEW(b->arena, struct port_range);
	struct condition *condition = ARENA_NEW(b->arena, struct condition);
	struct ports *ports = ARENA_NEW(b->arena, struct ports);
	struct rule *rule = ARENA_NEW(b->arena, struct rule);

	*range = service->ports;
	*ports = (struct ports){ .ranges = range, .count = 1 };
	*condition = (struct condition){ .family_mask = IPV_BOTH,
					 .dport = ports,
					 .proto = { .text = TEXT("tcp"), .number = 6, .has_ports = true } };
	*rule = (struct rule){ .direction = direction,
			       .enabled = true,
			       .family_mask = IPV_BOTH,
			       .net = -1,
			       .source = from,
			       .dest = to,
			       .conditions = condition,
			       .condition_count = 1 };
	return rule;
}

static void add_management(struct report_builder *b, struct report_chain *chain)
{
	const struct ipset *management = cluster_set(b, "management");
	struct endpoint *from = ARENA_NEW(b->arena, struct endpoint);

	*from = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = management };
	for (size_t i = 0; management && i < sizeof(services) / sizeof(services[0]); i++) {
		struct report_row *row = add(b, chain, REPORT_ACCEPT, services[i].name, "[IPSET management]");

		row->detail = services[i].detail;
		row->from = "+dc/management";
		row->span = management->last_span;
		row->opens = true;
		row->rule = as_rule(b, &services[i], DIRECTION_IN, from, &anywhere);
	}
}

/* The policy lets everything out, so what is implied says nothing. */
static bool accepts_out(const struct report_builder *b)
{
	return b->config->cluster_options.policy_out.action == ACTION_ACCEPT;
}

static void add_local_network(struct report_builder *b, struct report_chain *chain)
{
	const struct alias *network = b->config->local_network;
	struct text cidr = b->local_network_known ? network->cidr : TEXT("not known here");
	const char *name = report_text(b, ARENA_JOIN(b->arena, TEXT("local_network ("), cidr, TEXT(")")));
	struct endpoint *to = ARENA_NEW(b->arena, struct endpoint);

	*to = (struct endpoint){ .kind = ENDPOINT_ALIAS,
				 .family_mask = prefix_family_mask(&network->prefix),
				 .alias = network };
	for (size_t i = 0; i + 1 < sizeof(services) / sizeof(services[0]); i++) {
		struct report_row *row = add(b, chain, REPORT_ACCEPT, services[i].name, "local_network");

		row->detail = services[i].detail;
		row->to = name;
		row->family_mask = to->family_mask;
		row->span = network->span;
		row->opens = !accepts_out(b);
		row->rule = as_rule(b, &services[i], DIRECTION_OUT, &anywhere, to);
	}
}

static void add_corosync(struct report_builder *b, struct report_chain *chain)
{
	const struct corosync *corosync = &b->config->corosync;
	bool in = chain->direction == DIRECTION_IN;

	if (corosync->multicast) {
		struct report_row *row = add(b, chain, REPORT_ACCEPT, "corosync", "corosync.conf");

		row->detail = "udp 5404:5405";
		row->to = "multicast";
	}
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		struct report_row *row = add(b, chain, REPORT_ACCEPT, "corosync", "corosync.conf");

		row->detail = "udp 5404:5405";
		row->from = report_text(b, in ? link->theirs : link->ours);
		row->to = report_text(b, in ? link->ours : link->theirs);
		row->family_mask = link->family_mask;
		row->opens = in || !accepts_out(b);
	}
}

void report_host_behind(struct report_builder *b, struct report_chain *chain)
{
	if (chain->direction == DIRECTION_FORWARD)
		return;
	if (chain->direction == DIRECTION_IN)
		add_management(b, chain);
	else
		add_local_network(b, chain);
	add_corosync(b, chain);
}

/* ---- guests and vnets ---- */

/* Frames that are neither IPv4 nor IPv6. */
static void add_layer2(struct report_builder *b, struct report_chain *chain, const struct guest *guest)
{
	const struct guest_options *o = &guest->options;

	if (b->config->cluster_options.ebtables && o->layer2_protocols.count)
		add_for(b, chain, REPORT_DROP, "frames of other protocols than IP and those named",
			OPTION_GUEST_LAYER2_PROTOCOLS, o, guest->written);
}

static void add_address_filters(struct report_builder *b, struct report_chain *chain,
				const struct guest *guest, const struct nic *nic)
{
	const struct guest_options *o = &guest->options;
	const struct ipset *set = guest_filter_set(guest, nic);
	struct report_row *row;

	if (o->macfilter && nic->mac.len)
		add_for(b, chain, REPORT_DROP, "packets with another MAC address", OPTION_GUEST_MACFILTER, o,
			guest->written);
	if (!o->radv)
		add_for(b, chain, REPORT_DROP, "router advertisements", OPTION_GUEST_RADV, o, guest->written)
			->family_mask = IPV6;
	if (!set)
		return;
	if (!set->span.begin) {
		row = add_for(b, chain, REPORT_DROP, "packets from addresses that are not the guest's",
			      OPTION_GUEST_IPFILTER, o, guest->written);
	} else {
		row = add(b, chain, REPORT_DROP, "packets from addresses that are not the guest's",
			  arena_printf(b->arena, "[IPSET %.*s]", TEXT_ARG(set->name)));
		row->span = set->last_span;
	}
	row->from = arena_printf(b->arena, "not +guest/%.*s", TEXT_ARG(set->name));
}

void report_nic_before(struct report_builder *b, struct report_chain *chain, const struct guest *guest,
		       const struct nic *nic)
{
	const struct guest_options *o = &guest->options;
	bool in = chain->direction == DIRECTION_IN;

	add_early(b, chain);
	if (!in)
		add_layer2(b, chain, guest);
	add_stateful(b, chain, false);
	if (in)
		add_input_filters(b, chain, b->config->host_options.log_level_out);
	if (o->dhcp)
		add_for(b, chain, REPORT_ACCEPT, in ? "answers of DHCP servers" : "questions to DHCP servers",
			OPTION_GUEST_DHCP, o, guest->written);
	if (!in)
		add_address_filters(b, chain, guest, nic);
	if (o->ndp)
		add_for(b, chain, REPORT_ACCEPT, "neighbour discovery", OPTION_GUEST_NDP, o, guest->written)
			->family_mask = IPV6;
}

void report_vnet_before(struct report_builder *b, struct report_chain *chain)
{
	add_stateful(b, chain, false);
}

void report_vnet_behind(struct report_builder *b, struct report_chain *chain, const struct policy *policy)
{
	if (policy->action != ACTION_ACCEPT)
		add(b, chain, REPORT_ACCEPT, "neighbour discovery", NULL)->family_mask = IPV6;
}

/* ---- policies ---- */

static void add_policy(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		       enum log_level log, const char *because)
{
	static const enum report_outcome outcomes[ACTIONS] = { REPORT_ACCEPT, REPORT_DROP, REPORT_REJECT };
	struct report_row row = { .origin = REPORT_POLICY,
				  .outcome = outcomes[policy->action],
				  .service = chain->written ? "everything else" : "everything",
				  .because = because,
				  .family_mask = IPV_BOTH,
				  .span = policy->span,
				  .opens = policy->action == ACTION_ACCEPT,
				  .log = level(log) };

	chain->policy = report_row_add(b, chain, row);
}

/* What is decided in silence before the policy, and so is not logged. */
static void add_noise(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		      const char *because)
{
	bool drop = policy->action == ACTION_DROP;

	add(b, chain, REPORT_ACCEPT, "ICMP errors that connections need", because)->span = policy->span;
	add(b, chain, REPORT_DROP, "broadcasts, UPnP, late DNS answers, TCP without SYN; not logged", because)
		->span = policy->span;
	add(b, chain, drop ? REPORT_DROP : REPORT_REJECT, "NetBIOS and SMB; not logged", because)->span =
		policy->span;
}

void report_policy(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		   enum log_level log, const char *key)
{
	const char *because = arena_printf(b->arena, "%s: %s%s", key, action_names[policy->action],
					   policy->span.begin ? "" : " (default)");
	bool drops = policy->action != ACTION_ACCEPT;

	if (drops)
		add_noise(b, chain, policy, because);
	/* What a policy of ACCEPT lets through is never logged. */
	add_policy(b, chain, policy, drops ? log : LOG_NOLOG, because);
}
