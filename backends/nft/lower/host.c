/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inet table: what reaches the host, what it sends, and what is routed through it
 * (spec 2.5, 3.6). ACCEPT ends our chains only, so it takes the place of RETURN in the iptables
 * ruleset.
 */
#include "nft/lower/passes.h"

static void nft_add_stateful(struct nft_builder *b, struct nft_chain *chain, bool drop_invalid)
{
	nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_to(NFT_TO_ACCEPT)), IMPLIED_KNOWN);
	if (drop_invalid)
		nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP)), IMPLIED_INVALID);
}

/* ---- services of the node itself ---- */

static void nft_accept_services(struct nft_builder *b, struct nft_chain *chain, enum implied_chain at,
				const struct nft_draft *before)
{
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].peer == PEER_MANAGEMENT)
			nft_implied_add(b, chain, id, at, before, nft_to(NFT_TO_ACCEPT));
}

static void nft_accept_local_network(struct nft_builder *b, struct nft_chain *chain)
{
	const struct prefix *prefix = &b->config->local_network->prefix;
	struct nft_draft d = { .count = 0 };

	nft_draft_add(&d, nft_family(b, prefix_family_mask(prefix)));
	if (prefix->length)
		nft_draft_add(&d, nft_prefix(b, prefix->family == AF_INET ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR, prefix));
	nft_accept_services(b, chain, AT_HOST_OUT, &d);
}

static void nft_accept_corosync(struct nft_builder *b, struct nft_chain *chain, bool in)
{
	const struct corosync *corosync = &b->config->corosync;
	enum implied_chain at = in ? AT_HOST_IN : AT_HOST_OUT;

	for (unsigned six = 0; corosync->multicast && six < 2; six++) {
		struct nft_draft d = { .count = 0 };

		nft_draft_add(&d, nft_family(b, six ? IPV6 : IPV4));
		nft_draft_add(&d, nft_prefix(b, six ? NFT_FIELD_IP6_DADDR : NFT_FIELD_IP_DADDR, &implied_multicast[six]));
		nft_implied_add(b, chain, IMPLIED_COROSYNC, at, &d, nft_to(NFT_TO_ACCEPT));
	}
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		bool four = link->family_mask == IPV4;
		struct nft_draft d = { .count = 0 };
		struct prefix source, dest;

		address_parse(in ? link->theirs : link->ours, &source);
		address_parse(in ? link->ours : link->theirs, &dest);
		nft_draft_add(&d, nft_family(b, link->family_mask));
		nft_draft_add(&d, nft_prefix(b, four ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR, &source));
		nft_draft_add(&d, nft_prefix(b, four ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR, &dest));
		nft_implied_add(b, chain, IMPLIED_COROSYNC, at, &d, nft_to(NFT_TO_ACCEPT));
	}
}

/* ---- the base chains ---- */

static void nft_host_rules(struct nft_builder *b, struct nft_place *place)
{
	nft_rules(b, place, &b->config->host_rules);
	nft_rules(b, place, &b->config->cluster_rules);
}

/* INPUT or OUTPUT. */
static void nft_host_chain(struct nft_builder *b, bool in)
{
	struct nft_chain *chain = in ? nft_base_chain(b, "host-in", NFT_HOOK_INPUT, 0) :
				       nft_base_chain(b, "host-out", NFT_HOOK_OUTPUT, 0);
	struct nft_place place = { .zone = zone_of_host(b->config, in ? DIRECTION_IN : DIRECTION_OUT), .chain = chain,
				   .accept = nft_to(NFT_TO_ACCEPT) };
	enum implied_chain at = in ? AT_HOST_IN : AT_HOST_OUT;

	nft_rule_implied(NFT_RULE(b, chain, nft_iface(b, in ? NFT_FIELD_IIFNAME : NFT_FIELD_OIFNAME, TEXT("lo")),
				  nft_to(NFT_TO_ACCEPT)), IMPLIED_LOOPBACK);
	nft_add_stateful(b, chain, true);
	if (implied_is_on(IMPLIED_HOST_NDP, &b->config->host_options))
		nft_implied_add(b, chain, IMPLIED_HOST_NDP, at, NULL, nft_to(NFT_TO_ACCEPT));
	if (in)
		nft_input_filters(b, chain);
	nft_implied_add(b, chain, IMPLIED_IGMP, at, NULL, nft_to(NFT_TO_ACCEPT));
	nft_host_rules(b, &place);
	if (in) {
		struct nft_chain *management = nft_chain_add(b, TEXT("management"));

		nft_accept_services(b, management, AT_HOST_IN, NULL);
		nft_from_ipset(b, chain, cluster_ipset(b->config, "management"), nft_to_chain(NFT_TO_JUMP, management));
	} else {
		nft_accept_local_network(b, chain);
	}
	nft_accept_corosync(b, chain, in);
	nft_policy(b, &place);
}

/* Invalid packets are dropped even if the host's firewall is off. */
static void nft_host_forward(struct nft_builder *b)
{
	bool drop_invalid = !b->config->host_options.nf_conntrack_allow_invalid;
	bool filters = nft_judges_forward(b->config);
	struct nft_place place = { .zone = zone_of_host(b->config, DIRECTION_FORWARD) };

	if (!filters && !drop_invalid)
		return;
	place.chain = nft_base_chain(b, "host-forward", NFT_HOOK_FORWARD, 0);
	if (!filters) {
		nft_add_stateful(b, place.chain, drop_invalid);
		return;
	}
	nft_note_begun(b, place.chain, false, false);
	nft_accept_older(b, place.chain, LABEL_BEGUN_FORWARD);
	nft_rule_implied(NFT_RULE(b, place.chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED),
				  nft_label_is(b, NFT_OP_FLAGS, LABEL_FORWARDED), nft_to(NFT_TO_ACCEPT)), IMPLIED_KNOWN);
	if (drop_invalid)
		nft_rule_implied(NFT_RULE(b, place.chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP)), IMPLIED_INVALID);
	place.accept = nft_accept(b, DIRECTION_FORWARD);
	nft_host_rules(b, &place);
	nft_policy(b, &place);
}

/* The host's own traffic through a vnet is filtered by the vnet's rules before the host's. */
static void nft_host_vnets(struct nft_builder *b)
{
	const struct nft_set *vnets = nft_vnets(b);

	for (unsigned in = 2; vnets && in-- > 0;) {
		struct nft_chain *chain = in ? nft_base_chain(b, "vnet-input", NFT_HOOK_INPUT, -1) :
					       nft_base_chain(b, "vnet-output", NFT_HOOK_OUTPUT, -1);

		nft_add_stateful(b, chain, false);
		NFT_RULE(b, chain, nft_vmap(b, in ? NFT_FIELD_IIFNAME : NFT_FIELD_OIFNAME, vnets));
	}
}

void nft_host(struct nft_builder *b)
{
	if (nft_wants_prerouting(b->config))
		nft_prerouting(b, nft_base_chain(b, "prerouting", NFT_HOOK_PREROUTING, -10));
	if (b->config->host_options.enable) {
		nft_host_chain(b, true);
		nft_host_chain(b, false);
	}
	nft_host_forward(b);
	nft_host_vnets(b);
	if (b->accept[DIRECTION_FORWARD])
		NFT_RULE(b, b->accept[DIRECTION_FORWARD], nft_set_label(LABEL_FORWARDED), nft_to(NFT_TO_ACCEPT));
}
