/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base chains of the bridge table.
 *
 * A frame passes one bridge if guests are plugged straight into vmbrN, and up to three
 * with firewall bridges. On each it goes through these chains, in this order:
 *
 *   entry              clears the mark of what enters the machine
 *   prerouting         from a guest, by its port: the guest's out chain
 *   prerouting-to      to a guest, as far as bridge and MAC address identify it: its in chain.
 *                      This is the last place where a packet can be rejected. An address that
 *                      two NICs of a bridge share identifies neither. On its own firewall bridge a
 *                      NIC needs no address.
 *   prerouting-reject  rejects what the two have marked
 *   forward            vnets
 *   postrouting        to a guest, by its port: its in chain, unless the mark says that the frame
 *                      has passed it
 *   postrouting-late   drops what was marked too late; passes packets to an IPS
 *   output             frames of the host itself, among them our own answers: only these leave
 *                      here without a route. They belong to no connection; the mark says why.
 *
 * A packet that a verdict map does not contain is accepted.
 */
#include "nft/lower/passes.h"

struct nft_base_chains {
	struct nft_chain *entry, *prerouting, *to, *reject, *output, *forward, *postrouting, *late;
};

/* The parts of the configuration that this table needs. */
struct nft_needs {
	bool nics;   /* with firewall bridges */
	bool judged; /* guests whose firewall is on */
	bool vnets;
	bool marks;
};

/* ---- parts of base chains ---- */

static void nft_clear_mark(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_masked(b, NFT_FIELD_MARK, MARK_BITS, NFT_OP_NE, 0), nft_set_mark(0));
}

/* Accepts established packets, of connections only that began before they were filtered here if there are filters. */
static void nft_accept_related(struct nft_builder *b, struct nft_chain *chain, bool judged, unsigned begun)
{
	if (judged)
		nft_accept_older(b, chain, begun);
	else
		nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_to(NFT_TO_ACCEPT)),
				 IMPLIED_KNOWN);
}

static bool nft_drops_invalid(const struct nft_builder *b)
{
	return !b->config->host_options.nf_conntrack_allow_invalid;
}

static void nft_drop_invalid(struct nft_builder *b, struct nft_chain *chain, enum nft_field port, struct nft_list *devices)
{
	struct nft_draft d = { .count = 0 };

	if (!nft_drops_invalid(b))
		return;
	nft_draft_add(&d, nft_ct_state(b, CT_INVALID));
	nft_draft_iface_in(b, &d, "guest-devices", port, devices);
	nft_rule_implied(nft_draft_end(b, chain, &d, nft_to(NFT_TO_DROP)), IMPLIED_INVALID);
}

static void nft_accept_answers(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_mark_is(b, MARK_ANSWER), nft_to(NFT_TO_ACCEPT));
}

/* A vnet has marked it; a guest's chain that accepts would clear the mark. */
static void nft_drop_rejected(struct nft_builder *b, struct nft_chain *chain)
{
	NFT_RULE(b, chain, nft_mark_is(b, MARK_REJECT), nft_to(NFT_TO_DROP));
}

/* ---- the base chains ---- */

static void nft_entry_chain(struct nft_builder *b, struct nft_chain *chain, const struct nft_needs *needs)
{
	static const struct text inner[] = { TEXT_INIT("fwln"), TEXT_INIT("fwpr") };

	nft_note_begun(b, chain, needs->judged, needs->vnets);
	for (size_t i = 0; i < 2; i++)
		NFT_RULE(b, chain, nft_compare(b, NFT_FIELD_IIFNAME, NFT_OP_EQ, nft_iface_value(inner[i], true)),
			 nft_to(NFT_TO_ACCEPT));
	if (needs->marks)
		nft_clear_mark(b, chain);
	nft_prerouting(b, chain);
}

static void nft_prerouting_chain(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests, bool judged)
{
	struct nft_chain *layer2 = nft_layer2(b);

	NFT_RULE(b, chain, NFT_NOT_IP(b), layer2 ? nft_to_chain(NFT_TO_GOTO, layer2) : nft_to(NFT_TO_ACCEPT));
	nft_accept_related(b, chain, judged, LABEL_BEGUN);
	nft_drop_invalid(b, chain, NFT_FIELD_IIFNAME, &guests->devices);
	if (guests->from.count)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_IIFNAME, nft_map_of(b, "from-guest", 1, &guests->from)));
}

static void nft_to_guest_chain(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests)
{
	uint32_t undecided = CT_ESTABLISHED | CT_RELATED;

	if (nft_drops_invalid(b)) /* postrouting drops them, and knows the port */
		undecided |= CT_INVALID;
	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_ct_state(b, undecided), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_masked(b, NFT_FIELD_MARK, MARK_BITS, NFT_OP_NE, 0), nft_to(NFT_TO_ACCEPT));
	/* On its own firewall bridge a guest's frames go to others, even if these have its address. */
	if (guests->to_own.count)
		NFT_RULE(b, chain, nft_compare(b, NFT_FIELD_IIFNAME, NFT_OP_EQ, nft_iface_value(TEXT("fwln"), true)),
			 nft_vmap_pair(b, NFT_FIELD_IBRNAME, NFT_FIELD_ETHER_DADDR,
				       nft_map_of(b, "to-guest-own", 2, &guests->to_own)));
	if (guests->to_alone.count)
		NFT_RULE(b, chain, nft_compare(b, NFT_FIELD_IIFNAME, NFT_OP_EQ, nft_iface_value(TEXT("fwln"), true)),
			 nft_vmap(b, NFT_FIELD_IBRNAME, nft_map_of(b, "to-guest-alone", 1, &guests->to_alone)));
	if (guests->to_mac.count)
		NFT_RULE(b, chain, nft_vmap_pair(b, NFT_FIELD_IBRNAME, NFT_FIELD_ETHER_DADDR,
						 nft_map_of(b, "to-guest-mac", 2, &guests->to_mac)));
}

/* Marks our own answers, which have no connection and seem invalid. */
static void nft_mark_answers(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_statement mark = nft_set_mark(MARK_ANSWER), invalid = nft_ct_state(b, CT_INVALID);

	NFT_RULE(b, chain, nft_is_not(b, NFT_FIELD_RTCLASSID, UINT32_MAX), nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, invalid, nft_proto(b, IPPROTO_TCP), nft_masked(b, NFT_FIELD_TCP_FLAGS, TH_RST, NFT_OP_EQ, TH_RST),
		 mark);
	NFT_RULE(b, chain, invalid, nft_family(b, IPV4), nft_proto(b, IPPROTO_ICMP), nft_is(b, NFT_FIELD_ICMP_TYPE, 3),
		 mark);
	NFT_RULE(b, chain, invalid, nft_family(b, IPV6), nft_proto(b, IPPROTO_ICMPV6), nft_is(b, NFT_FIELD_ICMPV6_TYPE, 1),
		 mark);
}

static void nft_forward_chain(struct nft_builder *b, struct nft_chain *chain, const struct nft_set *vnets, bool marks)
{
	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	nft_accept_related(b, chain, vnets != NULL, LABEL_BEGUN_VNET);
	if (marks)
		nft_accept_answers(b, chain);
	if (nft_drops_invalid(b))
		nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP)), IMPLIED_INVALID);
	if (vnets)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_IBRNAME, vnets));
}

static void nft_postrouting_chain(struct nft_builder *b, struct nft_chain *chain, struct nft_guests *guests,
				  const struct nft_needs *needs)
{
	struct nft_draft d = { .count = 0 };

	NFT_RULE(b, chain, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
	nft_accept_related(b, chain, needs->judged, LABEL_BEGUN);
	if (needs->marks) /* else nothing clears the mark of frames that enter */
		nft_accept_answers(b, chain);
	if (needs->vnets)
		nft_drop_rejected(b, chain);
	nft_drop_invalid(b, chain, NFT_FIELD_OIFNAME, &guests->devices);
	if (guests->macs.count) {
		nft_draft_add(&d, nft_mark_is(b, MARK_ACCEPTED));
		nft_draft_pair(b, &d, "guest-macs", NFT_FIELD_OIFNAME, nft_key(NFT_FIELD_ETHER_DADDR), &guests->macs, true);
		nft_draft_end(b, chain, &d, nft_accept(b, DIRECTION_IN));
	}
	if (guests->alone.count) {
		d.count = 0;
		nft_draft_add(&d, nft_mark_is(b, MARK_ACCEPTED));
		nft_draft_iface_in(b, &d, "guests-alone", NFT_FIELD_OIFNAME, &guests->alone);
		nft_draft_end(b, chain, &d, nft_accept(b, DIRECTION_IN));
	}
	if (guests->to.count)
		NFT_RULE(b, chain, nft_vmap(b, NFT_FIELD_OIFNAME, nft_map_of(b, "to-guest", 1, &guests->to)));
}

/* ---- the table ---- */

/* They come first in the script; their contents are known only at the end. */
static struct nft_base_chains nft_add_base_chains(struct nft_builder *b, const struct nft_needs *needs)
{
	struct nft_base_chains base = { .entry = NULL };

	if (needs->marks || nft_wants_prerouting(b->config))
		base.entry = nft_base_chain(b, "entry", NFT_HOOK_PREROUTING, -10);
	if (needs->nics)
		base.prerouting = nft_base_chain(b, "prerouting", NFT_HOOK_PREROUTING, 0);
	if (needs->judged) {
		base.to = nft_base_chain(b, "prerouting-to", NFT_HOOK_PREROUTING, 1);
		base.reject = nft_base_chain(b, "prerouting-reject", NFT_HOOK_PREROUTING, 2);
	}
	if (needs->marks)
		base.output = nft_base_chain(b, "output", NFT_HOOK_OUTPUT, 0);
	if (needs->vnets || nft_drops_invalid(b))
		base.forward = nft_base_chain(b, "forward", NFT_HOOK_FORWARD, 0);
	if (needs->nics)
		base.postrouting = nft_base_chain(b, "postrouting", NFT_HOOK_POSTROUTING, 0);
	if (needs->marks)
		base.late = nft_base_chain(b, "postrouting-late", NFT_HOOK_POSTROUTING, 1);
	return base;
}

void nft_bridge(struct nft_builder *b)
{
	struct nft_needs needs = { nft_any_nic(b->config), nft_judges_guests(b->config), nft_any_vnet(b->config), false };
	struct nft_guests guests = { .filter = NULL };
	const struct nft_set *vnets;
	struct nft_base_chains base;
	struct nft_chain *reject;

	needs.marks = needs.judged || needs.vnets;
	base = nft_add_base_chains(b, &needs);
	vnets = nft_vnets(b);
	if (base.entry)
		nft_entry_chain(b, base.entry, &needs);
	if (base.output) {
		nft_note_begun(b, base.output, needs.judged, needs.vnets);
		nft_clear_mark(b, base.output);
	}
	if (needs.judged)
		nft_mark_answers(b, base.output);
	if (base.forward)
		nft_forward_chain(b, base.forward, vnets, needs.judged);
	nft_guests(b, &guests);
	if (needs.nics) {
		/* In this order, sets of all guests are named after that. */
		nft_postrouting_chain(b, base.postrouting, &guests, &needs);
		nft_prerouting_chain(b, base.prerouting, &guests, needs.judged);
	}
	if (needs.judged) {
		nft_to_guest_chain(b, base.to, &guests);
		reject = nft_chain_add(b, TEXT("do-reject"));
		nft_reject_rules(b, reject);
		NFT_RULE(b, base.reject, nft_mark_is(b, MARK_REJECT), nft_to_chain(NFT_TO_GOTO, reject));
	}
	if (base.late)
		nft_drop_rejected(b, base.late);
	if (base.late && guests.queued.count) {
		NFT_RULE(b, base.late, NFT_NOT_IP(b), nft_to(NFT_TO_ACCEPT));
		NFT_RULE(b, base.late, nft_vmap(b, NFT_FIELD_OIFNAME, nft_map_of(b, "ips", 1, &guests.queued)));
	}
	nft_guests_finish(b, &guests);
	nft_vnets_finish(b);
}
