/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's own chains (spec 2.5), and what is dropped in front of rules (2.2). */
#include "xtables/lower/xtables.h"

/* ---- input filters ---- */

static const struct ipset *find_set(const struct config *config, const char *name)
{
	struct ipset *set = NULL;

	if (config->cluster.ipsets)
		HASH_FIND_STR(config->cluster.ipsets, name, set);
	return set;
}

static const struct endpoint *set_endpoint(struct xt_builder *b, const struct ipset *set)
{
	struct endpoint *e = ARENA_NEW(b->arena, struct endpoint);

	*e = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = set };
	return e;
}

static void fill_blacklist(struct xt_builder *b, struct xt_chain *chain)
{
	xt_log_add(b, chain, NULL, 0, 0, b->config->host_options.log_level_out, "DROP: ", SPAN_NONE);
	XT_ADD_ALL(b, chain, XT_TO(XT_DROP));
}

void xt_blacklist_chain(struct xt_builder *b)
{
	if (find_set(b->config, "blacklist"))
		xt_chain_add(b, TEXT("PVEFW-blacklist"), fill_blacklist);
}

void xt_input_filters(struct xt_builder *b, struct xt_chain *chain)
{
	const struct ipset *blacklist = find_set(b->config, "blacklist");
	const struct host_options *o = &b->config->host_options;

	if (blacklist)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-blacklist"),
		       { .kind = XT_SOURCE, .endpoint = set_endpoint(b, blacklist) });
	if (o->nosmurfs && b->family_mask == IPV4)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-smurfs"), XT_M(XT_CTSTATE, "INVALID,NEW"))
			->span = b->config->host_written[OPTION_HOST_NOSMURFS];
	if (o->tcpflags)
		XT_ADD(b, chain, XT_TO_CHAIN(XT_JUMP, "PVEFW-tcpflags"), XT_M(XT_PROTO, "tcp"))->span =
			b->config->host_written[OPTION_HOST_TCPFLAGS];
}

/* ---- the host's chains ---- */

static void add_stateful(struct xt_builder *b, struct xt_chain *chain, enum xt_match_kind loopback)
{
	XT_ADD(b, chain, XT_TO(XT_ACCEPT), XT_M(loopback, "lo"));
	XT_ADD(b, chain, XT_TO(XT_DROP), XT_M(XT_CTSTATE, "INVALID"));
	XT_ADD(b, chain, XT_TO(XT_ACCEPT), XT_M(XT_CTSTATE, "RELATED,ESTABLISHED"));
}

static void add_rules(struct xt_builder *b, const struct xt_place *place)
{
	xt_rules(b, place, &b->config->host_rules);
	xt_rules(b, place, &b->config->cluster_rules);
}

static void add_management(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_match from = { .kind = XT_SOURCE, .endpoint = set_endpoint(b, find_set(b->config, "management")) };

	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].peer == PEER_MANAGEMENT)
			xt_implied_add(b, chain, XT_TO(XT_RETURN), id, AT_HOST_IN, &from, 1);
}

/* The services that PVEFW-HOST-OUT lets out, in its order (spec 2.5). */
static const enum implied_id services_out[] = { IMPLIED_WEB, IMPLIED_SSH, IMPLIED_VNC, IMPLIED_SPICE };

static void add_local_network(struct xt_builder *b, struct xt_chain *chain)
{
	const struct alias *alias = b->config->local_network;
	struct xt_match to = { .kind = XT_DEST };
	struct endpoint *e;

	if (!(prefix_family_mask(&alias->prefix) & b->family_mask))
		return;
	e = ARENA_NEW(b->arena, struct endpoint);
	*e = (struct endpoint){ .kind = ENDPOINT_ALIAS, .family_mask = b->family_mask, .alias = alias };
	to.endpoint = e;
	for (size_t i = 0; i < sizeof(services_out) / sizeof(services_out[0]); i++)
		xt_implied_add(b, chain, XT_TO(XT_RETURN), services_out[i], AT_HOST_OUT, &to, 1);
}

/* ---- corosync ---- */

static const struct endpoint *address_endpoint(struct xt_builder *b, struct text address)
{
	struct endpoint *e = ARENA_NEW(b->arena, struct endpoint);
	struct prefix *prefix = ARENA_NEW(b->arena, struct prefix);

	address_parse(address, prefix);
	*e = (struct endpoint){ .kind = ENDPOINT_LIST, .text = address, .prefixes = prefix, .count = 1 };
	return e;
}

static void add_corosync(struct xt_builder *b, struct xt_chain *chain, bool in)
{
	const struct corosync *corosync = &b->config->corosync;
	enum implied_chain at = in ? AT_HOST_IN : AT_HOST_OUT;

	if (corosync->multicast)
		xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_COROSYNC, at,
			       &(struct xt_match)XT_M(XT_DST_TYPE, "MULTICAST"), 1);
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		struct xt_match ends[] = {
			{ .kind = in ? XT_DEST : XT_SOURCE, .endpoint = address_endpoint(b, link->ours) },
			{ .kind = in ? XT_SOURCE : XT_DEST, .endpoint = address_endpoint(b, link->theirs) },
		};

		if (link->family_mask == b->family_mask)
			xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_COROSYNC, at, ends, 2);
	}
}

/* Neighbour discovery. */
static void add_ndp(struct xt_builder *b, struct xt_chain *chain, enum implied_chain at)
{
	if (implied_is_on(IMPLIED_HOST_NDP, &b->config->host_options))
		xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_HOST_NDP, at, NULL, 0);
}

static void fill_host_in(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_place place = { .chain = chain, .direction = DIRECTION_IN, .accept = XT_TO(XT_RETURN),
				  .net = -1, .ifaces = true };

	add_stateful(b, chain, XT_IN_IFACE);
	add_ndp(b, chain, AT_HOST_IN);
	xt_input_filters(b, chain);
	xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_IGMP, AT_HOST_IN, NULL, 0);
	add_rules(b, &place);
	add_management(b, chain);
	add_corosync(b, chain, true);
	xt_policy(b, &place, &b->config->cluster_options.policy_in, b->config->host_options.log_level_in);
}

static void fill_host_out(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_place place = { .chain = chain, .direction = DIRECTION_OUT, .accept = XT_TO(XT_RETURN),
				  .net = -1, .ifaces = true };

	add_stateful(b, chain, XT_OUT_IFACE);
	add_ndp(b, chain, AT_HOST_OUT);
	xt_implied_add(b, chain, XT_TO(XT_RETURN), IMPLIED_IGMP, AT_HOST_OUT, NULL, 0);
	add_rules(b, &place);
	add_local_network(b, chain);
	add_corosync(b, chain, false);
	xt_policy(b, &place, &b->config->cluster_options.policy_out, b->config->host_options.log_level_out);
}

void xt_host_chains(struct xt_builder *b)
{
	xt_chain_add(b, TEXT("PVEFW-HOST-IN"), fill_host_in);
	xt_chain_add(b, TEXT("PVEFW-HOST-OUT"), fill_host_out);
}
