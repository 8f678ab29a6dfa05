/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lowering passes share: makers of statements, rules, chains and sets.
 *
 * A statement maker returns the statement; NFT_RULE() puts some together to a
 * rule.  Sets are made where a rule asks for them, and a second one with the same
 * contents is the first, so that what no rule uses is never there.
 */
#ifndef PVEFW_BUILD_H
#define PVEFW_BUILD_H

#include "lang/implied.h"
#include "nft/lower/nft.h"
#include "net/prefix_set.h"

/* Protocol numbers that rules name. */
enum {
	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

/* Bits of `ct state`. */
enum {
	CT_INVALID = 1,
	CT_ESTABLISHED = 2,
	CT_RELATED = 4,
	CT_NEW = 8,
};

enum { ETHER_IP = 0x0800, ETHER_ARP = 0x0806, ETHER_IP6 = 0x86dd };

/* linux/rtnetlink.h's RTN_BROADCAST, RTN_ANYCAST */
enum { FIB_BROADCAST = 3, FIB_ANYCAST = 4 };

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

/*
 * Two bits of the packet mark, used in the bridge table only and cleared where a
 * frame enters the machine: what was found out about a frame goes with it over
 * the bridges it passes, so that each is judged, and logged, once.
 */
#define MARK_BITS 0xc0000000u
#define MARK_REJECT 0x40000000u   /* to be answered, or dropped where that cannot be */
#define MARK_ACCEPTED 0x80000000u /* a guest's in chain has accepted it */
#define MARK_ANSWER 0xc0000000u   /* an answer of our own to what we rejected */

/*
 * A packet that is dropped can have made a connection nevertheless: the bridge it passed before has confirmed it, or
 * another port that the frame was flooded to.  To the kernel an answer is then established.  So each NIC, vnet, and
 * the host's forwarding, accept what is established only if they have accepted a packet of the connection themselves,
 * and remember that in labels of the connection: one of each group, by a hash of the name.  Two names have the same
 * labels once in 50,625 pairs.  Labels can be added, and never taken off.
 *
 * A connection that was there before the rules has no LABEL_BEGUN, and is accepted as before.  So it is with vnets and
 * forwarding, which can be judged later than guests.
 */
enum {
	LABELS_EACH = 4,
	LABELS_GROUP = 15,
	LABELS_FIRST = 64,         /* low numbers are what people give names to */
	LABEL_FORWARDED = 124,     /* forwarding by the host has accepted it */
	LABEL_BEGUN_FORWARD = 125, /* began while forwarding was judged */
	LABEL_BEGUN_VNET = 126,    /* began while a vnet was judged */
	LABEL_BEGUN = 127,         /* began while a guest was judged */
};

struct nft_labels {
	uint8_t bits[LABELS_EACH];
};

/* One table being made. */
struct nft_builder {
	struct arena *arena;
	struct arena scratch; /* for what no longer counts when a rule is made */
	const struct config *config;
	struct nft_table *table;
	bool bridge;
	const struct nft_match *family_mask[2], *protos[256]; /* rules have these in common */
	const struct source *source;       /* of the last comment */
	struct text source_name;
	struct interned *interned;         /* uthash: sets by contents */
	struct resolved_set **resolved;    /* uthash: IP sets as ranges; both tables have the same */
	struct nft_chain **group_chains;   /* [group id * 3 + direction] */
	struct nft_chain *accept[3], *reject, *noise[2], *policy[2]; /* made when first used; accept by direction */
};

/* ---- build.c ---- */

struct nft_chain *nft_chain_add(struct nft_builder *b, struct text name);
struct nft_chain *nft_base_chain(struct nft_builder *b, const char *name, enum nft_hook hook, int32_t priority);
struct nft_rule *nft_rule_add(struct nft_builder *b, struct nft_chain *chain, const struct nft_statement *statements,
			      uint32_t count);
#define NFT_RULE(b, chain, ...) \
	nft_rule_add(b, chain, (const struct nft_statement[]){ __VA_ARGS__ }, \
		     sizeof((const struct nft_statement[]){ __VA_ARGS__ }) / sizeof(struct nft_statement))
/* Says where a rule comes from: a line, or an option of `file` that is not written there. */
void nft_rule_from(struct nft_builder *b, struct nft_rule *rule, struct span span);
void nft_rule_from_default(struct nft_builder *b, struct nft_rule *rule, const char *file, const char *option);

struct nft_value nft_number(enum nft_type type, uint32_t number);
/* NUL-padded; with `wild` only its beginning. */
struct nft_value nft_iface_value(struct text name, bool wild);
struct nft_value nft_bytes(const uint8_t *bytes, uint8_t length);
/* An interface can have this name. */
bool nft_iface_possible(struct text name);

static inline struct nft_key nft_key(enum nft_field field)
{
	return (struct nft_key){ .field = field };
}

/* MATCHes. */
struct nft_statement nft_match(struct nft_builder *b, struct nft_match match);
struct nft_statement nft_is(struct nft_builder *b, enum nft_field field, uint32_t number);
struct nft_statement nft_is_not(struct nft_builder *b, enum nft_field field, uint32_t number);
struct nft_statement nft_is_value(struct nft_builder *b, enum nft_field field, struct nft_value value);
struct nft_statement nft_masked(struct nft_builder *b, enum nft_field field, uint32_t mask, enum nft_op op,
				uint32_t number);
struct nft_statement nft_iface(struct nft_builder *b, enum nft_field field, struct text name);
struct nft_statement nft_ports(struct nft_builder *b, enum nft_field field, struct port_range range);
/* An address within a range that is not all addresses. */
struct nft_statement nft_address(struct nft_builder *b, enum nft_field field, const struct address_range *range,
				 unsigned size);
struct nft_statement nft_prefix(struct nft_builder *b, enum nft_field field, const struct prefix *prefix);
struct nft_statement nft_ct_state(struct nft_builder *b, uint32_t bits);
/* The IP version: IPV4 or IPV6. */
struct nft_statement nft_family(struct nft_builder *b, unsigned family_mask);
struct nft_statement nft_proto(struct nft_builder *b, uint8_t number);
struct nft_statement nft_mark_is(struct nft_builder *b, uint32_t bits);
/* Labels of the connection. */
struct nft_labels nft_labels_of(struct text name);
struct nft_statement nft_has_labels(struct nft_builder *b, const struct nft_labels *labels);
struct nft_statement nft_has_label(struct nft_builder *b, unsigned bit);
struct nft_statement nft_lacks_label(struct nft_builder *b, unsigned bit);
/* Neither IPv4 nor IPv6, by what stands in the frame: one with a VLAN tag is neither. */
#define NFT_NOT_IP(b) \
	nft_is_not(b, NFT_FIELD_ETHER_TYPE, ETHER_IP), nft_is_not(b, NFT_FIELD_ETHER_TYPE, ETHER_IP6)
/* The frame goes to a group of machines or to all. */
struct nft_statement nft_is_multicast(struct nft_builder *b);

/* Other statements. */
struct nft_statement nft_to(enum nft_verdict_kind kind);
struct nft_statement nft_to_chain(enum nft_verdict_kind kind, const struct nft_chain *chain);
struct nft_statement nft_set_mark(uint32_t bits);
struct nft_statement nft_set_label(unsigned bit);
struct nft_statement nft_counter(void);

/* A list of statements that is being put together; room for the longest there is. */
struct nft_draft {
	struct nft_statement items[24];
	uint32_t count;
};

static inline void nft_draft_add(struct nft_draft *d, struct nft_statement s)
{
	d->items[d->count++] = s;
}

/* Rules for a kind of packets of lang/implied.def, or for all of an implied rule in a chain: one for each range of
 * ports.  The statements of `before`, which may be NULL, come first. */
void nft_packets_add(struct nft_builder *b, struct nft_chain *chain, const struct implied_packets *packets,
		     const struct nft_draft *before, struct nft_statement verdict);
void nft_implied_add(struct nft_builder *b, struct nft_chain *chain, enum implied_id rule, enum implied_chain at,
		     const struct nft_draft *before, struct nft_statement verdict);
/* A rule that adds the labels to the connection. */
void nft_add_labels(struct nft_builder *b, struct nft_chain *chain, const struct nft_labels *labels);

/* ---- sets.c ---- */

/* A set of these elements, which are sorted and distinct, or the one with the same contents. */
const struct nft_set *nft_set_of(struct nft_builder *b, struct nft_set draft);
/* Always a new one. */
const struct nft_set *nft_set_add(struct nft_builder *b, const struct nft_set *draft);
/* Give back the hash tables. */
void nft_forget_sets(struct nft_builder *b);
void nft_forget_resolved(struct resolved_set **resolved);
/* What an IP set matches in one IP version. */
const struct address_set *nft_resolve(struct nft_builder *b, const struct ipset *ipset, unsigned family_mask);
/* The address is in the IP set, which has more than one range. */
struct nft_statement nft_in_ipset(struct nft_builder *b, enum nft_field field, const struct ipset *ipset,
				  unsigned family_mask);
/* The packet is of this IP version and its source in the IP set; false if no address is. */
bool nft_draft_from_ipset(struct nft_builder *b, struct nft_draft *d, const struct ipset *ipset, unsigned family_mask);

/* ---- pairs.c ---- */

/* Elements of a set while they are collected; `second` counts only where the set has two parts. */
struct nft_list {
	struct nft_element *items;
	uint32_t count, room;
};

struct nft_element *nft_list_add(struct nft_builder *b, struct nft_list *list, struct nft_value first,
				 struct nft_value second);
/* Sorts by key; of elements with equal keys keeps the first, or none. */
void nft_list_sort(struct nft_list *list, bool keep_first);
/* One interface of the list, which is not empty (nor are those below). */
void nft_draft_iface_in(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field field,
			struct nft_list *list);
/* The pair of interface and second key is one of the list. */
void nft_draft_pair_in(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field iface,
		       struct nft_key second, struct nft_list *list);
/* The pair is none of the list; only asked of interfaces that are in the list. */
void nft_draft_pair_not_in(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field iface,
			   struct nft_key second, struct nft_list *list);
/* The verdict map of a list: from an interface, or from one and a MAC address. */
const struct nft_set *nft_map_of(struct nft_builder *b, const char *name, unsigned parts, struct nft_list *list);
struct nft_statement nft_vmap(struct nft_builder *b, enum nft_field iface, const struct nft_set *map);
struct nft_statement nft_vmap_pair(struct nft_builder *b, enum nft_field iface, enum nft_field second,
				   const struct nft_set *map);

/* ---- chains.c ---- */

/* What REJECT goes to: an answer at once (inet), a mark that asks for one (bridge). */
struct nft_chain *nft_reject_chain(struct nft_builder *b);
/* What ACCEPT means in a direction: a verdict, or a chain that notes in the connection who has accepted it.  Whoever
 * has the table made fills such chains (b->accept) when all guests are known. */
struct nft_statement nft_accept(struct nft_builder *b, enum direction direction);
/* Accepts what is established, if it began before the rules, or has the labels of who judges here. */
void nft_accept_older(struct nft_builder *b, struct nft_chain *chain, unsigned begun);
void nft_accept_known(struct nft_builder *b, struct nft_chain *chain, const struct nft_labels *labels);
/* A new connection is one of those that began under rules of this kind. */
void nft_note_begun(struct nft_builder *b, struct nft_chain *chain, bool guests, bool vnets);
/* What is dropped, rejected or accepted in silence before a policy of DROP or REJECT. */
struct nft_chain *nft_noise_chain(struct nft_builder *b, bool reject);
/* The same and the policy itself. */
struct nft_chain *nft_policy_chain(struct nft_builder *b, bool reject);
/* Answers: PVEFW-reject of the iptables ruleset. */
void nft_reject_type_rules(struct nft_builder *b, struct nft_chain *chain);
/* Blacklist, smurfs, impossible TCP flags (spec 2.2); true if there is anything to filter. */
bool nft_input_filters(struct nft_builder *b, struct nft_chain *chain);

/* ---- rules.c ---- */

/* Rules that a guest's NICs have in common, and their chains. */
struct nft_runs {
	struct nft_run *first;
	uint32_t count;
};

/* Where rules end up, and what ACCEPT means there. */
struct nft_place {
	struct nft_chain *chain;
	enum direction direction;
	struct nft_statement accept;
	uint32_t vmid;
	const char *file; /* path of the one that the policy stands in, or could */
	bool group;  /* log messages are empty */
	int32_t net; /* only rules for this NIC or for none; -1: all */
	bool ifaces; /* -i names an interface to match */
	uint32_t parts; /* chains made for rules of this one */
	struct nft_runs *runs; /* NULL: the guest has one NIC only */
};

void nft_rules(struct nft_builder *b, struct nft_place *place, const struct rule_list *rules);
/* True if nft_rules() would make any rule. */
bool nft_rules_any(const struct rule_list *rules, enum direction direction);

/* ---- policy.c ---- */

/* The policy at the end of a chain. */
void nft_policy(struct nft_builder *b, const struct nft_place *place, const struct policy *policy, enum log_level level);
/* What the log calls a rule with this action. */
const char *nft_log_message(const struct nft_place *place, enum action action);
/* A rule that only logs, in `chain`, in the name of the place; none (NULL) for LOG_NOLOG. */
struct nft_rule *nft_log_add(struct nft_builder *b, const struct nft_place *place, struct nft_chain *chain,
			     const struct nft_draft *matches, enum log_level level, const char *message);

/* ---- host.c, bridge.c ---- */

/* The whole of each table. */
void nft_host(struct nft_builder *b);
/* Packets that the host forwards are judged. */
bool nft_judges_forward(const struct config *config);
void nft_bridge(struct nft_builder *b);

/* ---- early.c ---- */

/* synflood protection and conntrack helpers; true if there are any. */
bool nft_wants_early(const struct config *config);
void nft_early_rules(struct nft_builder *b, struct nft_chain *chain);

/* ---- vnets.c ---- */

bool nft_any_vnet(const struct config *config);
/* The map from a vnet's bridge to the chain that judges its traffic, or NULL. */
const struct nft_set *nft_vnets(struct nft_builder *b);
/* Fills the chain that what they accept goes to, in the bridge table. */
void nft_vnets_finish(struct nft_builder *b);

/* ---- guests.c ---- */

/* What may stand in front of a guest's rules, as bits. */
enum nft_before {
	NFT_BEFORE_OUT = 1,
	NFT_BEFORE_DHCP = 2,
	NFT_BEFORE_NDP = 4,
	NFT_BEFORE_RADV = 8,
	NFT_BEFORE_MAC = 16,
	NFT_BEFORE_IP = 32,
	NFT_BEFORE_KINDS = 64
};

/* What the chains of guests leave for the bridge table's base chains. */
struct nft_guests {
	struct nft_list devices;   /* of all NICs with a firewall bridge */
	struct nft_list macs;      /* device and MAC of those that are judged */
	struct nft_list from, to;  /* device: chain */
	struct nft_list to_mac;    /* bridge and MAC: chain; the address is of one NIC of the bridge only */
	struct nft_list to_own;    /* firewall bridge and MAC: chain */
	struct nft_list queued;    /* device: chain that hands packets to an IPS */
	struct nft_list keep[LABELS_EACH]; /* device: chain that gives the connection a label of the NIC */
	struct nft_chain *labels[LABELS_EACH * LABELS_GROUP];
	struct nft_chain *pass_in; /* to NICs that are not judged */
	struct nft_filter *filter; /* source addresses */
	struct nft_chain *filters_in, *dhcp_pass;
	struct nft_chain *before[NFT_BEFORE_KINDS]; /* by bits of enum nft_before */
};

/* True if packets from or to this NIC are looked at, whether the guest is enabled or not. */
bool nft_nic_counts(const struct nic *nic);
/* True if the rules of any guest are enforced. */
bool nft_judges_guests(const struct config *config);
void nft_guests(struct nft_builder *b, struct nft_guests *guests);
/* Fills the chains that what they accept goes to: the last thing. */
void nft_guests_finish(struct nft_builder *b, struct nft_guests *guests);

/* ---- filter.c ---- */

/* Which source addresses may be sent from which NICs. */
struct nft_filter;

struct nft_filter *nft_filter_new(struct nft_builder *b, const char *name, enum nft_field field4,
				  enum nft_field field6);
/* The NIC may send from these only. */
void nft_filter_add(struct nft_builder *b, struct nft_filter *filter, struct text device, const struct address_set *set);
/* The chain that drops all else: its rules come last, with nft_filter_finish(). */
struct nft_chain *nft_filter_chain(struct nft_filter *filter);
void nft_filter_finish(struct nft_builder *b, struct nft_filter *filter);

/* ---- layer2.c ---- */

/* The chain that judges frames of guests that are not IP, or NULL. */
struct nft_chain *nft_layer2(struct nft_builder *b);

#endif
