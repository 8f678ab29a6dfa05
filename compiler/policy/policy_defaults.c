/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What packets have that a test does not say.
 *
 * Rows have stock's defaults: one source and one destination, and the interface of the host that leads to the
 * bridge of the other zone.
 */
#include "policy/policy_run.h"

#include "questions/packet_request.h"

enum {
	POLICY_TCP = 6,
	POLICY_SYN = 0x02,
};

/* Of rows: 100.100.1.2, 100.200.3.4 and 224.0.0.1. */
static const uint64_t policy_row_source = 0x64640102, policy_row_dest = 0x64c80304, policy_row_group = 0xe0000001;

#define POLICY_NUMBER(high, low) \
	{                        \
		{ high, low },   \
		{                \
			high, low \
		}                \
	}

/* Flags of a TCP packet of a known connection, and of one that nobody knows. */
static const struct interval policy_flags_later[] = {
	POLICY_NUMBER(0, 0x04), POLICY_NUMBER(0, 0x10), POLICY_NUMBER(0, 0x11), POLICY_NUMBER(0, 0x12),
	POLICY_NUMBER(0, 0x14), POLICY_NUMBER(0, 0x18), POLICY_NUMBER(0, 0x19),
};
#define POLICY_SET(ranges) ((struct interval_set){ (ranges), sizeof(ranges) / sizeof((ranges)[0]) })

static struct policy_clause *policy_default(struct policy_reader *r, struct policy_clauses *clauses, uint32_t terms)
{
	return policy_clause_new(r, clauses, SPAN_NONE, terms);
}

static void policy_default_value(struct policy_reader *r, struct policy_clauses *clauses, enum model_field field,
				 uint64_t value)
{
	policy_match(policy_term_add(policy_default(r, clauses, 1)), field, policy_values(r->arena, value, value));
}

/* Another value than `value`, which is not 0. */
static void policy_match_other(struct policy_reader *r, struct policy_term *term, enum model_field field, uint64_t value,
			       uint64_t most)
{
	struct interval *others = ARENA_ARRAY(r->arena, struct interval, 2);

	others[0] = (struct interval){ number_small(0), number_small(value - 1) };
	others[1] = (struct interval){ number_small(value + 1), number_small(most) };
	policy_match(term, field, (struct interval_set){ others, value < most ? 2 : 1 });
}

/* A new connection begins with SYN; in other states flags are those that TCP has then. */
static void policy_default_flags(struct policy_reader *r, struct policy_clauses *clauses)
{
	struct policy_clause *clause = policy_default(r, clauses, 3);
	struct policy_term *term;

	policy_match_other(r, policy_term_add(clause), MODEL_PROTOCOL, POLICY_TCP, UINT8_MAX);
	term = policy_term_add(clause);
	policy_match(term, MODEL_STATE, policy_values(r->arena, MODEL_STATE_NEW, MODEL_STATE_NEW));
	policy_match(term, MODEL_TCP_FLAGS, policy_values(r->arena, POLICY_SYN, POLICY_SYN));
	term = policy_term_add(clause);
	policy_match(term, MODEL_STATE, policy_values(r->arena, MODEL_STATE_NEW + 1, MODEL_STATES - 1));
	policy_match(term, MODEL_TCP_FLAGS, POLICY_SET(policy_flags_later));
}

/* No program sends from port 0 of TCP. */
static void policy_default_sport(struct policy_reader *r, struct policy_clauses *clauses)
{
	struct policy_clause *clause = policy_default(r, clauses, 2);

	policy_match_other(r, policy_term_add(clause), MODEL_PROTOCOL, POLICY_TCP, UINT8_MAX);
	policy_match(policy_term_add(clause), MODEL_SPORT, policy_values(r->arena, 1, UINT16_MAX));
}

/* Unicast; addresses that the test names and that never are keep their type. */
static void policy_default_type(struct policy_reader *r, struct policy_clauses *clauses, bool source, bool named)
{
	struct policy_clause *clause = policy_default(r, clauses, 3);

	policy_match(policy_term_add(clause), source ? MODEL_SOURCE_TYPE : MODEL_DEST_TYPE,
		     policy_values(r->arena, MODEL_TYPE_UNICAST, MODEL_TYPE_UNICAST));
	if (!named)
		return;
	policy_match(policy_term_add(clause), source ? MODEL_SOURCE4 : MODEL_DEST4, POLICY_SET(policy_special4));
	policy_match(policy_term_add(clause), source ? MODEL_SOURCE6 : MODEL_DEST6, POLICY_SET(policy_special6));
}

static void policy_default_mac(struct policy_reader *r, struct policy_clauses *clauses, const struct path_end *from)
{
	uint64_t mac = 0;

	if (from->zone != PATH_GUEST || !from->nic->mac.len)
		return;
	for (unsigned i = 0; i < 6; i++)
		mac = mac << 8 | from->nic->mac_bytes[i];
	policy_default_value(r, clauses, MODEL_SOURCE_MAC, mac);
}

/* Where a frame is flooded to all ports, packets are for a group of machines; and where it is not, for one. */
static void policy_default_groups(struct policy_reader *r, struct policy_clauses *clauses, bool flooded)
{
	struct policy_clause *clause = policy_default(r, clauses, flooded ? 2 : 1);
	struct policy_term *term = policy_term_add(clause);

	if (!flooded) {
		struct interval *types = ARENA_ARRAY(r->arena, struct interval, 2);

		types[0] = (struct interval){ number_small(MODEL_TYPE_UNICAST), number_small(MODEL_TYPE_LOCAL) };
		types[1] = (struct interval){ number_small(MODEL_TYPE_ANYCAST), number_small(MODEL_TYPE_ANYCAST) };
		policy_match(term, MODEL_DEST_TYPE, (struct interval_set){ types, 2 });
		return;
	}
	policy_match(term, MODEL_DEST_TYPE, policy_values(r->arena, MODEL_TYPE_BROADCAST, MODEL_TYPE_BROADCAST));
	term = policy_term_add(clause);
	policy_match(term, MODEL_DEST_TYPE, policy_values(r->arena, MODEL_TYPE_MULTICAST, MODEL_TYPE_MULTICAST));
}

/* No packet of another machine comes by the loopback interface. */
static void policy_default_iface(struct policy_reader *r, struct policy_clauses *clauses)
{
	uint64_t loopback = policy_iface(r, TEXT("lo")).ranges[0].first.low;

	/* 0 is an interface that no rule names. */
	if (loopback)
		policy_match_other(r, policy_term_add(policy_default(r, clauses, 1)), MODEL_IFACE, loopback, UINT8_MAX);
}

/* ---- rows ---- */

/* The host's own address: that of its links to the cluster, or else one of the local network. */
static uint64_t policy_host_address(const struct config *config)
{
	const struct path_end host = { .zone = PATH_HOST };
	const struct prefix *network = &config->local_network->prefix;
	struct prefix address;

	if (packet_end_address(config, &host, IPV4, &address))
		return number_of_address(address.bytes, 4).low;
	if (network->family != AF_INET)
		return policy_row_source;
	/* The first address of a network is often its router's. */
	return interval_of_prefix(network).first.low + (network->length < 31 ? 2 : 0);
}

/* The interface of the host behind which the other zone is. */
static void policy_row_iface(struct policy_reader *r, struct policy_clauses *clauses, const struct path *path)
{
	const struct path_end *other = path->from.zone == PATH_HOST ? &path->to : &path->from;
	struct text bridge = TEXT("vmbr0");

	if (path->from.zone != PATH_HOST && path->to.zone != PATH_HOST)
		return;
	if (other->zone == PATH_GUEST && other->nic->bridge.len)
		bridge = other->nic->bridge;
	else if (other->zone == PATH_PORT)
		bridge = other->bridge;
	else if (other->zone == PATH_VNET)
		bridge = other->vnet->name;
	policy_match(policy_term_add(policy_default(r, clauses, 1)), MODEL_IFACE, policy_iface(r, bridge));
}

static void policy_row_defaults(struct policy_reader *r, const struct policy_test *test, const struct path *path,
				struct policy_clauses *clauses)
{
	uint64_t source = policy_row_source, dest = policy_row_dest;
	unsigned mask = IPV_BOTH;

	for (const struct policy_clause *clause = test->clauses.first; clause; clause = clause->next)
		mask &= clause->family_mask;
	if (path->from.zone == PATH_HOST)
		source = policy_host_address(r->config);
	if (path->to.zone == PATH_HOST)
		dest = policy_host_address(r->config);
	/* Only group addresses are of that type. */
	if (test->is_from_group)
		source = policy_row_group;
	if (test->is_to_group)
		dest = policy_row_group;
	/* Stock knows no IPv6: what a row of it does not say is any. */
	if (!test->has_source && mask & IPV4)
		policy_default_value(r, clauses, MODEL_SOURCE4, source);
	if (!test->has_dest && mask & IPV4)
		policy_default_value(r, clauses, MODEL_DEST4, dest);
	policy_row_iface(r, clauses, path);
}

void policy_preferences(struct policy_reader *r, const struct path *path, struct policy_clauses *clauses)
{
	static const enum model_field fields[2][2] = { { MODEL_DEST4, MODEL_DEST6 }, { MODEL_SOURCE4, MODEL_SOURCE6 } };
	const struct path_end *const ends[2] = { &path->to, &path->from };

	for (unsigned side = 0; side < 2; side++)
		for (unsigned six = 0; six < 2; six++) {
			struct prefix address;
			struct policy_term *term;

			if (!packet_end_address(r->config, ends[side], six ? IPV6 : IPV4, &address))
				continue;
			term = policy_term_add(policy_default(r, clauses, 1));
			address.length = (uint8_t)prefix_bits(&address);
			policy_match(term, fields[side][six],
				     interval_set_of_prefixes(r->arena, &address, 1, six ? IPV6 : IPV4));
		}
}

void policy_defaults(struct policy_reader *r, const struct policy_test *test, const struct path *path,
		     struct policy_clauses *clauses)
{
	policy_match_family(r, policy_term_add(policy_default(r, clauses, 1)), IPV_BOTH);
	policy_default_value(r, clauses, MODEL_OVER_LIMIT, 0);
	policy_default_flags(r, clauses);
	if (!test->has_sport)
		policy_default_sport(r, clauses);
	if (!test->has_state)
		policy_default_value(r, clauses, MODEL_STATE, MODEL_STATE_NEW);
	if (!test->has_source_type)
		policy_default_type(r, clauses, true, test->has_special_source);
	if (!test->has_dest_type)
		policy_default_type(r, clauses, false, test->has_special_dest);
	if (!test->has_mac)
		policy_default_mac(r, clauses, &path->from);
	if (!test->has_iface)
		policy_default_iface(r, clauses);
	if (path->from.zone == PATH_GUEST || path->to.zone == PATH_GUEST)
		policy_default_groups(r, clauses, path->flooded);
	if (test->is_row)
		policy_row_defaults(r, test, path, clauses);
}
