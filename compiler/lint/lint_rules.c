/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of single rules: interfaces, lists of ports, FTP.
 */
#include "lang/implied.h"
#include "lint/lint_context.h"

/* ---- interfaces that cannot exist ---- */

/* Reads a number after a prefix and moves *at after it. */
static bool read_iface_number(struct text *at, const char *prefix, uint64_t *number)
{
	uint32_t from = (uint32_t)strlen(prefix), end = from;

	if (!text_starts(*at, prefix))
		return false;
	while (end < at->len && char_is_digit(at->ptr[end]))
		end++;
	if (!text_to_number((struct text){ at->ptr + from, end - from }, UINT32_MAX, number))
		return false;
	*at = (struct text){ at->ptr + end, at->len - end };
	return true;
}

/* Whether this is the name of a guest's interface, such as tap100i0, and the cluster does not have the guest. */
static bool is_of_no_guest(const struct lint *lint, struct text iface)
{
	static const char *const prefixes[] = { "tap", "veth", "fwbr", "fwln" };
	struct text rest = iface;
	uint64_t vmid, nic;

	if (!lint->config->guests && !lint->other_guest_count)
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++, rest = iface)
		if (read_iface_number(&rest, prefixes[i], &vmid) && read_iface_number(&rest, "i", &nic) && !rest.len)
			return !lint_has_guest(lint, vmid);
	return read_iface_number(&rest, "fwpr", &vmid) && read_iface_number(&rest, "p", &nic) && !rest.len &&
	       !lint_has_guest(lint, vmid);
}

static void check_iface(struct lint *lint, const struct rule *rule)
{
	struct text iface = rule->iface, rest = iface;
	bool renamed = false; /* it could be, and is not meant */
	const char *why = NULL;
	uint64_t number;
	struct diagnostic *d;

	if (text_find(iface, ':') >= 0)
		why = "a name with a colon is an address label; write the interface name before the colon";
	else if ((renamed = read_iface_number(&rest, "net", &number) && !rest.len))
		why = "this is the name of a guest's NIC in the guest's file";
	else if (is_of_no_guest(lint, iface))
		why = "it would belong to a guest that does not exist";
	if (!why)
		return;
	d = diag(lint->diags, rule->span, DIAG_IFACE_IMPOSSIBLE, "host has no interface `%.*s`",
		 TEXT_ARG(iface));
	diag_note(d, "%s", why);
	diag_note(d, "the rule matches nothing%s", renamed ? ", unless an interface is renamed to it" : "");
	if (renamed && rule->direction == DIRECTION_GROUP)
		diag_note(
			d,
			"with iptables it accepts everything that filtered guests may send, as the stock firewall does");
}

static void check_ifaces(struct lint *lint, const struct rule_list *rules)
{
	for (const struct rule *r = rules->first; r; r = r->next)
		if (r->enabled && r->iface.len)
			check_iface(lint, r);
}

void lint_interfaces(struct lint *lint)
{
	check_ifaces(lint, &lint->config->cluster_rules);
	check_ifaces(lint, &lint->config->host_rules);
}

/* ---- lists of ports ---- */

static const char *range_text(struct lint *lint, const struct port_range *range)
{
	if (range->first == range->last)
		return arena_printf(lint->arena, "%u", range->first);
	return arena_printf(lint->arena, "%u:%u", range->first, range->last);
}

static struct diagnostic *report_overlap(struct lint *lint, const struct rule *rule, const struct port_range *a,
					 const struct port_range *b)
{
	if (a->first == b->first && a->last == b->last)
		return diag(lint->diags, rule->span, DIAG_PORTS_OVERLAP, "%s is in this list twice",
			    range_text(lint, a));
	return diag(lint->diags, rule->span, DIAG_PORTS_OVERLAP, "%s and %s overlap in this list",
		    range_text(lint, a), range_text(lint, b));
}

/* Reports the first pair only. */
static void check_ports(struct lint *lint, const struct rule *rule, const struct ports *ports)
{
	for (uint32_t i = 0; ports && i < ports->count; i++)
		for (uint32_t j = i + 1; j < ports->count; j++) {
			struct diagnostic *d;

			if (ports->ranges[i].first > ports->ranges[j].last || ports->ranges[j].first > ports->ranges[i].last)
				continue;
			d = report_overlap(lint, rule, &ports->ranges[i], &ports->ranges[j]);
			diag_note(d, "the rule works as if each port appeared once");
			return;
		}
}

static void check_port_lists(struct lint *lint, const struct lint_chain *chain)
{
	for (const struct rule *r = chain->rules->first; r; r = r->next)
		if (r->enabled && !r->macro && r->condition_count) {
			check_ports(lint, r, r->conditions[0].dport);
			check_ports(lint, r, r->conditions[0].sport);
		}
}

void lint_ports(struct lint *lint)
{
	lint_each_chain(lint, check_port_lists);
}

/* ---- FTP ---- */

static bool helper_is_set(const struct lint *lint, const char *name)
{
	const struct helper_list *helpers = &lint->config->host_options.nf_conntrack_helpers;

	for (unsigned i = 0; i < helpers->count; i++)
		if (strcmp(helper_table[helpers->order[i]].name, name) == 0)
			return true;
	return false;
}

static bool opens_ftp(const struct rule *rule)
{
	for (uint32_t i = 0; rule->action == ACTION_ACCEPT && i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];

		for (uint32_t j = 0; c->dport && c->proto.number == 6 && j < c->dport->count; j++)
			if (c->dport->ranges[j].first == 21 && c->dport->ranges[j].last == 21)
				return true;
	}
	return false;
}

/* The usual alternative to the helper: a range of ports is open for the data connections. */
static bool opens_data_ports(const struct rule *rule)
{
	enum { FEW = 5 };

	for (uint32_t i = 0; rule->action == ACTION_ACCEPT && i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];

		if (proto_is_any(&c->proto) || (c->proto.number == 6 && !c->dport))
			return true;
		for (uint32_t j = 0; c->dport && c->proto.number == 6 && j < c->dport->count; j++)
			if (c->dport->ranges[j].first >= 1024 &&
			    c->dport->ranges[j].last - c->dport->ranges[j].first >= FEW)
				return true;
	}
	return false;
}

static bool list_opens_data_ports(const struct rule_list *rules, enum direction direction)
{
	for (const struct rule *r = rules ? rules->first : NULL; r; r = r->next) {
		if (!r->enabled)
			continue;
		if (r->direction == DIRECTION_GROUP ? list_opens_data_ports(&r->group->rules, direction)
						    : r->direction == direction && opens_data_ports(r))
			return true;
	}
	return false;
}

/* The missing helper is reported once for each direction of a chain. */
static void check_ftp(struct lint *lint, const struct lint_chain *chain)
{
	for (enum direction direction = DIRECTION_IN; direction <= DIRECTION_OUT; direction++) {
		const struct policy *policy = chain->policy[direction];
		struct diagnostic *d = NULL;
		uint32_t more = 0;

		if ((policy && policy->action == ACTION_ACCEPT) || list_opens_data_ports(chain->rules, direction) ||
		    list_opens_data_ports(chain->then, direction))
			continue;
		for (const struct rule *r = chain->rules->first; r; r = r->next) {
			if (!r->enabled || r->direction != direction || !opens_ftp(r))
				continue;
			if (d)
				more++;
			else
				d = diag(lint->diags, r->span, DIAG_FTP_WITHOUT_HELPER,
					 "FTP is accepted without its connection tracking helper");
		}
		if (more)
			diag_note(d, "the same applies to %u more below", more);
		if (!d)
			continue;
		diag_note(
			d,
			"clients can log in, but no rule accepts data connections: listings and files are not transferred");
		diag_help(
			d,
			"set `nf_conntrack_helpers: ftp` in [OPTIONS] of host.fw, or accept the server's range of passive ports");
	}
}

void lint_ftp(struct lint *lint)
{
	if (!helper_is_set(lint, "ftp"))
		lint_each_chain(lint, check_ftp);
}

/* ---- DHCP ---- */

/* Whether all ports of a list are such as a kind of DHCP packets has: as source or as destination. */
static bool is_for_ports(const struct ports *list, enum implied_id rule, bool source)
{
	for (uint32_t i = 0; list && i < list->count; i++) {
		const struct implied_packets *p = NULL;
		bool found = false;

		while ((p = implied_packets_next(rule, AT_NIC_IN | AT_NIC_OUT, p))) {
			const struct port_range *port = source ? p->sport.ranges : p->dport.ranges;

			found |= list->ranges[i].first == port->first && list->ranges[i].last == port->last;
		}
		if (!found)
			return false;
	}
	return list != NULL;
}

static bool is_for_dhcp(const struct rule *rule)
{
	const struct condition *c = rule->condition_count == 1 ? &rule->conditions[0] : NULL;
	enum implied_id id = rule->direction == DIRECTION_IN ? IMPLIED_DHCP_ANSWERS : IMPLIED_DHCP_QUESTIONS;

	return rule->enabled && rule->action == ACTION_ACCEPT && rule->log == LOG_NOLOG && c &&
	       c->proto.number == implied_packets_of(id)->proto && is_for_ports(c->dport, id, false) &&
	       (!c->sport || is_for_ports(c->sport, id, true));
}

void lint_dhcp(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;

		for (const struct rule *r = guest && guest->options.dhcp ? guest->rules.first : NULL; r; r = r->next) {
			struct diagnostic *d;

			if (r->direction == DIRECTION_GROUP || !is_for_dhcp(r))
				continue;
			d = diag(lint->diags, r->span, DIAG_RULE_OF_DHCP,
				 "rule is redundant: DHCP of the guest is accepted without it");
			diag_note(d, "`dhcp` is 1%s",
				  guest->written && guest->written[OPTION_GUEST_DHCP].begin ? ""
											    : " by default");
			if (!r->conditions[0].sport)
				diag_note(
					d,
					"only a DHCP relay needs it, which sends from the port of a server");
		}
	}
}
