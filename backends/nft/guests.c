/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of guests' NICs (spec 2.6). */
#include "nft/build.h"

/* One NIC in one direction. */
struct lowering {
	struct nft_builder *b;
	struct nft_guests *guests;
	const struct guest *guest;
	const struct nic *nic;
	struct nft_chain *chain;
	bool out;
};

static const struct nft_value none;

bool nft_nic_counts(const struct nic *nic)
{
	return nic->firewall && nft_iface_possible(nic->device);
}

/* ---- chains that guests share ---- */

static struct nft_statement accept_of(struct nft_builder *b, bool out)
{
	return out ? nft_to(NFT_TO_ACCEPT) : nft_to_chain(NFT_TO_GOTO, nft_accept_in_chain(b));
}

static void add_dhcp_rules(struct nft_builder *b, struct nft_chain *chain, bool out, struct nft_statement accept)
{
	static const uint32_t server[2] = { 67, 547 }, client[2] = { 68, 546 };

	for (unsigned six = 0; six < 2; six++)
		NFT_RULE(b, chain, nft_version(b, six ? IPV6 : IPV4), nft_proto(b, PROTO_UDP),
			 nft_is(b, NFT_FIELD_UDP_SPORT, out ? client[six] : server[six]),
			 nft_is(b, NFT_FIELD_UDP_DPORT, out ? server[six] : client[six]), accept);
}

static struct nft_chain *dhcp_chain(struct nft_builder *b, struct nft_guests *guests, bool out)
{
	struct nft_chain **chain = out ? &guests->dhcp_out : &guests->dhcp_in;

	if (!*chain) {
		*chain = nft_chain_add(b, out ? TEXT("dhcp-out") : TEXT("dhcp-in"));
		add_dhcp_rules(b, *chain, out, accept_of(b, out));
	}
	return *chain;
}

enum { ROUTER_SOLICITATION = 133, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT };

static void add_icmpv6(struct nft_builder *b, struct nft_chain *chain, uint32_t type, struct nft_statement verdict)
{
	NFT_RULE(b, chain, nft_version(b, IPV6), nft_proto(b, PROTO_ICMPV6), nft_is(b, NFT_FIELD_ICMPV6_TYPE, type),
		 verdict);
}

/* Neighbour discovery; `radv`: router advertisements are accepted, else dropped. */
static struct nft_chain *ndp_chain(struct nft_builder *b, struct nft_guests *guests, bool out, bool radv)
{
	struct nft_chain **chain = !out ? &guests->ndp_in : radv ? &guests->radv_out : &guests->ndp_out;
	struct nft_statement accept = accept_of(b, out);

	if (*chain)
		return *chain;
	*chain = nft_chain_add(b, !out ? TEXT("ndp-in") : radv ? TEXT("ndp-out-radv") : TEXT("ndp-out"));
	add_icmpv6(b, *chain, ROUTER_SOLICITATION, accept);
	add_icmpv6(b, *chain, ROUTER_ADVERTISEMENT, radv ? accept : nft_to(NFT_TO_DROP));
	add_icmpv6(b, *chain, NEIGHBOR_SOLICITATION, accept);
	add_icmpv6(b, *chain, NEIGHBOR_ADVERTISEMENT, accept);
	return *chain;
}

/* ---- one chain ---- */

static void jump(const struct lowering *l, const struct nft_chain *chain)
{
	NFT_RULE(l->b, l->chain, nft_to_chain(NFT_TO_JUMP, chain));
}

/* The set that holds a NIC's allowed source addresses, or NULL. */
static const struct ipset *filter_set(const struct lowering *l)
{
	struct text name = ARENA_JOIN(l->b->arena, TEXT("ipfilter-"), l->nic->key);
	const struct ipset *set = NULL;

	if (l->guest->scope.ipsets)
		HASH_FIND(hh, l->guest->scope.ipsets, name.ptr, name.len, set);
	return set;
}

static void add_source_filters(const struct lowering *l)
{
	const struct ipset *set = filter_set(l);

	if (l->guest->options.macfilter && l->nic->mac.len) {
		struct nft_match other = { .keys = { nft_key(NFT_FIELD_ETHER_SADDR) }, .key_count = 1, .op = NFT_OP_NE };

		other.value = nft_bytes(l->nic->mac_bytes, 6);
		NFT_RULE(l->b, l->chain, nft_match(l->b, other), nft_to(NFT_TO_DROP));
	}
	if (!set)
		return;
	if (!l->guests->filter)
		l->guests->filter = nft_filter_new(l->b, "ipfilter", NFT_FIELD_IP_SADDR, NFT_FIELD_IP6_SADDR);
	nft_filter_add(l->b, l->guests->filter, l->nic->device, nft_resolve(l->b, set, IPV4));
	nft_filter_add(l->b, l->guests->filter, l->nic->device, nft_resolve(l->b, set, IPV6));
	jump(l, nft_filter_chain(l->guests->filter));
}

static void add_ndp(const struct lowering *l)
{
	const struct guest_options *o = &l->guest->options;

	if (o->ndp)
		jump(l, ndp_chain(l->b, l->guests, l->out, !l->out || o->radv));
	else if (l->out && !o->radv)
		add_icmpv6(l->b, l->chain, ROUTER_ADVERTISEMENT, nft_to(NFT_TO_DROP));
}

static void add_rules(const struct lowering *l)
{
	const struct guest_options *o = &l->guest->options;
	struct nft_place place = {
		.chain = l->chain,
		.direction = l->out ? DIRECTION_OUT : DIRECTION_IN,
		.accept = accept_of(l->b, l->out),
		.vmid = l->guest->vmid,
		.net = (int32_t)l->nic->index,
	};

	nft_rules(l->b, &place, &l->guest->rules);
	if (l->out)
		nft_policy(l->b, &place, o->policy_out, o->log_level_out);
	else
		nft_policy(l->b, &place, o->policy_in, o->log_level_in);
}

static struct nft_chain *lower_direction(struct lowering l)
{
	struct nft_builder *b = l.b;

	l.chain = nft_chain_add(b, ARENA_JOIN(b->arena, l.nic->device, l.out ? TEXT("-out") : TEXT("-in")));
	if (!l.out && l.guests->filters_in)
		jump(&l, l.guests->filters_in);
	NFT_RULE(b, l.chain, (struct nft_statement){ .kind = NFT_STMT_CT_MARK, .ct_mark = l.guest->vmid });
	if (l.guest->options.dhcp)
		jump(&l, dhcp_chain(b, l.guests, l.out));
	if (l.out)
		add_source_filters(&l);
	add_ndp(&l);
	add_rules(&l);
	return l.chain;
}

/* ---- an IPS ---- */

/* DHCP is not handed to it, but for what belongs to a connection. */
static struct nft_chain *ips_chain(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest)
{
	const struct queues *queues = &guest->options.ips_queues;
	struct nft_statement queue = { .kind = NFT_STMT_QUEUE };
	struct nft_chain *chain = nft_chain_add(b, text_of(arena_printf(b->arena, "ips-%u", guest->vmid)));

	queue.queue.first = queues->set ? queues->first : 0;
	queue.queue.last = queues->set && queues->range ? queues->last : queue.queue.first;
	if (guest->options.dhcp) {
		if (!guests->dhcp_pass) {
			guests->dhcp_pass = nft_chain_add(b, TEXT("dhcp-pass"));
			add_dhcp_rules(b, guests->dhcp_pass, false, nft_to(NFT_TO_ACCEPT));
		}
		NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), queue);
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, guests->dhcp_pass));
	}
	NFT_RULE(b, chain, queue);
	return chain;
}

/* ---- plugging in ---- */

static void add_to(struct nft_builder *b, struct nft_list *list, struct nft_value first, struct nft_value second,
		   const struct nft_chain *chain)
{
	nft_list_add(b, list, first, second)->verdict = (struct nft_verdict){ NFT_TO_GOTO, chain };
}

/* Where frames to this NIC are seen before they reach its port: on the bridge it is plugged into, and
 * on its firewall bridge, whichever of them there is. */
static void add_bridges(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
			const struct nic *nic, const struct nft_chain *chain)
{
	struct text own = text_of(arena_printf(b->arena, "fwbr%ui%u", guest->vmid, nic->index));
	struct nft_value mac = nft_bytes(nic->mac_bytes, 6);

	if (!nic->mac.len)
		return;
	if (nft_iface_possible(nic->bridge))
		add_to(b, &guests->to_mac, nft_iface_value(nic->bridge, false), mac, chain);
	if (nft_iface_possible(own))
		add_to(b, &guests->to_mac, nft_iface_value(own, false), mac, chain);
	nft_list_add(b, &guests->macs, nft_iface_value(nic->device, false), mac);
}

static void lower_nic(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
		      const struct nic *nic)
{
	struct lowering l = { .b = b, .guests = guests, .guest = guest, .nic = nic };
	struct nft_value device = nft_iface_value(nic->device, false);
	struct nft_chain *in = lower_direction(l);

	l.out = true;
	add_to(b, &guests->to, device, none, in);
	add_to(b, &guests->from, device, none, lower_direction(l));
	add_bridges(b, guests, guest, nic, in);
}

static void lower_guest(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest)
{
	struct nft_chain *ips = NULL;

	for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
		struct nft_value device = nft_iface_value(nic->device, false);

		if (!nft_nic_counts(nic))
			continue;
		nft_list_add(b, &guests->devices, device, none);
		if (guest->options.enable)
			lower_nic(b, guests, guest, nic);
		else if (guests->filters_in)
			add_to(b, &guests->to, device, none, guests->filters_in);
		if (!guest->options.enable || !guest->options.ips)
			continue;
		if (!ips)
			ips = ips_chain(b, guests, guest);
		add_to(b, &guests->queued, device, none, ips);
	}
}

static bool any_nic(const struct config *config)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (nft_nic_counts(nic))
				return true;
	return false;
}

void nft_guests(struct nft_builder *b, struct nft_guests *guests)
{
	if (any_nic(b->config) && nft_input_filters(b, NULL)) {
		guests->filters_in = nft_chain_add(b, TEXT("filters-in"));
		nft_input_filters(b, guests->filters_in);
	}
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next)
		lower_guest(b, guests, guest);
	if (guests->filter)
		nft_filter_finish(b, guests->filter);
	nft_list_sort(&guests->to_mac, false);
}
