/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter and raw tables as a whole (spec 2.1, 2.2, 2.11). */
#include "xtables/lower/xtables.h"

const struct xt_hook xt_filter_hooks[] = {
	{ "INPUT", "PVEFW-INPUT" }, { "OUTPUT", "PVEFW-OUTPUT" }, { "FORWARD", "PVEFW-FORWARD" }, { NULL, NULL },
};

const struct xt_hook xt_raw_hooks[] = {
	{ "PREROUTING", "PVEFW-PREROUTING" }, { NULL, NULL },
};

static void start(struct xt_builder *b, struct arena *arena, const struct config *config, unsigned family_mask)
{
	*b = (struct xt_builder){ .arena = arena, .config = config, .family_mask = family_mask };
	b->last = &b->chains;
}

static void fill_forward(struct xt_builder *b, struct xt_chain *forward)
{
	if (xt_has_ips(b->config))
		XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-IPS"), XT_M(XT_CTSTATE, "RELATED,ESTABLISHED"));
	if (!b->config->host_options.nf_conntrack_allow_invalid)
		XT_ADD(b, forward, XT_TO(XT_DROP), XT_M(XT_CTSTATE, "INVALID"));
	XT_ADD(b, forward, XT_TO(XT_ACCEPT), XT_M(XT_CTSTATE, "RELATED,ESTABLISHED"));
	XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-FWBR-IN"), XT_M(XT_PHYSDEV_IN, "fwln+"));
	XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-FWBR-OUT"), XT_M(XT_PHYSDEV_OUT, "fwln+"));
}

static void fill_input(struct xt_builder *b, struct xt_chain *chain)
{
	if (b->config->host_options.enable)
		XT_ADD_ALL(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-HOST-IN"));
}

static void fill_output(struct xt_builder *b, struct xt_chain *chain)
{
	if (b->config->host_options.enable)
		XT_ADD_ALL(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-HOST-OUT"));
}

struct xt_table *xt_lower_filter(struct arena *arena, const struct config *config, unsigned family_mask)
{
	struct xt_builder b;

	start(&b, arena, config, family_mask);
	if (!config_enabled(config))
		return xt_table_finish(&b, "filter");
	xt_standard_chains(&b);
	xt_blacklist_chain(&b);
	xt_chain_add(&b, TEXT("PVEFW-INPUT"), fill_input);
	xt_chain_add(&b, TEXT("PVEFW-OUTPUT"), fill_output);
	xt_chain_add(&b, TEXT("PVEFW-FORWARD"), fill_forward);
	xt_chain_add(&b, TEXT("PVEFW-FWBR-IN"), xt_fill_forward_in);
	xt_chain_add(&b, TEXT("PVEFW-FWBR-OUT"), xt_fill_forward_out);
	if (config->host_options.enable)
		xt_host_chains(&b);
	xt_group_chains(&b);
	xt_guest_chains(&b);
	return xt_table_finish(&b, "filter");
}

/* ---- raw ---- */

static void add_synflood(struct xt_builder *b, struct xt_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	struct xt_syn_rate *rate = ARENA_NEW(b->arena, struct xt_syn_rate);

	*rate = (struct xt_syn_rate){
		.rate = o->protection_synflood_rate,
		.burst = o->protection_synflood_burst,
		.expire = o->nf_conntrack_tcp_timeout_syn_recv * 1000,
		.source_bits = b->family_mask == IPV4 ? 32 : 64,
	};
	XT_ADD(b, chain, XT_TO(XT_DROP), XT_M(XT_PROTO, "tcp"), XT_M(XT_MODULE, "tcp"),
	       XT_M(XT_TCP_FLAGS, "FIN,SYN,RST,ACK SYN"), { .kind = XT_SYN_RATE, .syn_rate = rate })
		->span = b->config->host_written[OPTION_HOST_PROTECTION_SYNFLOOD];
}

static void add_helper(struct xt_builder *b, struct xt_chain *chain, const struct helper *helper)
{
	struct ports *ports = ARENA_NEW(b->arena, struct ports);
	struct port_range *range = ARENA_NEW(b->arena, struct port_range);
	struct text proto = text_of(helper->proto);

	*range = (struct port_range){ helper->port, helper->port };
	*ports = (struct ports){ text_of(arena_printf(b->arena, "%u", helper->port)), range, 1 };
	XT_ADD(b, chain, ((struct xt_target){ .kind = XT_HELPER, .text = text_of(helper->name) }),
	       { .kind = XT_PROTO, .text = proto }, { .kind = XT_MODULE, .text = proto },
	       { .kind = XT_DPORT, .ports = ports })
		->span = b->config->host_written[OPTION_HOST_NF_CONNTRACK_HELPERS];
}

static void fill_prerouting(struct xt_builder *b, struct xt_chain *chain)
{
	const struct host_options *o = &b->config->host_options;

	if (o->protection_synflood)
		add_synflood(b, chain);
	for (unsigned i = 0; i < o->nf_conntrack_helpers.count; i++) {
		const struct helper *helper = &helper_table[o->nf_conntrack_helpers.order[i]];

		if (helper->family_mask & b->family_mask)
			add_helper(b, chain, helper);
	}
}

struct xt_table *xt_lower_raw(struct arena *arena, const struct config *config, unsigned family_mask)
{
	const struct host_options *o = &config->host_options;
	struct xt_builder b;

	start(&b, arena, config, family_mask);
	if (config_enabled(config) && (o->protection_synflood || o->nf_conntrack_helpers.count))
		xt_chain_add(&b, TEXT("PVEFW-PREROUTING"), fill_prerouting);
	return xt_table_finish(&b, "raw");
}
