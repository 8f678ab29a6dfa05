/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The passes that build the chains of a table. Each uses those above it. */
#ifndef PVEFW_NFT_LOWER_PASSES_H
#define PVEFW_NFT_LOWER_PASSES_H

#include "nft/lower/build.h"

/* ---- judged.c: what there is to filter ---- */

/* Packets from or to this NIC pass our chains, whether its guest's firewall is on or not. */
bool nft_nic_counts(const struct nic *nic);
bool nft_any_nic(const struct config *config);
/* The rules of a guest are enforced. */
bool nft_judges_guests(const struct config *config);
/* The packets that the host forwards are filtered. */
bool nft_judges_forward(const struct config *config);
/* A bridge can have this name, and a chain can be named after it. */
bool nft_bridge_possible(struct text name);
bool nft_judges_vnet(const struct vnet *vnet);
bool nft_any_vnet(const struct config *config);

/* ---- log.c ---- */

/* Where rules are added, and what ACCEPT means there. */
struct nft_place {
	struct zone zone;
	struct nft_chain *chain;
	struct nft_statement accept;
	uint32_t parts;        /* chains made for rules of this one */
	struct nft_runs *runs; /* NULL: the guest has one NIC only */
};

/* A rule in `chain` that logs, under the place's name, what the draft matches. Returns NULL for LOG_NOLOG. */
struct nft_rule *nft_log_add(struct nft_builder *b, const struct nft_place *place, struct nft_chain *chain,
			     const struct nft_draft *matches, enum log_level level, const char *message);

/* ---- chains.c: chains that others go to ---- */

/* The target of REJECT: rejects at once (inet), or marks the packet for that (bridge). */
struct nft_chain *nft_reject_chain(struct nft_builder *b);
/* Rejects a packet, like PVEFW-reject of the iptables ruleset. */
void nft_reject_rules(struct nft_builder *b, struct nft_chain *chain);
/* What ACCEPT means in a direction: a verdict, or a chain that notes in the connection who has accepted it. The
 * pass that builds the table fills such chains (b->accept) when all guests are known. */
struct nft_statement nft_accept(struct nft_builder *b, enum direction direction);
/* Accepts established packets of connections that are older than the rules, or that have the labels. */
void nft_accept_older(struct nft_builder *b, struct nft_chain *chain, unsigned begun);
void nft_accept_known(struct nft_builder *b, struct nft_chain *chain, const struct nft_labels *labels);
/* Notes in a new connection under which kinds of rules it began. */
void nft_note_begun(struct nft_builder *b, struct nft_chain *chain, bool guests, bool vnets);
/* Drops, rejects or accepts the packets that are not logged before a policy of DROP or REJECT. */
struct nft_chain *nft_noise_chain(struct nft_builder *b, bool reject);
/* Returns a chain like nft_noise_chain()'s that ends with the policy. */
struct nft_chain *nft_policy_chain(struct nft_builder *b, bool reject);
/* Blacklist, smurfs, impossible TCP flags (spec 2.2); into `chain` unless it is NULL. False if there is none. */
bool nft_input_filters(struct nft_builder *b, struct nft_chain *chain);
/* The policy of the place's zone. */
void nft_policy(struct nft_builder *b, const struct nft_place *place);

/* ---- rules.c ---- */

/* Chains of rules that the NICs of a guest share. */
struct nft_runs {
	struct nft_run *first;
	uint32_t count;
};

void nft_rules(struct nft_builder *b, struct nft_place *place, const struct rule_list *rules);

/* ---- prerouting.c: synflood protection and conntrack helpers ---- */

bool nft_wants_prerouting(const struct config *config);
void nft_prerouting(struct nft_builder *b, struct nft_chain *chain);

/* ---- filter.c: the source addresses that NICs may use ---- */

struct nft_filter *nft_filter_new(struct nft_builder *b, const char *name, enum nft_field field4, enum nft_field field6);
/* Allows the NIC these addresses; without any it may send from none. */
void nft_filter_add(struct nft_builder *b, struct nft_filter *filter, struct text device, const struct address_set *set);
/* The chain that drops all others; nft_filter_finish() fills it. */
struct nft_chain *nft_filter_chain(struct nft_filter *filter);
void nft_filter_finish(struct nft_builder *b, struct nft_filter *filter);

/* ---- layer2.c ---- */

/* The chain that filters frames of guests that are not IP, or NULL. */
struct nft_chain *nft_layer2(struct nft_builder *b);

/* ---- vnets.c ---- */

/* The map from a vnet's bridge to the chain for its traffic, or NULL. */
const struct nft_set *nft_vnets(struct nft_builder *b);
/* In the bridge table, fills the chain that their ACCEPT goes to. */
void nft_vnets_finish(struct nft_builder *b);

/* ---- guests.c ---- */

/* What can precede a guest's rules, as bits. */
enum nft_before {
	NFT_BEFORE_OUT = 1,
	NFT_BEFORE_DHCP = 2,
	NFT_BEFORE_NDP = 4,
	NFT_BEFORE_RADV = 8,
	NFT_BEFORE_MAC = 16,
	NFT_BEFORE_IP = 32,
	NFT_BEFORE_KINDS = 64
};

/* The parts of the guests' chains that the base chains of the bridge table need. */
struct nft_guests {
	struct nft_list devices;  /* of all NICs with a firewall bridge */
	struct nft_list macs;     /* device and MAC address of those that are filtered */
	struct nft_list from, to; /* device: chain */
	struct nft_list to_mac;   /* bridge and MAC address: chain, if no other NIC of the bridge has the address */
	struct nft_list to_own;   /* firewall bridge and MAC address: chain */
	struct nft_list to_alone; /* firewall bridge of a NIC without a MAC address: chain */
	struct nft_list alone;    /* the devices of these */
	struct nft_list queued;   /* device: chain that passes packets to an IPS */
	struct nft_list keep[LABELS_EACH]; /* device: chain that gives the connection a label of the NIC */
	struct nft_chain *labels[LABELS_EACH * LABELS_GROUP];
	struct nft_chain *pass_in;   /* to NICs that are not filtered */
	struct nft_filter *filter;   /* source addresses */
	struct nft_chain *filters_in, *dhcp_pass;
	struct nft_chain *before[NFT_BEFORE_KINDS]; /* by bits of enum nft_before */
};

void nft_guests(struct nft_builder *b, struct nft_guests *guests);
/* Fills the chains that their ACCEPT goes to; the last step. */
void nft_guests_finish(struct nft_builder *b, struct nft_guests *guests);

/* ---- port_map.c: long lists ---- */

/* Replaces long lists of the finished table by port maps. */
void nft_map_ports(struct nft_builder *b);

/* ---- host.c, bridge.c ---- */

/* Each builds a whole table. */
void nft_host(struct nft_builder *b);
void nft_bridge(struct nft_builder *b);

#endif
