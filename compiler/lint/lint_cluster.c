/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster's own traffic: do corosync, live migration and the consoles get through the rules of the host?
 *
 * After all written rules the host accepts what a cluster needs (lang/implied.def).  A rule such as `IN DROP` at the end
 * comes before that.  If a rule names the port of a service, the author has considered it and nothing is reported.
 *
 * The links of corosync are known from corosync.conf, with both addresses and the port, so their packets are followed
 * exactly.  The implied rules cover the ports of link 0 only; other links have ports of their own.  Their packets get in
 * as answers to what this node sends, unless policy_out blocks that.
 */
#include "lint/lint_host.h"

#include <netinet/in.h>

/* ---- services ---- */

/* The hosts that use a service. */
enum users {
	ADMINISTRATORS,
	NODES, /* the cluster's other nodes */
	LINKS, /* corosync on other nodes; only where there is no corosync.conf */
};

static const struct service {
	enum implied_id id;  /* IMPLIED_RULES: none has these ports alone, */
	uint16_t first, last; /* of UDP */
	enum users users;
} services[] = {
	{ IMPLIED_VNC, 0, 0, ADMINISTRATORS },
	{ IMPLIED_SPICE, 0, 0, ADMINISTRATORS },
	{ IMPLIED_MIGRATION, 0, 0, NODES },
	{ IMPLIED_RULES, 5405, 5405, LINKS },
	{ IMPLIED_RULES, 5406, 5412, LINKS },
	{ IMPLIED_SSH, 0, 0, ADMINISTRATORS },
	{ IMPLIED_WEB, 0, 0, ADMINISTRATORS },
};

enum {
	SERVICES = 3, /* the first services are reported, */
	WAYS = 5,     /* the next ones are named in a note, the last ones say whether rules let administrators in */
	ALL_WAYS = sizeof(services) / sizeof(services[0]),
};

/* Access to one service. */
struct way {
	const struct service *service;
	struct model_chain packets, users, others; /* of the service; from those whom the host lets in, and from others */
	packets left;                   /* undecided packets of those whom the host lets in after the rules */
	packets elsewhere;              /* packets from outside the local network */
	bool exact;                     /* its users' addresses are known */
	bool decided;                   /* a rule accepts or blocks some of its packets */
	bool let_in;                    /* rules let in all of `left` */
	const struct rule *line, *rule; /* the rule that blocks it; `line`: its GROUP rule or itself */
};

/* ---- corosync ---- */

struct link {
	const struct corosync_link *link;
	struct model_chain packet;
	packets set;
	bool decided;
	const struct rule *line, *rule; /* as of struct way */
	struct link *next;
};

struct check {
	struct lint *lint;
	struct model *model;
	struct way ways[ALL_WAYS];
	struct link *in, *out;
};

/* ---- packets ---- */

static struct interval_set one_address(const struct check *c, struct text address)
{
	struct prefix prefix;

	if (prefix_parse(address, &prefix) != ADDRESS_OK)
		return (struct interval_set){ NULL, 0 };
	return interval_set_of_prefixes(&c->lint->scratch, &prefix, 1, prefix_family_mask(&prefix));
}

/* The addresses of the other nodes; count 0: none is known. */
static struct interval_set node_addresses(const struct check *c, unsigned family_mask)
{
	struct interval *ranges;
	uint32_t count = 0;

	for (const struct corosync_link *l = c->lint->config->corosync.links; l; l = l->next)
		count++;
	ranges = ARENA_ARRAY(&c->lint->scratch, struct interval, count);
	count = 0;
	for (const struct corosync_link *l = c->lint->config->corosync.links; l; l = l->next) {
		struct interval_set address = one_address(c, l->theirs);

		if (l->family_mask == family_mask && address.count)
			ranges[count++] = address.ranges[0];
	}
	return interval_set_normalize(ranges, count);
}

/* Packets of one protocol between ports, as a chain of one step. */
static struct model_chain udp_packets(const struct check *c, uint16_t first, uint16_t last, bool both_ports)
{
	static const struct interval udp = { { 0, IPPROTO_UDP }, { 0, IPPROTO_UDP } };
	struct model_match *matches = ARENA_ARRAY(&c->lint->scratch, struct model_match, MODEL_FIELDS);
	struct interval *ports = ARENA_NEW(&c->lint->scratch, struct interval);
	struct model_step *step = ARENA_NEW(&c->lint->scratch, struct model_step);

	*ports = (struct interval){ number_small(first), number_small(last) };
	matches[0] = (struct model_match){ MODEL_PROTOCOL, false, { &udp, 1 } };
	matches[1] = (struct model_match){ MODEL_DPORT, false, { ports, 1 } };
	matches[2] = (struct model_match){ MODEL_SPORT, false, { ports, 1 } };
	*step = (struct model_step){ .matches = matches, .match_count = both_ports ? 3 : 2 };
	return (struct model_chain){ .steps = step, .count = 1 };
}

static void start_way(const struct check *c, struct way *way, const struct service *service)
{
	struct lint_sources named = lint_written_management(c->lint), local = lint_local_network(c->lint), nodes, others;
	bool written = lint_has_sources(&named), known;

	way->service = service;
	/* A node without others gets no such packets. */
	way->decided = service->users != ADMINISTRATORS && !c->lint->config->corosync.links &&
		       (c->lint->config->corosync.present || c->lint->inputs->on_node);
	way->decided |= service->users == LINKS && c->lint->config->corosync.present;
	for (unsigned i = 0; i < 2; i++)
		nodes.of[i] = node_addresses(c, i ? IPV6 : IPV4);
	known = lint_has_sources(&nodes);
	way->exact = written || (service->users == NODES && known);
	others = lint_elsewhere(c->lint);
	way->users = lint_from(c->lint, service->users == NODES && known ? &nodes : written ? &named : &local);
	way->others = lint_from(c->lint, &others);
	way->packets = service->id == IMPLIED_RULES ? udp_packets(c, service->first, service->last, false) :
						      lint_service(c->lint, service->id);
}

static struct link *start_links(const struct check *c, bool in)
{
	struct link *first = NULL, **last = &first;

	for (const struct corosync_link *l = c->lint->config->corosync.links; l; l = l->next) {
		struct link *link = ARENA_NEW(&c->lint->scratch, struct link);
		struct interval_set source = one_address(c, in ? l->theirs : l->ours),
				    dest = one_address(c, in ? l->ours : l->theirs);
		struct model_step *step;
		struct model_match *match;

		link->link = l;
		if (!source.count || !dest.count)
			continue;
		link->packet = udp_packets(c, l->port, l->port, true);
		step = (struct model_step *)link->packet.steps;
		match = (struct model_match *)step->matches + step->match_count;
		match[0] = (struct model_match){ l->family_mask == IPV4 ? MODEL_SOURCE4 : MODEL_SOURCE6, false, source };
		match[1] = (struct model_match){ l->family_mask == IPV4 ? MODEL_DEST4 : MODEL_DEST6, false, dest };
		step->match_count += 2;
		*last = link;
		last = &link->next;
	}
	return first;
}

/* ---- the rules ---- */

static void visit_way(const struct check *c, struct way *way, const struct lint_host_rule *r)
{
	unsigned at = (unsigned)(way->service - services);
	const struct rule *rule = r->rule;
	packets set;

	if (way->decided)
		return;
	if (at < SERVICES && lint_names_service(&r->from, way->service->id)) {
		way->decided = true;
		return;
	}
	if (rule->action != ACTION_ACCEPT && lint_blocks_one_way(r->line, rule))
		return;
	set = lint_model_set(c->model, &r->from);
	if (rule->action == ACTION_ACCEPT && at < WAYS) {
		way->decided = model_and(c->model, set, way->left) != PACKETS_NONE ||
			       (!way->exact && model_and(c->model, set, way->elsewhere) != PACKETS_NONE);
		return;
	}
	way->left = model_minus(c->model, way->left, set);
	if (way->left != PACKETS_NONE)
		return;
	way->decided = true;
	if (rule->action == ACTION_ACCEPT) {
		way->let_in = true;
		return;
	}
	way->line = r->line;
	way->rule = rule;
}

static void visit_links(const struct check *c, struct link *links, const struct lint_host_rule *r)
{
	const struct rule *rule = r->rule;
	packets set = links ? lint_model_set(c->model, &r->steps) : PACKETS_NONE;

	/* On which interface the link comes in is unknown. */
	if (rule->action != ACTION_ACCEPT && lint_rule_iface(r->line, rule).len)
		return;
	for (struct link *l = links; l; l = l->next) {
		if (l->decided || model_and(c->model, set, l->set) == PACKETS_NONE)
			continue;
		l->decided = true;
		if (rule->action != ACTION_ACCEPT) {
			l->line = r->line;
			l->rule = rule;
		}
	}
}

static void visit_rules(struct check *c, const struct lint_host_rules *rules, struct link *links, bool in)
{
	for (uint32_t n = 0; n < rules->count; n++) {
		for (unsigned i = 0; i < ALL_WAYS && in; i++)
			visit_way(c, &c->ways[i], &rules->items[n]);
		visit_links(c, links, &rules->items[n]);
	}
}

static void add_packets(struct check *c)
{
	struct link *const links[] = { c->in, c->out };

	for (unsigned i = 0; i < ALL_WAYS; i++) {
		lint_model_add(c->model, &c->ways[i].packets);
		lint_model_add(c->model, &c->ways[i].users);
		lint_model_add(c->model, &c->ways[i].others);
	}
	for (unsigned i = 0; i < 2; i++)
		for (const struct link *l = links[i]; l; l = l->next)
			lint_model_add(c->model, &l->packet);
}

static void find_packets(struct check *c)
{
	struct link *const links[] = { c->in, c->out };

	for (unsigned i = 0; i < ALL_WAYS; i++) {
		struct way *way = &c->ways[i];
		packets service = lint_model_set(c->model, &way->packets);

		way->left = model_and(c->model, service, lint_model_set(c->model, &way->users));
		way->elsewhere = model_and(c->model, service, lint_model_set(c->model, &way->others));
	}
	for (unsigned i = 0; i < 2; i++)
		for (struct link *l = links[i]; l; l = l->next)
			l->set = lint_model_set(c->model, &l->packet);
}

/* ---- reporting ---- */

/* "tcp 5900:5999" */
static const char *ports_text(const struct check *c, const struct service *service)
{
	struct arena *arena = c->lint->arena;

	if (service->id != IMPLIED_RULES)
		return implied_packets_text(arena, implied_packets_of(service->id));
	if (service->first == service->last)
		return arena_printf(arena, "udp %u", service->first);
	return arena_printf(arena, "udp %u:%u", service->first, service->last);
}

/* "a", "a and b", "a, b and c" */
struct list {
	struct arena *arena;
	const char *text, *last;
};

static void phrase_add(struct list *list, const char *item)
{
	if (list->last)
		list->text = list->text ? arena_printf(list->arena, "%s, %s", list->text, list->last) : list->last;
	list->last = item;
}

static const char *phrase_text(const struct list *list)
{
	return list->text ? arena_printf(list->arena, "%s and %s", list->text, list->last) : list->last;
}

static bool is_of_line(const struct link *link, const struct rule *line)
{
	return line ? link->line == line : !link->decided;
}

/* The links of a list that a rule stops, or (line NULL) none does, each once: how many, what they are, their ports. */
static uint32_t name_links(const struct check *c, const struct link *links, const struct rule *line, struct list *names,
			   struct list *ports)
{
	struct arena *arena = c->lint->arena;
	uint32_t count = 0;
	uint64_t seen = 0; /* a bit for each number; there are 8 at most */

	for (const struct link *l = links; l; l = l->next) {
		uint64_t bit = (uint64_t)1 << (l->link->number % 64);

		if ((seen & bit) || !is_of_line(l, line))
			continue;
		seen |= bit;
		count++;
		phrase_add(names, arena_printf(arena, "udp %u of link %u", l->link->port, l->link->number));
		ports->text = ports->text ? arena_printf(arena, "%s,%u", ports->text, l->link->port)
					  : arena_printf(arena, "%u", l->link->port);
	}
	return count;
}

static const struct link *first_link(const struct link *links, const struct rule *line)
{
	while (links && !is_of_line(links, line))
		links = links->next;
	return links;
}

/* Where no corosync.conf says that the node is in a cluster. */
static void note_guesses(const struct check *c, struct diagnostic *d, const struct rule *line)
{
	struct list ports = { .arena = c->lint->arena };

	for (unsigned i = SERVICES; i < WAYS; i++)
		if (c->ways[i].line == line)
			phrase_add(&ports, ports_text(c, &services[i]));
	if (ports.last)
		diag_note(d, "in a cluster it blocks corosync, too: %s", phrase_text(&ports));
}

/* All that one rule stops of what comes in. */
static void report_in(const struct check *c, const struct rule *line, const struct rule *rule)
{
	struct lint *lint = c->lint;
	struct list names = { .arena = lint->arena }, ports = names, links = names, link_ports = names;
	uint32_t link_count = name_links(c, c->in, line, &links, &link_ports);
	bool of_cluster = link_count > 0, of_nodes = false;
	bool chosen = c->ways[WAYS].let_in && c->ways[WAYS + 1].let_in;
	struct diagnostic *d;

	if (link_count)
		phrase_add(&names, "corosync");
	for (unsigned i = 0; i < SERVICES; i++)
		if (c->ways[i].line == line) {
			phrase_add(&names, implied_phrase(services[i].id));
			phrase_add(&ports, ports_text(c, &services[i]));
			of_nodes |= services[i].users == NODES;
		}
	of_cluster |= of_nodes && lint->config->corosync.links;
	d = lint->diags->first;
	while (d && (d->id != DIAG_LOCK_OUT || d->span.begin != line->span.begin))
		d = d->next;
	if (d && !of_cluster) {
		diag_note(d, "it blocks %s, too: %s", phrase_text(&names), phrase_text(&ports));
		note_guesses(c, d, line);
		return;
	}
	/* Who has let in everybody who is let in anyway, port by port, means the others to be closed.  A node alone does
	 * without the consoles' ports: its web interface brings them. */
	d = diag(lint->diags, line->span,
		 of_cluster || (of_nodes && !chosen) ? DIAG_CLUSTER_CUT_OFF : DIAG_CONSOLES_CUT_OFF,
		 "rule blocks %s to the host", phrase_text(&names));
	if (rule != line)
		diag_label(d, rule->span, "this rule of the group");
	/* No address is named: the same is true of the other nodes, and is to be said once. */
	if (link_count)
		diag_note(d, "corosync: %s %s %s; only answers to this node's packets are accepted",
			  phrase_text(&links), link_count > 1 ? "are" : "is", lint_effects[rule->action]);
	if (ports.last)
		diag_note(
			d,
			"the set `management`, which includes the local network, is accepted only after all written rules: %s",
			phrase_text(&ports));
	note_guesses(c, d, line);
	diag_help(d,
		  "accept this traffic above the rule, or delete the rule and let policy_in block the rest");
}

static void report_out(const struct check *c, const struct rule *line, const struct rule *rule)
{
	const struct policy *policy = &c->lint->config->cluster_options.policy_out;
	struct list links = { .arena = c->lint->arena }, ports = links;
	uint32_t count = name_links(c, c->out, line, &links, &ports);
	struct diagnostic *d;

	d = diag(c->lint->diags, line ? line->span : policy->span, DIAG_CLUSTER_CUT_OFF,
		 "this %s blocks corosync to the other nodes%s", line ? "rule" : "policy",
		 line        ? ""
		 : count > 1 ? " on some links"
			     : " on one link");
	if (rule && rule != line)
		diag_label(d, rule->span, "this rule of the group");
	diag_note(d, "%s %s %s", phrase_text(&links), count > 1 ? "are" : "is",
		  (rule ? rule->action : policy->action) == ACTION_DROP ? "dropped" : "rejected");
	if (!line)
		diag_note(d, "without a rule the host may send only udp 5404:5405");
	diag_help(d, "add `OUT ACCEPT -p udp -dport %s`%s", ports.text, line ? " above this rule" : "");
}

/* One for each rule. */
static void report_rules(const struct check *c)
{
	for (unsigned i = 0; i < SERVICES; i++) {
		bool again = false;

		for (unsigned j = 0; j < i; j++)
			again |= c->ways[j].line == c->ways[i].line;
		if (c->ways[i].line && !again)
			report_in(c, c->ways[i].line, c->ways[i].rule);
	}
	for (const struct link *l = c->in; l; l = l->next) {
		bool again = first_link(c->in, l->line) != l;

		for (unsigned i = 0; i < SERVICES; i++)
			again |= c->ways[i].line == l->line;
		if (l->line && !again)
			report_in(c, l->line, l->rule);
	}
	for (const struct link *l = c->out; l; l = l->next)
		if (l->line && first_link(c->out, l->line) == l)
			report_out(c, l->line, l->rule);
}

/* The links that policy_out blocks: those of ports that the host does not let out by itself. */
static void report_policy(const struct check *c)
{
	const struct port_range *covered = implied_packets_of(IMPLIED_COROSYNC)->dport.ranges;
	bool cut = false;

	for (struct link *l = c->out; l; l = l->next) {
		l->decided |= covered->first <= l->link->port && l->link->port <= covered->last;
		cut |= !l->decided;
	}
	if (cut && c->lint->config->cluster_options.policy_out.action != ACTION_ACCEPT)
		report_out(c, NULL, NULL);
}

void lint_cluster_traffic(struct lint *lint)
{
	const struct config *config = lint->config;
	struct check c = { .lint = lint };
	struct lint_host_rules in, out;

	if (!config_enabled(config) || !config->host_options.enable || lint_lost_rule(lint))
		return;
	for (unsigned i = 0; i < ALL_WAYS; i++)
		start_way(&c, &c.ways[i], &services[i]);
	c.in = start_links(&c, true);
	c.out = start_links(&c, false);
	in = lint_host_rules(lint, DIRECTION_IN);
	out = lint_host_rules(lint, DIRECTION_OUT);
	c.model = lint_model_start(lint);
	lint_host_add(c.model, &in);
	lint_host_add(c.model, &out);
	add_packets(&c);
	lint_model_seal(c.model);
	find_packets(&c);
	visit_rules(&c, &in, c.in, true);
	visit_rules(&c, &out, c.out, false);
	if (model_over(c.model, NULL))
		return;
	report_rules(&c);
	report_policy(&c);
}
