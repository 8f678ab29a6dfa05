/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets exist, and which fields they have.
 *
 * A field that a packet does not have (a port of an ICMP packet) is free, but nothing can depend on it: no
 * match on it holds, be it negated or not.
 */
#include "model/model_state.h"

#define WORLD_NUMBER(n)        \
	{                      \
		{ 0, (n) },    \
		{              \
			0, (n) \
		}              \
	}
#define WORLD_RANGE(from, to)   \
	{                       \
		{ 0, (from) },  \
		{               \
			0, (to) \
		}               \
	}
#define WORLD_MATCH(id, list)                                    \
	{                                                        \
		MODEL_##id, false,                               \
		{                                                \
			(list), sizeof(list) / sizeof((list)[0]) \
		}                                                \
	}

static const struct interval world_ipv4[] = { WORLD_NUMBER(0x0800) };
static const struct interval world_ipv6[] = { WORLD_NUMBER(0x86dd) };
static const struct interval world_arp[] = { WORLD_NUMBER(0x0806) };
static const struct interval world_tcp[] = { WORLD_NUMBER(6) };
static const struct interval world_icmp4[] = { WORLD_NUMBER(1) };
static const struct interval world_icmp6[] = { WORLD_NUMBER(58) };
static const struct interval world_icmp[] = { WORLD_NUMBER(1), WORLD_NUMBER(58) };
/* TCP, UDP, DCCP, SCTP, UDPLite */
static const struct interval world_with_ports[] = { WORLD_NUMBER(6), WORLD_NUMBER(17), WORLD_NUMBER(33),
						    WORLD_NUMBER(132), WORLD_NUMBER(136) };
static const struct interval world_states[] = { WORLD_RANGE(MODEL_STATE_NEW, MODEL_STATES - 1) };
static const struct interval world_new[] = { WORLD_NUMBER(MODEL_STATE_NEW) };
static const struct interval world_invalid[] = { WORLD_NUMBER(MODEL_STATE_INVALID) };
static const struct interval world_types[] = { WORLD_RANGE(MODEL_TYPE_UNICAST, MODEL_TYPE_MULTICAST) };
static const struct interval world_unicast[] = { WORLD_NUMBER(MODEL_TYPE_UNICAST) };
static const struct interval world_broadcast[] = { WORLD_NUMBER(MODEL_TYPE_BROADCAST) };
static const struct interval world_multicast[] = { WORLD_NUMBER(MODEL_TYPE_MULTICAST) };
static const struct interval world_multicast4[] = { WORLD_RANGE(0xe0000000, 0xefffffff) };
static const struct interval world_broadcast4[] = { WORLD_NUMBER(0), WORLD_NUMBER(0xffffffff) };
static const struct interval world_multicast6[] = {
	{ { 0xff00000000000000, 0 }, { UINT64_MAX, UINT64_MAX } },
};
static const struct interval world_syn[] = { WORLD_NUMBER(2) };
static const struct interval world_no_port[] = { WORLD_NUMBER(0) };
static const struct interval world_within_limit[] = { WORLD_NUMBER(0) };

enum {
	WORLD_IPV4,
	WORLD_IPV6,
	WORLD_ARP,
	WORLD_TCP,
	WORLD_ICMP,
	WORLD_ICMP4,
	WORLD_ICMP6,
	WORLD_WITH_PORTS,
	WORLD_STATES,
	WORLD_NEW,
	WORLD_INVALID,
	WORLD_SYN,
	WORLD_NO_SPORT,
	WORLD_WITHIN_LIMIT,
	WORLD_OF_SOURCE, /* of each side the same */
};

enum {
	WORLD_TYPES,
	WORLD_UNICAST,
	WORLD_BROADCAST,
	WORLD_MULTICAST,
	WORLD_MULTICAST4,
	WORLD_BROADCAST4,
	WORLD_MULTICAST6,
	WORLD_SIDE,
	WORLD_OF_DEST = WORLD_OF_SOURCE + WORLD_SIDE,
};

#define WORLD_SIDE_MATCHES(side)                                                                      \
	WORLD_MATCH(side##_TYPE, world_types), WORLD_MATCH(side##_TYPE, world_unicast),               \
		WORLD_MATCH(side##_TYPE, world_broadcast), WORLD_MATCH(side##_TYPE, world_multicast), \
		WORLD_MATCH(side##4, world_multicast4), WORLD_MATCH(side##4, world_broadcast4),       \
		WORLD_MATCH(side##6, world_multicast6)

static const struct model_match world_matches[] = {
	WORLD_MATCH(ETHERTYPE, world_ipv4), WORLD_MATCH(ETHERTYPE, world_ipv6),
	WORLD_MATCH(ETHERTYPE, world_arp),  WORLD_MATCH(PROTOCOL, world_tcp),
	WORLD_MATCH(PROTOCOL, world_icmp),  WORLD_MATCH(PROTOCOL, world_icmp4),
	WORLD_MATCH(PROTOCOL, world_icmp6), WORLD_MATCH(PROTOCOL, world_with_ports),
	WORLD_MATCH(STATE, world_states),   WORLD_MATCH(STATE, world_new),
	WORLD_MATCH(STATE, world_invalid),  WORLD_MATCH(TCP_FLAGS, world_syn),
	WORLD_MATCH(SPORT, world_no_port),  WORLD_MATCH(OVER_LIMIT, world_within_limit),
	WORLD_SIDE_MATCHES(SOURCE),         WORLD_SIDE_MATCHES(DEST),
};

/* The numbers of interfaces, from `first`: the names' own begin at 1. */
static struct interval_set world_ifaces(const struct model *m, struct interval *range)
{
	*range = (struct interval){ number_small(0), number_small(m->ifaces ? m->ifaces->count : 0) };
	return (struct interval_set){ range, 1 };
}

void world_collect(struct model *m)
{
	struct interval range;
	const struct model_match ifaces = { MODEL_IFACE, false, world_ifaces(m, &range) };

	for (unsigned i = 0; i < sizeof(world_matches) / sizeof(world_matches[0]); i++)
		classes_collect(m, &world_matches[i], true);
	classes_collect(m, &ifaces, false);
}

static packets world_fact(struct model *m, unsigned number)
{
	return world_match(m, &world_matches[number]);
}

/* ---- which fields a packet has ---- */

static packets world_ip(struct model *m)
{
	return dd_or(&m->dd, world_fact(m, WORLD_IPV4), world_fact(m, WORLD_IPV6));
}

static packets world_make_applies(struct model *m, enum model_field field)
{
	switch (field) {
	case MODEL_PROTOCOL:
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return world_ip(m);
	case MODEL_SOURCE4:
	case MODEL_DEST4:
		return world_fact(m, WORLD_IPV4);
	case MODEL_SOURCE6:
	case MODEL_DEST6:
		return world_fact(m, WORLD_IPV6);
	case MODEL_ARP_SENDER:
		return world_fact(m, WORLD_ARP);
	case MODEL_SPORT:
	case MODEL_DPORT:
		return world_fact(m, WORLD_WITH_PORTS);
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return world_fact(m, WORLD_ICMP);
	case MODEL_TCP_FLAGS:
		return world_fact(m, WORLD_TCP);
	default:
		return DD_TRUE;
	}
}

packets world_applies(struct model *m, enum model_field field)
{
	if (!m->has_applies[field]) {
		m->applies[field] = world_make_applies(m, field);
		m->has_applies[field] = true;
	}
	return m->applies[field];
}

packets world_match(struct model *m, const struct model_match *match)
{
	return classes_match(m, match, world_applies(m, match->field));
}

/* ---- which packets exist ---- */

static packets world_implies(struct model *m, packets a, packets b)
{
	return dd_not(&m->dd, dd_minus(&m->dd, a, b));
}

static packets world_equal(struct model *m, packets a, packets b)
{
	return dd_not(&m->dd, dd_xor(&m->dd, a, b));
}

/* Addresses of one side fit their type; IPv6 has no broadcast. */
static packets world_of_side(struct model *m, unsigned side)
{
	packets multicast = world_fact(m, side + WORLD_MULTICAST);
	packets broadcast = world_fact(m, side + WORLD_BROADCAST);
	packets types = world_implies(m, world_ip(m), world_fact(m, side + WORLD_TYPES));
	packets four = dd_and(&m->dd, world_equal(m, multicast, world_fact(m, side + WORLD_MULTICAST4)),
			      world_implies(m, world_fact(m, side + WORLD_BROADCAST4), broadcast));
	packets six = dd_minus(&m->dd, world_equal(m, multicast, world_fact(m, side + WORLD_MULTICAST6)),
			       broadcast);

	four = world_implies(m, world_fact(m, WORLD_IPV4), four);
	six = world_implies(m, world_fact(m, WORLD_IPV6), six);
	return dd_and(&m->dd, types, dd_and(&m->dd, four, six));
}

/* The kernel tracks connections of IP; conntrack's state of any other frame is invalid. */
static packets world_of_states(struct model *m)
{
	return dd_or(&m->dd, dd_and(&m->dd, world_ip(m), world_fact(m, WORLD_STATES)),
		     dd_minus(&m->dd, world_fact(m, WORLD_INVALID), world_ip(m)));
}

packets model_world(struct model *m)
{
	struct interval range;
	const struct model_match ifaces = { MODEL_IFACE, false, world_ifaces(m, &range) };
	packets sides;

	if (m->has_world)
		return m->world;
	sides = dd_and(&m->dd, world_of_side(m, WORLD_OF_SOURCE), world_of_side(m, WORLD_OF_DEST));
	m->world = dd_and(&m->dd, world_of_states(m), dd_and(&m->dd, sides, world_match(m, &ifaces)));
	m->has_world = true;
	return m->world;
}

packets world_groups(struct model *m)
{
	if (!m->has_groups) {
		m->groups = dd_or(&m->dd, world_fact(m, WORLD_OF_DEST + WORLD_BROADCAST),
				  world_fact(m, WORLD_OF_DEST + WORLD_MULTICAST));
		m->has_groups = true;
	}
	return m->groups;
}

packets model_ordinary(struct model *m)
{
	packets ip = world_ip(m), tcp = world_fact(m, WORLD_TCP);
	packets known = dd_and(&m->dd, world_fact(m, WORLD_NEW),
			       dd_and(&m->dd, world_fact(m, WORLD_OF_SOURCE + WORLD_UNICAST),
				      world_fact(m, WORLD_OF_DEST + WORLD_UNICAST)));

	known = dd_minus(&m->dd, known, dd_minus(&m->dd, tcp, world_fact(m, WORLD_SYN)));
	known = dd_minus(&m->dd, known, world_fact(m, WORLD_NO_SPORT));
	/* ICMP of the other version */
	known = dd_minus(&m->dd, known,
			 dd_and(&m->dd, world_fact(m, WORLD_IPV4), world_fact(m, WORLD_ICMP6)));
	known = dd_minus(&m->dd, known,
			 dd_and(&m->dd, world_fact(m, WORLD_IPV6), world_fact(m, WORLD_ICMP4)));
	known = dd_and(&m->dd, world_implies(m, ip, known), world_fact(m, WORLD_WITHIN_LIMIT));
	return dd_and(&m->dd, model_world(m), known);
}
