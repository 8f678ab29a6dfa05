/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock-out: who can still reach SSH and the web interface of the host once the firewall is on?
 *
 * After all written rules the host lets in the set `management`, which always holds the local network.  So that network
 * keeps its access unless an earlier rule takes it away; and if the set holds nothing else, nobody else has access.
 */
#include "lint/lint_host.h"

/* Limit of remaining cubes; above it nothing is reported. */
enum { MOST_PIECES = 500 };

/* Access to one service. */
struct way {
	struct lint *lint;
	enum implied_id service;
	const char *name;
	struct packet_set left;         /* packets of administrators that no rule has decided yet */
	struct packet_set outside;      /* packets from outside the local network */
	bool written;                   /* the administrators are those in [IPSET management] */
	bool further;                   /* some of them are outside the local network */
	bool opened;                    /* a rule accepts an outside address */
	bool chosen;                    /* a rule accepts some administrators */
	const struct rule *line, *rule; /* the rule that blocks administrators; `line`: its GROUP rule or itself */
	const char *example;
};

/* A packet that is left and in `hole`. */
static const char *victim(struct way *w, const struct packet_set *hole)
{
	for (uint32_t i = 0; i < w->left.count; i++)
		for (uint32_t j = 0; j < hole->count; j++) {
			struct cube both = w->left.cubes[i];

			if (!cube_overlaps(&both, &hole->cubes[j]))
				continue;
			both.side[DIM_SOURCE] = interval_set_intersect(&w->lint->scratch, &both.side[DIM_SOURCE],
								       &hole->cubes[j].side[DIM_SOURCE]);
			both.side[DIM_DEST] = hole->cubes[j].side[DIM_DEST];
			return space_example(w->lint->arena, &both);
		}
	return NULL;
}

static void visit_lockout_rule(void *data, const struct rule *line, const struct rule *rule)
{
	struct way *w = data;
	struct packet_set set;

	if (w->rule || w->left.count > MOST_PIECES || lint_blocks_one_way(line, rule))
		return;
	set = lint_rule_from(w->lint, line, rule);
	if (rule->action == ACTION_ACCEPT) {
		w->opened |= packet_set_overlaps(&set, &w->outside);
		w->chosen |= packet_set_overlaps(&set, &w->left);
	} else if (packet_set_overlaps(&set, &w->left) && (w->written || !(w->opened || w->chosen))) {
		w->line = line;
		w->rule = rule;
		w->example = victim(w, &set);
	}
	packet_set_subtract_all(&w->lint->scratch, &w->left, &set);
}

/* Finds who should reach the host: the members of the set, or if it has none, the local network. */
static void find_sources(struct way *w)
{
	struct lint *lint = w->lint;
	struct interval_set named[2];

	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct interval_set local = lint_local_network(lint, family_mask);
		struct interval_set *members = &named[family_mask == IPV6];

		*members = lint_written_management(lint, family_mask);
		w->written |= members->count != 0;
		w->further |= interval_set_subtract(&lint->scratch, members, &local).count != 0;
		lint_add_service(lint, &w->outside, w->service, family_mask, lint_elsewhere(lint, family_mask));
	}
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1)
		lint_add_service(lint, &w->left, w->service, family_mask,
				 w->written ? named[family_mask == IPV6] : lint_local_network(lint, family_mask));
}

/* Reports administrators in the set `blacklist`, which is dropped before all rules.  If they are unknown nothing is
 * reported: the addresses that stand for them are in many lists. */
static bool report_blacklisted(struct lint *lint)
{
	const struct ipset *set = cluster_ipset(lint->config, "blacklist");
	struct way way = { .lint = lint, .service = IMPLIED_SSH };
	struct packet_set dropped = { .count = 0 };
	struct diagnostic *d;

	find_sources(&way);
	if (!set || !set->span.begin || (!way.written && !lint_knows_local_network(lint)))
		return false;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1) {
		struct cube cube = space_everything(family_mask);

		cube.side[DIM_SOURCE] = space_set(lint->space, set, family_mask);
		if (cube.side[DIM_SOURCE].count)
			packet_set_add(&lint->scratch, &dropped, &cube);
	}
	if (!packet_set_overlaps(&dropped, &way.left))
		return false;
	d = diag(lint->diags, set->span, DIAG_LOCK_OUT, "set blocks %s from the host",
		 way.written ? "addresses of `management`" : "addresses of the local network");
	diag_note(d, "for example, %s is dropped", victim(&way, &dropped));
	diag_note(
		d,
		"packets from `blacklist` are dropped before all rules, and before `management` is accepted");
	diag_help(d, "add the administrators' addresses to the set with `!` before them, as exceptions");
	return true;
}

static struct way find_way(struct lint *lint, enum implied_id service)
{
	struct way way = { .lint = lint, .service = service, .name = implied_phrase(service) };

	find_sources(&way);
	lint_each_host_rule(lint, DIRECTION_IN, visit_lockout_rule, &way);
	return way;
}

/* `other` is the other service if it is blocked, too: by the same rule, perhaps. */
static void report_closed(struct lint *lint, const struct way *way, const struct way *other)
{
	bool both = other && other->line == way->line;
	struct diagnostic *d;

	d = diag(lint->diags, way->line->span, DIAG_LOCK_OUT, "rule blocks %s from %s%s of the host",
		 way->written ? "addresses of `management`" : "the local network", way->name,
		 both ? " and the web interface" : "");
	if (way->rule != way->line)
		diag_label(d, way->rule->span, "this rule of the group");
	if (way->written || lint_knows_local_network(lint))
		diag_note(d, "for example, %s is %s", way->example,
			  way->rule->action == ACTION_DROP ? "dropped" : "rejected");
	diag_note(
		d,
		"the host accepts `management`, which includes the local network, only after all written rules");
	diag_help(d, "add a rule above this one that accepts the administrators");
}

static bool is_open(const struct way *way)
{
	return way->further || way->opened || way->rule;
}

static void report_local(struct lint *lint, const char *which, bool lost)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct diagnostic *d = diag(lint->diags, lint_option_place(cluster, OPTION_CLUSTER_ENABLE), DIAG_LOCAL_ONLY,
				    "%s of the hosts can be reached from the local network only", which);

	if (network->span.begin)
		diag_label(d, network->span, "the local network");
	else if (lint->inputs->local_network.family)
		diag_note(d, "the local network is %.*s", TEXT_ARG(network->cidr));
	else
		diag_note(d, "each node determines its local network itself");
	diag_note(
		d,
		"policy_in is %s, no rule%s accepts anybody else, and [IPSET management] contains nothing else",
		action_names[lint->config->cluster_options.policy_in.action], lost ? " that is valid" : "");
	diag_help(d, "add the administrators' addresses to [IPSET management] of cluster.fw");
}

void lint_lock_out(struct lint *lint)
{
	const struct config *config = lint->config;
	struct way ssh, web;

	bool lost = lint_lost_rule(lint);

	if (!config_enabled(config) || !config->host_options.enable || report_blacklisted(lint))
		return;
	ssh = find_way(lint, IMPLIED_SSH);
	web = find_way(lint, IMPLIED_WEB);
	/* A rule that is wrong may have been the one that lets in; if all are, nobody is. */
	if (ssh.rule && !lost)
		report_closed(lint, &ssh, web.rule ? &web : NULL);
	if (web.rule && web.line != ssh.line && !lost)
		report_closed(lint, &web, NULL);
	if (lost && (config->cluster_rules.count || config->host_rules.count))
		return;
	if (config->cluster_options.policy_in.action != ACTION_ACCEPT && (!is_open(&ssh) || !is_open(&web)))
		report_local(lint, is_open(&web)   ? ssh.name
				   : is_open(&ssh) ? web.name
						   : "SSH and the web interface",
			     lost);
}
