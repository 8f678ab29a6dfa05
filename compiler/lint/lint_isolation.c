/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Isolation that is for IPv4 only: rules drop what goes to private networks, or comes from there, and all else is
 * accepted.  The same machines have addresses of IPv6, at least link-local ones, and no rule is about these.
 *
 * The packets that are followed are those of IPv6 to fe80::/10 and fc00::/7.  If a rule that drops whatever protocol
 * is about any of them, IPv6 was thought of, and nothing is said.  Otherwise they must be accepted in the end, all of
 * them, by a rule for everything or by the policy.
 */
#include "lint/lint_context.h"
#include "packets/packet_set.h"

enum {
	MOST_PIECES = 500,
	FEW = 7, /* with an address more, a network is what is meant, not a machine */
};

/* One direction of a guest or the host. */
struct path {
	struct lint *lint;
	enum direction direction;
	struct packet_set left;        /* of IPv6, not decided yet */
	const struct rule *rule;   /* the first that drops private networks */
	const struct rule *line;   /* the GROUP rule that brings it, or itself */
	const struct rule *accept; /* that lets IPv6 pass; NULL: the policy */
	bool closed;               /* nothing is to be said */
	bool open;
};

static struct interval_set values_of(struct lint *lint, const struct prefix *prefixes, uint32_t count)
{
	struct interval *ranges = ARENA_ARRAY(&lint->scratch, struct interval, count);

	for (uint32_t i = 0; i < count; i++)
		ranges[i] = interval_of_prefix(&prefixes[i]);
	return interval_set_normalize(ranges, count);
}

/* RFC 1918, 6598, 3927. */
static struct interval_set private_ipv4(struct lint *lint)
{
	static const struct prefix networks[] = {
		{ AF_INET, 8, { 10 } },	 { AF_INET, 12, { 172, 16 } },  { AF_INET, 16, { 192, 168 } },
		{ AF_INET, 10, { 100, 64 } }, { AF_INET, 16, { 169, 254 } },
	};

	return values_of(lint, networks, sizeof(networks) / sizeof(networks[0]));
}

/* RFC 4291, 4193. */
static struct interval_set local_ipv6(struct lint *lint)
{
	static const struct prefix networks[] = { { AF_INET6, 10, { 0xfe, 0x80 } }, { AF_INET6, 7, { 0xfc } } };

	return values_of(lint, networks, sizeof(networks) / sizeof(networks[0]));
}

static bool is_for_every_protocol(const struct rule *rule)
{
	return !rule->macro && rule->condition_count && proto_is_any(&rule->conditions[0].proto);
}

/* Private networks of IPv4, more than a few machines, and nothing else. */
static bool drops_private(const struct path *p, const struct rule *rule)
{
	const struct endpoint *endpoint = p->direction == DIRECTION_IN ? rule->source : rule->dest;
	struct interval_set here, private = private_ipv4(p->lint);

	if (rule->action == ACTION_ACCEPT || !is_for_every_protocol(rule) || endpoint->kind == ENDPOINT_ANY ||
	    space_endpoint(p->lint->space, endpoint, IPV6).count)
		return false;
	here = space_endpoint(p->lint->space, endpoint, IPV4);
	if (!here.count || interval_set_subtract(&p->lint->scratch, &here, &private).count)
		return false;
	for (uint32_t i = 0; i < here.count; i++)
		if (here.ranges[i].last.low - here.ranges[i].first.low >= FEW)
			return true;
	return false;
}

/* Drops networks of IPv6, even if not the local ones: the author has thought of IPv6. */
static bool drops_ipv6(const struct path *p, const struct rule *rule)
{
	const struct endpoint *endpoint = p->direction == DIRECTION_IN ? rule->source : rule->dest;

	return rule->action != ACTION_ACCEPT && is_for_every_protocol(rule) && endpoint->kind != ENDPOINT_ANY &&
	       space_endpoint(p->lint->space, endpoint, IPV6).count;
}

static bool is_for_all(const struct rule *rule)
{
	return is_for_every_protocol(rule) && rule->source->kind == ENDPOINT_ANY && rule->dest->kind == ENDPOINT_ANY;
}

static void visit(struct path *p, const struct rule *line, const struct rule *rule)
{
	struct packet_set set;
	bool on_one_nic = line->iface.len || rule->iface.len;

	if (!rule->enabled || rule->direction != p->direction || p->closed || p->open)
		return;
	if (drops_private(p, rule)) {
		if (!p->rule) {
			p->rule = rule;
			p->line = line;
		}
		return;
	}
	if (drops_ipv6(p, rule)) {
		p->closed = true;
		return;
	}
	set = space_rule(p->lint->space, rule, line->iface);
	if (!packet_set_overlaps(&set, &p->left))
		return;
	if (rule->action != ACTION_ACCEPT && is_for_every_protocol(rule)) {
		p->closed = true;
	} else if (rule->action == ACTION_ACCEPT && is_for_all(rule) && !on_one_nic) {
		p->open = true;
		p->accept = rule;
	} else if (!on_one_nic) {
		for (uint32_t i = 0; i < set.count && p->left.count; i++)
			packet_set_subtract(&p->lint->scratch, &p->left, &set.cubes[i]);
		p->closed = !p->left.count || p->left.count > MOST_PIECES;
	}
}

static void visit_all(struct path *p, const struct rule_list *rules)
{
	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next) {
		if (r->direction != DIRECTION_GROUP)
			visit(p, r, r);
		for (const struct rule *g =
			     r->direction == DIRECTION_GROUP && r->enabled ? r->group->rules.first : NULL;
		     g; g = g->next)
			visit(p, r, g);
	}
}

/* ---- reporting ---- */

/* Rules that were reported: that of a group is one mistake, however many guests use it. */
struct found {
	const struct rule *rule;
	struct found *next;
};

static bool is_found(const struct found *found, const struct rule *rule)
{
	while (found && found->rule != rule)
		found = found->next;
	return found != NULL;
}

/* Says the same of a rule in a group whoever uses it. */
static void say_what_accepts(struct diagnostic *d, const struct path *p, const struct policy *policy)
{
	const char *key = lint_policy_key(p->direction);

	if (p->line != p->rule)
		diag_note(d, "where the group is used, what it does not block is accepted, IPv6 too");
	else if (p->accept)
		diag_label(d, p->accept->span, "accepts IPv6");
	else if (policy->span.begin)
		diag_label(d, policy->span, "accepts IPv6");
	else
		diag_note(d, "%s is ACCEPT unless it is set, and accepts IPv6", key);
}

static void report(struct found **all, const struct path *p, const struct policy *policy, const char *who)
{
	const char *side = p->direction == DIRECTION_IN ? "source" : "dest";
	const char *type = direction_names[p->direction];
	struct found *found;
	struct diagnostic *d;

	if (is_found(*all, p->rule))
		return;
	d = diag(p->lint->diags, p->rule->span, DIAG_IPV4_ISOLATION, "private networks are blocked for %s with IPv4 only",
		 p->line == p->rule ? who : "the users of this group");
	say_what_accepts(d, p, policy);
	diag_note(d, "the same machines have link-local addresses of IPv6 (fe80::/10), and may have others");
	diag_help(d, "add rules for IPv6, as `%s DROP -%s fe80::/10` and `%s DROP -%s fc00::/7`, and for the networks' own "
		  "prefixes", type, side, type, side);
	found = ARENA_NEW(&p->lint->scratch, struct found);
	*found = (struct found){ .rule = p->rule, .next = *all };
	*all = found;
}

/* All packets of IPv6 between a guest and the machines of its networks. */
static struct cube local_packets(struct lint *lint, enum dimension side)
{
	struct cube cube = space_everything(IPV6);

	cube.side[side] = local_ipv6(lint);
	return cube;
}

static void check(struct lint *lint, struct found **all, enum direction direction, const struct rule_list *rules[2],
		  const struct policy *policy, const char *who)
{
	struct path path = { .lint = lint, .direction = direction };
	struct cube cube = local_packets(lint, direction == DIRECTION_IN ? DIM_SOURCE : DIM_DEST);

	packet_set_add(&lint->scratch, &path.left, &cube);
	visit_all(&path, rules[0]);
	visit_all(&path, rules[1]);
	if (path.rule && !path.closed && (path.open || policy->action == ACTION_ACCEPT))
		report(all, &path, policy, who);
}

void lint_isolation(struct lint *lint)
{
	const struct config *config = lint->config;
	const struct rule_list *host[] = { &config->host_rules, &config->cluster_rules };
	struct found *all = NULL;

	if (!config_enabled(config))
		return;
	if (config->host_options.enable) {
		check(lint, &all, DIRECTION_IN, host, &config->cluster_options.policy_in, "the host");
		check(lint, &all, DIRECTION_OUT, host, &config->cluster_options.policy_out, "the host");
	}
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;
		const struct rule_list *rules[] = { guest ? &guest->rules : NULL, NULL };

		if (!guest || !guest->config || !guest->options.enable || lint_has_errors(lint, guest->file))
			continue;
		check(lint, &all, DIRECTION_IN, rules, &guest->options.policy_in, lint_guest_name(lint, guest));
		check(lint, &all, DIRECTION_OUT, rules, &guest->options.policy_out, lint_guest_name(lint, guest));
	}
}
