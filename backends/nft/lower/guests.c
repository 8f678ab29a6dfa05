/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of guests' NICs (spec 2.6). */
#include "nft/lower/passes.h"

static struct nft_statement nft_accept_of(struct nft_builder *b, bool out)
{
	return nft_accept(b, out ? DIRECTION_OUT : DIRECTION_IN);
}

/* ---- before a guest's rules ---- */

static void nft_add_dhcp(struct nft_builder *b, struct nft_chain *chain, bool out, struct nft_statement accept)
{
	if (out)
		nft_implied_add(b, chain, IMPLIED_DHCP_QUESTIONS, AT_NIC_OUT, NULL, accept);
	else
		nft_implied_add(b, chain, IMPLIED_DHCP_ANSWERS, AT_NIC_IN, NULL, accept);
}

/* Neighbour discovery: only router advertisements, or all but these. */
static void nft_add_ndp(struct nft_builder *b, struct nft_chain *chain, bool routers, struct nft_statement accept)
{
	const char *router = implied_packets_of(IMPLIED_ROUTER)->icmp;

	for (const struct implied_packets *p = NULL; (p = implied_packets_next(IMPLIED_NIC_NDP, AT_NIC_OUT, p));)
		if ((strcmp(p->icmp, router) == 0) == routers)
			nft_packets_add(b, chain, p, NULL, accept);
}

/* Fills the chain with what precedes guests' rules, in the order of spec 2.6; needs all guests. */
static void nft_fill_before(struct nft_builder *b, struct nft_guests *guests, unsigned bits)
{
	struct nft_chain *chain = guests->before[bits];
	bool out = bits & NFT_BEFORE_OUT;
	struct nft_statement accept = nft_accept_of(b, out);
	struct nft_draft d = { .count = 0 };

	if (!out && guests->filters_in)
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, guests->filters_in));
	if (bits & NFT_BEFORE_DHCP)
		nft_add_dhcp(b, chain, out, accept);
	if (bits & NFT_BEFORE_MAC) {
		nft_draft_pair(b, &d, "guest-macs", NFT_FIELD_IIFNAME, nft_key(NFT_FIELD_ETHER_SADDR), &guests->macs, false);
		nft_rule_implied(nft_draft_end(b, chain, &d, nft_to(NFT_TO_DROP)), IMPLIED_MAC_FILTER);
	}
	if (out && !(bits & NFT_BEFORE_RADV))
		nft_implied_add(b, chain, IMPLIED_ROUTER, AT_NIC_OUT, NULL, nft_to(NFT_TO_DROP));
	if (bits & NFT_BEFORE_IP)
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, nft_filter_chain(guests->filter)));
	if (bits & NFT_BEFORE_NDP)
		nft_add_ndp(b, chain, false, accept);
	if (bits & NFT_BEFORE_NDP && (!out || bits & NFT_BEFORE_RADV))
		nft_add_ndp(b, chain, true, accept);
}

/* What precedes the rules of this NIC. Adds its source addresses to the filter that all share. */
static unsigned nft_before_bits(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
				const struct nic *nic, bool out)
{
	const struct guest_options *o = &guest->options;
	const struct ipset *set = out ? guest_filter_set(guest, nic) : NULL;
	unsigned bits = (o->dhcp ? NFT_BEFORE_DHCP : 0u) | (o->ndp ? NFT_BEFORE_NDP : 0u);

	if (!out)
		return bits;
	bits |= NFT_BEFORE_OUT | (o->radv ? NFT_BEFORE_RADV : 0u);
	if (o->macfilter && nic->mac.len)
		bits |= NFT_BEFORE_MAC;
	if (!set)
		return bits;
	if (!guests->filter)
		guests->filter = nft_filter_new(b, "ipfilter", NFT_FIELD_IP_SADDR, NFT_FIELD_IP6_SADDR);
	nft_filter_add(b, guests->filter, nic->device, nft_resolve(b, set, IPV4));
	nft_filter_add(b, guests->filter, nic->device, nft_resolve(b, set, IPV6));
	return bits | NFT_BEFORE_IP;
}

static struct nft_chain *nft_before_chain(struct nft_builder *b, struct nft_guests *guests, unsigned bits)
{
	static const char *const names[] = { "-dhcp", "-ndp", "-radv", "-mac", "-ip" };
	const char *name = bits & NFT_BEFORE_OUT ? "before-out" : "before-in";

	if (guests->before[bits])
		return guests->before[bits];
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & 2U << i)
			name = arena_printf(b->arena, "%s%s", name, names[i]);
	return guests->before[bits] = nft_chain_add(b, text_of(name));
}

/* ---- a NIC's chains ---- */

/* The chain of one direction. The connection gets the guest's number as its mark. */
static struct nft_chain *nft_nic_chain(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
				       const struct nic *nic, bool out, struct nft_runs *runs)
{
	struct text name = ARENA_JOIN(b->arena, nic->device, out ? TEXT("-out") : TEXT("-in"));
	struct nft_place place = { .zone = zone_of_nic(guest, nic, out), .chain = nft_chain_add(b, name), .runs = runs };
	struct nft_statement mark = { .kind = NFT_STMT_CT_MARK, .ct_mark = guest->vmid };
	struct nft_labels labels = nft_labels_of(nic->device);
	unsigned bits;

	nft_accept_known(b, place.chain, &labels);
	bits = nft_before_bits(b, guests, guest, nic, out);
	if (bits || guests->filters_in)
		NFT_RULE(b, place.chain, mark, nft_to_chain(NFT_TO_JUMP, nft_before_chain(b, guests, bits)));
	else
		NFT_RULE(b, place.chain, mark);
	place.accept = nft_accept_of(b, out);
	nft_rules(b, &place, &guest->rules);
	nft_policy(b, &place);
	return place.chain;
}

/*
 * Passes packets to an IPS. DHCP is excepted, unless it belongs to a connection, and so are the ICMP errors that a policy
 * lets through: of the packets that begin a connection, only they have been accepted without a mark.
 */
static struct nft_chain *nft_ips_chain(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest)
{
	const struct queues *queues = &guest->options.ips_queues;
	struct nft_statement queue = { .kind = NFT_STMT_QUEUE };
	struct nft_chain *chain = nft_chain_add(b, text_of(arena_printf(b->arena, "ips-%u", guest->vmid)));

	queue.queue.first = queues->set ? queues->first : 0;
	queue.queue.last = queues->set && queues->range ? queues->last : queue.queue.first;
	NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), queue)->span = guest_option_span(guest, OPTION_GUEST_IPS);
	if (guest->options.dhcp) {
		if (!guests->dhcp_pass) {
			guests->dhcp_pass = nft_chain_add(b, TEXT("dhcp-pass"));
			nft_add_dhcp(b, guests->dhcp_pass, false, nft_to(NFT_TO_ACCEPT));
		}
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, guests->dhcp_pass));
	}
	nft_rule_implied(NFT_RULE(b, chain, nft_mark_is(b, 0), nft_to(NFT_TO_ACCEPT)), IMPLIED_ICMP_ERRORS);
	NFT_RULE(b, chain, queue)->span = guest_option_span(guest, OPTION_GUEST_IPS);
	return chain;
}

/* ---- from the base chains to them ---- */

static void nft_goto_from(struct nft_builder *b, struct nft_list *list, struct text device, const struct nft_chain *chain)
{
	nft_list_add_iface(b, list, device)->verdict = (struct nft_verdict){ NFT_TO_GOTO, chain };
}

/* A bridge on which frames to this NIC appear. `chain` is NULL if the NIC is not filtered: another NIC with the same
 * address makes the address ambiguous. */
static void nft_add_bridge(struct nft_builder *b, struct nft_list *list, struct text bridge, const struct nic *nic,
			   const struct nft_chain *chain)
{
	if (nft_iface_possible(bridge))
		nft_list_add(b, list, nft_iface_value(bridge, false), nft_bytes(nic->mac_bytes, 6))->verdict =
			(struct nft_verdict){ NFT_TO_GOTO, chain };
}

/* Where frames to this NIC appear before they reach its port: on the bridge that it is plugged into, which for a VLAN can
 * be a bridge of that VLAN, and on its firewall bridge. Without a MAC address only the latter identifies it. */
static void nft_add_bridges(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
			    const struct nic *nic, const struct nft_chain *chain)
{
	struct text own = text_of(arena_printf(b->arena, "fwbr%ui%u", guest->vmid, nic->index));

	if (nic->mac.len) {
		nft_add_bridge(b, &guests->to_mac, nic->bridge, nic, chain);
		if (nic->tag && nic->bridge.len)
			nft_add_bridge(b, &guests->to_mac,
				       text_of(arena_printf(b->arena, "%.*sv%u", TEXT_ARG(nic->bridge), nic->tag)), nic, chain);
	}
	if (!chain)
		return;
	if (nic->mac.len) {
		nft_add_bridge(b, &guests->to_own, own, nic, chain);
		nft_list_add(b, &guests->macs, nft_iface_value(nic->device, false), nft_bytes(nic->mac_bytes, 6));
	} else if (nft_iface_possible(own)) {
		nft_goto_from(b, &guests->to_alone, own, chain);
		nft_list_add_iface(b, &guests->alone, nic->device);
	}
}

/* Labels the packets that the NIC accepts, with a chain for each label. */
static void nft_keep_nic(struct nft_builder *b, struct nft_guests *guests, const struct nic *nic)
{
	struct nft_labels labels = nft_labels_of(nic->device);

	for (unsigned i = 0; i < LABELS_EACH; i++) {
		unsigned at = labels.bits[i] - LABELS_FIRST;
		struct nft_chain **chain = &guests->labels[at];

		if (!*chain) {
			*chain = nft_chain_add(b, text_of(arena_printf(b->arena, "keep-%c-%c", 'a' + (int)(at / LABELS_GROUP),
								       'a' + (int)(at % LABELS_GROUP))));
			NFT_RULE(b, *chain, nft_ct_state(b, CT_NEW | CT_ESTABLISHED | CT_RELATED),
				 nft_set_label(labels.bits[i]));
		}
		nft_list_add_iface(b, &guests->keep[i], nic->device)->verdict = (struct nft_verdict){ NFT_TO_JUMP, *chain };
	}
}

static void nft_lower_nic(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
			  const struct nic *nic, struct nft_runs *runs)
{
	struct nft_chain *in;

	nft_keep_nic(b, guests, nic);
	in = nft_nic_chain(b, guests, guest, nic, false, runs);
	nft_goto_from(b, &guests->to, nic->device, in);
	nft_goto_from(b, &guests->from, nic->device, nft_nic_chain(b, guests, guest, nic, true, runs));
	nft_add_bridges(b, guests, guest, nic, in);
}

static struct nft_chain *nft_pass_in_chain(struct nft_builder *b, struct nft_guests *guests)
{
	if (!guests->pass_in) {
		guests->pass_in = nft_chain_add(b, TEXT("pass-in"));
		nft_rule_implied(NFT_RULE(b, guests->pass_in, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED),
					  nft_accept_of(b, false)), IMPLIED_KNOWN);
		NFT_RULE(b, guests->pass_in, nft_to_chain(NFT_TO_JUMP, guests->filters_in));
		NFT_RULE(b, guests->pass_in, nft_accept_of(b, false));
	}
	return guests->pass_in;
}

/* A NIC that is not filtered accepts everything that the input filters pass. Its connections are labelled all the same,
 * because its rules can be enabled while they are open. */
static void nft_pass_nic(struct nft_builder *b, struct nft_guests *guests, const struct nic *nic, bool judged)
{
	bool filtered = nft_nic_counts(nic) && guests->filters_in;

	if (!nft_iface_possible(nic->device) || (!judged && !filtered))
		return;
	if (!judged) {
		nft_goto_from(b, &guests->to, nic->device, guests->filters_in);
		return;
	}
	nft_keep_nic(b, guests, nic);
	nft_goto_from(b, &guests->from, nic->device, nft_accept_of(b, true).verdict.chain);
	nft_goto_from(b, &guests->to, nic->device,
		      filtered ? nft_pass_in_chain(b, guests) : nft_accept_of(b, false).verdict.chain);
}

static void nft_lower_guest(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest, bool judged)
{
	struct nft_runs runs = { .first = NULL };
	struct nft_chain *ips = NULL;
	unsigned count = 0;

	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		count += nft_nic_counts(nic);
	for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
		if (!nft_nic_counts(nic) || !guest->options.enable) {
			nft_add_bridges(b, guests, guest, nic, NULL);
			nft_pass_nic(b, guests, nic, judged);
		}
		if (!nft_nic_counts(nic)) /* the name of its device may be too long */
			continue;
		nft_list_add_iface(b, &guests->devices, nic->device);
		if (guest->options.enable)
			nft_lower_nic(b, guests, guest, nic, count > 1 ? &runs : NULL);
		if (!guest->options.enable || !guest->options.ips)
			continue;
		if (!ips)
			ips = nft_ips_chain(b, guests, guest);
		nft_goto_from(b, &guests->queued, nic->device, ips);
	}
}

/* ---- the whole ---- */

/* Labels are set where the guest's port is known. */
void nft_guests_finish(struct nft_builder *b, struct nft_guests *guests)
{
	struct nft_chain *in = b->accept[DIRECTION_IN], *out = b->accept[DIRECTION_OUT];

	for (unsigned i = 0; i < LABELS_EACH && guests->keep[i].count; i++) {
		const struct nft_set *keep = nft_map_of(b, arena_printf(b->arena, "keep-%c", 'a' + (int)i), 1, &guests->keep[i]);

		if (in)
			NFT_RULE(b, in, nft_vmap(b, NFT_FIELD_OIFNAME, keep));
		if (out)
			NFT_RULE(b, out, nft_vmap(b, NFT_FIELD_IIFNAME, keep));
	}
	if (in)
		NFT_RULE(b, in, nft_set_mark(MARK_ACCEPTED), nft_to(NFT_TO_ACCEPT));
	if (out)
		NFT_RULE(b, out, nft_to(NFT_TO_ACCEPT));
}

void nft_guests(struct nft_builder *b, struct nft_guests *guests)
{
	bool judged = nft_judges_guests(b->config);
	uint32_t kept = 0;

	if (nft_any_nic(b->config) && nft_input_filters(b, NULL)) {
		guests->filters_in = nft_chain_add(b, TEXT("filters-in"));
		nft_input_filters(b, guests->filters_in);
	}
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next)
		nft_lower_guest(b, guests, guest, judged);
	for (unsigned bits = 0; bits < NFT_BEFORE_KINDS; bits++)
		if (guests->before[bits])
			nft_fill_before(b, guests, bits);
	if (guests->filter)
		nft_filter_finish(b, guests->filter);
	/* Bridge and address must belong to one NIC, and that NIC must be filtered. */
	nft_list_sort(&guests->to_mac, false);
	for (uint32_t i = 0; i < guests->to_mac.count; i++)
		if (guests->to_mac.items[i].verdict.chain)
			guests->to_mac.items[kept++] = guests->to_mac.items[i];
	guests->to_mac.count = kept;
}
