/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makers of statements, rules, chains and sets, for the lowering passes (passes.h).
 *
 * A maker of a statement returns it; NFT_RULE() puts several together to a rule. A set is
 * made when a rule asks for it, and two sets of equal contents are one, so there is no
 * set that no rule uses.
 */
#ifndef PVEFW_NFT_LOWER_BUILD_H
#define PVEFW_NFT_LOWER_BUILD_H

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "config/zones.h"
#include "lang/implied.h"
#include "net/prefix_set.h"
#include "nft/lower/nft.h"

/* Bits of `ct state`. */
enum {
	CT_INVALID = 1,
	CT_ESTABLISHED = 2,
	CT_RELATED = 4,
	CT_NEW = 8,
};

/*
 * Two bits of the packet mark, used in the bridge table only and cleared when a frame enters
 * the machine. They travel with the frame over the bridges that it passes, so that it is
 * filtered and logged once.
 */
#define MARK_BITS 0xc0000000u
#define MARK_REJECT 0x40000000u   /* to be rejected, or dropped where that is impossible */
#define MARK_ACCEPTED 0x80000000u /* accepted by the in chain of a guest */
#define MARK_ANSWER 0xc0000000u   /* our own answer to what we rejected */

/*
 * A packet that is dropped can still have created a connection: the bridge it passed before has confirmed it, or
 * another port that the frame was flooded to. For the kernel a reply is then established. Therefore each NIC, each vnet
 * and the host's forwarding accept established packets only if they have accepted a packet of the connection
 * themselves. They remember that in labels of the connection, one of each group, by a hash of the name: two
 * names have the same labels once in 50,625 pairs. Labels can be added but not removed.
 *
 * A connection that is older than the rules has no LABEL_BEGUN and is accepted as before. Vnets and
 * forwarding have labels of their own for this, since they can be enabled later than guests.
 */
enum {
	LABELS_EACH = 4,
	LABELS_GROUP = 15,
	LABELS_FIRST = 64,         /* administrators name low numbers in connlabel.conf */
	LABEL_FORWARDED = 124,     /* forwarding by the host has accepted it */
	LABEL_BEGUN_FORWARD = 125, /* began while forwarding was filtered */
	LABEL_BEGUN_VNET = 126,    /* began while a vnet was filtered */
	LABEL_BEGUN = 127,         /* began while a guest was filtered */
};

struct nft_labels {
	uint8_t bits[LABELS_EACH];
};

/* One table while it is built. */
struct nft_builder {
	struct arena *arena;
	struct arena scratch; /* freed whenever a rule is done */
	struct arena *drafts; /* of what no table refers to; freed when both are done */
	const struct config *config;
	struct nft_table *table;
	bool bridge;
	const struct nft_match *families[2], *protos[256]; /* shared by rules */
	const struct source *source;       /* of the last comment */
	struct text source_name;
	struct nft_shared_match *shared;   /* matches by contents: shared.c; NULL: none yet */
	struct interned *interned;         /* uthash: sets by contents */
	struct resolved_set **resolved;    /* uthash: IP sets as ranges, shared by both tables */
	struct nft_chain **group_chains;   /* [group id * 3 + direction] */
	struct nft_chain *accept[3], *reject, *noise[2], *policy[2]; /* made when first used; accept by direction */
};

/* Of the longest rule. */
enum { NFT_STATEMENTS_MAX = 24 };

/* A rule while it is put together, with room for the longest one. */
struct nft_draft {
	struct nft_statement items[NFT_STATEMENTS_MAX];
	uint32_t count;
};

static inline void nft_draft_add(struct nft_draft *d, struct nft_statement s)
{
	d->items[d->count++] = s;
}

/* ---- build.c: chains and rules ---- */

struct nft_chain *nft_chain_add(struct nft_builder *b, struct text name);
struct nft_chain *nft_base_chain(struct nft_builder *b, const char *name, enum nft_hook hook, int32_t priority);
/* Appends a rule with a copy of the statements, in the order of nft_order_matches(). */
struct nft_rule *nft_rule_add(struct nft_builder *b, struct nft_chain *chain, const struct nft_statement *statements,
			      uint32_t count);
#define NFT_RULE(b, chain, ...) \
	nft_rule_add(b, chain, (const struct nft_statement[]){ __VA_ARGS__ }, \
		     sizeof((const struct nft_statement[]){ __VA_ARGS__ }) / sizeof(struct nft_statement))

static inline struct nft_rule *nft_draft_end(struct nft_builder *b, struct nft_chain *chain, struct nft_draft *d,
					     struct nft_statement last)
{
	nft_draft_add(d, last);
	return nft_rule_add(b, chain, d->items, d->count);
}

/* Names the implied rule that a rule is, or a part of. */
static inline struct nft_rule *nft_rule_implied(struct nft_rule *rule, enum implied_id id)
{
	rule->implied = implied_phrase(id);
	return rule;
}

/* Sets the comment that names the origin of a rule: a line, or an option of `file` that is not written there. */
void nft_rule_from(struct nft_builder *b, struct nft_rule *rule, struct span span);
void nft_rule_from_default(struct nft_builder *b, struct nft_rule *rule, const char *file, const char *option);
/* Rules for one kind of packets of lang/implied.def, or for all of an implied rule in a chain, a rule for each range of
 * ports. They begin with the statements of `before`, which may be NULL. */
void nft_packets_add(struct nft_builder *b, struct nft_chain *chain, const struct implied_packets *packets,
		     const struct nft_draft *before, struct nft_statement verdict);
void nft_implied_add(struct nft_builder *b, struct nft_chain *chain, enum implied_id rule, enum implied_chain at,
		     const struct nft_draft *before, struct nft_statement verdict);

/* ---- build.c: values ---- */

struct nft_value nft_number(enum nft_type type, uint32_t number);
struct nft_value nft_bytes(const uint8_t *bytes, uint8_t length);
/* Padded with NULs; with `wild` a prefix. */
struct nft_value nft_iface_value(struct text name, bool wild);
/* Whether an interface can have this name. */
bool nft_iface_possible(struct text name);

static inline struct nft_key nft_key(enum nft_field field)
{
	return (struct nft_key){ .field = field };
}

/* ---- build.c: matches ---- */

struct nft_statement nft_match(struct nft_builder *b, struct nft_match match);
struct nft_statement nft_compare(struct nft_builder *b, enum nft_field field, enum nft_op op, struct nft_value value);
struct nft_statement nft_is(struct nft_builder *b, enum nft_field field, uint32_t number);
struct nft_statement nft_is_not(struct nft_builder *b, enum nft_field field, uint32_t number);
struct nft_statement nft_masked(struct nft_builder *b, enum nft_field field, uint32_t mask, enum nft_op op,
				uint32_t number);
struct nft_statement nft_iface(struct nft_builder *b, enum nft_field field, struct text name);
struct nft_statement nft_ports(struct nft_builder *b, enum nft_field field, struct port_range range);
/* An address in a range that is not all addresses. */
struct nft_statement nft_address(struct nft_builder *b, enum nft_field field, const struct address_range *range,
				 unsigned size);
struct nft_statement nft_prefix(struct nft_builder *b, enum nft_field field, const struct prefix *prefix);
struct nft_statement nft_ct_state(struct nft_builder *b, uint32_t bits);
/* IPV4 or IPV6. */
struct nft_statement nft_family(struct nft_builder *b, unsigned family_mask);
struct nft_statement nft_proto(struct nft_builder *b, uint8_t number);
struct nft_statement nft_mark_is(struct nft_builder *b, uint32_t bits);
struct nft_labels nft_labels_of(struct text name);
/* All of the labels. */
struct nft_statement nft_has_labels(struct nft_builder *b, const struct nft_labels *labels);
/* Has the label with NFT_OP_FLAGS, lacks it with NFT_OP_NO_FLAGS. */
struct nft_statement nft_label_is(struct nft_builder *b, enum nft_op op, unsigned bit);
/* Matches frames whose own EtherType is not IPv4 or IPv6, which includes all frames with a VLAN tag. */
#define NFT_NOT_IP(b) \
	nft_is_not(b, NFT_FIELD_ETHER_TYPE, ETH_P_IP), nft_is_not(b, NFT_FIELD_ETHER_TYPE, ETH_P_IPV6)
/* The destination MAC address is a multicast or the broadcast address. */
struct nft_statement nft_is_multicast(struct nft_builder *b);

/* ---- order.c ---- */

/* Nanoseconds that a match takes, without those of the matches that it needs. */
unsigned nft_match_cost(const struct nft_match *match);
/* Sorts the matches between other statements by cost; what a match needs stays before it. */
void nft_order_matches(struct nft_statement *statements, uint32_t count);

/* ---- other statements ---- */

static inline struct nft_statement nft_to_chain(enum nft_verdict_kind kind, const struct nft_chain *chain)
{
	return (struct nft_statement){ .kind = NFT_STMT_VERDICT, .verdict = { kind, chain } };
}

static inline struct nft_statement nft_to(enum nft_verdict_kind kind)
{
	return nft_to_chain(kind, NULL);
}

static inline struct nft_statement nft_counter(void)
{
	return (struct nft_statement){ .kind = NFT_STMT_COUNTER };
}

static inline struct nft_statement nft_set_mark(uint32_t bits)
{
	return (struct nft_statement){ .kind = NFT_STMT_MARK, .mark = { ~MARK_BITS, bits } };
}

static inline struct nft_statement nft_set_label(unsigned bit)
{
	return (struct nft_statement){ .kind = NFT_STMT_CT_LABEL, .ct_label = (uint8_t)bit };
}

/* ---- shared.c ---- */

/* A match with the same contents that was shared lately, or a copy. */
const struct nft_match *nft_share_match(struct nft_builder *b, const struct nft_match *match);
/* A copy from the table's arena. */
const struct nft_statement *nft_copy_statements(struct nft_builder *b, const struct nft_statement *statements, uint32_t count);
/* Frees the table, but not what was shared. */
void nft_forget_shared(struct nft_builder *b);

/* ---- sets.c ---- */

/* A set of these elements, which are sorted and distinct, or the one with the same contents. */
const struct nft_set *nft_set_of(struct nft_builder *b, struct nft_set draft);
/* Always a new one.  Both copy the elements. */
const struct nft_set *nft_set_add(struct nft_builder *b, const struct nft_set *draft);
/* Free the hash tables. */
void nft_forget_sets(struct nft_builder *b);
void nft_forget_resolved(struct resolved_set **resolved);
/* The addresses of one family that an IP set matches. */
const struct address_set *nft_resolve(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask);
/* The address is in the IP set, which has more than one range. */
struct nft_statement nft_in_ipset(struct nft_builder *b, enum nft_field field, const struct ipset *ipset,
				  unsigned family_mask);
/* Adds a rule for each family in which the IP set has addresses: with a source in it, the verdict. */
void nft_from_ipset(struct nft_builder *b, struct nft_chain *chain, const struct ipset *ipset,
		    struct nft_statement verdict);

/* ---- address_pairs.c ---- */

/* Elements of a set while they are collected; the second key is used in sets with two parts only. */
struct nft_list {
	struct nft_element *items;
	uint32_t count, room;
};

struct nft_element *nft_list_add(struct nft_builder *b, struct nft_list *list, struct nft_value first,
				 struct nft_value second);
/* An interface alone. */
struct nft_element *nft_list_add_iface(struct nft_builder *b, struct nft_list *list, struct text name);
/* Sorts by key; of elements with equal keys keeps the first one, or none. */
void nft_list_sort(struct nft_list *list, bool keep_first);
/* The verdict map of a list: of interfaces, or of pairs with a MAC address. */
const struct nft_set *nft_map_of(struct nft_builder *b, const char *name, unsigned parts, struct nft_list *list);
struct nft_statement nft_vmap(struct nft_builder *b, enum nft_field iface, const struct nft_set *map);
struct nft_statement nft_vmap_pair(struct nft_builder *b, enum nft_field iface, enum nft_field second,
				   const struct nft_set *map);
/* These add matches for lists that are not empty: an interface of the list; a pair of the list, or, asked only about
 * interfaces that are in it, no pair of the list. */
void nft_draft_iface_in(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field field,
			struct nft_list *list);
void nft_draft_pair(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field iface,
		    struct nft_key second, struct nft_list *list, bool in);

#endif
