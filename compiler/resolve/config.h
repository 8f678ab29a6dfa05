/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolved configuration: what the backends and the checks work on.
 *
 * References are pointers here, macros are expanded, options are typed and
 * have their defaults, and every rule is verified: a rule that is wrong was
 * reported and is not here.  Made by compiler/resolve/compile.c from the syntax trees
 * and the other inputs; not changed afterwards.
 */
#ifndef PVEFW_CONFIG_H
#define PVEFW_CONFIG_H

#include <uthash.h>

#include "net/address.h"
#include "net/ports.h"
#include "ast.h"
#include "lang/option_table.h"
#include "lang/tables.h"

struct diagnostic;
struct diags;
struct left_out;
struct text_memo;

/* Parts of a ruleset that kernels or tools may lack as a whole: layers.def, left_out.h. */
enum layer {
#define LAYER(ID, name, effect, remedy) LAYER_##ID,
#include "resolve/layers.def"
	LAYERS
};

/* ---- names ---- */

enum scope_kind {
	SCOPE_CLUSTER, /* dc/ */
	SCOPE_GUEST,   /* guest/ */
	SCOPE_SDN,     /* sdn/ */
};

struct alias {
	struct text name; /* lower case */
	struct text cidr; /* as written, without /32 or /128 */
	struct prefix prefix;
	bool valid;       /* false: its address was wrong, and reported */
	bool implicit;    /* local_network, when no file defines it */
	struct span span; /* of the name where it was first defined */
	struct diagnostic *reported; /* of an alias without value */
	UT_hash_handle hh;
};

struct set_entry {
	bool nomatch;
	bool implicit;             /* not from a file */
	bool repeated;             /* written before in this set: no member of its own */
	const struct alias *alias; /* or NULL: then the prefix counts */
	struct prefix prefix;      /* as written; host bits not cleared */
	struct text text;          /* as written, without /32 or /128 */
	struct span span;
	struct set_entry *next;
};

struct ipset {
	struct text name;       /* lower case */
	enum scope_kind scope;
	uint32_t vmid;          /* of SCOPE_GUEST */
	struct set_entry *entries, **last;
	/* Lines written, with wrong and repeated ones, and implicit entries: what
	 * the size of the kernel's set is computed from (spec 2.9). */
	uint32_t size;
	struct span span, last_span; /* of the headers of the first and the last definition */
	UT_hash_handle hh;
};

/* What one file, or the SDN, defines. */
struct scope {
	enum scope_kind kind;
	uint32_t vmid;
	struct alias *aliases; /* uthash, in the order of the first definition */
	struct ipset *ipsets;  /* the same */
	struct skipped_name *skipped; /* of this scope's file; see resolve.h */
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
	unsigned family_mask;          /* bit set; of sets both */
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
	unsigned family_mask;       /* for which it is generated */
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

enum guest_type {
	GUEST_VM,
	GUEST_CONTAINER,
};

/* net<N> of a guest's configuration. */
struct nic {
	uint32_t index;      /* N */
	struct text key;     /* "net0" */
	struct text device;  /* tap100i0, veth100i0 */
	struct text mac;     /* as written; len 0: none */
	uint8_t mac_bytes[6];
	struct text bridge;
	uint16_t tag;        /* VLAN; 0: none */
	struct text trunks;  /* VLANs that pass with their tags, as written; len 0: none */
	bool firewall;
	bool dhcp;           /* of a container, for IPv4 */
	struct prefix ip4, ip6; /* containers' static addresses; family_mask 0: none */
	struct span span;    /* of the value */
	struct nic *next;    /* sorted by key as text */
};

struct guest {
	uint32_t vmid;
	struct text vmid_text;
	enum guest_type type;
	struct nic *nics;
	bool has_file;       /* a .fw file */
	struct guest_options options;
	struct span ips;     /* where the option is set; begin 0: nowhere */
	const struct span *written; /* by enum option_id: where the file sets it; NULL: no file */
	struct scope scope;
	struct rule_list rules;
	const struct source *config, *file; /* NULL if not there */
	struct guest *next;
};

struct vnet {
	struct text name;
	struct vnet_options options;
	struct rule_list rules;
	const struct source *file;
	struct vnet *next;
};

/* One link of another node of the cluster that shares an IP version. */
struct corosync_link {
	struct text ours, theirs;
	unsigned family_mask; /* IPV4 or IPV6 */
	unsigned number;  /* N of ring<N>_addr */
	uint16_t port;    /* of UDP, on both sides */
	struct corosync_link *next;
};

/* A host name and what it resolved to: addresses in order, a space between two; len 0: none. */
struct resolved_name {
	struct text name, addresses;
	struct resolved_name *next;
};

struct corosync {
	bool present;
	bool multicast;              /* transport udp */
	struct corosync_link *links; /* by node, then by key */
	struct resolved_name *names; /* that were asked for */
};

/* What is known of a name in /etc/services, /etc/protocols, /etc/ethertypes. */
struct netdb;

struct config {
	struct arena *arena;
	struct diags *diags;
	const struct netdb *netdb;
	struct text node;                /* its name */
	int64_t now;                     /* Unix time */
	bool forwards;                   /* compiled for what enforces FORWARD rules */
	const struct left_out *left_out; /* what the kernel or a tool has refused; may be NULL */
	struct cluster_options cluster_options;
	struct host_options host_options;
	struct span host_written[OPTION_COUNT]; /* by enum option_id: where host.fw sets it; begin 0: nowhere */
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
	struct text_memo *memo;          /* of what is printed for several nodes; or NULL */
};

/* An interface's other name. */
struct altname {
	struct text name, iface;
	struct altname *next;
};

/* The guest's set that holds a NIC's allowed source addresses, or NULL.  implicit.c */
struct ipset *guest_filter_set(const struct guest *guest, const struct nic *nic);

/* A configuration with one of its guests alone; lives as long as the configuration. */
struct guest_view {
	struct config config;
	struct guest guest;
};

void guest_view_init(struct guest_view *view, const struct config *config, const struct guest *guest);

/* Gives back the hash tables; all else goes with the arena. */
void config_free(struct config *config);
void scope_free(struct scope *scope);
/* The cluster's `enable`: 1, or a time that is not over. */
bool config_enabled(const struct config *config);

#endif
