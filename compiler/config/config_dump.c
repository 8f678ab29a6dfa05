/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resolved configuration for people and tests (--dump=ir): one line for
 * each option that is not at its default, each name and each rule. */
#include "config/config.h"
#include "base/output.h"

static void dump_options(struct out *out, const struct config *config, enum file_kind kind,
			 const void *options, const void *defaults)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];
		const char *value, *usual;

		if (row->kind != kind)
			continue;
		value = option_value_text(config->arena, (enum option_id)id, options);
		usual = option_value_text(config->arena, (enum option_id)id, defaults);
		if (strcmp(value, usual) != 0)
			out_printf(out, "  option %s = %s\n", row->key, value);
	}
}

static void dump_set(struct out *out, const struct ipset *set)
{
	out_printf(out, "  ipset %.*s size %u\n", TEXT_ARG(set->name), set->size);
	for (const struct set_entry *e = set->entries; e; e = e->next) {
		char text[PREFIX_TEXT_SIZE];

		prefix_format(&e->prefix, text);
		out_printf(out, "    %s%s%s%s", e->nomatch ? "!" : "", text, e->implicit ? " implicit" : "",
			   e->repeated ? " repeated" : "");
		if (e->alias)
			out_printf(out, " (%.*s)", TEXT_ARG(e->alias->name));
		out_char(out, '\n');
	}
}

static void dump_scope(struct out *out, const struct scope *scope)
{
	for (const struct alias *a = scope->aliases; a; a = a->hh.next)
		out_printf(out, "  alias %.*s = %.*s%s\n", TEXT_ARG(a->name), TEXT_ARG(a->cidr),
			   a->valid ? "" : " (invalid)");
	for (const struct ipset *set = scope->ipsets; set; set = set->hh.next)
		dump_set(out, set);
}

static void dump_endpoint(struct out *out, const char *name, const struct endpoint *e)
{
	static const char *const scopes[] = { "dc/", "guest/", "sdn/" };

	switch (e->kind) {
	case ENDPOINT_ANY:
		return;
	case ENDPOINT_SET:
		out_printf(out, " %s=+%s%.*s", name, scopes[e->ipset->scope], TEXT_ARG(e->ipset->name));
		break;
	case ENDPOINT_ALIAS:
		out_printf(out, " %s=%.*s(%.*s)", name, TEXT_ARG(e->alias->name), TEXT_ARG(e->alias->cidr));
		break;
	case ENDPOINT_RANGE:
	case ENDPOINT_LIST:
		out_printf(out, " %s=%.*s", name, TEXT_ARG(e->text));
		break;
	}
}

static void dump_condition(struct out *out, const struct condition *c)
{
	out_printf(out, " [ipv%s",
		   c->family_mask == IPV4   ? "4"
		   : c->family_mask == IPV6 ? "6"
		   : c->family_mask         ? "46"
					    : "none");
	if (c->proto.text.len)
		out_printf(out, " proto=%.*s", TEXT_ARG(c->proto.text));
	for (int i = 0; i < 2; i++)
		if (c->icmp[i].text.len)
			out_printf(out, " icmp=%.*s", TEXT_ARG(c->icmp[i].text));
	if (c->sport)
		out_printf(out, " sport=%.*s", TEXT_ARG(c->sport->text));
	if (c->dport)
		out_printf(out, " dport=%.*s", TEXT_ARG(c->dport->text));
	out_char(out, ']');
}

static void dump_rule(struct out *out, const struct config *config, const struct rule *rule)
{
	struct place place = source_place(config->diags->map, rule->span.begin);

	out_printf(out, "  %u: %s%s ", place.line, rule->enabled ? "" : "|", direction_names[rule->direction]);
	if (rule->group)
		out_text(out, rule->group->name);
	else
		out_string(out, action_names[rule->action]);
	if (rule->iface.len)
		out_printf(out, " iface=%.*s", TEXT_ARG(rule->iface));
	dump_endpoint(out, "source", rule->source);
	dump_endpoint(out, "dest", rule->dest);
	for (uint32_t i = 0; i < rule->condition_count; i++)
		dump_condition(out, &rule->conditions[i]);
	if (rule->log != LOG_NOLOG)
		out_printf(out, " log=%s", log_level_names[rule->log]);
	out_char(out, '\n');
}

static void dump_rules(struct out *out, const struct config *config, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		dump_rule(out, config, rule);
}

static void dump_cluster(struct out *out, const struct config *config)
{
	struct cluster_options defaults = { 0 };

	options_defaults(FILE_CLUSTER, &defaults);
	out_string(out, "cluster\n");
	dump_options(out, config, FILE_CLUSTER, &config->cluster_options, &defaults);
	dump_scope(out, &config->cluster);
	dump_rules(out, config, &config->cluster_rules);
	for (const struct group *g = config->groups; g; g = g->hh.next) {
		out_printf(out, "group %.*s\n", TEXT_ARG(g->name));
		dump_rules(out, config, &g->rules);
	}
	out_string(out, "sdn\n");
	dump_scope(out, &config->sdn);
}

static void dump_host(struct out *out, const struct config *config)
{
	struct host_options defaults = { 0 };

	options_defaults(FILE_HOST, &defaults);
	out_printf(out, "host %.*s\n", TEXT_ARG(config->node));
	dump_options(out, config, FILE_HOST, &config->host_options, &defaults);
	out_printf(out, "  local network %.*s\n", TEXT_ARG(config->local_network->cidr));
	for (const struct corosync_link *l = config->corosync.links; l; l = l->next)
		out_printf(out, "  link %.*s - %.*s\n", TEXT_ARG(l->ours), TEXT_ARG(l->theirs));
	dump_rules(out, config, &config->host_rules);
}

static void dump_guest(struct out *out, const struct config *config, const struct guest *guest)
{
	struct guest_options defaults = { 0 };

	options_defaults(FILE_GUEST, &defaults);
	out_printf(out, "%s %u\n", guest->type == GUEST_VM ? "vm" : "container", guest->vmid);
	dump_options(out, config, FILE_GUEST, &guest->options, &defaults);
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		out_printf(out, "  %.*s %.*s mac %.*s%s\n", TEXT_ARG(nic->key), TEXT_ARG(nic->device),
			   TEXT_ARG(nic->mac), nic->firewall ? " firewall" : "");
	dump_scope(out, &guest->scope);
	dump_rules(out, config, &guest->rules);
}

static void dump_vnet(struct out *out, const struct config *config, const struct vnet *vnet)
{
	struct vnet_options defaults = { 0 };

	options_defaults(FILE_VNET, &defaults);
	out_printf(out, "vnet %.*s\n", TEXT_ARG(vnet->name));
	dump_options(out, config, FILE_VNET, &vnet->options, &defaults);
	dump_rules(out, config, &vnet->rules);
}

void config_dump(struct out *out, const struct config *config)
{
	dump_cluster(out, config);
	dump_host(out, config);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		dump_guest(out, config, guest);
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		dump_vnet(out, config, vnet);
}
