/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of guests' NICs (spec 2.6). */
#include "nft/lower/build.h"

/* One NIC in one direction. */
struct lowering {
	struct nft_builder *b;
	struct nft_guests *guests;
	const struct guest *guest;
	const struct nic *nic;
	struct nft_chain *chain;
	bool out;
	struct nft_runs *runs; /* see struct nft_place */
};

static const struct nft_value none;

bool nft_nic_counts(const struct nic *nic)
{
	return nic->firewall && nft_iface_possible(nic->device);
}

/* ---- chains that guests share ---- */

static struct nft_statement accept_of(struct nft_builder *b, bool out)
{
	return nft_accept(b, out ? DIRECTION_OUT : DIRECTION_IN);
}

static void add_dhcp_rules(struct nft_builder *b, struct nft_chain *chain, bool out, struct nft_statement accept)
{
	if (out)
		nft_implied_add(b, chain, IMPLIED_DHCP_QUESTIONS, AT_NIC_OUT, NULL, accept);
	else
		nft_implied_add(b, chain, IMPLIED_DHCP_ANSWERS, AT_NIC_IN, NULL, accept);
}

/* Neighbour discovery: of router advertisements, or of all but these. */
static void add_ndp_rules(struct nft_builder *b, struct nft_chain *chain, bool routers, struct nft_statement accept)
{
	const char *router = implied_packets_of(IMPLIED_ROUTER)->icmp;

	for (const struct implied_packets *p = NULL; (p = implied_packets_next(IMPLIED_NIC_NDP, AT_NIC_OUT, p));)
		if ((strcmp(p->icmp, router) == 0) == routers)
			nft_packets_add(b, chain, p, NULL, accept);
}

static void add_mac_rule(struct nft_builder *b, struct nft_chain *chain, struct nft_list *macs)
{
	struct nft_draft d = { .count = 0 };

	nft_draft_pair_not_in(b, &d, "guest-macs", NFT_FIELD_IIFNAME, nft_key(NFT_FIELD_ETHER_SADDR), macs);
	nft_draft_add(&d, nft_to(NFT_TO_DROP));
	nft_rule_add(b, chain, d.items, d.count);
}

static struct nft_chain *before_chain(struct nft_builder *b, struct nft_guests *guests, unsigned bits)
{
	static const char *const names[] = { "-dhcp", "-ndp", "-radv", "-mac", "-ip" };
	const char *name = bits & NFT_BEFORE_OUT ? "before-out" : "before-in";

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & 2U << i)
			name = arena_printf(b->arena, "%s%s", name, names[i]);
	if (!guests->before[bits])
		guests->before[bits] = nft_chain_add(b, text_of(name));
	return guests->before[bits];
}

/* What stands in front of guests' rules, in the order of spec 2.6.  Filled when all guests are known. */
static void fill_before_chain(struct nft_builder *b, struct nft_guests *guests, unsigned bits)
{
	struct nft_chain *chain = guests->before[bits];
	bool out = bits & NFT_BEFORE_OUT;
	struct nft_statement accept = accept_of(b, out);

	if (!out && guests->filters_in)
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, guests->filters_in));
	if (bits & NFT_BEFORE_DHCP)
		add_dhcp_rules(b, chain, out, accept);
	if (bits & NFT_BEFORE_MAC)
		add_mac_rule(b, chain, &guests->macs);
	if (out && !(bits & NFT_BEFORE_RADV))
		nft_implied_add(b, chain, IMPLIED_ROUTER, AT_NIC_OUT, NULL, nft_to(NFT_TO_DROP));
	if (bits & NFT_BEFORE_IP)
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, nft_filter_chain(guests->filter)));
	if (bits & NFT_BEFORE_NDP)
		add_ndp_rules(b, chain, false, accept);
	if (bits & NFT_BEFORE_NDP && (!out || bits & NFT_BEFORE_RADV))
		add_ndp_rules(b, chain, true, accept);
}

/* ---- one chain ---- */

static bool filter_addresses(const struct lowering *l)
{
	const struct ipset *set = guest_filter_set(l->guest, l->nic);

	if (!set)
		return false;
	if (!l->guests->filter)
		l->guests->filter = nft_filter_new(l->b, "ipfilter", NFT_FIELD_IP_SADDR, NFT_FIELD_IP6_SADDR);
	nft_filter_add(l->b, l->guests->filter, l->nic->device, nft_resolve(l->b, set, IPV4));
	nft_filter_add(l->b, l->guests->filter, l->nic->device, nft_resolve(l->b, set, IPV6));
	return true;
}

static unsigned before_bits(const struct lowering *l)
{
	const struct guest_options *o = &l->guest->options;
	unsigned bits = (o->dhcp ? NFT_BEFORE_DHCP : 0u) | (o->ndp ? NFT_BEFORE_NDP : 0u);

	if (!l->out)
		return bits;
	bits |= NFT_BEFORE_OUT | (o->radv ? NFT_BEFORE_RADV : 0u);
	if (o->macfilter && l->nic->mac.len)
		bits |= NFT_BEFORE_MAC;
	if (filter_addresses(l))
		bits |= NFT_BEFORE_IP;
	return bits;
}

/* The connection gets the guest's number, and most of what needs no rule is decided. */
static void add_before(const struct lowering *l)
{
	struct nft_statement mark = { .kind = NFT_STMT_CT_MARK, .ct_mark = l->guest->vmid };
	unsigned bits = before_bits(l);

	if (bits || l->guests->filters_in)
		NFT_RULE(l->b, l->chain, mark, nft_to_chain(NFT_TO_JUMP, before_chain(l->b, l->guests, bits)));
	else
		NFT_RULE(l->b, l->chain, mark);
}

static void add_rules(const struct lowering *l)
{
	const struct guest_options *o = &l->guest->options;
	struct nft_place place = {
		.chain = l->chain,
		.direction = l->out ? DIRECTION_OUT : DIRECTION_IN,
		.accept = accept_of(l->b, l->out),
		.vmid = l->guest->vmid,
		.file = l->guest->file->path,
		.net = (int32_t)l->nic->index,
		.runs = l->runs,
	};

	nft_rules(l->b, &place, &l->guest->rules);
	if (l->out)
		nft_policy(l->b, &place, &o->policy_out, o->log_level_out);
	else
		nft_policy(l->b, &place, &o->policy_in, o->log_level_in);
}

static struct nft_chain *lower_direction(struct lowering l)
{
	struct nft_labels labels = nft_labels_of(l.nic->device);
	struct nft_builder *b = l.b;

	l.chain = nft_chain_add(b, ARENA_JOIN(b->arena, l.nic->device, l.out ? TEXT("-out") : TEXT("-in")));
	nft_accept_known(b, l.chain, &labels);
	add_before(&l);
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
		NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), queue)->span = guest->ips;
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_JUMP, guests->dhcp_pass));
	}
	NFT_RULE(b, chain, queue)->span = guest->ips;
	return chain;
}

/* ---- plugging in ---- */

static void add_to(struct nft_builder *b, struct nft_list *list, struct nft_value first, struct nft_value second,
		   const struct nft_chain *chain)
{
	nft_list_add(b, list, first, second)->verdict = (struct nft_verdict){ NFT_TO_GOTO, chain };
}

/* A bridge on which frames to this NIC are seen. `chain` is NULL for one whose frames pass unjudged: an address that it
 * shares with another NIC tells neither. */
static void add_bridge(struct nft_builder *b, struct nft_list *list, struct text bridge, struct nft_value mac,
		       const struct nft_chain *chain)
{
	if (nft_iface_possible(bridge))
		add_to(b, list, nft_iface_value(bridge, false), mac, chain);
}

/* Where frames to this NIC are seen before they reach its port: on the bridge it is plugged into, which with
 * a VLAN can be one of that VLAN, and on its firewall bridge, whichever of them there is. */
static void add_bridges(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
			const struct nic *nic, const struct nft_chain *chain)
{
	struct nft_value mac = nft_bytes(nic->mac_bytes, 6);

	if (!nic->mac.len)
		return;
	add_bridge(b, &guests->to_mac, nic->bridge, mac, chain);
	if (nic->tag && nic->bridge.len)
		add_bridge(b, &guests->to_mac, text_of(arena_printf(b->arena, "%.*sv%u", TEXT_ARG(nic->bridge), nic->tag)),
			   mac, chain);
	if (!chain)
		return;
	add_bridge(b, &guests->to_own, text_of(arena_printf(b->arena, "fwbr%ui%u", guest->vmid, nic->index)), mac, chain);
	nft_list_add(b, &guests->macs, nft_iface_value(nic->device, false), mac);
}

/* The chain that gives the connection a label. */
static const struct nft_chain *label_chain(struct nft_builder *b, struct nft_guests *guests, unsigned label)
{
	unsigned at = label - LABELS_FIRST;
	struct nft_chain **chain = &guests->labels[at];

	if (!*chain) {
		*chain = nft_chain_add(b, text_of(arena_printf(b->arena, "keep-%c-%c", 'a' + (int)(at / LABELS_GROUP),
							       'a' + (int)(at % LABELS_GROUP))));
		NFT_RULE(b, *chain, nft_ct_state(b, CT_NEW | CT_ESTABLISHED | CT_RELATED), nft_set_label(label));
	}
	return *chain;
}

/* What the NIC accepts gets its labels. */
static void keep_nic(struct nft_builder *b, struct nft_guests *guests, const struct nic *nic)
{
	struct nft_labels labels = nft_labels_of(nic->device);

	for (unsigned i = 0; i < LABELS_EACH; i++)
		nft_list_add(b, &guests->keep[i], nft_iface_value(nic->device, false), none)->verdict =
			(struct nft_verdict){ NFT_TO_JUMP, label_chain(b, guests, labels.bits[i]) };
}

static void lower_nic(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest,
		      const struct nic *nic, struct nft_runs *runs)
{
	struct lowering l = { .b = b, .guests = guests, .guest = guest, .nic = nic, .runs = runs };
	struct nft_value device = nft_iface_value(nic->device, false);
	struct nft_chain *in;

	keep_nic(b, guests, nic);
	in = lower_direction(l);
	l.out = true;
	add_to(b, &guests->to, device, none, in);
	add_to(b, &guests->from, device, none, lower_direction(l));
	add_bridges(b, guests, guest, nic, in);
}

static struct nft_chain *pass_in_chain(struct nft_builder *b, struct nft_guests *guests)
{
	if (!guests->pass_in) {
		guests->pass_in = nft_chain_add(b, TEXT("pass-in"));
		NFT_RULE(b, guests->pass_in, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), accept_of(b, false));
		NFT_RULE(b, guests->pass_in, nft_to_chain(NFT_TO_JUMP, guests->filters_in));
		NFT_RULE(b, guests->pass_in, accept_of(b, false));
	}
	return guests->pass_in;
}

/* A NIC that is not judged accepts everything, but for what all are kept from.  It is noted as for others: its rules can
 * be switched on while connections are open. */
static void pass_nic(struct nft_builder *b, struct nft_guests *guests, const struct nic *nic, bool judged)
{
	bool filtered = nft_nic_counts(nic) && guests->filters_in;
	struct nft_value device;

	if (!nft_iface_possible(nic->device) || (!judged && !filtered))
		return;
	device = nft_iface_value(nic->device, false);
	if (!judged) {
		add_to(b, &guests->to, device, none, guests->filters_in);
		return;
	}
	keep_nic(b, guests, nic);
	add_to(b, &guests->from, device, none, accept_of(b, true).verdict.chain);
	add_to(b, &guests->to, device, none, filtered ? pass_in_chain(b, guests) : accept_of(b, false).verdict.chain);
}

static unsigned count_nics(const struct guest *guest)
{
	unsigned count = 0;

	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		count += nft_nic_counts(nic);
	return count;
}

static void lower_guest(struct nft_builder *b, struct nft_guests *guests, const struct guest *guest, bool judged)
{
	struct nft_runs runs = { .first = NULL }, *shared = count_nics(guest) > 1 ? &runs : NULL;
	struct nft_chain *ips = NULL;

	for (const struct nic *nic = guest->nics; nic; nic = nic->next) {
		struct nft_value device;

		if (!nft_nic_counts(nic) || !guest->options.enable) {
			add_bridges(b, guests, guest, nic, NULL);
			pass_nic(b, guests, nic, judged);
		}
		if (!nft_nic_counts(nic)) /* then its device's name may be too long */
			continue;
		device = nft_iface_value(nic->device, false);
		nft_list_add(b, &guests->devices, device, none);
		if (guest->options.enable)
			lower_nic(b, guests, guest, nic, shared);
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
		if (count_nics(guest))
			return true;
	return false;
}

bool nft_judges_guests(const struct config *config)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		if (guest->options.enable && count_nics(guest))
			return true;
	return false;
}

/* What is accepted for a guest's port is noted where the port is known. */
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

/* Leaves those whose bridge and address belong to one NIC, which is judged. */
static void keep_unique(struct nft_list *list)
{
	uint32_t kept = 0;

	nft_list_sort(list, false);
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].verdict.chain)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

void nft_guests(struct nft_builder *b, struct nft_guests *guests)
{
	bool judged = nft_judges_guests(b->config);

	if (any_nic(b->config) && nft_input_filters(b, NULL)) {
		guests->filters_in = nft_chain_add(b, TEXT("filters-in"));
		nft_input_filters(b, guests->filters_in);
	}
	for (const struct guest *guest = b->config->guests; guest; guest = guest->next)
		lower_guest(b, guests, guest, judged);
	for (unsigned bits = 0; bits < NFT_BEFORE_KINDS; bits++)
		if (guests->before[bits])
			fill_before_chain(b, guests, bits);
	if (guests->filter)
		nft_filter_finish(b, guests->filter);
	keep_unique(&guests->to_mac);
}
