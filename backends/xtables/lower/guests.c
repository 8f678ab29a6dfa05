/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of guests' NICs (spec 2.6). */
#include "xtables/lower/xtables.h"

static void xt_add_source_drop(struct xt_builder *b, struct xt_chain *chain, struct xt_match match, enum option_id option,
			       enum implied_id implied)
{
	struct xt_rule *rule = XT_ADD(b, chain, XT_TO(XT_DROP), match);

	rule->span = guest_option_span(chain->nic.guest, option);
	rule->implied = implied_phrase(implied);
}

/* Limits a NIC to its own source addresses. */
static void xt_add_source_filters(struct xt_builder *b, struct xt_chain *chain)
{
	const struct guest *guest = chain->nic.guest;
	const struct nic *nic = chain->nic.nic;
	const struct ipset *set = guest_filter_set(guest, nic);

	if (guest->options.macfilter && nic->mac.len)
		xt_add_source_drop(b, chain, (struct xt_match){ .kind = XT_NOT_MAC, .text = nic->mac, .mac = nic->mac_bytes },
				   OPTION_GUEST_MACFILTER, IMPLIED_MAC_FILTER);
	if (implied_is_on(IMPLIED_ROUTER, &guest->options))
		xt_implied_add(b, chain, XT_TO(XT_DROP), IMPLIED_ROUTER, AT_NIC_OUT, NULL, 0);
	if (set)
		xt_add_source_drop(b, chain, (struct xt_match){ .kind = XT_NOT_SOURCE, .endpoint = xt_set_endpoint(b, set) },
				   OPTION_GUEST_IPFILTER, IMPLIED_IP_FILTER);
	XT_ADD_ALL(b, chain, xt_clear_accept_mark);
}

/* Neighbour discovery, without what xt_add_source_filters() drops. */
static void xt_add_ndp(struct xt_builder *b, struct xt_chain *chain, struct xt_target accept)
{
	const char *dropped = implied_packets_of(IMPLIED_ROUTER)->icmp;
	bool drops = chain->out && implied_is_on(IMPLIED_ROUTER, &chain->nic.guest->options);
	enum implied_chain at = chain->out ? AT_NIC_OUT : AT_NIC_IN;

	for (const struct implied_packets *p = NULL; (p = implied_packets_next(IMPLIED_NIC_NDP, at, p));)
		if (!drops || strcmp(p->icmp, dropped) != 0)
			xt_packets_add(b, chain, accept, p, NULL, 0);
}

static void xt_fill_nic(struct xt_builder *b, struct xt_chain *chain)
{
	const struct guest *guest = chain->nic.guest;
	bool out = chain->out;
	enum implied_id dhcp = out ? IMPLIED_DHCP_QUESTIONS : IMPLIED_DHCP_ANSWERS;
	struct xt_target accept = out ? xt_set_accept_mark : XT_TO(XT_ACCEPT);
	struct xt_place place = { .zone = zone_of_nic(guest, chain->nic.nic, out), .chain = chain };
	struct xt_rule *rule;

	place.accept = accept;
	if (!out && guest->options.ips)
		place.accept = (struct xt_target){ .kind = XT_NFQUEUE, .queues = &guest->options.ips_queues };
	XT_ADD_ALL(b, chain, ((struct xt_target){ .kind = XT_SET_CONNMARK, .number = guest->vmid }));
	for (const struct implied_packets *p = NULL;
	     guest->options.dhcp && (p = implied_packets_next(dhcp, out ? AT_NIC_OUT : AT_NIC_IN, p));) {
		rule = xt_packets_add(b, chain, accept, p, NULL, 0);
		if (rule)
			rule->span = guest_option_span(guest, OPTION_GUEST_DHCP);
	}
	if (out)
		xt_add_source_filters(b, chain);
	if (implied_is_on(IMPLIED_NIC_NDP, &guest->options))
		xt_add_ndp(b, chain, place.accept);
	xt_rules(b, &place, &guest->rules);
	xt_policy(b, &place);
}

/* ---- the chains of all guests ---- */

bool xt_has_ips(const struct config *config)
{
	for (struct nic_walk walk = { .nic = NULL }; nic_walk_next(&walk, config);)
		if (walk.guest->options.ips)
			return true;
	return false;
}

static struct text xt_nic_name(struct xt_builder *b, const struct nic *nic, bool out)
{
	return ARENA_JOIN(b->arena, nic->device, out ? TEXT("-OUT") : TEXT("-IN"));
}

static void xt_fill_ips(struct xt_builder *b, struct xt_chain *chain)
{
	for (struct nic_walk walk = { .nic = NULL }; nic_walk_next(&walk, b->config);) {
		const struct guest_options *o = &walk.guest->options;

		if (o->ips)
			XT_ADD(b, chain, ((struct xt_target){ .kind = XT_NFQUEUE, .queues = &o->ips_queues }),
			       { .kind = XT_PHYSDEV_IPS, .text = walk.nic->device })
				->span = guest_option_span(walk.guest, OPTION_GUEST_IPS);
	}
}

void xt_guest_chains(struct xt_builder *b)
{
	if (xt_has_ips(b->config))
		xt_chain_add(b, TEXT("PVEFW-IPS"), xt_fill_ips);
	for (struct nic_walk walk = { .nic = NULL }; nic_walk_next(&walk, b->config);)
		for (int out = 0; out < 2; out++) {
			struct xt_chain *chain = xt_chain_add(b, xt_nic_name(b, walk.nic, out), xt_fill_nic);

			chain->nic = walk;
			chain->out = out;
		}
}

/* ---- from the bridges to them ---- */

static void xt_jump_to_nics(struct xt_builder *b, struct xt_chain *forward, bool out)
{
	for (struct nic_walk walk = { .nic = NULL }; nic_walk_next(&walk, b->config);)
		XT_ADD(b, forward, ((struct xt_target){ .kind = XT_JUMP, .text = xt_nic_name(b, walk.nic, out) }),
		       { .kind = out ? XT_PHYSDEV_IN : XT_PHYSDEV_OUT, .text = walk.nic->device });
}

void xt_fill_forward_in(struct xt_builder *b, struct xt_chain *chain)
{
	xt_input_filters(b, chain);
	xt_jump_to_nics(b, chain, false);
}

void xt_fill_forward_out(struct xt_builder *b, struct xt_chain *chain)
{
	xt_jump_to_nics(b, chain, true);
}
