/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The implied rules: what is accepted or dropped although no file says so. implied.def is the only copy; both
 * backends make their rules from it, lint and the report read it.
 */
#ifndef PVEFW_IMPLIED_H
#define PVEFW_IMPLIED_H

#include "base/arena.h"
#include "lang/option_table.h"
#include "lang/tables.h"
#include "net/address.h"
#include "net/ports.h"

enum implied_id {
#define IMPLIED(ID, ...) IMPLIED_##ID,
#define PACKETS(...)
#include "lang/implied.def"
#undef IMPLIED
#undef PACKETS
	IMPLIED_RULES
};

/* Chains that have an implied rule, as bits. */
enum implied_chain {
	AT_HOST_IN = 1,
	AT_HOST_OUT = 2,
	AT_HOST_FORWARD = 4,
	AT_NIC_IN = 8,   /* to a guest */
	AT_NIC_OUT = 16, /* from a guest */
	AT_VNET = 32,
};

enum implied_stage {
	IMPLIED_BEFORE, /* the written rules */
	IMPLIED_AFTER,
	IMPLIED_POLICY, /* after all others, before a policy of DROP or REJECT, and never logged */
};

/* Whose packets these are. */
enum implied_peer {
	PEER_ANYONE,
	PEER_LOOPBACK,    /* on the interface lo */
	PEER_BLACKLIST,   /* from [IPSET blacklist] */
	PEER_MANAGEMENT,  /* from [IPSET management]; outgoing to the alias local_network */
	PEER_NODES,       /* the addresses of corosync.conf; multicast with transport udp */
	PEER_FOREIGN_MAC, /* from a MAC address that is not the NIC's */
	PEER_FOREIGN_IP,  /* from an address that is not in the NIC's ipfilter set */
	PEER_GROUP,       /* to a broadcast, multicast or anycast address */
};

struct implied_rule {
	unsigned chains; /* bit set of enum implied_chain */
	enum implied_stage stage;
	enum action action; /* ACTIONS: the policy's action */
	enum implied_peer peer;
	unsigned family_mask;
	enum option_id option; /* that must be `value`; OPTION_COUNT: none */
	bool value;
	const char *name;   /* in tables; NULL: the report leaves it out */
	const char *phrase; /* in sentences; NULL: as `name` */
};

/* A kind of packets that an implied rule is about; a rule without any is about all packets of its peer. */
struct implied_packets {
	enum implied_id rule;
	unsigned chains, family_mask;
	uint8_t proto;
	const char *proto_name;
	struct ports sport, dport; /* count 0: any */
	const char *icmp;          /* the name of a type, see icmp_types.def; NULL: any */
};

extern const struct implied_rule implied_rules[IMPLIED_RULES];

/* 224.0.0.0/4 and ff00::/8 */
extern const struct prefix implied_multicast[2];

/* The packets of a rule in any of some chains, one after the other: `before` is the last one, or NULL.
 * NULL after the last. */
const struct implied_packets *implied_packets_next(enum implied_id rule, unsigned chains,
						   const struct implied_packets *before);
/* The packets of a rule that has one kind of them. */
const struct implied_packets *implied_packets_of(enum implied_id rule);
/* The row of icmp_types.def, or NULL. */
const struct icmp_type *implied_packets_icmp_type(const struct implied_packets *packets);
/* "tcp 5900:5999": protocol and destination ports. */
const char *implied_packets_text(struct arena *arena, const struct implied_packets *packets);
/* The name of a rule in a sentence. */
const char *implied_phrase(enum implied_id rule);
/* Why a packet meets a policy that no line sets: "policy_in: DROP, the default". */
const char *policy_default_reason(enum direction direction, enum action action);
/* Whether the rule's option, a boolean one, has the value that it needs in these options (of its kind of file). */
bool implied_is_on(enum implied_id rule, const void *options);

#endif
