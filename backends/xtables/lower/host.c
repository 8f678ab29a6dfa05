/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's own chains (spec 2.5). */
#include <linux/rtnetlink.h>

#include "xtables/lower/xtables.h"

static void xt_add_management(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_match from = { .kind = XT_SOURCE,
				 .endpoint = xt_set_endpoint(b, cluster_ipset(b->config, "management")) };

	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].peer == PEER_MANAGEMENT)
			xt_implied_add(b, chain, XT_TO(XT_RETURN), id, AT_HOST_IN, &from, 1);
}

static void xt_add_local_network(struct xt_builder *b, struct xt_chain *chain)
{
	/* In the order of PVEFW-HOST-OUT (spec 2.5). */
	static const enum implied_id services[] = { IMPLIED_WEB, IMPLIED_SSH, IMPLIED_VNC, IMPLIED_SPICE };
	const struct alias *alias = b->config->local_network;
	struct xt_match to = { .kind = XT_DEST };
	struct endpoint *e;

	if (!(prefix_family_mask(&alias->prefix) & b->family_mask))
		return;
	e = ARENA_NEW(b->arena, struct endpoint);
	*e = (struct endpoint){ .kind = ENDPOINT_ALIAS, .family_mask = b->family_mask, .alias = alias };
	to.endpoint = e;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		xt_implied_add(b, chain, XT_TO(XT_RETURN), services[i], AT_HOST_OUT, &to, 1);
}

static const struct endpoint *xt_address_endpoint(struct xt_builder *b, struct text address)
{
	struct endpoint *e = ARENA_NEW(b->arena, struct endpoint);
	struct prefix *prefix = ARENA_NEW(b->arena, struct prefix);

	address_parse(address, prefix);
	*e = (struct endpoint){ .kind = ENDPOINT_LIST, .text = address, .prefixes = prefix, .count = 1 };
	return e;
}

static void xt_add_corosync(struct xt_builder *b, struct xt_chain *chain, bool in)
{
	const struct corosync *corosync = &b->config->corosync;
	enum implied_chain at = in ? AT_HOST_IN : AT_HOST_OUT;

	if (corosync->multicast)
		xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_COROSYNC, at,
			       &(struct xt_match){ .kind = XT_DST_TYPE, .text = TEXT("MULTICAST"),
						   .address_type = RTN_MULTICAST }, 1);
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		struct xt_match ends[] = {
			{ .kind = in ? XT_DEST : XT_SOURCE, .endpoint = xt_address_endpoint(b, link->ours) },
			{ .kind = in ? XT_SOURCE : XT_DEST, .endpoint = xt_address_endpoint(b, link->theirs) },
		};

		if (link->family_mask == b->family_mask)
			xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_COROSYNC, at, ends, 2);
	}
}

static void xt_fill_host(struct xt_builder *b, struct xt_chain *chain)
{
	bool in = !chain->out;
	struct xt_place place = { .zone = zone_of_host(b->config, in ? DIRECTION_IN : DIRECTION_OUT), .chain = chain,
				  .accept = XT_TO(XT_RETURN) };
	enum implied_chain at = in ? AT_HOST_IN : AT_HOST_OUT;

	XT_ADD(b, chain, XT_TO(XT_ACCEPT), XT_M(in ? XT_IN_IFACE : XT_OUT_IFACE, "lo"))->implied = implied_phrase(IMPLIED_LOOPBACK);
	XT_ADD(b, chain, XT_TO(XT_DROP), XT_STATE("INVALID", XT_INVALID))->implied = implied_phrase(IMPLIED_INVALID_HOST);
	XT_ADD(b, chain, XT_TO(XT_ACCEPT), XT_KNOWN)->implied = implied_phrase(IMPLIED_KNOWN);
	if (implied_is_on(IMPLIED_HOST_NDP, &b->config->host_options))
		xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_HOST_NDP, at, NULL, 0);
	if (in)
		xt_input_filters(b, chain);
	xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_IGMP, at, NULL, 0);
	xt_rules(b, &place, &b->config->host_rules);
	xt_rules(b, &place, &b->config->cluster_rules);
	if (in)
		xt_add_management(b, chain);
	else
		xt_add_local_network(b, chain);
	xt_add_corosync(b, chain, in);
	xt_policy(b, &place);
}

void xt_host_chains(struct xt_builder *b)
{
	xt_chain_add(b, TEXT("PVEFW-HOST-IN"), xt_fill_host);
	xt_chain_add(b, TEXT("PVEFW-HOST-OUT"), xt_fill_host)->out = true;
}
