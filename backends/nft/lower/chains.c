/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chains that others go to: what REJECT means, what is not logged before a policy
 * drops or rejects, and what is filtered before all rules (spec 2.2, 2.3). Each is made when
 * it is first needed.
 *
 * Where the iptables ruleset asks the routing table for the type of an address, the inet
 * table does the same. The bridge family cannot. There the frame's own destination shows
 * broadcasts; of wrong source addresses it knows 255.255.255.255 and multicast addresses only.
 */
#include "nft/lower/passes.h"

static const struct prefix everyone4 = { AF_INET, 32, { 255, 255, 255, 255 } };

/* ---- REJECT ---- */

static struct nft_statement nft_reject_with(enum nft_reject_type type)
{
	return (struct nft_statement){ .kind = NFT_STMT_REJECT, .reject = type };
}

static struct nft_statement nft_is_to_broadcast(struct nft_builder *b)
{
	return b->bridge ? nft_is_multicast(b) : nft_is(b, NFT_FIELD_FIB_DADDR_TYPE, RTN_BROADCAST);
}

void nft_reject_rules(struct nft_builder *b, struct nft_chain *chain)
{
	struct nft_statement drop = nft_to(NFT_TO_DROP);

	NFT_RULE(b, chain, nft_family(b, IPV4), nft_is_to_broadcast(b), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &implied_multicast[0]), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_proto(b, IPPROTO_ICMP), drop);
	NFT_RULE(b, chain, nft_family(b, IPV6), nft_proto(b, IPPROTO_ICMPV6), drop);
	NFT_RULE(b, chain, nft_proto(b, IPPROTO_TCP), nft_reject_with(NFT_REJECT_WITH_TCP_RESET));
	NFT_RULE(b, chain, nft_proto(b, IPPROTO_UDP), nft_reject_with(NFT_REJECT_WITH_PORT_UNREACHABLE));
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_reject_with(NFT_REJECT_WITH_HOST_PROHIBITED));
	NFT_RULE(b, chain, nft_family(b, IPV6), nft_reject_with(NFT_REJECT_WITH_ADMIN_PROHIBITED_V6));
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
		nft_reject_rules(b, b->reject);
	return b->reject;
}

/* ---- ACCEPT ---- */

struct nft_statement nft_accept(struct nft_builder *b, enum direction direction)
{
	static const char *const names[] = { "accept-in", "accept-out", "accept-forward" };

	if (!b->bridge && (direction != DIRECTION_FORWARD || !nft_judges_forward(b->config)))
		return nft_to(NFT_TO_ACCEPT);
	if (!b->accept[direction])
		b->accept[direction] = nft_chain_add(b, text_of(names[direction]));
	return nft_to_chain(NFT_TO_GOTO, b->accept[direction]);
}

void nft_accept_older(struct nft_builder *b, struct nft_chain *chain, unsigned begun)
{
	nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED),
				  nft_label_is(b, NFT_OP_NO_FLAGS, begun), nft_to(NFT_TO_ACCEPT)), IMPLIED_KNOWN);
}

void nft_accept_known(struct nft_builder *b, struct nft_chain *chain, const struct nft_labels *labels)
{
	nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_ESTABLISHED | CT_RELATED), nft_has_labels(b, labels),
				  nft_to(NFT_TO_ACCEPT)), IMPLIED_KNOWN);
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

/* ---- policies ---- */

static struct nft_statement nft_tcp_flags(struct nft_builder *b, uint32_t mask, enum nft_op op, uint32_t flags)
{
	return nft_masked(b, NFT_FIELD_TCP_FLAGS, mask, op, flags);
}

struct nft_chain *nft_noise_chain(struct nft_builder *b, bool reject)
{
	struct nft_statement drop = nft_to(NFT_TO_DROP), rejected;
	struct nft_chain *chain = b->noise[reject];

	if (chain)
		return chain;
	rejected = nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b));
	chain = b->noise[reject] = nft_chain_add(b, reject ? TEXT("noise-reject") : TEXT("noise-drop"));
	nft_implied_add(b, chain, IMPLIED_WHOIS, AT_HOST_IN, NULL, rejected);
	nft_rule_implied(NFT_RULE(b, chain, nft_family(b, IPV4), nft_is_to_broadcast(b), drop), IMPLIED_BROADCASTS);
	nft_rule_implied(NFT_RULE(b, chain, nft_family(b, IPV4),
				  b->bridge ? nft_prefix(b, NFT_FIELD_IP_DADDR, &everyone4)
					    : nft_is(b, NFT_FIELD_FIB_DADDR_TYPE, RTN_ANYCAST),
				  drop), IMPLIED_BROADCASTS);
	nft_rule_implied(NFT_RULE(b, chain, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_DADDR, &implied_multicast[0]),
				  drop), IMPLIED_BROADCASTS);
	nft_rule_implied(NFT_RULE(b, chain, nft_family(b, IPV6), nft_prefix(b, NFT_FIELD_IP6_DADDR, &implied_multicast[1]),
				  drop), IMPLIED_BROADCASTS);
	nft_implied_add(b, chain, IMPLIED_ICMP_ERRORS, AT_HOST_IN, NULL, nft_to(NFT_TO_ACCEPT));
	nft_rule_implied(NFT_RULE(b, chain, nft_ct_state(b, CT_INVALID), drop), IMPLIED_INVALID);
	nft_implied_add(b, chain, IMPLIED_WINDOWS, AT_HOST_IN, NULL, reject ? rejected : drop);
	nft_implied_add(b, chain, IMPLIED_UPNP, AT_HOST_IN, NULL, drop);
	nft_implied_add(b, chain, IMPLIED_LATE_DNS, AT_HOST_IN, NULL, drop);
	nft_rule_implied(NFT_RULE(b, chain, nft_proto(b, IPPROTO_TCP),
				  nft_tcp_flags(b, TH_FIN | TH_SYN | TH_RST | TH_ACK, NFT_OP_NE, TH_SYN), drop),
			 IMPLIED_NOT_SYN);
	return chain;
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

static void nft_rule_from_policy(struct nft_builder *b, const struct zone *zone, struct nft_rule *rule)
{
	static const char *const options[] = { "policy_in", "policy_out", "policy_forward" };

	if (zone->policy->span.begin) {
		nft_rule_from(b, rule, zone->policy->span);
	} else {
		nft_rule_from_default(b, rule, zone->policy_file, options[zone->direction]);
		rule->implied = policy_default_reason(zone->direction, zone->policy->action);
	}
}

/* The first rule counts all packets that reach the policy. */
void nft_policy(struct nft_builder *b, const struct nft_place *place)
{
	static const struct nft_draft always;
	const struct zone *zone = &place->zone;
	bool reject = zone->policy->action == ACTION_REJECT, logs = zone->policy_log != LOG_NOLOG;
	struct nft_statement verdict = place->accept;

	if (zone->policy->action != ACTION_ACCEPT)
		verdict = logs ? nft_to_chain(NFT_TO_JUMP, nft_noise_chain(b, reject)) :
				 nft_to_chain(NFT_TO_GOTO, nft_policy_chain(b, reject));
	nft_rule_from_policy(b, zone, NFT_RULE(b, place->chain, nft_counter(), verdict));
	if (zone->policy->action == ACTION_ACCEPT || !logs)
		return;
	nft_rule_from_policy(b, zone, nft_log_add(b, place, place->chain, &always, zone->policy_log,
						  reject ? "policy REJECT: " : "policy DROP: "));
	verdict = reject ? nft_to_chain(NFT_TO_GOTO, nft_reject_chain(b)) : nft_to(NFT_TO_DROP);
	nft_rule_from_policy(b, zone, NFT_RULE(b, place->chain, verdict));
}

/* ---- before all rules ---- */

/* GOTO a new chain that logs and drops. */
static struct nft_statement nft_to_drop_chain(struct nft_builder *b, const char *name, enum log_level level,
					      enum implied_id id)
{
	static const struct nft_draft always;
	struct nft_place place = { .chain = nft_chain_add(b, text_of(name)) };

	nft_log_add(b, &place, place.chain, &always, level, "DROP: ");
	nft_rule_implied(NFT_RULE(b, place.chain, nft_to(NFT_TO_DROP)), id);
	return nft_to_chain(NFT_TO_GOTO, place.chain);
}

static void nft_filter_smurfs(struct nft_builder *b, struct nft_chain *chain)
{
	static const struct prefix nobody = { AF_INET, 32, { 0 } };
	struct nft_chain *smurfs = nft_chain_add(b, TEXT("smurfs"));
	struct nft_statement drop = nft_to_drop_chain(b, "smurflog", b->config->host_options.smurf_log_level,
						      IMPLIED_SMURFS);

	NFT_RULE(b, smurfs, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &nobody), nft_to(NFT_TO_RETURN));
	NFT_RULE(b, smurfs, nft_family(b, IPV4),
		 b->bridge ? nft_prefix(b, NFT_FIELD_IP_SADDR, &everyone4)
			   : nft_is(b, NFT_FIELD_FIB_SADDR_TYPE, RTN_BROADCAST),
		 drop);
	NFT_RULE(b, smurfs, nft_family(b, IPV4), nft_prefix(b, NFT_FIELD_IP_SADDR, &implied_multicast[0]), drop);
	NFT_RULE(b, chain, nft_family(b, IPV4), nft_ct_state(b, CT_INVALID | CT_NEW), nft_to_chain(NFT_TO_JUMP, smurfs));
}

static void nft_filter_tcp_flags(struct nft_builder *b, struct nft_chain *chain)
{
	enum { ALL = TH_FIN | TH_SYN | TH_RST | TH_PUSH | TH_ACK | TH_URG };
	static const struct {
		uint8_t mask, flags;
	} impossible[] = {
		{ ALL, TH_FIN | TH_PUSH | TH_URG },
		{ ALL, 0 },
		{ TH_SYN | TH_RST, TH_SYN | TH_RST },
		{ TH_FIN | TH_SYN, TH_FIN | TH_SYN },
	};
	struct nft_chain *flags = nft_chain_add(b, TEXT("tcpflags"));
	struct nft_statement drop = nft_to_drop_chain(b, "logflags", b->config->host_options.tcp_flags_log_level,
						      IMPLIED_TCP_FLAGS);

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		NFT_RULE(b, flags, nft_proto(b, IPPROTO_TCP),
			 nft_tcp_flags(b, impossible[i].mask, NFT_OP_EQ, impossible[i].flags), drop);
	NFT_RULE(b, flags, nft_proto(b, IPPROTO_TCP), nft_is(b, NFT_FIELD_TCP_SPORT, 0),
		 nft_tcp_flags(b, TH_FIN | TH_SYN | TH_RST | TH_ACK, NFT_OP_EQ, TH_SYN), drop);
	NFT_RULE(b, chain, nft_proto(b, IPPROTO_TCP), nft_to_chain(NFT_TO_JUMP, flags));
}

bool nft_input_filters(struct nft_builder *b, struct nft_chain *chain)
{
	const struct host_options *o = &b->config->host_options;
	const struct ipset *set = cluster_ipset(b->config, "blacklist");

	if (set && chain)
		nft_from_ipset(b, chain, set, nft_to_drop_chain(b, "blacklist", o->log_level_out, IMPLIED_BLACKLIST));
	if (o->nosmurfs && chain)
		nft_filter_smurfs(b, chain);
	if (o->tcpflags && chain)
		nft_filter_tcp_flags(b, chain);
	return set || o->nosmurfs || o->tcpflags;
}
