/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter and raw tables as a whole (spec 2.1, 2.2, 2.11). */
#include "config/left_out.h"
#include "xtables/lower/xtables.h"

#include <netinet/in.h>
#include <stdlib.h>

const struct xt_hook xt_filter_hooks[] = {
	{ "INPUT", "PVEFW-INPUT" }, { "OUTPUT", "PVEFW-OUTPUT" }, { "FORWARD", "PVEFW-FORWARD" }, { NULL, NULL },
};

const struct xt_hook xt_raw_hooks[] = {
	{ "PREROUTING", "PVEFW-PREROUTING" }, { NULL, NULL },
};

static int xt_compare_chains(const void *a, const void *b)
{
	/* They end with a NUL. */
	return strcmp((*(struct xt_chain *const *)a)->name.ptr, (*(struct xt_chain *const *)b)->name.ptr);
}

static struct xt_table *xt_lower(struct arena *arena, const struct config *config, unsigned family_mask, const char *name,
				 void (*add_chains)(struct xt_builder *b))
{
	struct xt_table *table = ARENA_NEW(arena, struct xt_table);
	struct xt_builder b = { .arena = arena, .config = config, .family_mask = family_mask };

	b.last = &b.chains;
	if (config_enabled(config))
		add_chains(&b);
	*table = (struct xt_table){ .name = name, .family_mask = family_mask, .config = config, .group_names = b.group_names };
	table->chains = ARENA_ARRAY(arena, struct xt_chain *, b.chain_count);
	for (struct xt_chain *chain = b.chains; chain; chain = chain->next)
		table->chains[table->chain_count++] = chain;
	qsort(table->chains, table->chain_count, sizeof(*table->chains), xt_compare_chains);
	return table;
}

/* What is said of a rule for the members of a set is said of the last part alone. */
static void xt_complete_parts(struct xt_chain *chain)
{
	struct xt_rule *first = NULL;

	for (struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		first = first ? first : rule;
		if (rule->is_part)
			continue;
		for (; first != rule; first = first->next) {
			first->wide = rule->wide;
			first->span = rule->span;
			first->implied = rule->implied;
			first->counts = rule->counts;
		}
		first = NULL;
	}
}

void xt_chain_fill(struct arena *arena, const struct xt_table *table, struct xt_chain *chain)
{
	struct xt_builder b = { .arena = arena, .config = table->config, .family_mask = table->family_mask,
				.group_names = table->group_names };

	chain->first = NULL;
	chain->last = &chain->first;
	chain->fill(&b, chain);
	if (left_out_layer(table->config->left_out, LAYER_SETS))
		xt_complete_parts(chain);
}

/* ---- filter ---- */

static void xt_fill_forward(struct xt_builder *b, struct xt_chain *forward)
{
	if (xt_has_ips(b->config))
		XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-IPS"), XT_KNOWN)->implied = implied_phrase(IMPLIED_KNOWN);
	if (!b->config->host_options.nf_conntrack_allow_invalid)
		XT_ADD(b, forward, XT_TO(XT_DROP), XT_STATE("INVALID", XT_INVALID))->implied = implied_phrase(IMPLIED_INVALID);
	XT_ADD(b, forward, XT_TO(XT_ACCEPT), XT_KNOWN)->implied = implied_phrase(IMPLIED_KNOWN);
	XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-FWBR-IN"), XT_M(XT_PHYSDEV_IN, "fwln+"));
	XT_ADD(b, forward, XT_TO_CHAIN(XT_JUMP, "PVEFW-FWBR-OUT"), XT_M(XT_PHYSDEV_OUT, "fwln+"));
}

/* PVEFW-INPUT and PVEFW-OUTPUT. */
static void xt_fill_to_host(struct xt_builder *b, struct xt_chain *chain)
{
	if (b->config->host_options.enable)
		XT_ADD_ALL(b, chain, chain->out ? XT_TO_CHAIN(XT_JUMP, "PVEFW-HOST-OUT") : XT_TO_CHAIN(XT_JUMP, "PVEFW-HOST-IN"));
}

static void xt_filter_chains(struct xt_builder *b)
{
	xt_standard_chains(b);
	xt_blacklist_chain(b);
	xt_chain_add(b, TEXT("PVEFW-INPUT"), xt_fill_to_host);
	xt_chain_add(b, TEXT("PVEFW-OUTPUT"), xt_fill_to_host)->out = true;
	xt_chain_add(b, TEXT("PVEFW-FORWARD"), xt_fill_forward);
	xt_chain_add(b, TEXT("PVEFW-FWBR-IN"), xt_fill_forward_in);
	xt_chain_add(b, TEXT("PVEFW-FWBR-OUT"), xt_fill_forward_out);
	if (b->config->host_options.enable)
		xt_host_chains(b);
	xt_group_chains(b);
	xt_guest_chains(b);
}

struct xt_table *xt_lower_filter(struct arena *arena, const struct config *config, unsigned family_mask)
{
	return xt_lower(arena, config, family_mask, "filter", xt_filter_chains);
}

/* ---- raw ---- */

static void xt_add_synflood(struct xt_builder *b, struct xt_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	struct xt_syn_rate *rate = ARENA_NEW(b->arena, struct xt_syn_rate);
	struct xt_rule *rule;

	*rate = (struct xt_syn_rate){
		.rate = o->protection_synflood_rate,
		.burst = o->protection_synflood_burst,
		.expire = o->nf_conntrack_tcp_timeout_syn_recv * 1000,
		.source_bits = b->family_mask == IPV4 ? 32 : 64,
	};
	rule = XT_ADD(b, chain, XT_TO(XT_DROP), XT_PROTOCOL("tcp", IPPROTO_TCP), XT_M(XT_MODULE, "tcp"),
		      XT_NEW_TCP(XT_TCP_FLAGS), { .kind = XT_SYN_RATE, .syn_rate = rate });
	rule->span = b->config->host_written[OPTION_HOST_PROTECTION_SYNFLOOD];
	rule->implied = implied_phrase(IMPLIED_SYNFLOOD);
}

static void xt_add_helper(struct xt_builder *b, struct xt_chain *chain, const struct helper *helper)
{
	struct ports *ports = ARENA_NEW(b->arena, struct ports);
	struct port_range *range = ARENA_NEW(b->arena, struct port_range);
	struct text proto = text_of(helper->proto);

	*range = (struct port_range){ helper->port, helper->port };
	*ports = (struct ports){ text_of(arena_printf(b->arena, "%u", helper->port)), range, 1 };
	XT_ADD(b, chain, ((struct xt_target){ .kind = XT_HELPER, .text = text_of(helper->name) }),
	       { .kind = XT_PROTO, .text = proto, .protocol = text_is(proto, "tcp") ? IPPROTO_TCP : IPPROTO_UDP },
	       { .kind = XT_MODULE, .text = proto },
	       { .kind = XT_DPORT, .ports = ports })
		->span = b->config->host_written[OPTION_HOST_NF_CONNTRACK_HELPERS];
}

static void xt_fill_prerouting(struct xt_builder *b, struct xt_chain *chain)
{
	const struct host_options *o = &b->config->host_options;

	if (o->protection_synflood)
		xt_add_synflood(b, chain);
	for (unsigned i = 0; i < o->nf_conntrack_helpers.count; i++) {
		const struct helper *helper = &helper_table[o->nf_conntrack_helpers.order[i]];

		if (helper->family_mask & b->family_mask)
			xt_add_helper(b, chain, helper);
	}
}

static void xt_raw_chains(struct xt_builder *b)
{
	if (b->config->host_options.protection_synflood || b->config->host_options.nf_conntrack_helpers.count)
		xt_chain_add(b, TEXT("PVEFW-PREROUTING"), xt_fill_prerouting);
}

struct xt_table *xt_lower_raw(struct arena *arena, const struct config *config, unsigned family_mask)
{
	return xt_lower(arena, config, family_mask, "raw", xt_raw_chains);
}
