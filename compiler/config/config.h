/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolved configuration: what the backends and the checks work on.
 *
 * References are pointers here, macros are expanded, options are typed and
 * have their defaults, and every rule is verified: a rule that is wrong was
 * reported and is not here.  Made by resolve/compile.c;
 * not changed afterwards.
 */
#ifndef PVEFW_CONFIG_H
#define PVEFW_CONFIG_H

#include "inputs/corosync.h"
#include "inputs/guests.h"
#include "inputs/localnet.h"
#include "inputs/named_addresses.h"
#include "lang/option_values.h"
#include "lang/tables.h"
#include "net/ports.h"

struct left_out;
struct text_memo;

/* Parts of a ruleset that kernels or tools may lack as a whole: layers.def, left_out.h. */
enum layer {
#define LAYER(ID, name, effect, remedy) LAYER_##ID,
#include "config/layers.def"
	LAYERS
};

/* ---- rules ---- */

enum endpoint_kind {
	ENDPOINT_ANY,
	ENDPOINT_SET,
	ENDPOINT_ALIAS,
	ENDPOINT_RANGE,
	ENDPOINT_LIST,
};

/* A source or destination. */
struct endpoint {
	enum endpoint_kind kind;
	unsigned family_mask;       /* of sets both */
	struct text text;           /* as written */
	const struct ipset *ipset;
	const struct alias *alias;
	struct prefix *prefixes;    /* ENDPOINT_LIST: count of them; ENDPOINT_RANGE: two */
	uint32_t count;
	struct span span;
};

struct proto {
	struct text text; /* as written; len 0: no `-p` */
	uint8_t number;
	bool has_ports;
	unsigned services; /* bit set of netdb.h: whose names count */
	unsigned icmp;    /* IPV4 for icmp, IPV6 for icmpv6 and ipv6-icmp, else 0 */
};

/* No `-p`, or protocol 0 (ip, hopopt, 0), which means every protocol to iptables. */
static inline bool proto_is_any(const struct proto *proto)
{
	return proto->number == 0;
}

/* An ICMP type. */
struct icmp_match {
	struct text text;             /* a name or a number; len 0: any */
	const struct icmp_type *type; /* of a name; NULL for numbers */
};

/* The type that must match, or -1 for every type.  255 is the kernel's number for every type of ICMP, not of
 * ICMPv6 (icmp_type_code_match() in net/ipv4/netfilter/ip_tables.c). */
int icmp_match_type(const struct icmp_match *match, unsigned family_mask);
/* The code that must match, or -1. */
int icmp_match_code(const struct icmp_match *match);

/* What a packet must be like, apart from the addresses and the interface: a
 * rule without a macro has one of these, a rule with one as many as the macro. */
struct condition {
	unsigned family_mask;
	struct proto proto;
	const struct ports *dport, *sport;  /* NULL: any */
	/* From -icmp-type, and from -dport in its old use.  A macro can add the
	 * second to a rule that has the first; then both must match. */
	struct icmp_match icmp[2];
};

struct group;

struct rule {
	enum direction direction;
	bool enabled;
	enum action action;
	enum log_level log;      /* LOG_NOLOG if not given */
	unsigned family_mask;    /* for which it is generated */
	const struct macro *macro;
	const struct group *group; /* of DIRECTION_GROUP */
	struct text iface;       /* altnames resolved; len 0: any */
	int32_t net;             /* in guests' files: N of net<N>, -1: any */
	const struct endpoint *source, *dest; /* never NULL */
	const struct condition *conditions;
	uint32_t condition_count;
	struct span span;
	struct rule *next;
};

struct rule_list {
	struct rule *first, **last;
	uint32_t count;
};

struct group {
	struct text name; /* lower case */
	struct rule_list rules;
	struct span span, last_span; /* of the first and the last definition */
	uint32_t id;
	UT_hash_handle hh;
};

/* ---- the configuration ---- */

struct guest {
	uint32_t vmid;
	struct text vmid_text;
	enum guest_type type;
	struct nic *nics;
	bool has_file;       /* a .fw file */
	struct guest_options options;
	const struct span *written; /* by enum option_id: the line that sets it, begin 0: none; NULL: no file */
	struct scope scope;
	struct rule_list rules;
	const struct source *config, *file; /* NULL if not there */
	struct guest *next;
};

struct vnet {
	struct text name;
	struct vnet_options options;
	const struct span *written; /* by enum option_id: the line that sets it; begin 0: none */
	struct rule_list rules;
	const struct source *file;
	struct vnet *next;
};

struct netdb;

struct config {
	struct arena *arena;
	struct diags *diags;
	const struct netdb *netdb;
	struct text node;                /* its name */
	int64_t now;                     /* Unix time */
	bool forwards;                   /* compiled for what enforces FORWARD rules */
	bool plain_lists;                /* nftables: no port maps for long lists */
	const struct left_out *left_out; /* parts that the kernel or a tool has refused; may be NULL */
	struct cluster_options cluster_options;
	struct host_options host_options;
	struct span cluster_written[OPTION_COUNT], host_written[OPTION_COUNT]; /* the line that sets it; begin 0: none */
	struct scope cluster, sdn;
	struct group *groups;            /* uthash */
	uint32_t group_count;
	struct rule_list cluster_rules, host_rules;
	struct guest *guests;            /* VMs before containers, each by VMID as text */
	struct guest *strangers;         /* firewall files without a guest on this node */
	struct vnet *vnets;              /* by name */
	struct corosync corosync;
	const struct alias *local_network;
	const struct altname *altnames;
	struct text_memo *memo;          /* of text printed for several nodes; or NULL */
};

/* The line of a guest's file that sets an option; SPAN_NONE if it is not set. */
static inline struct span guest_option_span(const struct guest *guest, enum option_id id)
{
	return guest->written ? guest->written[id] : SPAN_NONE;
}

/* A guest whose file has changed: as it was, and as it is. */
struct guest_change {
	const struct guest *old, *new;
};

/* Returns the configuration with the guests of the changes alone, as they were or, with `is_new`, as they are.  From `arena`;
 * lives as long as `config`. */
struct config *config_of_changes(struct arena *arena, const struct config *config, const struct guest_change *changes,
				 unsigned count, bool is_new);

/* The IP set of cluster.fw with this name, or NULL. */
const struct ipset *cluster_ipset(const struct config *config, const char *name);
/* "VM 100", "container 101" */
const char *guest_name(struct arena *arena, const struct guest *guest);
/* The guest's set of addresses that a NIC may send from, or NULL. */
struct ipset *guest_filter_set(const struct guest *guest, const struct nic *nic);
/* Whether the firewall is on: the cluster's `enable` is 1, or a time that ended less than a minute before `now`. */
bool config_enabled(const struct config *config);

/*
 * The least that protects a node: management access, the cluster's own traffic, and the policies, also of guests and
 * vnets.  Without rules, sets, logging and further options, so that the kernel has little to refuse.  The caller frees
 * `minimal->cluster` with scope_free(), before `config`.
 */
void config_minimal(struct arena *arena, const struct config *config, struct config *minimal);

/* The hash tables; everything else belongs to the arena. */
void config_free(struct config *config);
void config_free_cluster(struct config *config);
void config_free_guests(struct config *config);
void scope_free(struct scope *scope);

struct out;
/* Prints the configuration for people and tests (--dump=ir). */
void config_dump(struct out *out, const struct config *config);

#endif
