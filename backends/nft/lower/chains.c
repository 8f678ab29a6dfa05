/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains that others go to: what REJECT means, what is passed over in silence
 * before a policy drops or rejects, and what is filtered in front of all rules
 * (spec 2.2, 2.3).  Made when they are first asked for.
 *
 * Where the iptables ruleset asks the routing table what kind of address something
 * is, the inet table does too.  The bridge family cannot; there the frame's own
 * destination tells broadcasts, and as senders only the address of all machines and
 * multicast addresses are known to be false.
 */
#include "nft/lower/build.h"

static const struct prefix everyone4 = { AF_INET, 32, { 255, 255, 255, 255 } };

/* ---- REJECT ---- */

static struct nft_statement answer(enum nft_reject_type what)
{
	return (struct nft_statement){ .kind = NFT_STMT_REJECT, .answer = what };
}

static struct nft_statement is_to_broadcast(struct nft_builder *b)
{
	return b->bridge ? nft_is_multicast(b) : nft_is(b, NFT_FIELD_FIB_DADDR_TYPE, FIB_BROADCAST);
}

void nft_reject_type_rules(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_statement drop = nft_to(NFT_TO_DROP);

	NFT_RULE(b, chain, nft_family(b, IPV4), is_to_broadcast(b), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &implied_multicast[0]), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_proto(b, PROTO_ICMP), drop);
	NFT_RULE(b, chain, nft_family(b, IPV6), nft_proto(b, PROTO_ICMPV6), drop);
	NFT_RULE(b, chain, nft_proto(b, PROTO_TCP), answer(NFT_ANSWER_TCP_RESET));
	NFT_RULE(b, chain, nft_proto(b, PROTO_UDP), answer(NFT_ANSWER_PORT_UNREACHABLE));
	NFT_RULE(b, chain, nft_family(b, IPV4), answer(NFT_ANSWER_HOST_PROHIBITED));
	NFT_RULE(b, chain, nft_family(b, IPV6), answer(NFT_ANSWER_ADMIN_PROHIBITED_V6));
	NFT_RULE(b, chain, drop);
}

struct nft_chain *nft_reject_chain(struct nft_builder *b)
{
	if (b->reject)
		return b->reject;
	b->reject = nft_chain_add(b, b->bridge ? TEXT("mark-reject") : TEXT("do-reject"));
	if (b->bridge)
		NFT_RULE(b, b->reject, nft_set_mark(MARK_REJECT), nft_to(NFT_TO_ACCEPT));
	else
		nft_reject_type_rules(b, b->reject);
	return b->reject;
}

/* ---- ACCEPT ---- */

static bool notes_acceptance(const struct nft_builder *b, enum direction direction)
{
	return b->bridge || (direction == DIRECTION_FORWARD && nft_judges_forward(b->config));
}

struct nft_statement nft_accept(struct nft_builder *b, enum direction direction)
{
	static const char *const names[] = { "accept-in", "accept-out", "accept-forward" };

	if (!notes_acceptance(b, direction))
		return nft_to(NFT_TO_ACCEPT);
	if (!b->accept[direction])
		b->accept[direction] = nft_chain_add(b, text_of(names[direction]));
	return nft_to_chain(NFT_TO_GOTO, b->accept[direction]);
}

void nft_accept_older(struct nft_builder *b, struct nft_chain *chain, unsigned begun)
{
	NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_lacks_label(b, begun), nft_to(NFT_TO_ACCEPT));
}

void nft_accept_known(struct nft_builder *b, struct nft_chain *chain, const struct nft_labels *labels)
{
	NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_has_labels(b, labels), nft_to(NFT_TO_ACCEPT));
}

void nft_note_begun(struct nft_builder *b, struct nft_chain *chain, bool guests, bool vnets)
{
	struct nft_draft d = { .count = 0 };

	nft_draft_add(&d, nft_ct_state(b, CT_NEW));
	if (guests)
		nft_draft_add(&d, nft_set_label(LABEL_BEGUN));
	if (vnets)
		nft_draft_add(&d, nft_set_label(LABEL_BEGUN_VNET));
	if (nft_judges_forward(b->config))
		nft_draft_add(&d, nft_set_label(LABEL_BEGUN_FORWARD));
	if (d.count > 1)
		nft_rule_add(b, chain, d.items, d.count);
}

/* ---- in front of a policy ---- */

static void add_broadcast_rules(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_statement drop = nft_to(NFT_TO_DROP);

	NFT_RULE(b, chain, nft_family(b, IPV4), is_to_broadcast(b), drop);
	if (!b->bridge)
		NFT_RULE(b, chain, nft_family(b, IPV4), nft_is(b, NFT_FIELD_FIB_DADDR_TYPE, FIB_ANYCAST), drop);
	else
		NFT_RULE(b, chain, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_DADDR, &everyone4), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_DADDR, &implied_multicast[0]), drop);
	NFT_RULE(b, chain, nft_family(b, IPV6), nft_prefix(b, NFT_FIELD_IP6_DADDR, &implied_multicast[1]), drop);
}

static struct nft_statement flags_are(struct nft_builder *b, uint32_t mask, enum nft_op op, uint32_t flags)
{
	return nft_masked(b, NFT_FIELD_TCP_FLAGS, mask, op, flags);
}

static struct nft_chain *make_noise_chain(struct nft_builder *b, bool reject)
{
	struct nft_statement drop = nft_to(NFT_TO_DROP), rejected = nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b));
	struct nft_chain *chain = nft_chain_add(b, reject ? TEXT("noise-reject") : TEXT("noise-drop"));

	nft_implied_add(b, chain, IMPLIED_WHOIS, AT_HOST_IN, NULL, rejected);
	add_broadcast_rules(b, chain);
	nft_implied_add(b, chain, IMPLIED_ICMP_ERRORS, AT_HOST_IN, NULL, nft_to(NFT_TO_ACCEPT));
	NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), drop);
	nft_implied_add(b, chain, IMPLIED_WINDOWS, AT_HOST_IN, NULL, reject ? rejected : drop);
	nft_implied_add(b, chain, IMPLIED_UPNP, AT_HOST_IN, NULL, drop);
	nft_implied_add(b, chain, IMPLIED_LATE_DNS, AT_HOST_IN, NULL, drop);
	NFT_RULE(b, chain, nft_proto(b, PROTO_TCP), flags_are(b, TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, NFT_OP_NE, TCP_SYN),
		 drop);
	return chain;
}

struct nft_chain *nft_noise_chain(struct nft_builder *b, bool reject)
{
	if (!b->noise[reject])
		b->noise[reject] = make_noise_chain(b, reject);
	return b->noise[reject];
}

struct nft_chain *nft_policy_chain(struct nft_builder *b, bool reject)
{
	struct nft_chain **chain = &b->policy[reject];

	if (*chain)
		return *chain;
	*chain = nft_chain_add(b, reject ? TEXT("policy-reject") : TEXT("policy-drop"));
	NFT_RULE(b, *chain, nft_to_chain(NFT_TO_JUMP, nft_noise_chain(b, reject)));
	NFT_RULE(b, *chain, reject ? nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b)) : nft_to(NFT_TO_DROP));
	return *chain;
}

/* ---- in front of all rules ---- */

/* A chain that logs what it drops. */
static struct nft_chain *drop_chain(struct nft_builder *b, const char *name, enum log_level level)
{
	static const struct nft_draft always;
	struct nft_place place = { .chain = nft_chain_add(b, text_of(name)) };

	nft_log_add(b, &place, place.chain, &always, level, "DROP: ");
	NFT_RULE(b, place.chain, nft_to(NFT_TO_DROP));
	return place.chain;
}

static const struct ipset *blacklist(const struct config *config)
{
	struct ipset *set = NULL;

	if (config->cluster.ipsets)
		HASH_FIND_STR(config->cluster.ipsets, "blacklist", set);
	return set;
}

static void filter_blacklist(struct nft_builder *b, struct nft_chain *chain, const struct ipset *set)
{
	struct nft_chain *drop = drop_chain(b, "blacklist", b->config->host_options.log_level_out);

	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++) {
		struct nft_draft d = { .count = 0 };

		if (!nft_draft_from_ipset(b, &d, set, family_mask))
			continue;
		nft_draft_add(&d, nft_to_chain(NFT_TO_GOTO, drop));
		nft_rule_add(b, chain, d.items, d.count);
	}
}

static void filter_smurfs(struct nft_builder *b, struct nft_chain *chain)
{
	static const struct prefix nobody = { AF_INET, 32, { 0 } };
	struct nft_chain *smurfs = nft_chain_add(b, TEXT("smurfs"));
	struct nft_statement drop =
		nft_to_chain(NFT_TO_GOTO, drop_chain(b, "smurflog", b->config->host_options.smurf_log_level));

	NFT_RULE(b, smurfs, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &nobody), nft_to(NFT_TO_RETURN));
	NFT_RULE(b, smurfs, nft_family(b, IPV4),
		 b->bridge ? nft_prefix(b, NFT_FIELD_IP_SADDR, &everyone4)
			   : nft_is(b, NFT_FIELD_FIB_SADDR_TYPE, FIB_BROADCAST),
		 drop);
	NFT_RULE(b, smurfs, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &implied_multicast[0]), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_ct_state(b, CT_INVALID | CT_NEW), nft_to_chain(NFT_TO_JUMP, smurfs));
}

static void filter_tcp_flags(struct nft_builder *b, struct nft_chain *chain)
{
	static const struct {
		uint8_t mask, flags;
	} impossible[] = {
		{ TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG, TCP_FIN | TCP_PSH | TCP_URG },
		{ TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG, 0 },
		{ TCP_SYN | TCP_RST, TCP_SYN | TCP_RST },
		{ TCP_FIN | TCP_SYN, TCP_FIN | TCP_SYN },
	};
	struct nft_chain *flags = nft_chain_add(b, TEXT("tcpflags"));
	struct nft_statement drop =
		nft_to_chain(NFT_TO_GOTO, drop_chain(b, "logflags", b->config->host_options.tcp_flags_log_level));

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		NFT_RULE(b, flags, nft_proto(b, PROTO_TCP),
			 flags_are(b, impossible[i].mask, NFT_OP_EQ, impossible[i].flags), drop);
	NFT_RULE(b, flags, nft_proto(b, PROTO_TCP), nft_is(b, NFT_FIELD_TCP_SPORT, 0),
		 flags_are(b, TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK, NFT_OP_EQ, TCP_SYN), drop);
	NFT_RULE(b, chain, nft_proto(b, PROTO_TCP), nft_to_chain(NFT_TO_JUMP, flags));
}

bool nft_input_filters(struct nft_builder *b, struct nft_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	const struct ipset *set = blacklist(b->config);

	if (set && chain)
		filter_blacklist(b, chain, set);
	if (o->nosmurfs && chain)
		filter_smurfs(b, chain);
	if (o->tcpflags && chain)
		filter_tcp_flags(b, chain);
	return set || o->nosmurfs || o->tcpflags;
}
