/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock-out: who can still reach SSH and the web interface of the host once the firewall is on?
 *
 * After all written rules the host lets in the set `management`, which always holds the local network.  So that network
 * keeps its access unless an earlier rule takes it away; and if the set holds nothing else, nobody else has access.
 */
#include "lint/lint_host.h"

/* Access to one service. */
struct way {
	struct lint *lint;
	struct model *model;
	const char *name;
	packets left;                   /* packets of administrators that no rule has decided yet */
	packets outside;                /* packets from outside the local network */
	bool written;                   /* the administrators are those in [IPSET management] */
	bool further;                   /* some of them are outside the local network */
	bool opened;                    /* a rule accepts an outside address */
	bool chosen;                    /* a rule accepts some administrators */
	const struct rule *line, *rule; /* the rule that blocks administrators; `line`: its GROUP rule or itself */
	const char *example;
};

/* Everything that is asked of the host. */
struct lock_out {
	struct lint *lint;
	struct model *model;
	struct lint_host_rules rules;
	struct model_chain administrators, outside, blacklist, services[2]; /* SSH, web interface */
	bool written, further;
};

static void visit_lockout_rule(struct way *w, const struct lint_host_rule *r)
{
	const struct rule *rule = r->rule;
	packets set, hit;

	if (w->rule || lint_blocks_one_way(r->line, rule))
		return;
	set = lint_model_set(w->model, &r->from);
	hit = model_and(w->model, set, w->left);
	if (rule->action == ACTION_ACCEPT) {
		w->opened |= model_and(w->model, set, w->outside) != PACKETS_NONE;
		w->chosen |= hit != PACKETS_NONE;
	} else if (hit != PACKETS_NONE && (w->written || !(w->opened || w->chosen))) {
		w->line = r->line;
		w->rule = rule;
		w->example = lint_example(w->lint, w->model, hit);
	}
	w->left = model_minus(w->model, w->left, hit);
}

/* Who should reach the host: the members of the set, or if it has none, the local network. */
static void find_sources(struct lock_out *l)
{
	struct lint *lint = l->lint;
	struct lint_sources local = lint_local_network(lint), named = lint_written_management(lint), elsewhere;

	l->written = lint_has_sources(&named);
	for (unsigned i = 0; i < 2; i++)
		l->further |= interval_set_subtract(&lint->scratch, &named.of[i], &local.of[i]).count != 0;
	elsewhere = lint_elsewhere(lint);
	l->outside = lint_from(lint, &elsewhere);
	l->administrators = lint_from(lint, l->written ? &named : &local);
}

/* Who is in the set `blacklist`; NULL: it is not written. */
static const struct ipset *find_blacklist(struct lock_out *l)
{
	const struct ipset *set = cluster_ipset(l->lint->config, "blacklist");
	struct lint_sources sources;

	if (!set || !set->span.begin)
		return NULL;
	for (unsigned i = 0; i < 2; i++)
		sources.of[i] = lint_ipset(l->lint, set, i ? IPV6 : IPV4);
	l->blacklist = lint_from(l->lint, &sources);
	return set;
}

static packets packets_of_service(struct lock_out *l, unsigned service, const struct model_chain *sources)
{
	return model_and(l->model, lint_model_set(l->model, &l->services[service]), lint_model_set(l->model, sources));
}

/* Reports administrators in the set `blacklist`, which is dropped before all rules.  If they are unknown nothing is
 * reported: the addresses that stand for them are in many lists. */
static bool report_blacklisted(struct lock_out *l, const struct ipset *set)
{
	struct lint *lint = l->lint;
	struct diagnostic *d;
	packets dropped;

	if (!set || (!l->written && !lint_knows_local_network(lint)))
		return false;
	dropped = model_and(l->model, packets_of_service(l, 0, &l->administrators), lint_model_set(l->model, &l->blacklist));
	if (dropped == PACKETS_NONE || model_over(l->model, NULL))
		return false;
	d = diag(lint->diags, set->span, DIAG_LOCK_OUT, "set blocks %s from the host",
		 l->written ? "addresses of `management`" : "addresses of the local network");
	diag_note(d, "for example, %s is dropped", lint_example(lint, l->model, dropped));
	diag_note(
		d,
		"packets from `blacklist` are dropped before all rules, and before `management` is accepted");
	diag_help(d, "add the administrators' addresses to the set with `!` before them, as exceptions");
	return true;
}

static struct way find_way(struct lock_out *l, unsigned service)
{
	struct way way = { .lint = l->lint, .model = l->model, .written = l->written, .further = l->further,
			   .name = implied_phrase(service ? IMPLIED_WEB : IMPLIED_SSH) };

	way.left = packets_of_service(l, service, &l->administrators);
	way.outside = packets_of_service(l, service, &l->outside);
	for (uint32_t i = 0; i < l->rules.count; i++)
		visit_lockout_rule(&way, &l->rules.items[i]);
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

static void start_lock_out(struct lock_out *l)
{
	find_sources(l);
	l->services[0] = lint_service(l->lint, IMPLIED_SSH);
	l->services[1] = lint_service(l->lint, IMPLIED_WEB);
	l->rules = lint_host_rules(l->lint, DIRECTION_IN);
	l->model = lint_model_start(l->lint);
	lint_host_add(l->model, &l->rules);
	lint_model_add(l->model, &l->administrators);
	lint_model_add(l->model, &l->outside);
	lint_model_add(l->model, &l->blacklist);
	lint_model_add(l->model, &l->services[0]);
	lint_model_add(l->model, &l->services[1]);
	lint_model_seal(l->model);
}

void lint_lock_out(struct lint *lint)
{
	const struct config *config = lint->config;
	struct lock_out l = { .lint = lint };
	const struct ipset *blacklist;
	struct way ssh, web;
	bool lost = lint_lost_rule(lint);

	if (!config_enabled(config) || !config->host_options.enable)
		return;
	blacklist = find_blacklist(&l);
	start_lock_out(&l);
	if (report_blacklisted(&l, blacklist))
		return;
	ssh = find_way(&l, 0);
	web = find_way(&l, 1);
	if (model_over(l.model, NULL))
		return;
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
