/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inet table: what reaches the host, leaves it, and is routed through it
 * (spec 2.5, 3.6).  Accepting ends our chains only, so RETURN of the iptables
 * ruleset is accept here.
 */
#include "nft/lower/build.h"

/* ---- what belongs to a connection ---- */

static void add_stateful(struct nft_builder *b, struct nft_chain *chain, bool drop_invalid)
{
	NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_to(NFT_TO_ACCEPT));
	if (drop_invalid)
		NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP));
}

static void add_ndp(struct nft_builder *b, struct nft_chain *chain, enum implied_chain at)
{
	if (implied_is_on(IMPLIED_HOST_NDP, &b->config->host_options))
		nft_implied_add(b, chain, IMPLIED_HOST_NDP, at, NULL, nft_to(NFT_TO_ACCEPT));
}

/* ---- services of the node itself ---- */

static void accept_services(struct nft_builder *b, struct nft_chain *chain, enum implied_chain at,
			    const struct nft_draft *before)
{
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].peer == PEER_MANAGEMENT)
			nft_implied_add(b, chain, id, at, before, nft_to(NFT_TO_ACCEPT));
}

static void add_management(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_chain *management = nft_chain_add(b, TEXT("management"));
	const struct ipset *set = NULL;

	HASH_FIND_STR(b->config->cluster.ipsets, "management", set);
	accept_services(b, management, AT_HOST_IN, NULL);
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++) {
		struct nft_draft d = { .count = 0 };

		if (!nft_draft_from_ipset(b, &d, set, family_mask))
			continue;
		nft_draft_add(&d, nft_to_chain(NFT_TO_JUMP, management));
		nft_rule_add(b, chain, d.items, d.count);
	}
}

static void add_local_network(struct nft_builder *b, struct nft_chain *chain)
{
	const struct prefix *prefix = &b->config->local_network->prefix;
	struct nft_draft d = { .count = 0 };

	nft_draft_add(&d, nft_family(b, prefix_family_mask(prefix)));
	if (prefix->length)
		nft_draft_add(&d, nft_prefix(b, prefix->family == AF_INET ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR, prefix));
	accept_services(b, chain, AT_HOST_OUT, &d);
}

/* ---- corosync ---- */

static void add_corosync_link(struct nft_builder *b, struct nft_chain *chain, const struct corosync_link *link, bool in)
{
	bool four = link->family_mask == IPV4;
	struct nft_draft d = { .count = 0 };
	struct prefix source, dest;

	address_parse(in ? link->theirs : link->ours, &source);
	address_parse(in ? link->ours : link->theirs, &dest);
	nft_draft_add(&d, nft_family(b, link->family_mask));
	nft_draft_add(&d, nft_prefix(b, four ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR, &source));
	nft_draft_add(&d, nft_prefix(b, four ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR, &dest));
	nft_implied_add(b, chain, IMPLIED_COROSYNC, in ? AT_HOST_IN : AT_HOST_OUT, &d, nft_to(NFT_TO_ACCEPT));
}

static void add_corosync(struct nft_builder *b, struct nft_chain *chain, bool in)
{
	const struct corosync *corosync = &b->config->corosync;

	for (unsigned six = 0; corosync->multicast && six < 2; six++) {
		struct nft_draft d = { .count = 0 };

		nft_draft_add(&d, nft_family(b, six ? IPV6 : IPV4));
		nft_draft_add(&d, nft_prefix(b, six ? NFT_FIELD_IP6_DADDR : NFT_FIELD_IP_DADDR, &implied_multicast[six]));
		nft_implied_add(b, chain, IMPLIED_COROSYNC, in ? AT_HOST_IN : AT_HOST_OUT, &d, nft_to(NFT_TO_ACCEPT));
	}
	for (const struct corosync_link *link = corosync->links; link; link = link->next)
		add_corosync_link(b, chain, link, in);
}

/* ---- the chains ---- */

static void add_rules(struct nft_builder *b, struct nft_place *place)
{
	nft_rules(b, place, &b->config->host_rules);
	nft_rules(b, place, &b->config->cluster_rules);
}

static struct nft_place place_in(struct nft_chain *chain, enum direction direction)
{
	return (struct nft_place){ .chain = chain, .direction = direction, .accept = nft_to(NFT_TO_ACCEPT), .net = -1,
				   .ifaces = true, .file = "cluster.fw" };
}

static void host_in(struct nft_builder *b)
{
	struct nft_chain *chain = nft_base_chain(b, "host-in", NFT_HOOK_INPUT, 0);
	struct nft_place place = place_in(chain, DIRECTION_IN);

	NFT_RULE(b, chain, nft_iface(b, NFT_FIELD_IIFNAME, TEXT("lo")), nft_to(NFT_TO_ACCEPT));
	add_stateful(b, chain, true);
	add_ndp(b, chain, AT_HOST_IN);
	nft_input_filters(b, chain);
	nft_implied_add(b, chain, IMPLIED_IGMP, AT_HOST_IN, NULL, nft_to(NFT_TO_ACCEPT));
	add_rules(b, &place);
	add_management(b, chain);
	add_corosync(b, chain, true);
	nft_policy(b, &place, &b->config->cluster_options.policy_in, b->config->host_options.log_level_in);
}

static void host_out(struct nft_builder *b)
{
	struct nft_chain *chain = nft_base_chain(b, "host-out", NFT_HOOK_OUTPUT, 0);
	struct nft_place place = place_in(chain, DIRECTION_OUT);

	NFT_RULE(b, chain, nft_iface(b, NFT_FIELD_OIFNAME, TEXT("lo")), nft_to(NFT_TO_ACCEPT));
	add_stateful(b, chain, true);
	add_ndp(b, chain, AT_HOST_OUT);
	nft_implied_add(b, chain, IMPLIED_IGMP, AT_HOST_OUT, NULL, nft_to(NFT_TO_ACCEPT));
	add_rules(b, &place);
	add_local_network(b, chain);
	add_corosync(b, chain, false);
	nft_policy(b, &place, &b->config->cluster_options.policy_out, b->config->host_options.log_level_out);
}

bool nft_judges_forward(const struct config *config)
{
	return config->host_options.enable && (config->cluster_options.policy_forward.action != ACTION_ACCEPT ||
					       nft_rules_any(&config->host_rules, DIRECTION_FORWARD) ||
					       nft_rules_any(&config->cluster_rules, DIRECTION_FORWARD));
}

/* What is routed.  Packets that belong to no connection are dropped even with the host's firewall off. */
static void host_forward(struct nft_builder *b)
{
	bool drop_invalid = !b->config->host_options.nf_conntrack_allow_invalid;
	bool filters = nft_judges_forward(b->config);
	struct nft_chain *chain;
	struct nft_place place;

	if (!filters && !drop_invalid)
		return;
	chain = nft_base_chain(b, "host-forward", NFT_HOOK_FORWARD, 0);
	if (!filters) {
		add_stateful(b, chain, drop_invalid);
		return;
	}
	nft_note_begun(b, chain, false, false);
	nft_accept_older(b, chain, LABEL_BEGUN_FORWARD);
	NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_has_label(b, LABEL_FORWARDED),
		 nft_to(NFT_TO_ACCEPT));
	if (drop_invalid)
		NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), nft_to(NFT_TO_DROP));
	place = place_in(chain, DIRECTION_FORWARD);
	place.accept = nft_accept(b, DIRECTION_FORWARD);
	add_rules(b, &place);
	nft_policy(b, &place, &b->config->cluster_options.policy_forward, b->config->host_options.log_level_forward);
}

/* Traffic of the host itself through a vnet: judged by the vnet's rules, and then by the host's. */
static void host_vnets(struct nft_builder *b)
{
	static const struct {
		const char *name;
		enum nft_hook hook;
		enum nft_field field;
	} ways[] = { { "vnet-input", NFT_HOOK_INPUT, NFT_FIELD_IIFNAME },
		     { "vnet-output", NFT_HOOK_OUTPUT, NFT_FIELD_OIFNAME } };
	const struct nft_set *vnets = nft_vnets(b);

	for (size_t i = 0; vnets && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct nft_chain *chain = nft_base_chain(b, ways[i].name, ways[i].hook, -1);

		add_stateful(b, chain, false);
		NFT_RULE(b, chain, nft_vmap(b, ways[i].field, vnets));
	}
}

void nft_host(struct nft_builder *b)
{
	if (nft_wants_early(b->config))
		nft_early_rules(b, nft_base_chain(b, "prerouting", NFT_HOOK_PREROUTING, -10));
	if (b->config->host_options.enable) {
		host_in(b);
		host_out(b);
	}
	host_forward(b);
	host_vnets(b);
	if (b->accept[DIRECTION_FORWARD])
		NFT_RULE(b, b->accept[DIRECTION_FORWARD], nft_set_label(LABEL_FORWARDED), nft_to(NFT_TO_ACCEPT));
}
