/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lowered form of the iptables family: tables of chains of typed matches and
 * targets, for IPv4 and for IPv6 (spec chapter 2). Matches are printed in their order.
 */
#ifndef PVEFW_XTABLES_H
#define PVEFW_XTABLES_H

#include "config/zones.h"
#include "lang/implied.h"
#include "lang/limit_table.h"

enum xt_match_kind {
	XT_ANY,         /* ends a list of matches */
	XT_IN_IFACE,    /* text */
	XT_OUT_IFACE,   /* text */
	XT_SOURCE,      /* endpoint */
	XT_DEST,        /* endpoint */
	XT_NOT_SOURCE,  /* endpoint, a set */
	XT_PROTO,       /* text; protocol */
	XT_MODULE,      /* text: -m, for the protocol's own options */
	XT_ICMP_TYPE,   /* text; icmp, of ICMP */
	XT_ICMPV6_TYPE, /* text; icmp, of ICMPv6 */
	XT_SPORT,       /* ports, one */
	XT_DPORT,       /* ports, one */
	XT_SPORTS,      /* ports, multiport */
	XT_DPORTS,      /* ports, multiport */
	XT_DST_TYPE,    /* text: addrtype; address_type */
	XT_SRC_TYPE,    /* text; address_type */
	XT_CTSTATE,     /* text; states */
	XT_PHYSDEV_IN,  /* text: bridged, from this port */
	XT_PHYSDEV_OUT, /* text: bridged, to this port */
	XT_PHYSDEV_IPS, /* text: as PHYSDEV_OUT, in the order that stock uses for an IPS */
	XT_MARK,        /* text: value/mask; mark */
	XT_NOT_MAC,     /* text: source; mac */
	XT_TCP_FLAGS,   /* text: mask and flags; tcp_flags */
	XT_NOT_TCP_FLAGS,
	XT_SYN_RATE,    /* synflood: over the limit */
};

/* protection_synflood */
struct xt_syn_rate {
	int64_t rate, burst, expire; /* per second; packets; milliseconds */
	unsigned source_bits;
};

/* States of connection tracking, as bits. */
enum xt_state {
	XT_NEW = 1,
	XT_ESTABLISHED = 2,
	XT_RELATED = 4,
	XT_INVALID = 8,
};

/* Flags of TCP, as bits of the header's byte. */
enum xt_tcp_flag {
	XT_FIN = 1,
	XT_SYN = 2,
	XT_RST = 4,
	XT_PSH = 8,
	XT_ACK = 16,
	XT_URG = 32,
};

/* Bits of the packet's mark. */
struct xt_mark {
	uint32_t value, mask;
};

/* The printed text has its numbers beside it, so that nobody reads them from the text again. */
struct xt_match {
	enum xt_match_kind kind;
	union {
		struct text text;
		const struct endpoint *endpoint;
		const struct ports *ports;
		const struct xt_syn_rate *syn_rate;
	};
	union {
		uint8_t protocol; /* 0: any */
		struct {
			int16_t type, code; /* -1: any */
		} icmp;
		uint8_t address_type; /* RTN_UNICAST ... */
		uint8_t states;       /* of enum xt_state */
		struct xt_mark mark;
		const uint8_t *mac;
		struct {
			uint8_t mask, flags; /* of enum xt_tcp_flag */
		} tcp_flags;
	};
};

enum xt_target_kind {
	XT_ACCEPT,
	XT_DROP,
	XT_RETURN,
	XT_JUMP,        /* chain */
	XT_GOTO,        /* chain */
	XT_REJECT,      /* text: with; reject */
	XT_SET_MARK,    /* text: value/mask; mark: clears the mask, then sets the value */
	XT_SET_CONNMARK,/* number */
	XT_NFQUEUE,     /* queues */
	XT_HELPER,      /* text */
	XT_LOG,         /* log */
};

struct xt_log {
	uint32_t vmid;
	enum log_level level;
	const char *message;
	const struct ratelimit *limit;
};

enum xt_reject {
	XT_REJECT_RESET,
	XT_REJECT_PORT_UNREACHABLE,
	XT_REJECT_HOST_UNREACHABLE,
	XT_REJECT_HOST_PROHIBITED,
	XT_REJECT_ADMIN_PROHIBITED,
};

struct xt_target {
	enum xt_target_kind kind;
	union {
		struct text text;
		uint32_t number;
		const struct queues *queues;
		const struct xt_log *log;
	};
	union {
		enum xt_reject reject;
		struct xt_mark mark;
	};
};

struct xt_rule {
	const struct xt_match *matches;
	uint32_t match_count;
	bool wide; /* without a match it is printed with two spaces before the target (spec 2.1) */
	struct xt_target target;
	struct span span; /* the line it comes from, if any */
	const char *implied; /* else why: a phrase of lang/implied.def or a default policy; or NULL */
	bool counts; /* its counter is that of its line, or of a policy that no line sets: not of a rule that logs */
	bool is_part; /* the next one is another part of the same rule, for another member of a set */
	struct xt_rule *next;
};

struct xt_builder;

/* A chain. Its rules are made when they are needed, one chain after the other, so a ruleset of 60,000 rules is printed
 * with the memory of its longest chain. */
struct xt_chain {
	struct text name, append; /* "-A NAME" */
	void (*fill)(struct xt_builder *b, struct xt_chain *chain);
	/* For fill: a NIC and its guest, a group or a row of std_chains.def, and the direction. */
	struct nic_walk nic;
	const struct group *group;
	const struct xt_std_row *row;
	bool out;
	struct xt_rule *first, **last;
	struct xt_chain *next;
};

struct xt_table {
	const char *name;  /* filter, raw */
	unsigned family_mask;  /* IPV4, IPV6 */
	const struct config *config;
	struct xt_chain **chains; /* sorted by name */
	uint32_t chain_count;
	struct text (*group_names)[2]; /* of the chains of each group that has some, by its id: IN and OUT */
};

/* The chains that hook a table into the kernel's own. */
struct xt_hook {
	const char *builtin, *chain;
};

/* ---- lower.c ---- */

/* The chains, without rules, of the filter or raw table of one family; from `arena`. */
struct xt_table *xt_lower_filter(struct arena *arena, const struct config *config, unsigned family_mask);
struct xt_table *xt_lower_raw(struct arena *arena, const struct config *config, unsigned family_mask);
/* Makes the rules of one chain, from `arena`. */
void xt_chain_fill(struct arena *arena, const struct xt_table *table, struct xt_chain *chain);

/* ---- build.c ---- */

/* One table while it is built. */
struct xt_builder {
	struct arena *arena;
	const struct config *config;
	unsigned family_mask;
	struct xt_chain *chains, **last;
	uint32_t chain_count;
	struct text (*group_names)[2];
	bool mark_is_off; /* in the chain that is being filled: no packet reaches the next rule with the accept mark */
};

struct xt_chain *xt_chain_add(struct xt_builder *b, struct text name,
			      void (*fill)(struct xt_builder *b, struct xt_chain *chain));
/* Appends a rule, which refers to the matches; xt_add_copy() copies them. Where IP sets cannot be used, a rule with a set
 * becomes a rule for each member; returns the last one, or if there is none a rule that is in no chain. */
struct xt_rule *xt_rule_add(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches,
			    uint32_t count, struct xt_target target);
struct xt_rule *xt_add_copy(struct xt_builder *b, struct xt_chain *chain, struct xt_target target,
			    const struct xt_match *matches, uint32_t count);
#define XT_ADD(b, chain, target, ...) \
	xt_add_copy(b, chain, target, (const struct xt_match[]){ __VA_ARGS__ }, \
		    sizeof((const struct xt_match[]){ __VA_ARGS__ }) / sizeof(struct xt_match))
/* Without matches. */
#define XT_ADD_ALL(b, chain, target) xt_rule_add(b, chain, NULL, 0, target)
/* A match of an ICMP type, given by name, which has a row of the table, or by number. */
struct xt_match xt_icmp_match(unsigned family_mask, struct text text, const struct icmp_type *type);
/* The rule of one kind of packets of lang/implied.def, after matches that are copied. Returns NULL if they are not of
 * the table's family. */
struct xt_rule *xt_packets_add(struct xt_builder *b, struct xt_chain *chain, struct xt_target target,
			       const struct implied_packets *packets, const struct xt_match *before, uint32_t count);
/* Rules for all packets of an implied rule in a chain. */
void xt_implied_add(struct xt_builder *b, struct xt_chain *chain, struct xt_target target, enum implied_id rule,
		    enum implied_chain at, const struct xt_match *before, uint32_t count);
/* A rule that logs; none for LOG_NOLOG. */
void xt_log_add(struct xt_builder *b, struct xt_chain *chain, const struct xt_match *matches, uint32_t count,
		uint32_t vmid, enum log_level level, const char *message, struct span span);

#define XT_M(kind_, literal) { .kind = (kind_), .text = TEXT_INIT(literal) }
#define XT_STATE(literal, bits) { .kind = XT_CTSTATE, .text = TEXT_INIT(literal), .states = (bits) }
#define XT_KNOWN XT_STATE("RELATED,ESTABLISHED", XT_RELATED | XT_ESTABLISHED)
#define XT_PROTOCOL(literal, number) { .kind = XT_PROTO, .text = TEXT_INIT(literal), .protocol = (number) }
/* The mask is all flags of which some must be set and the others not. */
#define XT_FLAGS(kind_, literal, mask_, flags_) \
	{ .kind = (kind_), .text = TEXT_INIT(literal), .tcp_flags = { (mask_), (flags_) } }
#define XT_NEW_TCP(kind_) XT_FLAGS(kind_, "FIN,SYN,RST,ACK SYN", XT_FIN | XT_SYN | XT_RST | XT_ACK, XT_SYN)
/* The mark says that a packet was accepted, and its value. */
#define XT_ACCEPT_MARK 0x80000000u
#define XT_TO(kind_) ((struct xt_target){ .kind = (kind_) })
#define XT_TO_CHAIN(kind_, literal) ((struct xt_target){ .kind = (kind_), .text = TEXT_INIT(literal) })

/* What ACCEPT is in the OUT chains of guests, and in groups: the mark says that a packet was accepted. */
extern const struct xt_target xt_set_accept_mark, xt_clear_accept_mark;

/* The packet's source or destination is in the set. */
static inline const struct endpoint *xt_set_endpoint(struct xt_builder *b, const struct ipset *set)
{
	struct endpoint *e = ARENA_NEW(b->arena, struct endpoint);

	*e = (struct endpoint){ .kind = ENDPOINT_SET, .family_mask = IPV_BOTH, .ipset = set };
	return e;
}

/* ---- std_chains.c ---- */

void xt_standard_chains(struct xt_builder *b);

/* ---- filters.c ---- */

/* PVEFW-blacklist, if the cluster has that set. */
void xt_blacklist_chain(struct xt_builder *b);
/* Blacklist, smurfs, impossible TCP flags (spec 2.2). */
void xt_input_filters(struct xt_builder *b, struct xt_chain *chain);

/* ---- split.c ---- */

/* The part of a source or destination after `before` (NULL: the first part) that is short enough for iptables-restore;
 * NULL after the last. What is short enough has one part, itself. From `arena`. */
static inline const struct endpoint *xt_endpoint_part(struct arena *arena, const struct endpoint *whole,
						      const struct endpoint *before);
/* Of a list that is too long. */
const struct endpoint *xt_list_cut(struct arena *arena, const struct endpoint *whole, const struct endpoint *before);

static inline const struct endpoint *xt_endpoint_part(struct arena *arena, const struct endpoint *whole,
						      const struct endpoint *before)
{
	if (whole->kind == ENDPOINT_LIST && whole->text.len > LIMIT_ARGUMENT)
		return xt_list_cut(arena, whole, before);
	return before ? NULL : whole;
}

/* ---- rules.c ---- */

/* Where rules are added, and what ACCEPT means there. */
struct xt_place {
	struct zone zone;
	struct xt_chain *chain;
	struct xt_target accept;
};

void xt_rules(struct xt_builder *b, const struct xt_place *place, const struct rule_list *rules);
/* The policy of the place's zone. */
void xt_policy(struct xt_builder *b, const struct xt_place *place);
/* The chains of all groups that a rule refers to. */
void xt_group_chains(struct xt_builder *b);

/* ---- guests.c, host.c ---- */

/* The chains of guests' NICs, and PVEFW-IPS if a guest has an IPS. */
void xt_guest_chains(struct xt_builder *b);
bool xt_has_ips(const struct config *config);
/* Fill PVEFW-FWBR-IN and PVEFW-FWBR-OUT. */
void xt_fill_forward_in(struct xt_builder *b, struct xt_chain *chain);
void xt_fill_forward_out(struct xt_builder *b, struct xt_chain *chain);
/* PVEFW-HOST-IN and PVEFW-HOST-OUT. */
void xt_host_chains(struct xt_builder *b);

/* ---- ebtables.c ---- */

enum eb_target {
	EB_ACCEPT,
	EB_DROP,
	EB_RETURN,
	EB_JUMP, /* chain */
};

/* A rule of ebtables; empty and NULL members are not matched. */
struct eb_rule {
	struct layer2_protocol protocol;
	struct text in_iface, out_iface; /* patterns end in '+' */
	const uint8_t *not_source; /* a MAC address */
	struct prefix arp_source;
	enum eb_target target;
	const struct eb_chain *chain;
	struct span span;    /* of the option that it comes from, if a line sets that */
	const char *implied; /* a phrase of lang/implied.def, or NULL */
	struct eb_rule *next;
};

struct eb_chain {
	struct text name;
	struct eb_rule *first, **last;
};

struct eb_table {
	struct arena arena; /* its own; the caller frees it */
	struct eb_chain **chains; /* sorted by name */
	const struct eb_chain *forward; /* where all frames begin; NULL: there is no chain */
	uint32_t count;
};

void eb_lower(struct eb_table *t, const struct config *config);

/* ---- lower.c ---- */

extern const struct xt_hook xt_filter_hooks[], xt_raw_hooks[]; /* ended by NULL */

#endif
