/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of lang/implied.def as steps.  A row says of whose packets it is (the peer) and of which kinds
 * (PACKETS); a step is made for each pair of a peer's alternative and a kind.
 */
#include "meaning/written_parts.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "net/prefix_set.h"

/* As in <netinet/tcp.h>, which names them for one libc only. */
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, NEW_FLAGS = FIN | SYN | RST | ACK };

/* Matches of which one must hold. */
struct written_peer {
	struct written_matches *items;
	uint32_t count, room;
};

static struct written_matches *written_peer_add(struct written *w, struct written_peer *peer)
{
	if (peer->count == peer->room) {
		struct written_matches *more;

		peer->room = peer->room * 2 + 4;
		more = ARENA_ARRAY(w->arena, struct written_matches, peer->room);
		if (peer->count)
			memcpy(more, peer->items, peer->count * sizeof(*more));
		peer->items = more;
	}
	peer->items[peer->count] = written_always;
	return &peer->items[peer->count++];
}

static struct interval_set written_prefix(struct written *w, const struct prefix *prefix)
{
	return interval_set_of_prefixes(w->arena, prefix, 1, prefix_family_mask(prefix));
}

/* ---- peers ---- */

static void written_peer_set(struct written *w, struct written_peer *peer, const struct ipset *set,
			     bool negated)
{
	for (unsigned family = IPV4; set && family <= IPV6; family++)
		written_match_addresses(written_peer_add(w, peer), true,
					ipset_addresses(&w->addresses, set, family), family, negated);
}

static void written_peer_prefix(struct written *w, struct written_peer *peer, bool source,
				const struct prefix *prefix)
{
	written_match_addresses(written_peer_add(w, peer), source, written_prefix(w, prefix),
				prefix_family_mask(prefix), false);
}

/* Management comes from its set; what the host sends to the local network is let out. */
static void written_peer_management(struct written *w, struct written_peer *peer,
				    const struct written_place *place)
{
	if (place->zone.direction == DIRECTION_IN)
		written_peer_set(w, peer, cluster_ipset(w->config, "management"), false);
	else
		written_peer_prefix(w, peer, false, &w->config->local_network->prefix);
}

static void written_peer_nodes(struct written *w, struct written_peer *peer,
			       const struct written_place *place)
{
	const struct corosync *corosync = &w->config->corosync;
	bool in = place->zone.direction == DIRECTION_IN;

	for (unsigned i = 0; corosync->multicast && i < 2; i++)
		written_peer_prefix(w, peer, false, &implied_multicast[i]);
	for (const struct corosync_link *link = corosync->links; link; link = link->next) {
		struct written_matches *m = written_peer_add(w, peer);
		struct prefix ours, theirs;

		address_parse(link->ours, &ours);
		address_parse(link->theirs, &theirs);
		written_match_addresses(m, true, written_prefix(w, in ? &theirs : &ours), link->family_mask,
					false);
		written_match(m, link->family_mask == IPV4 ? MODEL_DEST4 : MODEL_DEST6,
			      written_prefix(w, in ? &ours : &theirs), false);
	}
}

static struct number written_mac(const struct nic *nic)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 6; i++)
		number = number << 8 | nic->mac_bytes[i];
	return number_small(number);
}

static void written_match_foreign_mac(struct written *w, struct written_matches *m, const struct nic *nic)
{
	struct interval *mac = ARENA_NEW(w->arena, struct interval);

	*mac = (struct interval){ written_mac(nic), written_mac(nic) };
	written_match(m, MODEL_SOURCE_MAC, (struct interval_set){ mac, 1 }, true);
}

static void written_peer_mac(struct written *w, struct written_peer *peer, const struct written_place *place)
{
	if (place->nic->mac.len)
		written_match_foreign_mac(w, written_peer_add(w, peer), place->nic);
}

/* IPv4 packets whose address has this type in the node's routing table. */
static void written_peer_type(struct written *w, struct written_peer *peer, enum model_field field,
			      enum model_type type)
{
	struct written_matches *m = written_peer_add(w, peer);

	written_match_family(m, IPV4);
	written_match_range(w, m, field, type, type);
}

static void written_peer_broadcasts(struct written *w, struct written_peer *peer)
{
	written_peer_type(w, peer, MODEL_DEST_TYPE, MODEL_TYPE_BROADCAST);
	written_peer_type(w, peer, MODEL_DEST_TYPE, MODEL_TYPE_MULTICAST);
	written_peer_type(w, peer, MODEL_DEST_TYPE, MODEL_TYPE_ANYCAST);
	for (unsigned i = 0; i < 2; i++)
		written_peer_prefix(w, peer, false, &implied_multicast[i]);
}

static void written_match_states(struct written *w, struct written_matches *m, enum model_state first,
				 enum model_state last)
{
	written_match_range(w, m, MODEL_STATE, first, last);
}

/* New and invalid packets from a broadcast or multicast address; 0.0.0.0 is asked for by DHCP. */
static void written_peer_smurfs(struct written *w, struct written_peer *peer)
{
	static const enum model_state states[] = { MODEL_STATE_NEW, MODEL_STATE_INVALID };
	static const struct interval nobody = { { 0, 0 }, { 0, 0 } };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct written_matches *m = written_peer_add(w, peer);

		written_match_addresses(m, true, (struct interval_set){ &nobody, 1 }, IPV4, true);
		written_match_range(w, m, MODEL_SOURCE_TYPE, MODEL_TYPE_BROADCAST, MODEL_TYPE_BROADCAST);
		written_match_states(w, m, states[i], states[i]);
		m = written_peer_add(w, peer);
		written_match_addresses(m, true, written_prefix(w, &implied_multicast[0]), IPV4, false);
		written_match_states(w, m, states[i], states[i]);
	}
}

static void written_peer_flags(struct written *w, struct written_peer *peer)
{
	enum { ALL = FIN | SYN | RST | PSH | ACK | URG };
	static const struct {
		uint8_t mask, flags;
	} impossible[] = {
		{ ALL, FIN | PSH | URG },
		{ ALL, 0 },
		{ SYN | RST, SYN | RST },
		{ FIN | SYN, FIN | SYN },
	};
	struct written_matches *m;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		written_match_flags(w, written_peer_add(w, peer), impossible[i].mask, impossible[i].flags,
				    false);
	m = written_peer_add(w, peer);
	written_match_flags(w, m, NEW_FLAGS, SYN, false);
	written_match_range(w, m, MODEL_SPORT, 0, 0);
}

static void written_peer_anyone(struct written *w, struct written_peer *peer, enum implied_id id)
{
	struct written_matches *m;

	if (id == IMPLIED_TCP_FLAGS) {
		written_peer_flags(w, peer);
		return;
	}
	m = written_peer_add(w, peer);
	switch (id) {
	case IMPLIED_SYNFLOOD:
		written_match_flags(w, m, NEW_FLAGS, SYN, false);
		written_match_range(w, m, MODEL_OVER_LIMIT, 1, 1);
		break;
	case IMPLIED_INVALID_HOST:
	case IMPLIED_INVALID:
	case IMPLIED_INVALID_POLICY:
		written_match_states(w, m, MODEL_STATE_INVALID, MODEL_STATE_INVALID);
		break;
	case IMPLIED_KNOWN:
		written_match_states(w, m, MODEL_STATE_ESTABLISHED, MODEL_STATE_RELATED);
		break;
	case IMPLIED_NOT_SYN:
		written_match_flags(w, m, NEW_FLAGS, SYN, true);
		break;
	default:
		break;
	}
}

/* The alternatives of a rule's peer. */
static struct written_peer written_peer_of(struct written *w, const struct written_place *place,
					   enum implied_id id)
{
	struct written_peer peer = { .count = 0 };

	switch (implied_rules[id].peer) {
	case PEER_ANYONE:
		written_peer_anyone(w, &peer, id);
		break;
	case PEER_LOOPBACK:
		written_match_iface(w, written_peer_add(w, &peer), place, TEXT("lo"));
		break;
	case PEER_BLACKLIST:
		written_peer_set(w, &peer, cluster_ipset(w->config, "blacklist"), false);
		break;
	case PEER_MANAGEMENT:
		written_peer_management(w, &peer, place);
		break;
	case PEER_NODES:
		written_peer_nodes(w, &peer, place);
		break;
	case PEER_FOREIGN_MAC:
		written_peer_mac(w, &peer, place);
		break;
	case PEER_FOREIGN_IP:
		written_peer_set(w, &peer, guest_filter_set(place->guest, place->nic), true);
		break;
	case PEER_GROUP:
		if (id == IMPLIED_SMURFS)
			written_peer_smurfs(w, &peer);
		else
			written_peer_broadcasts(w, &peer);
		break;
	}
	return peer;
}

/* ---- rules ---- */

/* Whether the rule's option asks for it.  What a guest's options ask for is for guests whose firewall is on. */
static bool written_is_on(const struct written *w, const struct written_place *place, enum implied_id id)
{
	enum option_id option = implied_rules[id].option;

	if (id == IMPLIED_LAYER2 ||
	    id == IMPLIED_HELPERS) /* written_layer2(); data connections are RELATED */
		return false;
	if (option == OPTION_COUNT)
		return true;
	if (option_table[option].kind == FILE_HOST)
		return implied_is_on(id, &w->config->host_options);
	if (!place->guest->options.enable)
		return false;
	/* A set that is written is enough (spec 2.6). */
	return id == IMPLIED_IP_FILTER || implied_is_on(id, &place->guest->options);
}

/* The line that asks for an IP filter: the option, or a set that is written all the same. */
static struct span written_filter_span(const struct guest *guest, const struct nic *nic)
{
	const struct ipset *set = guest_filter_set(guest, nic);

	return set && !guest->options.ipfilter ? set->span : guest_option_span(guest, OPTION_GUEST_IPFILTER);
}

static struct span written_option_span(const struct written *w, const struct written_place *place,
				       enum implied_id id)
{
	enum option_id option = implied_rules[id].option;

	if (option == OPTION_COUNT)
		return SPAN_NONE;
	if (id == IMPLIED_IP_FILTER)
		return written_filter_span(place->guest, place->nic);
	return option_table[option].kind == FILE_HOST ? w->config->host_written[option]
						      : guest_option_span(place->guest, option);
}

static void written_add_implied_log(struct written *w, struct written_draft *d,
				    const struct written_matches *m, enum implied_id id)
{
	const struct host_options *o = &w->config->host_options;

	if (id == IMPLIED_BLACKLIST)
		written_add_log(w, d, m, "PVEFW-blacklist", 0, o->log_level_out, "DROP: ");
	else if (id == IMPLIED_SMURFS)
		written_add_log(w, d, m, "PVEFW-smurflog", 0, o->smurf_log_level, "DROP: ");
	else if (id == IMPLIED_TCP_FLAGS)
		written_add_log(w, d, m, "PVEFW-logflags", 0, o->tcp_flags_log_level, "DROP: ");
}

static void written_add_implied(struct written *w, struct written_draft *d, const struct written_place *place,
				enum implied_id id, const struct written_matches *m)
{
	static const struct written_accept passes = { .effect = MODEL_ACCEPT };
	const struct implied_rule *row = &implied_rules[id];
	enum action action = row->action == ACTIONS ? place->zone.policy->action : row->action;
	struct span span = written_option_span(w, place, id);
	/* An IPS gets what the rules accept, and what comes back; no answers of DHCP servers. */
	bool is_queued = id != IMPLIED_DHCP_ANSWERS;

	if (m->never)
		return;
	written_add_implied_log(w, d, m, id);
	written_add_action(w, d, m, action, is_queued ? &place->accept : &passes, span, implied_phrase(id));
}

static void written_match_implied_ports(struct written_matches *m, struct written *w, enum model_field field,
					const struct ports *ports)
{
	struct interval *ranges;

	if (!ports->count)
		return;
	ranges = ARENA_ARRAY(w->arena, struct interval, ports->count);
	for (uint32_t i = 0; i < ports->count; i++)
		ranges[i] = (struct interval){ number_small(ports->ranges[i].first),
					       number_small(ports->ranges[i].last) };
	written_match(m, field, interval_set_normalize(ranges, ports->count), false);
}

void written_match_packets(struct written *w, struct written_matches *m, const struct implied_packets *p)
{
	written_match_family(m, p->family_mask);
	written_match_range(w, m, MODEL_PROTOCOL, p->proto, p->proto);
	if (p->icmp)
		written_match_icmp(w, m, icmp_type_find(p->family_mask, text_of(p->icmp)));
	written_match_implied_ports(m, w, MODEL_SPORT, &p->sport);
	written_match_implied_ports(m, w, MODEL_DPORT, &p->dport);
}

void written_implied(struct written *w, struct written_draft *d, const struct written_place *place,
		     enum implied_id id)
{
	const struct implied_packets *p = NULL;
	struct written_peer peer;

	if (!(implied_rules[id].chains & place->at) || !written_is_on(w, place, id))
		return;
	peer = written_peer_of(w, place, id);
	for (uint32_t i = 0; i < peer.count; i++) {
		if (!implied_packets_next(id, implied_rules[id].chains, NULL))
			written_add_implied(w, d, place, id, &peer.items[i]);
		while ((p = implied_packets_next(id, place->at, p))) {
			struct written_matches m = peer.items[i];

			written_match_packets(w, &m, p);
			written_add_implied(w, d, place, id, &m);
		}
	}
}

void written_implied_stage(struct written *w, struct written_draft *d, const struct written_place *place,
			   enum implied_stage stage)
{
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		if (implied_rules[id].stage == stage && id != IMPLIED_SYNFLOOD)
			written_implied(w, d, place, id);
}

const struct model_chain *written_services_of(struct written *w)
{
	struct written_key key = { .kind = WRITTEN_SERVICES };
	const struct model_chain *made = written_find(w, &key);
	const struct implied_packets *p = NULL;
	struct written_draft d = { .count = 0 };

	if (made)
		return made;
	for (enum implied_id id = 0; id < IMPLIED_RULES; id++)
		while (implied_rules[id].stage == IMPLIED_AFTER &&
		       (p = implied_packets_next(id, AT_HOST_IN, p))) {
			struct written_matches m = written_always;

			written_match_packets(w, &m, p);
			written_add(w, &d, &m, MODEL_ACCEPT)->implied = implied_phrase(id);
		}
	return written_keep(w, &key, "services of the host", &d);
}

/* ---- layer 2 ---- */

static void written_match_ethertype(struct written *w, struct written_matches *m, uint16_t type)
{
	written_match_range(w, m, MODEL_ETHERTYPE, type, type);
}

/* The addresses that a NIC may send ARP from: those written in its ipfilter set and, with the option
 * ipfilter, the container's own.  False: any. */
static bool written_arp_senders(struct written *w, const struct guest *guest, const struct nic *nic,
				struct interval_set *senders)
{
	const struct ipset *set = guest_filter_set(guest, nic);
	struct prefix_entry *entries;
	struct interval *ranges;
	struct address_set found;
	uint32_t count = 0;

	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		count++;
	entries = ARENA_ARRAY(w->arena, struct prefix_entry, count + 1);
	count = 0;
	for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next)
		if (!e->implicit && !e->repeated && e->prefix.family == AF_INET)
			entries[count++] = (struct prefix_entry){ e->prefix, e->nomatch };
	if (guest->options.ipfilter && nic->ip4.family) {
		entries[count].prefix = nic->ip4;
		entries[count++].prefix.length = 32;
	}
	if (!count)
		return false;
	found = prefix_set_resolve(w->arena, entries, count, AF_INET);
	ranges = ARENA_ARRAY(w->arena, struct interval, found.count);
	for (uint32_t i = 0; i < found.count; i++)
		ranges[i] = (struct interval){ number_of_address(found.ranges[i].first, 4),
					       number_of_address(found.ranges[i].last, 4) };
	*senders = (struct interval_set){ ranges, found.count };
	return true;
}

static void written_add_layer2(struct written *w, struct written_draft *d, const struct written_matches *m,
			       enum model_effect effect, struct span span, enum implied_id id)
{
	written_add_accept(w, d, m, &(struct written_accept){ .effect = effect }, span, implied_phrase(id));
}

/* IPv4 and IPv6 are exempt: they do not come here. */
const struct model_chain *written_layer2(struct written *w, const struct guest *guest, const struct nic *nic)
{
	struct written_key key = { .object = nic, .kind = WRITTEN_LAYER2 };
	const struct model_chain *made = written_find(w, &key);
	const struct layer2_list *list = &guest->options.layer2_protocols;
	struct written_draft d = { .count = 0 };
	struct written_matches m = written_always;
	struct interval_set senders;

	if (made)
		return made;
	if (guest->options.macfilter && nic->mac.len) {
		written_match_foreign_mac(w, &m, nic);
		written_add_layer2(w, &d, &m, MODEL_DROP, guest_option_span(guest, OPTION_GUEST_MACFILTER),
				   IMPLIED_MAC_FILTER);
	}
	m = written_always;
	if (written_arp_senders(w, guest, nic, &senders)) {
		written_match_ethertype(w, &m, ETH_P_ARP);
		written_match(&m, MODEL_ARP_SENDER, senders, true);
		written_add_layer2(w, &d, &m, MODEL_DROP, written_filter_span(guest, nic), IMPLIED_IP_FILTER);
	}
	for (uint32_t i = 0; i < list->count; i++) {
		m = written_always;
		written_match_ethertype(w, &m, list->items[i].number);
		written_add_layer2(w, &d, &m, MODEL_ACCEPT,
				   guest_option_span(guest, OPTION_GUEST_LAYER2_PROTOCOLS), IMPLIED_LAYER2);
	}
	if (list->count)
		written_add_layer2(w, &d, &written_always, MODEL_DROP,
				   guest_option_span(guest, OPTION_GUEST_LAYER2_PROTOCOLS), IMPLIED_LAYER2);
	return written_keep(w, &key, "layer 2", &d);
}
