/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Isolation of IPv4 only: rules block private networks in one direction, and the rest is accepted.  The same machines
 * have IPv6 addresses, at least link-local ones, which no rule matches.
 *
 * The check follows IPv6 packets from or to fe80::/10 and fc00::/7.  If a rule for all protocols blocks any of them, or
 * any IPv6 network, the author has considered IPv6 and nothing is reported.  Otherwise it is reported if all of them
 * are accepted in the end, by a rule for everything or by the policy.
 */
#include "lint/lint_context.h"
#include "lint/lint_packets.h"

enum {
	FEW = 7, /* last - first of an interval; a longer one is a network, not a few machines */
};

/* One direction of a guest or the host. */
struct isolation {
	struct lint *lint;
	enum direction direction;
	struct model *model;
	packets left;              /* IPv6 packets that no rule has decided yet */
	const struct rule *rule;   /* the first that blocks private networks */
	const struct rule *line;   /* the GROUP rule that names its group, or itself */
	const struct rule *accept; /* that accepts IPv6; NULL: the policy does */
	bool closed;               /* nothing to report */
	bool open;
};

/* RFC 4291, 4193. */
static const struct prefix local_ipv6[] = { { AF_INET6, 10, { 0xfe, 0x80 } }, { AF_INET6, 7, { 0xfc } } };

static bool is_for_every_protocol(const struct rule *rule)
{
	return !rule->macro && rule->condition_count && proto_is_any(&rule->conditions[0].proto);
}

/* Whether a rule blocks private IPv4 networks, not only a few machines, and nothing else. */
static bool drops_private(const struct isolation *p, const struct rule *rule)
{
	const struct endpoint *endpoint = p->direction == DIRECTION_IN ? rule->source : rule->dest;
	struct interval_set here, private;

	if (rule->action == ACTION_ACCEPT || !is_for_every_protocol(rule) || endpoint->kind == ENDPOINT_ANY ||
	    lint_endpoint(p->lint, endpoint, IPV6).count)
		return false;
	here = lint_endpoint(p->lint, endpoint, IPV4);
	private = interval_set_of_prefixes(&p->lint->scratch, lint_private_networks, LINT_PRIVATE_NETWORKS, IPV4);
	if (!here.count || interval_set_subtract(&p->lint->scratch, &here, &private).count)
		return false;
	for (uint32_t i = 0; i < here.count; i++)
		if (here.ranges[i].last.low - here.ranges[i].first.low >= FEW)
			return true;
	return false;
}

/* A rule in its place: `line` is the GROUP rule or the rule itself. */
struct placed_rule {
	const struct rule *line, *rule;
	struct model_chain steps;
};

static void visit_isolation_rule(struct isolation *p, const struct placed_rule *placed)
{
	const struct rule *line = placed->line, *rule = placed->rule;
	const struct endpoint *endpoint = p->direction == DIRECTION_IN ? rule->source : rule->dest;
	bool every_protocol = is_for_every_protocol(rule), accepts = rule->action == ACTION_ACCEPT;
	bool on_one_nic = line->iface.len || rule->iface.len;
	packets hit;

	if (p->closed || p->open)
		return;
	if (drops_private(p, rule)) {
		if (!p->rule) {
			p->rule = rule;
			p->line = line;
		}
		return;
	}
	if (!accepts && every_protocol && endpoint->kind != ENDPOINT_ANY &&
	    lint_endpoint(p->lint, endpoint, IPV6).count) {
		p->closed = true;
		return;
	}
	hit = model_and(p->model, p->left, lint_model_set(p->model, &placed->steps));
	if (hit == PACKETS_NONE)
		return;
	if (!accepts && every_protocol) {
		p->closed = true;
	} else if (accepts && every_protocol && rule->source->kind == ENDPOINT_ANY &&
		   rule->dest->kind == ENDPOINT_ANY && !on_one_nic) {
		p->open = true;
		p->accept = rule;
	} else if (!on_one_nic) {
		p->left = model_minus(p->model, p->left, hit);
		p->closed = p->left == PACKETS_NONE || model_over(p->model, NULL);
	}
}

/* ---- reporting ---- */

/* The rules reported so far: one of a group is reported once, however many guests use the group. */
struct found {
	const struct rule *rule;
	struct found *next;
};

/* The text for a rule of a group does not depend on the group's users. */
static void say_what_accepts(struct diagnostic *d, const struct isolation *p, const struct policy *policy)
{
	const char *key = lint_policy_key(p->direction);

	if (p->line != p->rule)
		diag_note(
			d,
			"where the group is used, everything that it does not block is accepted, including IPv6");
	else if (p->accept)
		diag_label(d, p->accept->span, "accepts IPv6");
	else if (policy->span.begin)
		diag_label(d, policy->span, "accepts IPv6");
	else
		diag_note(d, "%s is ACCEPT by default, and accepts IPv6", key);
}

static void report_isolation(struct found **all, const struct isolation *p, const struct policy *policy, const char *who)
{
	const char *side = p->direction == DIRECTION_IN ? "source" : "dest";
	const char *type = direction_names[p->direction];
	struct found *found;
	struct diagnostic *d;

	for (const struct found *f = *all; f; f = f->next)
		if (f->rule == p->rule)
			return;
	d = diag(p->lint->diags, p->rule->span, DIAG_IPV4_ISOLATION,
		 "private networks are blocked for %s in IPv4 only",
		 p->line == p->rule ? who : "users of this group");
	say_what_accepts(d, p, policy);
	diag_note(d, "the same machines have link-local IPv6 addresses (fe80::/10), and may have others");
	diag_help(
		d,
		"add IPv6 rules such as `%s DROP -%s fe80::/10` and `%s DROP -%s fc00::/7`, and for the networks' own prefixes",
		type, side, type, side);
	found = ARENA_NEW(&p->lint->scratch, struct found);
	*found = (struct found){ .rule = p->rule, .next = *all };
	*all = found;
}

/* The rules of one direction; `blocks` if one of them blocks private networks. */
struct placed_rules {
	struct isolation *path;
	struct placed_rule *items;
	uint32_t count, room;
	bool blocks;
};

static void place_rule(void *data, const struct rule *line, const struct rule *rule)
{
	struct placed_rules *all = data;

	if (all->count == all->room) {
		struct placed_rule *more;

		all->room = all->room * 2 + 16;
		more = ARENA_ARRAY(&all->path->lint->scratch, struct placed_rule, all->room);
		if (all->count)
			memcpy(more, all->items, all->count * sizeof(*more));
		all->items = more;
	}
	all->items[all->count++] = (struct placed_rule){ .line = line, .rule = rule };
	all->blocks |= drops_private(all->path, rule);
}

/* IPv6 packets from or to machines of the same networks. */
static struct model_chain ipv6_packets(const struct isolation *p)
{
	static const struct interval ipv6 = { { 0, 0x86dd }, { 0, 0x86dd } };
	struct arena *scratch = &p->lint->scratch;
	struct model_match *matches = ARENA_ARRAY(scratch, struct model_match, 2);
	struct model_step *step = ARENA_NEW(scratch, struct model_step);

	matches[0] = (struct model_match){ MODEL_ETHERTYPE, false, { &ipv6, 1 } };
	matches[1] = (struct model_match){
		p->direction == DIRECTION_IN ? MODEL_SOURCE6 : MODEL_DEST6, false,
		interval_set_of_prefixes(scratch, local_ipv6, sizeof(local_ipv6) / sizeof(local_ipv6[0]), IPV6)
	};
	*step = (struct model_step){ .matches = matches, .match_count = 2 };
	return (struct model_chain){ .steps = step, .count = 1 };
}

static void walk_rules(struct isolation *p, struct placed_rules *rules)
{
	struct model_chain local = ipv6_packets(p);

	p->model = lint_model_start(p->lint);
	for (uint32_t i = 0; i < rules->count; i++) {
		struct placed_rule *placed = &rules->items[i];

		placed->steps = lint_rule_steps(p->lint, placed->rule, placed->line->iface);
		lint_model_add(p->model, &placed->steps);
	}
	lint_model_add(p->model, &local);
	lint_model_seal(p->model);
	p->left = lint_model_set(p->model, &local);
	for (uint32_t i = 0; i < rules->count; i++)
		visit_isolation_rule(p, &rules->items[i]);
}

static void check_isolation(struct lint *lint, struct found **all, enum direction direction, const struct rule_list *rules[2],
		  const struct policy *policy, const char *who)
{
	struct isolation path = { .lint = lint, .direction = direction };
	struct placed_rules placed = { .path = &path };

	lint_each_rule(rules[0], direction, place_rule, &placed);
	lint_each_rule(rules[1], direction, place_rule, &placed);
	if (!placed.blocks)
		return;
	walk_rules(&path, &placed);
	if (path.rule && !path.closed && (path.open || policy->action == ACTION_ACCEPT) && !model_over(path.model, NULL))
		report_isolation(all, &path, policy, who);
}

void lint_isolation(struct lint *lint)
{
	const struct config *config = lint->config;
	const struct rule_list *host[] = { &config->host_rules, &config->cluster_rules };
	struct found *all = NULL;

	if (!config_enabled(config))
		return;
	if (config->host_options.enable) {
		check_isolation(lint, &all, DIRECTION_IN, host, &config->cluster_options.policy_in, "the host");
		check_isolation(lint, &all, DIRECTION_OUT, host, &config->cluster_options.policy_out, "the host");
	}
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;
		const struct rule_list *rules[] = { guest ? &guest->rules : NULL, NULL };

		if (!guest || !guest->config || !guest->options.enable || lint_has_errors(lint, guest->file))
			continue;
		check_isolation(lint, &all, DIRECTION_IN, rules, &guest->options.policy_in, guest_name(lint->arena, guest));
		check_isolation(lint, &all, DIRECTION_OUT, rules, &guest->options.policy_out, guest_name(lint->arena, guest));
	}
}
