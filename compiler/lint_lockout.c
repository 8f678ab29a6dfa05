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
#include "lint_check.h"
#include "lint_space.h"

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
	struct region left;             /* what the administrators send there, and is not decided */
	struct region outside;          /* what all but the local network send there */
	bool written;                   /* the administrators are those whom [IPSET management] names */
	bool opened;                    /* a rule lets somebody from elsewhere in */
	const struct rule *line, *rule; /* that keeps administrators out, and the GROUP rule that brings it */
	const char *example;
};

static void add_service(struct way *w, struct region *region, unsigned version, struct values source)
{
	struct box box = space_service(w->lint->space, version, 6, w->service->port, w->service->port);

	box.side[DIM_SOURCE] = source;
	if (source.count)
		region_add(&w->lint->scratch, region, &box);
}

/* The first box of `left` that one of `hole` meets, cut to it. */
static const char *victim(struct way *w, const struct region *hole)
{
	for (uint32_t i = 0; i < w->left.count; i++)
		for (uint32_t j = 0; j < hole->count; j++) {
			struct region rest = { .count = 0 };
			struct values outside;

			if (!box_overlaps(&w->left.boxes[i], &hole->boxes[j]))
				continue;
			region_add(&w->lint->scratch, &rest, &w->left.boxes[i]);
			outside = values_without(&w->lint->scratch, &rest.boxes[0].side[DIM_SOURCE],
						 &hole->boxes[j].side[DIM_SOURCE]);
			rest.boxes[0].side[DIM_SOURCE] = values_without(
				&w->lint->scratch, &rest.boxes[0].side[DIM_SOURCE], &outside);
			rest.boxes[0].side[DIM_DEST] = hole->boxes[j].side[DIM_DEST];
			return space_example(w->lint->arena, &rest.boxes[0]);
		}
	return NULL;
}

static void visit(struct way *w, const struct rule *line, const struct rule *rule)
{
	struct region region;

	/* What holds for one interface or address of the host says nothing about the way by which the
	 * administrators come. */
	if (!rule->enabled || rule->direction != DIRECTION_IN || line->iface.len || w->rule ||
	    (rule->action != ACTION_ACCEPT && rule->dest->kind != ENDPOINT_ANY) ||
	    w->left.count > MOST_PIECES)
		return;
	region = space_rule(w->lint->space, rule, line->iface);
	if (rule->action == ACTION_ACCEPT) {
		w->opened |= region_overlaps(&region, &w->outside);
	} else if (region_overlaps(&region, &w->left) && (w->written || !w->opened)) {
		w->line = line;
		w->rule = rule;
		w->example = victim(w, &region);
	}
	for (uint32_t i = 0; i < region.count; i++)
		region_take(&w->lint->scratch, &w->left, &region.boxes[i]);
}

static void visit_all(struct way *w, const struct rule_list *rules)
{
	for (const struct rule *r = rules->first; r; r = r->next) {
		if (r->direction != DIRECTION_GROUP)
			visit(w, r, r);
		for (const struct rule *g =
			     r->direction == DIRECTION_GROUP && r->enabled ? r->group->rules.first : NULL;
		     g; g = g->next)
			visit(w, r, g);
	}
}

static const struct ipset *management(const struct lint *lint)
{
	struct text name = TEXT("management");
	struct ipset *set = NULL;

	HASH_FIND(hh, lint->config->cluster.ipsets, name.ptr, name.len, set);
	return set;
}

/* Who is meant to reach the host: those whom the set names, or if it names nobody but the local
 * network, that. */
static void find_sources(struct way *w)
{
	const struct prefix *network = &w->lint->config->local_network->prefix;
	const struct ipset *set = management(w->lint);
	struct number_range *range = ARENA_NEW(&w->lint->scratch, struct number_range);
	struct values further[2];

	*range = number_range_of(network);
	for (unsigned version = IPV4; version <= IPV6; version <<= 1) {
		struct values local = { range, prefix_versions(network) == version };
		struct values members = space_set(w->lint->space, set, version),
			      all = space_everyone(version);

		further[version == IPV6] = values_without(&w->lint->scratch, &members, &local);
		add_service(w, &w->outside, version, values_without(&w->lint->scratch, &all, &local));
	}
	w->written = further[0].count || further[1].count;
	for (unsigned version = IPV4; version <= IPV6; version <<= 1)
		add_service(w, &w->left, version,
			    w->written ? further[version == IPV6] : space_set(w->lint->space, set, version));
}

static struct way find_way(struct lint *lint, const struct service *service)
{
	struct way way = { .lint = lint, .service = service };

	find_sources(&way);
	visit_all(&way, &lint->config->host_rules);
	visit_all(&way, &lint->config->cluster_rules);
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
	if (way->written || lint->inputs->local_network.version || !lint->config->local_network->implicit)
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
	return way->written || way->opened || way->rule;
}

static void report_local(struct lint *lint, const char *which)
{
	const struct alias *network = lint->config->local_network;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	struct diagnostic *d = diag(lint->diags, lint_option_place(cluster, "enable"), DIAG_LOCAL_ONLY,
				    "%s of the hosts can be reached from the local network only", which);

	if (network->span.begin)
		diag_label(d, network->span, "the local network");
	else if (lint->inputs->local_network.version)
		diag_note(d, "it is %.*s", TEXT_ARG(network->cidr));
	else
		diag_note(d, "which one that is, each node finds out itself");
	diag_note(d,
		  "policy_in is %s, no rule lets anybody else in, and [IPSET management] holds nothing else",
		  action_names[lint->config->cluster_options.policy_in.action]);
	diag_help(d, "add the administrators' addresses to [IPSET management] of cluster.fw");
}

void lint_lock_out(struct lint *lint)
{
	const struct config *config = lint->config;
	struct way ssh, web;

	/* A rule that was to let somebody in may be among the wrong ones. */
	if (!config_enabled(config) || !config->host_options.enable ||
	    lint_has_errors(lint, lint->inputs->cluster) || lint_has_errors(lint, lint->inputs->host))
		return;
	ssh = find_way(lint, &services[0]);
	web = find_way(lint, &services[1]);
	if (ssh.rule)
		report_closed(lint, &ssh, web.rule ? &web : NULL);
	if (web.rule && web.line != ssh.line)
		report_closed(lint, &web, NULL);
	if (config->cluster_options.policy_in.action != ACTION_ACCEPT && (!is_open(&ssh) || !is_open(&web)))
		report_local(lint, is_open(&web)   ? ssh.service->name
				   : is_open(&ssh) ? web.service->name
						   : "SSH and the web interface");
}
