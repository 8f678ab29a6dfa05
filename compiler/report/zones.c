/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zones of a report and their rules: the host, the vnets, the security groups and each NIC of the node's guests,
 * with their chains in the order in which packets pass them.
 */
#include "report/model.h"

/* ---- written rules ---- */

static const char *endpoint_text(const struct report_builder *b, const struct endpoint *e)
{
	const struct alias *of_cluster = NULL;
	struct text scope;

	switch (e->kind) {
	case ENDPOINT_ANY:
		return NULL;
	case ENDPOINT_SET:
		scope = report_scope_name(e->ipset->scope);
		return report_text(b, ARENA_JOIN(b->arena, TEXT("+"), scope, e->ipset->name));
	case ENDPOINT_ALIAS:
		if (b->config->cluster.aliases)
			HASH_FIND(hh, b->config->cluster.aliases, e->alias->name.ptr, e->alias->name.len, of_cluster);
		scope = report_scope_name(of_cluster == e->alias ? SCOPE_CLUSTER : SCOPE_GUEST);
		return report_text(b, ARENA_JOIN(b->arena, scope, e->alias->name, TEXT(" ("), e->alias->cidr,
						 TEXT(")")));
	case ENDPOINT_RANGE:
	case ENDPOINT_LIST:
		break;
	}
	return report_text(b, e->text);
}

/* "tcp 22", "udp 53 from port 53", "icmp echo-request", "protocol 47", "protocol 6 port 22" */
static void print_condition(struct out *out, const struct condition *c)
{
	bool number = c->proto.text.len && char_is_digit(c->proto.text.ptr[0]);

	if (number)
		out_string(out, "protocol ");
	out_text(out, c->proto.text);
	if (c->dport) {
		out_string(out, number ? " port " : " ");
		out_text(out, c->dport->text);
	}
	for (int i = 0; i < 2; i++)
		if (c->icmp[i].text.len) {
			out_char(out, ' ');
			out_text(out, c->icmp[i].text);
		}
	if (c->sport) {
		out_string(out, " from port ");
		out_text(out, c->sport->text);
	}
}

static const char *conditions_text(const struct report_builder *b, const struct rule *rule)
{
	struct out out;
	const char *text;

	out_init_memory(&out);
	for (uint32_t i = 0; i < rule->condition_count; i++) {
		if (i)
			out_string(&out, ", ");
		print_condition(&out, &rule->conditions[i]);
	}
	text = report_text(b, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

/*
 * Macros that may name a rule which gives only the number: IANA has assigned the port to that service, and hardly
 * anything else uses it.  Others would be guesses: tcp 9100 is Jetdirect for printers, and nearly everywhere else the
 * node exporter; tcp 8006 is the mail gateway, and on a node the web interface.
 */
static const char *const certain[] = {
	"SSH",  "Telnet", "SMTP", "SMTPS", "Submission", "HTTP", "HTTPS", "POP3",       "POP3S",
	"IMAP", "IMAPS",  "NTP",  "LDAP",  "LDAPS",      "RDP",  "MySQL", "PostgreSQL",
};

/* Returns the macro for exactly this condition, or NULL. */
static const struct macro *macro_of(const struct condition *c)
{
	if (!c->dport || c->sport || c->icmp[0].text.len || !c->proto.has_ports)
		return NULL;
	for (size_t i = 0; i < sizeof(certain) / sizeof(certain[0]); i++) {
		const struct macro *m = macro_find(text_of(certain[i]));

		if (m->count == 1 && m->rules[0].dport && !m->rules[0].sport &&
		    text_is(c->proto.text, m->rules[0].proto) && text_is(c->dport->text, m->rules[0].dport))
			return m;
	}
	return NULL;
}

static void set_service(const struct report_builder *b, struct report_row *row, const struct rule *rule)
{
	const char *conditions = conditions_text(b, rule);
	const struct macro *macro = rule->macro;

	if (!macro && rule->condition_count == 1)
		macro = macro_of(&rule->conditions[0]);
	if (macro) {
		row->service = macro->name;
		row->detail = conditions;
		row->named = true;
	} else {
		row->service = conditions[0] ? conditions : "everything";
		row->named = !conditions[0];
	}
}

static void add_written(struct report_builder *b, struct report_chain *chain, const struct rule *rule)
{
	static const enum report_outcome outcomes[ACTIONS] = { REPORT_ACCEPT, REPORT_DROP, REPORT_REJECT };
	struct report_row row = { .origin = REPORT_LINE,
				  .rule = rule,
				  .disabled = !rule->enabled,
				  .family_mask = rule->family_mask,
				  .span = rule->span,
				  .comment = report_comment(b, rule->span) };

	if (rule->iface.len)
		row.iface = report_text(b, rule->iface);
	if (rule->direction == DIRECTION_GROUP) {
		row.outcome = REPORT_ASK;
		row.service = report_text(b, rule->group->name);
		report_row_add(b, chain, row);
		return;
	}
	row.outcome = outcomes[rule->action];
	row.from = endpoint_text(b, rule->source);
	row.to = endpoint_text(b, rule->dest);
	if (rule->log != LOG_NOLOG)
		row.log = log_level_names[rule->log];
	set_service(b, &row, rule);
	report_row_add(b, chain, row);
}

/* Adds the rules of the chain's direction and for this NIC; with net -1 for all. */
static void add_written_rules(struct report_builder *b, struct report_chain *chain, const struct rule_list *rules,
		      int32_t net)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if ((rule->direction == chain->direction || rule->direction == DIRECTION_GROUP) &&
		    (net < 0 || rule->net < 0 || rule->net == net))
			add_written(b, chain, rule);
}

/* ---- zones ---- */

static struct report_zone *add_zone(struct report_builder *b, enum report_zone_kind kind, const char *id,
				    const char *name)
{
	struct report_zone *zone = ARENA_NEW(b->arena, struct report_zone);

	*zone = (struct report_zone){ .kind = kind, .id = id, .name = name };
	if (!b->report->enabled && kind != REPORT_GROUP)
		zone->off = "the cluster's enable is 0";
	*b->last_zone = zone;
	b->last_zone = &zone->next;
	b->report->zone_count[kind]++;
	return zone;
}

static struct report_chain *zone_add_chain(struct report_builder *b, struct report_zone *zone,
				      enum direction direction)
{
	struct report_chain *chain = ARENA_NEW(b->arena, struct report_chain), **last = &zone->chains;

	while (*last)
		last = &(*last)->next;
	*chain = (struct report_chain){ .direction = direction, .last = &chain->first };
	*last = chain;
	return chain;
}

static void add_host_chain(struct report_builder *b, struct report_zone *zone, enum direction direction)
{
	const struct cluster_options *cluster = &b->config->cluster_options;
	const struct host_options *host = &b->config->host_options;
	struct report_chain *chain = zone_add_chain(b, zone, direction);
	enum implied_chain at = direction == DIRECTION_IN    ? AT_HOST_IN
				: direction == DIRECTION_OUT ? AT_HOST_OUT
							     : AT_HOST_FORWARD;

	report_implied(b, chain, at, IMPLIED_BEFORE, NULL, NULL);
	add_written_rules(b, chain, &b->config->host_rules, -1);
	add_written_rules(b, chain, &b->config->cluster_rules, -1);
	report_implied(b, chain, at, IMPLIED_AFTER, NULL, NULL);
	if (direction == DIRECTION_IN)
		report_policy(b, chain, &cluster->policy_in, host->log_level_in, "policy_in");
	else if (direction == DIRECTION_OUT)
		report_policy(b, chain, &cluster->policy_out, host->log_level_out, "policy_out");
	else
		report_policy(b, chain, &cluster->policy_forward, host->log_level_forward, "policy_forward");
}

static void add_host(struct report_builder *b)
{
	struct report_zone *zone = add_zone(b, REPORT_HOST, "host",
					    arena_printf(b->arena, "host %s", b->report->node));

	if (!zone->off && !b->config->host_options.enable)
		zone->off = "enable is 0 in host.fw";
	add_host_chain(b, zone, DIRECTION_IN);
	add_host_chain(b, zone, DIRECTION_OUT);
	if (b->config->host_options.nftables)
		add_host_chain(b, zone, DIRECTION_FORWARD);
}

static void add_vnet(struct report_builder *b, const struct vnet *vnet)
{
	const char *name = report_text(b, vnet->name);
	struct report_zone *zone = add_zone(
		b, REPORT_VNET, arena_printf(b->arena, "v-%u", b->report->zone_count[REPORT_VNET] + 1),
		arena_printf(b->arena, "vnet %s", name));
	struct report_chain *chain = zone_add_chain(b, zone, DIRECTION_FORWARD);

	zone->vnet = vnet;
	if (!zone->off && !b->config->host_options.nftables)
		zone->off = "vnets are only filtered with `nftables: 1` in host.fw";
	if (!zone->off && !vnet->options.enable)
		zone->off = arena_printf(b->arena, "enable is 0 in %s.fw", name);
	report_implied(b, chain, AT_VNET, IMPLIED_BEFORE, NULL, NULL);
	add_written_rules(b, chain, &vnet->rules, -1);
	if (vnet->options.policy_forward.action != ACTION_ACCEPT)
		report_implied(b, chain, AT_VNET, IMPLIED_AFTER, NULL, NULL);
	report_policy(b, chain, &vnet->options.policy_forward, vnet->options.log_level_forward,
		      "policy_forward");
}

static void add_group(struct report_builder *b, const struct group *group)
{
	const char *name = report_text(b, group->name);
	struct report_zone *zone = add_zone(b, REPORT_GROUP, arena_printf(b->arena, "g-%s", name),
					    arena_printf(b->arena, "group %s", name));

	zone->group = group;
	HASH_ADD_PTR(b->groups, group, zone);
	zone->about = report_comment(b, group->last_span);
	for (enum direction d = DIRECTION_IN; d <= DIRECTION_FORWARD; d++) {
		const struct rule *rule = group->rules.first;

		while (rule && rule->direction != d)
			rule = rule->next;
		if (rule)
			add_written_rules(b, zone_add_chain(b, zone, d), &group->rules, -1);
	}
}

/* ---- guests ---- */

static const char *nic_facts(const struct report_builder *b, const struct guest *guest, const struct nic *nic)
{
	struct text facts = nic->device;

	if (nic->bridge.len)
		facts = ARENA_JOIN(b->arena, facts, TEXT(" on "), nic->bridge);
	if (nic->mac.len)
		facts = ARENA_JOIN(b->arena, facts, TEXT(", "), nic->mac);
	if (guest->options.enable && guest->options.ips && nic->firewall)
		facts = ARENA_JOIN(b->arena, facts, TEXT(", accepted packets go to an IPS (ips: 1)"));
	return report_text(b, facts);
}

static const char *why_off(const struct report_builder *b, const struct guest *guest, const struct nic *nic)
{
	if (!nic->firewall)
		return arena_printf(b->arena, "%.*s has no firewall=1", TEXT_ARG(nic->key));
	if (!guest->has_file)
		return "the guest has no firewall file";
	if (!guest->options.enable)
		return arena_printf(b->arena, "enable is not 1 in %u.fw", guest->vmid);
	return NULL;
}

static void add_nic_chain(struct report_builder *b, struct report_zone *zone, const struct guest *guest,
			  const struct nic *nic, enum direction direction)
{
	const struct guest_options *o = &guest->options;
	struct report_chain *chain = zone_add_chain(b, zone, direction);

	report_implied(b, chain, direction == DIRECTION_IN ? AT_NIC_IN : AT_NIC_OUT, IMPLIED_BEFORE, guest, nic);
	add_written_rules(b, chain, &guest->rules, (int32_t)nic->index);
	if (direction == DIRECTION_IN)
		report_policy(b, chain, &o->policy_in, o->log_level_in, "policy_in");
	else
		report_policy(b, chain, &o->policy_out, o->log_level_out, "policy_out");
}

static struct report_zone *add_nic_zone(struct report_builder *b, const struct guest *guest, const struct nic *nic)
{
	const char *key = report_text(b, nic->key);
	struct report_zone *zone = add_zone(
		b, REPORT_NIC, arena_printf(b->arena, "n-%u-%s", guest->vmid, key),
		arena_printf(b->arena, "%s %s", guest_name(b->arena, guest), key));

	zone->owner = guest;
	zone->nic = nic;
	zone->facts = nic_facts(b, guest, nic);
	if (!zone->off)
		zone->off = why_off(b, guest, nic);
	if (!guest->has_file || !nic->firewall)
		return zone;
	add_nic_chain(b, zone, guest, nic, DIRECTION_IN);
	add_nic_chain(b, zone, guest, nic, DIRECTION_OUT);
	return zone;
}

static void add_guest_zones(struct report_builder *b, const struct guest *guest)
{
	const char *name, *notes;
	bool filtered = false;

	report_guest_about(b, guest, &name, &notes);
	for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
		struct report_zone *zone = add_nic_zone(b, guest, nic);

		zone->guest = name;
		zone->about = notes;
		filtered |= b->report->enabled && !why_off(b, guest, nic);
	}
	b->report->guests++;
	b->report->filtered_guests += filtered;
	b->report->rules += guest->rules.count;
}

void report_zones(struct report_builder *b)
{
	const struct config *config = b->config;
	struct report *report = b->report;

	add_host(b);
	report->rules += config->host_rules.count + config->cluster_rules.count;
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next) {
		add_vnet(b, vnet);
		report->rules += vnet->rules.count;
	}
	for (const struct group *group = config->groups; group; group = group->hh.next) {
		add_group(b, group);
		report->rules += group->rules.count;
	}
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		add_guest_zones(b, guest);
	for (const struct guest *guest = config->strangers; guest; guest = guest->next)
		report->strangers++;
}

