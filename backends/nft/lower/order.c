/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of a rule's matches: cheap ones first, since the first that fails ends the rule.
 *
 * A rule is a conjunction, and a match whose header is missing fails like any other, so the order of matches
 * changes neither verdicts nor counters. It changes what a packet costs that the rule does not match: a
 * packet meets many rules, and most of them fail at the protocol or the port. Two things limit the order:
 *
 *   - Matches do not pass other statements: a limit, a log, an update or a counter sees the same packets.
 *   - A match follows what says where its field is: addresses the family, ICMP types and TCP flags the
 *     protocol. nft would otherwise add such a match of its own.
 *
 * A single port precedes the protocol, as `th dport 22 meta l4proto tcp`: it is at the same place for all
 * protocols, and decides about nearly all packets. Asking for the protocol first would cost most rules a second
 * comparison. nft lists two ports as one number if the protocol is not known, so two follow it.
 *
 * Next comes always the match that costs least, together with the family if only this match still needs it. Matches of equal
 * cost keep their order.
 */
#include <limits.h>

#include "nft/lower/build.h"

/*
 * Nanoseconds for a packet that does not match, on top of the 6 that any rule costs; Linux 6.18 on a Xeon, in KVM; UDP
 * through 200 to 500 equal rules of an input chain, median of 25 rounds. tests/bench/match-cost measures them.
 */
enum {
	COST_COMPARE = 5,       /* a load of 1, 2 or 4 bytes and a comparison: both without a call */
	COST_SLOW_LOAD = 5,     /* other lengths are copied by a function */
	COST_BITWISE = 2,       /* a mask */
	COST_SECOND = 5,        /* the other end of a range */
	COST_PROTOCOL = 1,      /* loaded by a call, as every meta expression */
	COST_FAMILY = 2,        /* the same, and nearly all packets have the family: other comparisons decide more */
	COST_IFNAME = 8,        /* 16 bytes of a name */
	COST_LABEL = 19,        /* an extension of the connection */
	COST_ROUTE = 40,        /* fib asks the routing table */
	COST_HASH = 15,         /* a set without intervals */
	COST_INTERVALS = 49,    /* an interval set, of one element … */
	COST_INTERVALS_TWICE = 9, /* … and of twice as many: 153 with 4,096 */
};

/* ---- the cost of a match ---- */

static unsigned nft_load_cost(enum nft_field field, unsigned length)
{
	switch (field) {
	case NFT_FIELD_IIFNAME:
	case NFT_FIELD_OIFNAME:
	case NFT_FIELD_IBRNAME:
		return COST_IFNAME;
	case NFT_FIELD_CT_LABEL:
		return COST_LABEL;
	case NFT_FIELD_FIB_SADDR_TYPE:
	case NFT_FIELD_FIB_DADDR_TYPE:
		return COST_ROUTE;
	case NFT_FIELD_L4PROTO:
		return COST_PROTOCOL;
	case NFT_FIELD_NFPROTO:
	case NFT_FIELD_PROTOCOL:
		return COST_FAMILY;
	default:
		return length == 1 || length == 2 || length == 4 ? 0 : COST_SLOW_LOAD;
	}
}

static unsigned nft_lookup_cost(const struct nft_set *set)
{
	unsigned cost = COST_INTERVALS;

	if (!set->interval)
		return COST_HASH;
	for (uint32_t count = set->element_count; count > 1; count /= 2)
		cost += COST_INTERVALS_TWICE;
	return cost;
}

unsigned nft_match_cost(const struct nft_match *match)
{
	unsigned cost = COST_COMPARE;

	for (unsigned i = 0; i < match->key_count; i++) {
		enum nft_field field = match->keys[i].field;

		cost += nft_load_cost(field, nft_types[nft_fields[field].type].length);
		cost += match->keys[i].masked ? COST_BITWISE : 0;
	}
	switch (match->op) {
	case NFT_OP_EQ:
	case NFT_OP_NE:
		return cost;
	case NFT_OP_PREFIX: /* on a byte boundary only its bytes are loaded */
		return cost + (match->bits % 8 ? COST_BITWISE : match->bits == 24 ? COST_SLOW_LOAD : 0);
	case NFT_OP_RANGE:
		return cost + COST_SECOND;
	case NFT_OP_FLAGS:
	case NFT_OP_NO_FLAGS:
		return cost + COST_BITWISE;
	case NFT_OP_IN:
	case NFT_OP_NOT_IN:
		return cost + nft_lookup_cost(match->set);
	}
	return cost;
}

/* ---- what a match needs before it ---- */

/* As bits: of what a match says, and of what must be said before it. */
enum {
	ABOUT_FAMILY = 1,
	ABOUT_PROTOCOL = 2,
};

static unsigned nft_field_needs(enum nft_field field)
{
	switch (field) {
	case NFT_FIELD_IP_SADDR:
	case NFT_FIELD_IP_DADDR:
	case NFT_FIELD_IP6_SADDR:
	case NFT_FIELD_IP6_DADDR:
	case NFT_FIELD_ARP_SADDR_IP:
	case NFT_FIELD_FIB_SADDR_TYPE:
	case NFT_FIELD_FIB_DADDR_TYPE:
		return ABOUT_FAMILY;
	case NFT_FIELD_ICMP_TYPE:
	case NFT_FIELD_ICMP_CODE:
	case NFT_FIELD_ICMPV6_TYPE:
	case NFT_FIELD_ICMPV6_CODE:
		return ABOUT_FAMILY | ABOUT_PROTOCOL;
	case NFT_FIELD_TCP_SPORT:
	case NFT_FIELD_TCP_DPORT:
	case NFT_FIELD_TCP_FLAGS:
	case NFT_FIELD_UDP_SPORT:
	case NFT_FIELD_UDP_DPORT:
	case NFT_FIELD_UDPLITE_SPORT:
	case NFT_FIELD_UDPLITE_DPORT:
	case NFT_FIELD_DCCP_SPORT:
	case NFT_FIELD_DCCP_DPORT:
	case NFT_FIELD_SCTP_SPORT:
	case NFT_FIELD_SCTP_DPORT:
		return ABOUT_PROTOCOL;
	default:
		return 0;
	}
}

static bool nft_is_port(const struct nft_match *match)
{
	return match->key_count == 1 && nft_fields[match->keys[0].field].type == NFT_TYPE_INET_SERVICE;
}

static unsigned nft_match_says(const struct nft_match *match)
{
	if (match->op != NFT_OP_EQ)
		return 0;
	switch (match->keys[0].field) {
	case NFT_FIELD_NFPROTO:
	case NFT_FIELD_PROTOCOL:
	case NFT_FIELD_ETHER_TYPE:
		return ABOUT_FAMILY;
	case NFT_FIELD_L4PROTO:
		return ABOUT_PROTOCOL;
	default:
		return 0;
	}
}

/* ---- the order ---- */

/* Matches that have no place yet, in the order in which they were given. */
struct nft_matches {
	struct nft_waiting {
		const struct nft_match *match;
		unsigned cost, says, needs;
	} items[NFT_STATEMENTS_MAX];
	uint32_t count;
};

static void nft_matches_add(struct nft_matches *m, const struct nft_match *match)
{
	struct nft_waiting *w = &m->items[m->count++];

	*w = (struct nft_waiting){ match, nft_match_cost(match), nft_match_says(match), 0 };
	for (unsigned i = 0; i < match->key_count; i++)
		w->needs |= nft_field_needs(match->keys[i].field);
}

/* A port that is the only match of the transport header does without the protocol. */
static void nft_matches_free_port(struct nft_matches *m)
{
	struct nft_waiting *port = NULL;

	for (uint32_t i = 0; i < m->count; i++) {
		if (!(m->items[i].needs & ABOUT_PROTOCOL))
			continue;
		if (port || !nft_is_port(m->items[i].match))
			return;
		port = &m->items[i];
	}
	if (port)
		port->needs = 0;
}

static const struct nft_match *nft_matches_take(struct nft_matches *m, uint32_t at)
{
	const struct nft_match *match = m->items[at].match;

	m->count--;
	for (uint32_t i = at; i < m->count; i++)
		m->items[i] = m->items[i + 1];
	return match;
}

/*
 * What a match says waits for those that need it if it is the family, which decides least. The protocol decides much, and
 * waits only for an ICMP type: nft lists `icmp type` without the protocol, and reads it as one with the family.
 */
static unsigned nft_matches_waiting(const struct nft_matches *m)
{
	unsigned waiting = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		unsigned needs = m->items[i].needs;

		waiting |= needs == ABOUT_PROTOCOL ? 0 : needs;
	}
	return waiting;
}

/* The match with the least cost, including what has waited for it. */
static uint32_t nft_matches_cheapest(const struct nft_matches *m)
{
	unsigned least = UINT_MAX, waiting = nft_matches_waiting(m);
	uint32_t found = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		unsigned cost = m->items[i].cost;

		if (m->items[i].says & waiting)
			continue;
		for (uint32_t j = 0; m->items[i].needs && j < m->count; j++)
			cost += m->items[j].says & m->items[i].needs ? m->items[j].cost : 0;
		if (cost < least) {
			least = cost;
			found = i;
		}
	}
	return found;
}

/* Takes the matches that say one of `about`; returns how many. *at is the index of another match. */
static uint32_t nft_matches_take_about(struct nft_matches *m, unsigned about, struct nft_statement *to, uint32_t *at)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->count;) {
		if (m->items[i].says & about) {
			to[count++].match = nft_matches_take(m, i);
			*at -= i < *at;
		} else {
			i++;
		}
	}
	return count;
}

static void nft_matches_write(struct nft_matches *m, struct nft_statement *to)
{
	while (m->count) {
		uint32_t at = m->count == 1 ? 0 : nft_matches_cheapest(m);
		unsigned needs = m->count == 1 ? 0 : m->items[at].needs;

		to += needs & ABOUT_FAMILY ? nft_matches_take_about(m, ABOUT_FAMILY, to, &at) : 0;
		to += needs & ABOUT_PROTOCOL ? nft_matches_take_about(m, ABOUT_PROTOCOL, to, &at) : 0;
		(to++)->match = nft_matches_take(m, at);
	}
}

/* Most rules with two matches have a protocol and a port. */
static bool nft_matches_two(struct nft_statement *statements)
{
	const struct nft_match *protocol = statements[0].match, *port = statements[1].match;

	if (nft_match_says(protocol) != ABOUT_PROTOCOL || !nft_is_port(port))
		return false;
	if (nft_match_cost(port) < nft_match_cost(protocol)) {
		statements[0].match = port;
		statements[1].match = protocol;
	}
	return true;
}

void nft_order_matches(struct nft_statement *statements, uint32_t count)
{
	for (uint32_t i = 0, next; i < count; i = next + 1) {
		struct nft_matches matches;

		for (next = i; next < count && statements[next].kind == NFT_STMT_MATCH; next++)
			;
		if (next - i < 2 || (next - i == 2 && nft_matches_two(&statements[i])))
			continue;
		matches.count = 0;
		for (uint32_t j = i; j < next; j++)
			nft_matches_add(&matches, statements[j].match);
		nft_matches_free_port(&matches);
		nft_matches_write(&matches, &statements[i]);
	}
}
