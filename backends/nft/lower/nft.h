/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lowered form of the nftables backends: two tables of sets, chains and rules. Both
 * the script (print.c) and the netlink batch are made from it alone: every value is
 * the bytes that the kernel compares, with their type.
 *
 * A rule is a list of statements, evaluated from left to right. Dependencies are statements of
 * their own (`meta nfproto ipv4` before `ip saddr 10.0.0.1`), so a statement becomes the same
 * kernel expressions in every rule. A port may precede its protocol; the script has it as `th dport`. The kinds, their text, and their expressions:
 *
 *   MATCH     iifname "lo"                       load, cmp eq
 *             ether saddr != 02:00:00:00:01:00   load, cmp neq
 *             meta mark & 0xc0000000 == 0x0      load, bitwise (mask), cmp
 *             ip saddr 10.0.0.0/12               load, bitwise (mask), cmp eq; on a byte boundary a
 *                                                shorter load and cmp eq
 *             tcp dport 5900-5999                load, cmp gte, cmp lte
 *             ct state established,related       load, bitwise (value), cmp neq 0
 *             ct label ! 127                     load, bitwise (value), cmp eq 0
 *             ip saddr @cluster-web-v4           load, lookup
 *             iifname . ip saddr & M @set        loads into consecutive registers of four bytes,
 *                                                bitwise where there is a mask, lookup
 *   VMAP      iifname vmap @from-guest           loads, lookup into the verdict register
 *   VERDICT   accept, goto tap100i0-in           immediate
 *   COUNTER   counter                            counter
 *   LIMIT     limit rate 1/second burst 5 packets     limit
 *   LOG       log prefix ":0:6:host-in: " group 0     log
 *   MARK      meta mark set meta mark & K | B    meta load, bitwise (keep ^ bits), meta set
 *   CT_MARK   ct mark set 100                    immediate, ct set
 *   CT_LABEL  ct label set 64                    immediate, ct set (which keeps the other labels)
 *   CT_HELPER ct helper set "helper-ftp"         objref
 *   UPDATE    update @synflood-v4 { ip saddr limit rate over 200/second burst 1000 packets }
 *                                                loads, dynset update with a limit (flag invert)
 *   REJECT    reject with tcp reset              reject
 *   QUEUE     queue flags bypass to 0-3          queue
 *
 * MATCHes of EQ on adjacent payload fields (udp sport 67 udp dport 68) share one load and one cmp, as with
 * nft; listings do not show it.
 */
#ifndef PVEFW_NFT_H
#define PVEFW_NFT_H

#include "config/config.h"
#include "base/output.h"

/* ---- values ---- */

enum nft_type {
#define TYPE(ID, ...) NFT_TYPE_##ID,
#include "nft/lower/fields.def"
	NFT_TYPES
};

/* nft's numbers of byte orders. */
enum nft_order {
	NFT_ORDER_NONE,
	NFT_ORDER_HOST,
	NFT_ORDER_NETWORK,
};

struct nft_type_row {
	const char *name;
	uint8_t number; /* nft's; a concatenation is first << 6 | second */
	uint8_t length;
	enum nft_order order;
};

extern const struct nft_type_row nft_types[NFT_TYPES];

enum nft_field {
#define META(ID, ...) NFT_FIELD_##ID,
#define CT META
#define PAYLOAD META
#define FIB META
#include "nft/lower/fields.def"
	NFT_FIELDS
};

struct nft_field_row {
	const char *spelling;
	enum nft_type type;
};

extern const struct nft_field_row nft_fields[NFT_FIELDS];

/* As long as its type, except for interface names: one of less than 16 bytes is a prefix ("fwln*"). */
struct nft_value {
	uint8_t length;
	uint8_t bytes[16];
};

/* The set of labels with this one only. */
struct nft_value nft_label_value(unsigned bit);

/* ---- sets ---- */

enum { NFT_KEY_PARTS = 2 };

enum nft_verdict_kind {
	NFT_TO_ACCEPT,
	NFT_TO_DROP,
	NFT_TO_RETURN,
	NFT_TO_JUMP, /* chain */
	NFT_TO_GOTO, /* chain */
};

struct nft_verdict {
	enum nft_verdict_kind kind;
	const struct nft_chain *chain;
};

struct nft_element {
	struct nft_value key[NFT_KEY_PARTS];
	struct nft_value last;      /* of intervals: key[0] to last; equal for a single value */
	struct nft_verdict verdict; /* of verdict maps */
};

/* A named set; there are no anonymous ones. Elements are sorted by key and distinct; intervals are disjoint and do
 * not touch. */
struct nft_set {
	struct text name;
	bool verdicts;       /* a verdict map */
	bool interval;       /* one key part only; also of verdict maps, by port */
	bool dynamic;        /* filled by UPDATE, up to `size` elements for `timeout` seconds */
	uint8_t part_count;
	enum nft_type parts[NFT_KEY_PARTS];
	uint32_t size;       /* maximum of elements; 0: no limit */
	uint32_t timeout;    /* seconds; 0: none */
	struct nft_element *elements;
	uint32_t element_count;
	uint32_t id;         /* number of the set in the table, from 1 */
	struct nft_set *next;
};

/* A conntrack helper object, for both families. */
struct nft_helper {
	struct text name;   /* "helper-ftp" */
	const char *helper; /* the kernel's: "ftp" */
	uint8_t protocol;   /* 6, 17 */
	struct span span;   /* of the option that names it */
	struct nft_helper *next;
};

/* ---- statements ---- */

struct nft_key {
	enum nft_field field;
	bool masked;
	struct nft_value mask;
};

enum nft_op {
	NFT_OP_EQ,     /* value */
	NFT_OP_NE,     /* value */
	NFT_OP_PREFIX, /* the first `bits` bits of value, which has no others; the key has no mask */
	NFT_OP_RANGE,  /* value to last, in network order */
	NFT_OP_FLAGS,  /* any bit of value; the key has no mask */
	NFT_OP_NO_FLAGS, /* no bit of value; the key has no mask */
	NFT_OP_IN,     /* set */
	NFT_OP_NOT_IN, /* set */
};

/* Two keys only with IN and NOT_IN. */
struct nft_match {
	struct nft_key keys[NFT_KEY_PARTS];
	uint8_t key_count;
	uint8_t bits;
	enum nft_op op;
	struct nft_value value, last;
	const struct nft_set *set;
};

struct nft_limit {
	uint64_t rate; /* packets per unit */
	uint32_t unit; /* seconds: of a second, minute, hour or day */
	uint32_t burst;
};

enum nft_reject_type {
	NFT_REJECT_WITH_TCP_RESET,
	NFT_REJECT_WITH_PORT_UNREACHABLE,    /* icmpx port-unreachable: both families */
	NFT_REJECT_WITH_HOST_PROHIBITED,     /* icmp host-prohibited */
	NFT_REJECT_WITH_ADMIN_PROHIBITED_V6, /* icmpv6 admin-prohibited */
};

enum nft_statement_kind {
	NFT_STMT_MATCH,
	NFT_STMT_VMAP,
	NFT_STMT_VERDICT,
	NFT_STMT_COUNTER,
	NFT_STMT_LIMIT,
	NFT_STMT_LOG,
	NFT_STMT_MARK,
	NFT_STMT_CT_MARK,
	NFT_STMT_CT_LABEL,
	NFT_STMT_CT_HELPER,
	NFT_STMT_UPDATE,
	NFT_STMT_REJECT,
	NFT_STMT_QUEUE,
};

struct nft_vmap {
	struct nft_key keys[NFT_KEY_PARTS];
	uint8_t key_count;
	const struct nft_set *set;
};

struct nft_update {
	struct nft_key key;
	const struct nft_set *set;
	const struct nft_limit *limit; /* matches over it */
};

/* There are many statements: large and rare contents are referred to. */
struct nft_statement {
	enum nft_statement_kind kind;
	union {
		const struct nft_match *match;
		const struct nft_vmap *vmap;
		struct nft_verdict verdict;
		const struct nft_limit *limit; /* matches up to it */
		struct text log_prefix;        /* at most 127 bytes; to group 0 */
		struct {
			uint32_t keep, bits; /* mark = mark & keep | bits; they have no common bit */
		} mark;
		uint32_t ct_mark;
		uint8_t ct_label; /* its bit */
		const struct nft_helper *helper;
		const struct nft_update *update;
		enum nft_reject_type reject;
		struct {
			uint16_t first, last; /* always with bypass */
		} queue;
	};
};

struct nft_rule {
	const struct nft_statement *statements;
	uint32_t statement_count;
	struct span span;    /* of the line or the option it comes from, or SPAN_NONE */
	const char *implied; /* else why it is there: see struct model_step; NULL: it only leads to others */
	struct text comment; /* "100.fw:14", "100.fw: policy_in", at most 127 bytes; len 0: none */
	struct nft_rule *next;
};

/* ---- chains and tables ---- */

/* The kernel's numbers, the same in both tables. */
enum nft_hook {
	NFT_HOOK_PREROUTING,
	NFT_HOOK_INPUT,
	NFT_HOOK_FORWARD,
	NFT_HOOK_OUTPUT,
	NFT_HOOK_POSTROUTING,
	NFT_HOOK_NONE, /* a regular chain */
};

struct nft_chain {
	struct text name;
	struct text list; /* of a chain of a port map: the chain that is cut; else empty */
	enum nft_hook hook; /* base chains are `type filter`, `policy accept` */
	int32_t priority;
	struct nft_rule *first, **last;
	uint32_t rule_count;
	struct nft_chain *next;
};

/* Lists are in the order of the script. */
struct nft_table {
	uint8_t family;   /* NFPROTO_INET, NFPROTO_BRIDGE */
	const char *name; /* "pvefw" */
	struct nft_helper *helpers, **last_helper;
	struct nft_set *sets, **last_set;
	struct nft_chain *chains, **last_chain;
	uint32_t helper_count, set_count, chain_count, rule_count;
};

enum { NFT_INET, NFT_BRIDGE, NFT_TABLES };

struct nft_ruleset {
	struct nft_table *tables[NFT_TABLES]; /* NULL: empty, and must not exist */
};

/* ---- lower.c ---- */

/* Lowers the configuration. All of it is from `arena`, and refers to the configuration. */
const struct nft_ruleset *nft_lower(struct arena *arena, const struct config *config);
/* Lowers the bridge table only, the one that guests change. */
const struct nft_ruleset *nft_lower_bridge(struct arena *arena, const struct config *config);

/* ---- print.c ---- */

/* The script that replaces both tables. */
void nft_print(struct out *out, const struct nft_ruleset *ruleset);
/* One rule as a line of the script. */
void nft_print_rule(struct out *out, const struct nft_rule *rule);

/* ---- reduce.c ---- */

/* The name in struct left_out of a rule that no line asks for. */
void nft_rule_name(struct out *out, const struct nft_table *table, const struct nft_chain *chain,
		   const struct nft_rule *rule);
/* Removes the parts that the kernel has refused; `left_out` may be NULL. */
void nft_leave_out(struct arena *arena, const struct left_out *left_out, struct nft_table *table);

#endif
