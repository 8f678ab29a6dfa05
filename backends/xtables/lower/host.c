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

static void add_ndp(struct xt_builder *b, struct xt_chain *chain, bool in)
{
	static const char *const types[] = { "router-solicitation", "router-advertisement",
					     "neighbor-solicitation", "neighbor-advertisement" };

	if (b->family_mask != IPV6 || !b->config->host_options.ndp)
		return;
	for (size_t i = 0; i < 4; i++)
		if (in || i != 1)
			XT_ADD(b, chain, XT_TO(XT_RETURN), XT_M(XT_PROTO, "icmpv6"),
			       { .kind = XT_ICMPV6_TYPE, .text = text_of(types[i]) });
}

static void add_rules(struct xt_builder *b, const struct xt_place *place)
{
	xt_rules(b, place, &b->config->host_rules);
	xt_rules(b, place, &b->config->cluster_rules);
}

/* The services of the node itself: web interface, VNC, SPICE, SSH, migration. */
static const struct port_range gui[] = { { 8006, 8006 } }, vnc[] = { { 5900, 5999 } };
static const struct port_range spice[] = { { 3128, 3128 } }, ssh[] = { { 22, 22 } };
static const struct port_range migration[] = { { 60000, 60050 } };
#define SERVICE(text_, ranges_) { .text = TEXT_INIT(text_), .ranges = (struct port_range *)(ranges_), .count = 1 }
static const struct ports services_in[] = { SERVICE("8006", gui), SERVICE("5900:5999", vnc), SERVICE("3128", spice),
					    SERVICE("22", ssh), SERVICE("60000:60050", migration) };
static const struct ports services_out[] = { SERVICE("8006", gui), SERVICE("22", ssh), SERVICE("5900:5999", vnc),
					     SERVICE("3128", spice) };
#undef SERVICE

static void add_service(struct xt_builder *b, struct xt_chain *chain, struct xt_match address,
			const struct ports *ports)
{
	XT_ADD(b, chain, XT_TO(XT_RETURN), address, XT_M(XT_PROTO, "tcp"), { .kind = XT_DPORT, .ports = ports });
}

static void add_management(struct xt_builder *b, struct xt_chain *chain)
{
	const struct endpoint *management = set_endpoint(b, find_set(b->config, "management"));

	for (size_t i = 0; i < sizeof(services_in) / sizeof(services_in[0]); i++)
		add_service(b, chain, (struct xt_match){ .kind = XT_SOURCE, .endpoint = management }, &services_in[i]);
}

static void add_local_network(struct xt_builder *b, struct xt_chain *chain)
{
	const struct alias *alias = b->config->local_network;
	struct endpoint *e;

	if (!(prefix_family_mask(&alias->prefix) & b->family_mask))
		return;
	e = ARENA_NEW(b->arena, struct endpoint);
	*e = (struct endpoint){ .kind = ENDPOINT_ALIAS, .family_mask = b->family_mask, .alias = alias };
	for (size_t i = 0; i < sizeof(services_out) / sizeof(services_out[0]); i++)
		add_service(b, chain, (struct xt_match){ .kind = XT_DEST, .endpoint = e }, &services_out[i]);
}

/* ---- corosync ---- */

static const struct port_range corosync_range = { 5404, 5405 };
static const struct ports corosync_ports = { TEXT_INIT("5404:5405"), (struct port_range *)&corosync_range, 1 };

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

	if (corosync->multicast)
		XT_ADD(b, chain, XT_TO(XT_RETURN), XT_M(XT_DST_TYPE, "MULTICAST"), XT_M(XT_PROTO, "udp"),
		       { .kind = XT_DPORT, .ports = &corosync_ports });
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		if (link->family_mask != b->family_mask)
			continue;
		XT_ADD(b, chain, XT_TO(XT_RETURN),
		       { .kind = in ? XT_DEST : XT_SOURCE, .endpoint = address_endpoint(b, link->ours) },
		       { .kind = in ? XT_SOURCE : XT_DEST, .endpoint = address_endpoint(b, link->theirs) },
		       XT_M(XT_PROTO, "udp"), { .kind = XT_DPORT, .ports = &corosync_ports });
	}
}

static void fill_host_in(struct xt_builder *b, struct xt_chain *chain)
{
	struct xt_place place = { .chain = chain, .direction = DIRECTION_IN, .accept = XT_TO(XT_RETURN),
				  .net = -1, .ifaces = true };

	add_stateful(b, chain, XT_IN_IFACE);
	add_ndp(b, chain, true);
	xt_input_filters(b, chain);
	XT_ADD(b, chain, XT_TO(XT_RETURN), XT_M(XT_PROTO, "igmp"));
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
	add_ndp(b, chain, false);
	XT_ADD(b, chain, XT_TO(XT_RETURN), XT_M(XT_PROTO, "igmp"));
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
