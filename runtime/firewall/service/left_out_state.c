/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/left_out_state.h"

static bool any_logged(const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		if (rule->enabled && rule->log != LOG_NOLOG)
			return true;
	return false;
}

static bool logs_packets(const struct config *config)
{
	const struct host_options *o = &config->host_options;
	bool logged = o->log_level_in != LOG_NOLOG || o->log_level_out != LOG_NOLOG || o->log_level_forward != LOG_NOLOG ||
		      o->smurf_log_level != LOG_NOLOG || o->tcp_flags_log_level != LOG_NOLOG ||
		      any_logged(&config->cluster_rules) || any_logged(&config->host_rules);

	for (const struct guest *guest = config->guests; guest && !logged; guest = guest->next)
		logged = guest->options.enable && (guest->options.log_level_in != LOG_NOLOG ||
						   guest->options.log_level_out != LOG_NOLOG || any_logged(&guest->rules));
	for (const struct group *group = config->groups; group && !logged; group = group->hh.next)
		logged = any_logged(&group->rules);
	for (const struct vnet *vnet = config->vnets; vnet && !logged; vnet = vnet->next)
		logged = vnet->options.log_level_forward != LOG_NOLOG || any_logged(&vnet->rules);
	return logged;
}

/* Whether the absence of a layer matters for a configuration. */
static bool layer_matters(const struct compilation *c, enum layer layer)
{
	const struct config *config = c->config;

	if (!config_enabled(config) || layer == LAYERS || !(c->backend->layers & 1u << layer))
		return false;
	switch (layer) {
	case LAYER_EBTABLES:
		return config->cluster_options.ebtables;
	case LAYER_RAW:
		return config->host_options.protection_synflood || config->host_options.nf_conntrack_helpers.count;
	case LAYER_NFLOG:
		return logs_packets(config);
	case LAYER_BRIDGE:
	case LAYER_BRIDGE_CONNTRACK:
	case LAYER_BRIDGE_REJECT:
	case LAYER_BRIDGE_META:
		for (const struct guest *guest = config->guests; guest; guest = guest->next)
			for (const struct nic *nic = guest->nics; nic && guest->options.enable; nic = nic->next)
				if (nic->firewall)
					return true;
		return config->vnets != NULL;
	default:
		return true;
	}
}

/* The first note of a refused line says what its absence means. */
static void state_lines(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	conditions_begin(conditions, CONDITION_LINE_LEFT_OUT);
	for (const struct diagnostic *d = c->config ? c->diags.first : NULL; d; d = d->next) {
		struct place place = source_place(&c->map, d->span.begin);
		struct log_about about = { .file = place.source ? place.source->path : NULL, .line = place.line };

		if (d->id == DIAG_REFUSED)
			conditions_add(conditions, &about, "%s%s%s", d->message, d->parts ? "; " : "",
				       d->parts ? d->parts->text : "");
	}
	for (const struct left_out_rule *rule = left_out->rules; rule; rule = rule->hh.next)
		conditions_add(conditions, NULL, "a rule that belongs to no line is %s: %s",
			       rule->guarded ? "replaced by one that drops everything" : "left out",
			       rule->words);
	conditions_end(conditions);
}

static void state_layers(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	conditions_begin(conditions, CONDITION_LAYER_MISSING);
	for (unsigned i = 0; i < LAYERS; i++)
		if (c->config && left_out_layer(left_out, (enum layer)i) && layer_matters(c, (enum layer)i))
			conditions_add(conditions, NULL, "%s is missing: %s; %s (%s)", layer_table[i].name,
				       layer_table[i].effect, layer_table[i].remedy, left_out->layer_words[i]);
	conditions_end(conditions);
}

void left_out_state(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	state_layers(conditions, c, left_out);
	state_lines(conditions, c, left_out);
}

bool left_out_is_condition(const struct service_condition *condition)
{
	return condition->kind == CONDITION_LAYER_MISSING || condition->kind == CONDITION_LINE_LEFT_OUT;
}
