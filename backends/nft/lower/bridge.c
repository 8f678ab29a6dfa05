/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base chains of the bridge table.
 *
 * A frame on its way passes one bridge when guests are plugged straight into
 * vmbrN, and up to three with firewall bridges.  At each it goes through these, in
 * this order:
 *
 *   entry              takes the mark off what enters the machine
 *   prerouting         from a guest, by its port: judged by the guest's out chain
 *   prerouting-to      to a guest, as far as bridge and MAC address tell: judged by its in
 *                      chain.  It is here because nothing later can send an answer.  An
 *                      address that two NICs of a bridge share tells nothing.
 *   prerouting-reject  answers what the two have rejected
 *   forward            vnets
 *   postrouting        to a guest, by its port: judged by its in chain, unless the mark
 *                      says that this has been done
 *   postrouting-late   what was rejected too late is dropped; an IPS gets the rest
 *   output             frames of the host itself, among them our own answers: nobody else
 *                      sends frames from here that have no route.  They belong to no
 *                      connection, and the mark says why.
 *
 * Falling through a verdict map accepts.
 */
#include "nft/lower/build.h"

struct base {
	struct nft_chain *entry, *prerouting, *to, *reject, *output, *forward, *postrouting, *late;
};

/* What the configuration has for this table. */
struct needs {
	bool nics;   /* with firewall bridges */
	bool judged; /* of guests whose firewall is on */
	bool vnets;
	bool marks;
};

/* ---- where frames come in ---- */

static void take_mark_off(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_masked(b, NFT_FIELD_MARK, MARK_BITS, NFT_OP_NE, 0), nft_set_mark(0));
}

static void entry_rules(struct nft_builder *b, struct nft_chain *chain, const struct needs *needs)
{
	static const struct text inner[] = { TEXT_INIT("fwln"), TEXT_INIT("fwpr") };

	nft_note_begun(b, chain, needs->judged, needs->vnets);
	for (size_t i = 0; i < 2; i++)
		NFT_RULE(b, chain, nft_is_value(b, NFT_FIELD_IIFNAME, nft_iface_value(inner[i], true)),
			 nft_to(NFT_TO_ACCEPT));
	if (needs->marks)
		take_mark_off(b, chain);
	nft_early_rules(b, chain);
}

/* ---- invalid and established ---- */

/* All that is established, or only what began before it was judged here (`begun`). */
static void accept_related(struct nft_builder *b, struct nft_chain *chain, bool judged, unsigned begun)
{
	if (judged)
		nft_accept_older(b, chain, begun);
	else
		NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_to(NFT_TO_ACCEPT));
}

static bool drops_invalid(const struct nft_builder *b)
{
	return !b->config->host_options.nf_conntrack_allow_invalid;
}

static void drop_invalid(struct nft_builder *b, struct nft_chain *chain, enum nft_field port, struct nft_list *devices)
{
	struct nft_draft d = { .count = 0 };

	if (!drops_invalid(b))
		return;
	nft_draft_add(&d, nft_ct_state(b, CT_INVALID));
	nft_draft_iface_in(b, &d, "guest-devices", port, devices);
	nft_draft_add(&d, nft_to(NFT_TO_DROP));
	nft_rule_add(b, chain, d.items, d.count);
}

static void accept_answers(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_mark_is(b, MARK_ANSWER), nft_to(NFT_TO_ACCEPT));
}

/* ---- from guests ---- */

static void prerouting_rules(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests, bool judged)
{
	struct nft_chain *layer2 = nft_layer2(b);

	NFT_RULE(b, chain, NFT_NOT_IP(b), layer2 ? nft_to_chain(NFT_TO_GOTO, layer2) : nft_to(NFT_TO_ACCEPT));
	accept_related(b, chain, judged, LABEL_BEGUN);
	drop_invalid(b, chain, NFT_FIELD_IIFNAME, &guests->devices);
	if (guests->from.count)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_IIFNAME, nft_map_of(b, "from-guest", 1, &guests->from)));
}

static void reject_rules(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_chain *answers = nft_chain_add(b, TEXT("do-reject"));

	nft_reject_type_rules(b, answers);
	NFT_RULE(b, chain, nft_mark_is(b, MARK_REJECT), nft_to_chain(NFT_TO_GOTO, answers));
}

/* Our own answers have no connection, and look invalid. */
static void mark_answers(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_statement mark = nft_set_mark(MARK_ANSWER), invalid = nft_ct_state(b, CT_INVALID);

	NFT_RULE(b, chain, nft_is_not(b, NFT_FIELD_RTCLASSID, UINT32_MAX), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, invalid, nft_proto(b, PROTO_TCP), nft_masked(b, NFT_FIELD_TCP_FLAGS, TCP_RST, NFT_OP_EQ, TCP_RST),
		 mark);
	NFT_RULE(b, chain, invalid, nft_family(b, IPV4), nft_proto(b, PROTO_ICMP), nft_is(b, NFT_FIELD_ICMP_TYPE, 3), mark);
	NFT_RULE(b, chain, invalid, nft_family(b, IPV6), nft_proto(b, PROTO_ICMPV6), nft_is(b, NFT_FIELD_ICMPV6_TYPE, 1),
		 mark);
}

/* ---- between ports ---- */

static void forward_rules(struct nft_builder *b, struct nft_chain *chain, const struct nft_set *vnets, bool marks)
{
	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	accept_related(b, chain, vnets != NULL, LABEL_BEGUN_VNET);
	if (marks)
		accept_answers(b, chain);
	if (drops_invalid(b))
		NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP));
	if (vnets)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_IBRNAME, vnets));
}

/* ---- to guests ---- */

static void to_rules(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests)
{
	uint32_t undecided = CT_ESTABLISHED | CT_RELATED;

	if (drops_invalid(b)) /* postrouting does, and knows the port */
		undecided |= CT_INVALID;
	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_ct_state(b, undecided), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_masked(b, NFT_FIELD_MARK, MARK_BITS, NFT_OP_NE, 0), nft_to(NFT_TO_ACCEPT));
	/* What a guest sends on its own firewall bridge is for others, if it had their address, too. */
	if (guests->to_own.count)
		NFT_RULE(b, chain, nft_is_value(b, NFT_FIELD_IIFNAME, nft_iface_value(TEXT("fwln"), true)),
			 nft_vmap_pair(b, NFT_FIELD_IBRNAME, NFT_FIELD_ETHER_DADDR,
				       nft_map_of(b, "to-guest-own", 2, &guests->to_own)));
	if (guests->to_mac.count)
		NFT_RULE(b, chain, nft_vmap_pair(b, NFT_FIELD_IBRNAME, NFT_FIELD_ETHER_DADDR,
						 nft_map_of(b, "to-guest-mac", 2, &guests->to_mac)));
}

/* What a vnet has rejected comes here with its mark, and a guest's chain that accepts would take it off. */
static void drop_rejected(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_mark_is(b, MARK_REJECT), nft_to(NFT_TO_DROP));
}

static void postrouting_rules(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests,
			      const struct needs *needs)
{
	struct nft_draft d = { .count = 0 };

	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	accept_related(b, chain, needs->judged, LABEL_BEGUN);
	if (needs->marks) /* else nothing takes the mark off where frames come in */
		accept_answers(b, chain);
	if (needs->vnets)
		drop_rejected(b, chain);
	drop_invalid(b, chain, NFT_FIELD_OIFNAME, &guests->devices);
	if (guests->macs.count) {
		nft_draft_add(&d, nft_mark_is(b, MARK_ACCEPTED));
		nft_draft_pair_in(b, &d, "guest-macs", NFT_FIELD_OIFNAME, nft_key(NFT_FIELD_ETHER_DADDR), &guests->macs);
		nft_draft_add(&d, nft_accept(b, DIRECTION_IN));
		nft_rule_add(b, chain, d.items, d.count);
	}
	if (guests->to.count)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_OIFNAME, nft_map_of(b, "to-guest", 1, &guests->to)));
}

static void late_rules(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests)
{
	drop_rejected(b, chain);
	if (!guests->queued.count)
		return;
	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_OIFNAME, nft_map_of(b, "ips", 1, &guests->queued)));
}

/* ---- the table ---- */

static bool any_nic(const struct config *config)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (nft_nic_counts(nic))
				return true;
	return false;
}

/* The base chains come first in the script; what they need is known only at the end. */
static struct base add_base_chains(struct nft_builder *b, const struct needs *needs)
{
	struct base base = { .entry = NULL };

	if (needs->marks || nft_wants_early(b->config))
		base.entry = nft_base_chain(b, "entry", NFT_HOOK_PREROUTING, -10);
	if (needs->nics)
		base.prerouting = nft_base_chain(b, "prerouting", NFT_HOOK_PREROUTING, 0);
	if (needs->judged) {
		base.to = nft_base_chain(b, "prerouting-to", NFT_HOOK_PREROUTING, 1);
		base.reject = nft_base_chain(b, "prerouting-reject", NFT_HOOK_PREROUTING, 2);
	}
	if (needs->marks)
		base.output = nft_base_chain(b, "output", NFT_HOOK_OUTPUT, 0);
	if (needs->vnets || drops_invalid(b))
		base.forward = nft_base_chain(b, "forward", NFT_HOOK_FORWARD, 0);
	if (needs->nics)
		base.postrouting = nft_base_chain(b, "postrouting", NFT_HOOK_POSTROUTING, 0);
	if (needs->marks)
		base.late = nft_base_chain(b, "postrouting-late", NFT_HOOK_POSTROUTING, 1);
	return base;
}

static void fill_guest_chains(struct nft_builder *b, const struct base *base, const struct needs *needs)
{
	struct nft_guests guests = { .filter = NULL };

	nft_guests(b, &guests);
	if (needs->nics) {
		/* This way round sets of all guests get the name that says so. */
		postrouting_rules(b, base->postrouting, &guests, needs);
		prerouting_rules(b, base->prerouting, &guests, needs->judged);
	}
	if (needs->judged) {
		to_rules(b, base->to, &guests);
		reject_rules(b, base->reject);
	}
	if (needs->marks)
		late_rules(b, base->late, &guests);
	nft_guests_finish(b, &guests);
}

void nft_bridge(struct nft_builder *b)
{
	struct needs needs = { any_nic(b->config), nft_judges_guests(b->config), nft_any_vnet(b->config), false };
	const struct nft_set *vnets;
	struct base base;

	needs.marks = needs.judged || needs.vnets;
	base = add_base_chains(b, &needs);
	vnets = nft_vnets(b);
	if (base.entry)
		entry_rules(b, base.entry, &needs);
	if (base.output) {
		nft_note_begun(b, base.output, needs.judged, needs.vnets);
		take_mark_off(b, base.output);
	}
	if (needs.judged)
		mark_answers(b, base.output);
	if (base.forward)
		forward_rules(b, base.forward, vnets, needs.judged);
	fill_guest_chains(b, &base, &needs);
	nft_vnets_finish(b);
}
