/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that no file holds, from lang/implied.def, and the policies, with the options they come from. */
#include "report/model.h"

static const char *level(enum log_level log)
{
	return log == LOG_NOLOG ? NULL : log_level_names[log];
}

/* ---- one row ---- */

/* Adds a row; `because` NULL: the rule is always there. */
static struct report_row *add_implied_row(struct report_builder *b, struct report_chain *chain, enum implied_id id,
			      const char *because)
{
	static const enum report_outcome outcomes[ACTIONS + 1] = { REPORT_ACCEPT, REPORT_DROP, REPORT_REJECT, REPORT_DROP };
	const struct implied_rule *rule = &implied_rules[id];
	struct report_row row = { .origin = because ? REPORT_OPTION : REPORT_ALWAYS,
				  .outcome = outcomes[rule->action],
				  .service = rule->name,
				  .because = because,
				  .family_mask = rule->family_mask };

	return report_row_add(b, chain, row);
}

/* Adds the row of a rule that an option of the host or of the guest switches. */
static struct report_row *add_for_option(struct report_builder *b, struct report_chain *chain, enum implied_id id,
					 const struct guest *guest)
{
	enum option_id option = implied_rules[id].option;
	bool of_host = option_table[option].kind == FILE_HOST;
	const void *options = of_host ? (const void *)&b->config->host_options : &guest->options;
	struct span span;
	const char *because = report_option(b, option, options, of_host ? b->config->host_written : guest->written, &span);
	struct report_row *row = add_implied_row(b, chain, id, because);

	row->span = span;
	return row;
}

/* ---- services of the host ---- */

static const struct endpoint anywhere = { .kind = ENDPOINT_ANY, .family_mask = IPV_BOTH };

/* A service as if it were written, so that the matrix can subtract earlier rules from it. */
static const struct rule *as_rule(struct report_builder *b, const struct implied_packets *packets,
				  enum direction direction, const struct endpoint *from, const struct endpoint *to)
{
	struct condition *condition = ARENA_NEW(b->arena, struct condition);
	struct rule *rule = ARENA_NEW(b->arena, struct rule);

	*condition = (struct condition){
		.family_mask = IPV_BOTH,
		.dport = &packets->dport,
		.proto = { .text = text_of(packets->proto_name), .number = packets->proto, .has_ports = true },
	};
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

/* Whether the policy accepts everything outgoing; the matrices then do not show implied rules. */
static bool accepts_out(const struct report_builder *b)
{
	return b->config->cluster_options.policy_out.action == ACTION_ACCEPT;
}

static void add_incoming_service(struct report_builder *b, struct report_chain *chain, enum implied_id id)
{
	const struct implied_packets *packets = implied_packets_of(id);
	const struct ipset *management = cluster_ipset(b->config, "management");
	struct endpoint *from = ARENA_NEW(b->arena, struct endpoint);
	struct report_row *row;

	if (!management)
		return;
	*from = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = management };
	row = add_implied_row(b, chain, id, "[IPSET management]");
	row->detail = implied_packets_text(b->arena, packets);
	row->from = "+dc/management";
	row->span = management->last_span;
	row->opens = true;
	row->rule = as_rule(b, packets, DIRECTION_IN, from, &anywhere);
}

static void add_outgoing_service(struct report_builder *b, struct report_chain *chain, enum implied_id id)
{
	const struct implied_packets *packets = implied_packets_of(id);
	const struct alias *network = b->config->local_network;
	struct text cidr = b->local_network_known ? network->cidr : TEXT("not known here");
	struct endpoint *to = ARENA_NEW(b->arena, struct endpoint);
	struct report_row *row = add_implied_row(b, chain, id, "local_network");

	*to = (struct endpoint){ .kind = ENDPOINT_ALIAS,
				 .family_mask = prefix_family_mask(&network->prefix),
				 .alias = network };
	row->detail = implied_packets_text(b->arena, packets);
	row->to = report_text(b, ARENA_JOIN(b->arena, TEXT("local_network ("), cidr, TEXT(")")));
	row->family_mask = to->family_mask;
	row->span = network->span;
	row->opens = !accepts_out(b);
	row->rule = as_rule(b, packets, DIRECTION_OUT, &anywhere, to);
}

static void add_nodes(struct report_builder *b, struct report_chain *chain, enum implied_id id)
{
	const char *detail = implied_packets_text(b->arena, implied_packets_of(id));
	const struct corosync *corosync = &b->config->corosync;
	bool in = chain->direction == DIRECTION_IN;

	if (corosync->multicast) {
		struct report_row *row = add_implied_row(b, chain, id, "corosync.conf");

		row->detail = detail;
		row->to = "multicast";
	}
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		struct report_row *row = add_implied_row(b, chain, id, "corosync.conf");

		row->detail = detail;
		row->from = report_text(b, in ? link->theirs : link->ours);
		row->to = report_text(b, in ? link->ours : link->theirs);
		row->family_mask = link->family_mask;
		row->opens = in || !accepts_out(b);
	}
}

/* ---- rules before the written ones ---- */

static void add_blacklist(struct report_builder *b, struct report_chain *chain, enum log_level log)
{
	const struct ipset *blacklist = cluster_ipset(b->config, "blacklist");
	struct report_row *row;

	if (!blacklist)
		return;
	row = add_implied_row(b, chain, IMPLIED_BLACKLIST, "[IPSET blacklist]");
	row->from = "+dc/blacklist";
	row->span = blacklist->last_span;
	row->log = level(log);
}

/* A set in the guest's file counts whatever the option says. */
static void add_ip_filter(struct report_builder *b, struct report_chain *chain, const struct guest *guest,
			  const struct nic *nic)
{
	const struct ipset *set = guest_filter_set(guest, nic);
	struct report_row *row;

	if (!set)
		return;
	if (set->span.begin) {
		row = add_implied_row(b, chain, IMPLIED_IP_FILTER, arena_printf(b->arena, "[IPSET %.*s]", TEXT_ARG(set->name)));
		row->span = set->last_span;
	} else {
		row = add_for_option(b, chain, IMPLIED_IP_FILTER, guest);
	}
	row->from = arena_printf(b->arena, "not +guest/%.*s", TEXT_ARG(set->name));
}

static bool is_on(const struct report_builder *b, enum implied_id id, const struct guest *guest, const struct nic *nic)
{
	const struct host_options *host = &b->config->host_options;
	enum option_id option = implied_rules[id].option;

	switch (id) {
	case IMPLIED_HELPERS:
		return host->nf_conntrack_helpers.count;
	case IMPLIED_LAYER2:
		return b->config->cluster_options.ebtables && guest->options.layer2_protocols.count;
	case IMPLIED_MAC_FILTER:
		return guest->options.macfilter && nic->mac.len;
	default:
		return option == OPTION_COUNT || implied_is_on(id, option_table[option].kind == FILE_HOST ? (const void *)host : &guest->options);
	}
}

static void add_implied_rows(struct report_builder *b, struct report_chain *chain, enum implied_id id,
			const struct guest *guest, const struct nic *nic)
{
	const struct host_options *host = &b->config->host_options;
	struct report_row *row;

	if (id == IMPLIED_BLACKLIST) {
		add_blacklist(b, chain, guest ? host->log_level_out : host->log_level_in);
	} else if (id == IMPLIED_IP_FILTER) {
		add_ip_filter(b, chain, guest, nic);
	} else if (implied_rules[id].peer == PEER_MANAGEMENT) {
		if (chain->direction == DIRECTION_IN)
			add_incoming_service(b, chain, id);
		else
			add_outgoing_service(b, chain, id);
	} else if (implied_rules[id].peer == PEER_NODES) {
		add_nodes(b, chain, id);
	} else if (is_on(b, id, guest, nic)) {
		row = implied_rules[id].option == OPTION_COUNT ? add_implied_row(b, chain, id, NULL) : add_for_option(b, chain, id, guest);
		if (id == IMPLIED_SYNFLOOD)
			row->service = arena_printf(b->arena, "more than %lld new TCP connections per second from one source",
						    (long long)host->protection_synflood_rate);
		else if (id == IMPLIED_LOOPBACK)
			row->iface = "lo";
		else if (id == IMPLIED_SMURFS)
			row->log = level(host->smurf_log_level);
		else if (id == IMPLIED_TCP_FLAGS)
			row->log = level(host->tcp_flags_log_level);
	}
}

void report_implied(struct report_builder *b, struct report_chain *chain, enum implied_chain at,
		    enum implied_stage stage, const struct guest *guest, const struct nic *nic)
{
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if ((implied_rules[id].chains & at) && implied_rules[id].stage == stage)
			add_implied_rows(b, chain, id, guest, nic);
}

/* ---- policies ---- */

/* Adds the rules that decide, without a log, before a policy of DROP or REJECT. */
static void add_noise(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		      const char *because)
{
	struct report_row *row;
	const char *dropped = NULL;

	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].stage == IMPLIED_POLICY && implied_rules[id].action == ACTION_DROP &&
		    implied_rules[id].name)
			dropped = dropped ? arena_printf(b->arena, "%s, %s", dropped, implied_rules[id].name)
					  : implied_rules[id].name;
	add_implied_row(b, chain, IMPLIED_ICMP_ERRORS, because)->span = policy->span;
	row = add_implied_row(b, chain, IMPLIED_BROADCASTS, because);
	row->service = arena_printf(b->arena, "%s; not logged", dropped);
	row->span = policy->span;
	row = add_implied_row(b, chain, IMPLIED_WINDOWS, because);
	row->service = arena_printf(b->arena, "%s; not logged", implied_rules[IMPLIED_WINDOWS].name);
	row->outcome = policy->action == ACTION_DROP ? REPORT_DROP : REPORT_REJECT;
	row->span = policy->span;
}

void report_policy(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		   enum log_level log, const char *key)
{
	static const enum report_outcome outcomes[ACTIONS] = { REPORT_ACCEPT, REPORT_DROP, REPORT_REJECT };
	const char *because = arena_printf(b->arena, "%s: %s%s", key, action_names[policy->action],
					   policy->span.begin ? "" : " (default)");
	bool accepts = policy->action == ACTION_ACCEPT;
	struct report_row row = { .origin = REPORT_POLICY,
				  .outcome = outcomes[policy->action],
				  .service = chain->written ? "everything else" : "everything",
				  .because = because,
				  .family_mask = IPV_BOTH,
				  .span = policy->span,
				  .opens = accepts,
				  .log = accepts ? NULL : level(log) }; /* a policy of ACCEPT does not log */

	if (!accepts)
		add_noise(b, chain, policy, because);
	chain->policy = report_row_add(b, chain, row);
}
