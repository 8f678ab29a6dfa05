/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock-out: who still reaches SSH and the web interface of the host once the
 * firewall is on?
 *
 * Behind all written rules the host lets the set `management` in, which always
 * holds the local network.  So it stays within reach unless a rule before that
 * takes it away; and if nothing is in that set but the local network, nobody
 * else comes in.
 */
#include "lint/lint_host.h"

struct service {
	uint16_t port;
	const char *name;
};

static const struct service services[] = {
	{ 22, "SSH" },
	{ 8006, "the web interface" },
};

/* Into which what is left may fall; with more nothing is said. */
enum { MOST_PIECES = 500 };

/* The way to one service. */
struct way {
	struct lint *lint;
	const struct service *service;
	struct packet_set left;             /* what the administrators send there, and is not decided */
	struct packet_set outside;          /* what all but the local network send there */
	bool written;                   /* the administrators are those whom [IPSET management] names */
	bool further;                   /* some of them are outside of the local network */
	bool opened;                    /* a rule lets somebody from elsewhere in */
	bool chosen;                    /* a rule lets some of the administrators in */
	const struct rule *line, *rule; /* that keeps administrators out, and the GROUP rule that brings it */
	const char *example;
};

static void add_service(struct way *w, struct packet_set *set, unsigned family_mask, struct interval_set source)
{
	struct cube cube = space_service(w->lint->space, family_mask, 6, w->service->port, w->service->port);

	cube.side[DIM_SOURCE] = source;
	if (source.count)
		packet_set_add(&w->lint->scratch, set, &cube);
}

/* The first cube of `left` that one of `hole` meets, cut to it. */
static const char *victim(struct way *w, const struct packet_set *hole)
{
	for (uint32_t i = 0; i < w->left.count; i++)
		for (uint32_t j = 0; j < hole->count; j++) {
			struct packet_set rest = { .count = 0 };
			struct interval_set outside;

			if (!cube_overlaps(&w->left.cubes[i], &hole->cubes[j]))
				continue;
			packet_set_add(&w->lint->scratch, &rest, &w->left.cubes[i]);
			outside = interval_set_subtract(&w->lint->scratch, &rest.cubes[0].side[DIM_SOURCE],
						 &hole->cubes[j].side[DIM_SOURCE]);
			rest.cubes[0].side[DIM_SOURCE] = interval_set_subtract(
				&w->lint->scratch, &rest.cubes[0].side[DIM_SOURCE], &outside);
			rest.cubes[0].side[DIM_DEST] = hole->cubes[j].side[DIM_DEST];
			return space_example(w->lint->arena, &rest.cubes[0]);
		}
	return NULL;
}

static void visit(void *data, const struct rule *line, const struct rule *rule)
{
	struct way *w = data;
	struct packet_set set;

	/* A DROP for one interface or address of the host says nothing about the way by which the administrators
	 * come; an ACCEPT was written for that way. */
	if (w->rule || w->left.count > MOST_PIECES ||
	    (rule->action != ACTION_ACCEPT && (lint_rule_iface(line, rule).len || rule->dest->kind != ENDPOINT_ANY)))
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
	for (uint32_t i = 0; i < set.count; i++)
		packet_set_subtract(&w->lint->scratch, &w->left, &set.cubes[i]);
}

/* Who is meant to reach the host: those whom the set names, or if it names nobody, the local network. */
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
		add_service(w, &w->outside, family_mask, lint_elsewhere(lint, family_mask));
	}
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask <<= 1)
		add_service(w, &w->left, family_mask,
			    w->written ? named[family_mask == IPV6] : lint_local_network(lint, family_mask));
}

/* What comes from the set `blacklist` is dropped before all rules.  Where it is not known who the administrators are,
 * nothing is said: the addresses that stand for them are in many lists. */
static bool is_blacklisted(struct lint *lint)
{
	const struct ipset *set = lint_cluster_set(lint, "blacklist");
	struct way way = { .lint = lint, .service = &services[0] };
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
	d = diag(lint->diags, set->span, DIAG_LOCK_OUT, "this set keeps %s from the host",
		 way.written ? "addresses of `management`" : "addresses of the local network");
	diag_note(d, "for example, %s is dropped", victim(&way, &dropped));
	diag_note(d, "what comes from `blacklist` is dropped before all rules, and before `management` is let in");
	diag_help(d, "write an exception into the set, with `!` before the administrators' addresses");
	return true;
}

static struct way find_way(struct lint *lint, const struct service *service)
{
	struct way way = { .lint = lint, .service = service };

	find_sources(&way);
	lint_each_host_rule(lint, DIRECTION_IN, visit, &way);
	return way;
}

/* One rule may close both ways. */
static void report_closed(struct lint *lint, const struct way *way, const struct way *other)
{
	bool both = other && other->line == way->line;
	struct diagnostic *d;

	d = diag(lint->diags, way->line->span, DIAG_LOCK_OUT, "this rule keeps %s from %s%s of the host",
		 way->written ? "addresses of `management`" : "the local network", way->service->name,
		 both ? " and the web interface" : "");
	if (way->rule != way->line)
		diag_label(d, way->rule->span, "the rule of the group");
	if (way->written || lint_knows_local_network(lint))
		diag_note(d, "for example, %s is %s", way->example,
			  way->rule->action == ACTION_DROP ? "dropped" : "rejected");
	diag_note(
		d,
		"the host lets `management`, of which the local network is part, in only behind all rules that "
		"are written");
	diag_help(d, "let the administrators in above this rule");
}

static bool is_open(const struct way *way)
{
	return way->further || way->opened || way->rule;
}

static void report_local(struct lint *lint, const char *which, bool lost)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct diagnostic *d = diag(lint->diags, lint_option_place(cluster, "enable"), DIAG_LOCAL_ONLY,
				    "%s of the hosts can be reached from the local network only", which);

	if (network->span.begin)
		diag_label(d, network->span, "the local network");
	else if (lint->inputs->local_network.family)
		diag_note(d, "it is %.*s", TEXT_ARG(network->cidr));
	else
		diag_note(d, "which one that is, each node finds out itself");
	diag_note(d,
		  "policy_in is %s, no rule%s lets anybody else in, and [IPSET management] holds nothing else",
		  action_names[lint->config->cluster_options.policy_in.action], lost ? " that is right" : "");
	diag_help(d, "add the administrators' addresses to [IPSET management] of cluster.fw");
}

void lint_lock_out(struct lint *lint)
{
	const struct config *config = lint->config;
	struct way ssh, web;

	bool lost = lint_lost_rule(lint);

	if (!config_enabled(config) || !config->host_options.enable || is_blacklisted(lint))
		return;
	ssh = find_way(lint, &services[0]);
	web = find_way(lint, &services[1]);
	/* A rule that is wrong may have been the one that lets in; if all are, nobody is. */
	if (ssh.rule && !lost)
		report_closed(lint, &ssh, web.rule ? &web : NULL);
	if (web.rule && web.line != ssh.line && !lost)
		report_closed(lint, &web, NULL);
	if (lost && (config->cluster_rules.count || config->host_rules.count))
		return;
	if (config->cluster_options.policy_in.action != ACTION_ACCEPT && (!is_open(&ssh) || !is_open(&web)))
		report_local(lint, is_open(&web)   ? ssh.service->name
				   : is_open(&ssh) ? web.service->name
						   : "SSH and the web interface",
			     lost);
}
