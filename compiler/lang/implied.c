/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/implied.h"

#include <pthread.h>

#include <netinet/in.h>

#define HOST_IN AT_HOST_IN
#define HOST_OUT AT_HOST_OUT
#define HOST (AT_HOST_IN | AT_HOST_OUT)
#define HOST_FORWARD AT_HOST_FORWARD
#define NIC_IN AT_NIC_IN
#define NIC_OUT AT_NIC_OUT
#define NIC (AT_NIC_IN | AT_NIC_OUT)
#define VNET AT_VNET
#define EVERYWHERE (HOST | HOST_FORWARD | NIC | VNET)
#define ACTION_SAME ACTIONS
#define ALWAYS OPTION_COUNT, false
#define WHEN(option, value) OPTION_##option, value

const struct implied_rule implied_rules[IMPLIED_RULES] = {
#define IMPLIED(ID, chains, stage, action, peer, families, option, name, phrase) \
	{ chains, IMPLIED_##stage, ACTION_##action, PEER_##peer, families, option, name, phrase },
#define PACKETS(...)
#include "lang/implied.def"
#undef IMPLIED
#undef PACKETS
};

#define TCP IPPROTO_TCP, "tcp"
#define UDP IPPROTO_UDP, "udp"
#define IGMP IPPROTO_IGMP, "igmp"
#define ICMP IPPROTO_ICMP, "icmp"
#define ICMPV6 IPPROTO_ICMPV6, "icmpv6"
#define ANY { .count = 0 }
#define LIST(count, text, ...) { TEXT_INIT(text), (struct port_range[]){ __VA_ARGS__ }, count }
#define PORT(n) LIST(1, #n, { n, n })
#define RANGE(first, last) LIST(1, #first ":" #last, { first, last })

static const struct implied_packets packet_rows[] = {
#define IMPLIED(ID, ...)
#define PACKETS(rule, chains, families, proto, sports, dports, icmp) \
	{ IMPLIED_##rule, chains, families, proto, sports, dports, icmp },
#include "lang/implied.def"
#undef IMPLIED
#undef PACKETS
};

const struct prefix implied_multicast[2] = { { AF_INET, 4, { 224 } }, { AF_INET6, 8, { 0xff } } };

/* What is looked up once: the first row of each rule, and the rows' ICMP types. */
static pthread_once_t packets_once = PTHREAD_ONCE_INIT;
static const struct implied_packets *first_packets[IMPLIED_RULES];
static const struct icmp_type *packet_icmp_types[sizeof(packet_rows) / sizeof(packet_rows[0])];

/* Rows are in the order of their rules. */
static void prepare_packets(void)
{
	for (size_t i = sizeof(packet_rows) / sizeof(packet_rows[0]); i-- > 0;) {
		const struct implied_packets *p = &packet_rows[i];

		first_packets[p->rule] = p;
		packet_icmp_types[i] = p->icmp ? icmp_type_find(p->family_mask, text_of(p->icmp)) : NULL;
	}
}

const struct implied_packets *implied_packets_next(enum implied_id rule, unsigned chains,
						   const struct implied_packets *before)
{
	const struct implied_packets *end = packet_rows + sizeof(packet_rows) / sizeof(packet_rows[0]);

	pthread_once(&packets_once, prepare_packets);
	for (const struct implied_packets *p = before ? before + 1 : first_packets[rule]; p && p < end && p->rule == rule; p++)
		if (p->chains & chains)
			return p;
	return NULL;
}

const struct icmp_type *implied_packets_icmp_type(const struct implied_packets *packets)
{
	pthread_once(&packets_once, prepare_packets);
	return packet_icmp_types[packets - packet_rows];
}

const struct implied_packets *implied_packets_of(enum implied_id rule)
{
	return implied_packets_next(rule, implied_rules[rule].chains, NULL);
}

bool implied_is_on(enum implied_id rule, const void *options)
{
	const struct implied_rule *row = &implied_rules[rule];

	return row->option == OPTION_COUNT ||
	       *(const bool *)((const char *)options + option_table[row->option].offset) == row->value;
}

const char *implied_packets_text(struct arena *arena, const struct implied_packets *packets)
{
	return arena_printf(arena, "%s %.*s", packets->proto_name, TEXT_ARG(packets->dport.text));
}

const char *implied_phrase(enum implied_id rule)
{
	const struct implied_rule *row = &implied_rules[rule];

	return row->phrase ? row->phrase : row->name;
}

const char *policy_default_reason(enum direction direction, enum action action)
{
#define REASONS(option) { option ": ACCEPT, the default", option ": DROP, the default", option ": REJECT, the default" }
	static const char *const reasons[][ACTIONS] = {
		[DIRECTION_IN] = REASONS("policy_in"),
		[DIRECTION_OUT] = REASONS("policy_out"),
		[DIRECTION_FORWARD] = REASONS("policy_forward"),
	};
#undef REASONS

	return reasons[direction][action];
}
