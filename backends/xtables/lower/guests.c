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
	struct xt_target accept;
};

/* The line that sets an option of the guest, or {0, 0}. */
static struct span line_of(const struct guest *guest, enum option_id id)
{
	return guest->written ? guest->written[id] : SPAN_NONE;
}

static void add_dhcp(const struct lowering *l)
{
	/* Source and destination port, by family_mask and direction. */
	static const struct port_range server4 = { 67, 67 }, client4 = { 68, 68 };
	static const struct port_range server6 = { 547, 547 }, client6 = { 546, 546 };
	static const struct ports ports[2][2] = {
		{ { TEXT_INIT("67"), (struct port_range *)&server4, 1 }, { TEXT_INIT("68"), (struct port_range *)&client4, 1 } },
		{ { TEXT_INIT("547"), (struct port_range *)&server6, 1 }, { TEXT_INIT("546"), (struct port_range *)&client6, 1 } },
	};
	const struct ports *pair = ports[l->b->family_mask == IPV6];

	XT_ADD(l->b, l->chain, l->out ? set_accept_mark : XT_TO(XT_ACCEPT), XT_M(XT_PROTO, "udp"),
	       { .kind = XT_SPORT, .ports = &pair[l->out] }, { .kind = XT_DPORT, .ports = &pair[!l->out] })
		->span = line_of(l->guest, OPTION_GUEST_DHCP);
}

static void add_icmpv6(const struct lowering *l, const char *type, struct xt_target target)
{
	XT_ADD(l->b, l->chain, target, XT_M(XT_PROTO, "icmpv6"), { .kind = XT_ICMPV6_TYPE, .text = text_of(type) });
}

static void add_ndp(const struct lowering *l)
{
	add_icmpv6(l, "router-solicitation", l->accept);
	if (!l->out || l->guest->options.radv)
		add_icmpv6(l, "router-advertisement", l->accept);
	add_icmpv6(l, "neighbor-solicitation", l->accept);
	add_icmpv6(l, "neighbor-advertisement", l->accept);
}

static void add_source_filters(const struct lowering *l)
{
	const struct ipset *set = guest_filter_set(l->guest, l->nic);

	if (l->guest->options.macfilter && l->nic->mac.len)
		XT_ADD(l->b, l->chain, XT_TO(XT_DROP), { .kind = XT_NOT_MAC, .text = l->nic->mac })->span =
			line_of(l->guest, OPTION_GUEST_MACFILTER);
	if (l->b->family_mask == IPV6 && !l->guest->options.radv)
		add_icmpv6(l, "router-advertisement", XT_TO(XT_DROP));
	if (set) {
		struct endpoint *e = ARENA_NEW(l->b->arena, struct endpoint);

		*e = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = set };
		XT_ADD(l->b, l->chain, XT_TO(XT_DROP), { .kind = XT_NOT_SOURCE, .endpoint = e })->span =
			line_of(l->guest, OPTION_GUEST_IPFILTER);
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

	l.accept = l.out ? set_accept_mark : XT_TO(XT_ACCEPT);
	if (!l.out && guest->options.ips)
		l.accept = (struct xt_target){ .kind = XT_NFQUEUE, .queues = &guest->options.ips_queues };
	XT_ADD_ALL(b, chain, ((struct xt_target){ .kind = XT_SET_CONNMARK, .number = guest->vmid }));
	if (guest->options.dhcp)
		add_dhcp(&l);
	if (l.out)
		add_source_filters(&l);
	if (b->family_mask == IPV6 && guest->options.ndp)
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
					->span = line_of(g, OPTION_GUEST_IPS);
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
