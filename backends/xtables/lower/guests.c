/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of guests' NICs (spec 2.6). */
#include "xtables/lower/xtables.h"

static const struct xt_target set_accept_mark = { .kind = XT_GOTO, .text = TEXT_INIT("PVEFW-SET-ACCEPT-MARK") };

/* One NIC in one direction. */
struct lowering {
	struct xt_builder *b;
	const struct guest *guest;
	const struct nic *nic;
	struct xt_chain *chain;
	bool out;
	enum implied_chain at;
	struct xt_target accept;
};

static void add_dhcp(const struct lowering *l)
{
	enum implied_id rule = l->out ? IMPLIED_DHCP_QUESTIONS : IMPLIED_DHCP_ANSWERS;

	for (const struct implied_packets *p = NULL; (p = implied_packets_next(rule, l->at, p));) {
		struct xt_rule *made = xt_packets_add(l->b, l->chain, l->out ? set_accept_mark : XT_TO(XT_ACCEPT), p, NULL, 0);

		if (made)
			made->span = guest_option_span(l->guest, OPTION_GUEST_DHCP);
	}
}

/* Neighbour discovery, without what add_source_filters() drops. */
static void add_ndp(const struct lowering *l)
{
	const char *dropped = implied_packets_of(IMPLIED_ROUTER)->icmp;
	bool drops = l->out && implied_is_on(IMPLIED_ROUTER, &l->guest->options);

	for (const struct implied_packets *p = NULL; (p = implied_packets_next(IMPLIED_NIC_NDP, l->at, p));)
		if (!drops || strcmp(p->icmp, dropped) != 0)
			xt_packets_add(l->b, l->chain, l->accept, p, NULL, 0);
}

static void add_source_filters(const struct lowering *l)
{
	const struct ipset *set = guest_filter_set(l->guest, l->nic);

	if (l->guest->options.macfilter && l->nic->mac.len)
		XT_ADD(l->b, l->chain, XT_TO(XT_DROP), { .kind = XT_NOT_MAC, .text = l->nic->mac })->span =
			guest_option_span(l->guest, OPTION_GUEST_MACFILTER);
	if (implied_is_on(IMPLIED_ROUTER, &l->guest->options))
		xt_implied_add(l->b, l->chain, XT_TO(XT_DROP), IMPLIED_ROUTER, l->at, NULL, 0);
	if (set) {
		struct endpoint *e = ARENA_NEW(l->b->arena, struct endpoint);

		*e = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = set };
		XT_ADD(l->b, l->chain, XT_TO(XT_DROP), { .kind = XT_NOT_SOURCE, .endpoint = e })->span =
			guest_option_span(l->guest, OPTION_GUEST_IPFILTER);
	}
	XT_ADD_ALL(l->b, l->chain, XT_TO_CHAIN(XT_SET_MARK, "0x00000000/0x80000000"));
}

static void add_rules(const struct lowering *l)
{
	const struct guest_options *o = &l->guest->options;
	struct xt_place place = {
		.chain = l->chain,
		.direction = l->out ? DIRECTION_OUT : DIRECTION_IN,
		.accept = l->accept,
		.vmid = l->guest->vmid,
		.net = (int32_t)l->nic->index,
	};

	xt_rules(l->b, &place, &l->guest->rules);
	if (l->out)
		xt_policy(l->b, &place, &o->policy_out, o->log_level_out);
	else
		xt_policy(l->b, &place, &o->policy_in, o->log_level_in);
}

/* A NIC and its guest: what a chain is about. */
struct guest_nic {
	const struct guest *guest;
	const struct nic *nic;
};

static void fill_nic(struct xt_builder *b, struct xt_chain *chain)
{
	const struct guest_nic *subject = chain->subject;
	const struct guest *guest = subject->guest;
	struct lowering l = { .b = b, .guest = guest, .nic = subject->nic, .chain = chain, .out = chain->out };

	l.at = l.out ? AT_NIC_OUT : AT_NIC_IN;
	l.accept = l.out ? set_accept_mark : XT_TO(XT_ACCEPT);
	if (!l.out && guest->options.ips)
		l.accept = (struct xt_target){ .kind = XT_NFQUEUE, .queues = &guest->options.ips_queues };
	XT_ADD_ALL(b, chain, ((struct xt_target){ .kind = XT_SET_CONNMARK, .number = guest->vmid }));
	if (guest->options.dhcp)
		add_dhcp(&l);
	if (l.out)
		add_source_filters(&l);
	if (implied_is_on(IMPLIED_NIC_NDP, &guest->options))
		add_ndp(&l);
	add_rules(&l);
}

/* ---- the chains of all guests ---- */

const struct guest *xt_next_guest(const struct guest *guest)
{
	while (guest && !guest->options.enable)
		guest = guest->next;
	return guest;
}

static bool has_chains(const struct guest *guest)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		if (nic->firewall)
			return true;
	return false;
}

bool xt_has_ips(const struct config *config)
{
	for (const struct guest *g = xt_next_guest(config->guests); g; g = xt_next_guest(g->next))
		if (g->options.ips && has_chains(g))
			return true;
	return false;
}

static struct text chain_name(struct xt_builder *b, const struct nic *nic, bool out)
{
	return ARENA_JOIN(b->arena, nic->device, out ? TEXT("-OUT") : TEXT("-IN"));
}

static void fill_ips(struct xt_builder *b, struct xt_chain *chain)
{
	for (const struct guest *g = xt_next_guest(b->config->guests); g; g = xt_next_guest(g->next))
		for (const struct nic *nic = g->nics; nic && g->options.ips; nic = nic->next)
			if (nic->firewall)
				XT_ADD(b, chain,
				       ((struct xt_target){ .kind = XT_NFQUEUE, .queues = &g->options.ips_queues }),
				       { .kind = XT_PHYSDEV_IPS, .text = nic->device })
					->span = guest_option_span(g, OPTION_GUEST_IPS);
}

static void add_nic_chains(struct xt_builder *b, const struct guest *guest, const struct nic *nic)
{
	struct guest_nic *subject = ARENA_NEW(b->arena, struct guest_nic);

	*subject = (struct guest_nic){ guest, nic };
	for (int out = 0; out < 2; out++) {
		struct xt_chain *chain = xt_chain_add(b, chain_name(b, nic, out), fill_nic);

		chain->subject = subject;
		chain->out = out;
	}
}

void xt_guest_chains(struct xt_builder *b)
{
	if (xt_has_ips(b->config))
		xt_chain_add(b, TEXT("PVEFW-IPS"), fill_ips);
	for (const struct guest *g = xt_next_guest(b->config->guests); g; g = xt_next_guest(g->next))
		for (const struct nic *nic = g->nics; nic; nic = nic->next)
			if (nic->firewall)
				add_nic_chains(b, g, nic);
}

/* ---- from the bridges to them ---- */

static void plug_in(struct xt_builder *b, struct xt_chain *forward, bool out)
{
	for (const struct guest *g = xt_next_guest(b->config->guests); g; g = xt_next_guest(g->next))
		for (const struct nic *nic = g->nics; nic; nic = nic->next)
			if (nic->firewall)
				XT_ADD(b, forward, ((struct xt_target){ .kind = XT_JUMP, .text = chain_name(b, nic, out) }),
				       { .kind = out ? XT_PHYSDEV_IN : XT_PHYSDEV_OUT, .text = nic->device });
}

void xt_fill_forward_in(struct xt_builder *b, struct xt_chain *chain)
{
	xt_input_filters(b, chain);
	plug_in(b, chain, false);
}

void xt_fill_forward_out(struct xt_builder *b, struct xt_chain *chain)
{
	plug_in(b, chain, true);
}
