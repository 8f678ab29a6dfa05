/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/trace/journey.h"

#include <netinet/in.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "nft/lower/build.h"

void journeys_init(struct journeys *journeys, struct loaded_rules *rules, const struct trace_lines *lines)
{
	*journeys = (struct journeys){ .rules = rules, .lines = lines };
	journeys->last = &journeys->first;
}

static void journey_free(struct journey *j)
{
	arena_free(&j->arena);
	free(j->steps);
	free(j);
}

void journeys_free(struct journeys *journeys)
{
	while (journeys->first)
		journeys_remove(journeys, journeys->first);
	wiring_links_free(&journeys->links);
}

void journeys_remove(struct journeys *journeys, struct journey *journey)
{
	struct journey **at = &journeys->first;

	while (*at && *at != journey)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = journey->next;
	if (!*at)
		journeys->last = at;
	journeys->count--;
	journey_free(journey);
}

struct journey *journeys_find_quiet(const struct journeys *journeys, uint64_t before)
{
	for (struct journey *j = journeys->first; j; j = j->next)
		if (j->last <= before)
			return j;
	return NULL;
}

uint64_t journeys_oldest(const struct journeys *journeys)
{
	uint64_t oldest = 0;

	for (const struct journey *j = journeys->first; j; j = j->next)
		if (!oldest || j->last < oldest)
			oldest = j->last;
	return oldest;
}

/* ---- headers ---- */

static uint64_t journey_number(const uint8_t *bytes, unsigned size)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

static void journey_take_link(struct journey *j, struct trace_header link)
{
	if (link.len < ETH_HLEN)
		return;
	memcpy(j->dest_mac, link.bytes, 6);
	j->has_macs = true;
	known_packet_set(&j->packet, MODEL_SOURCE_MAC, journey_number(link.bytes + 6, 6));
	if (!j->packet.known[MODEL_ETHERTYPE])
		known_packet_set(&j->packet, MODEL_ETHERTYPE, journey_number(link.bytes + 12, 2));
}

static void journey_take_transport(struct journey *j, uint8_t protocol, struct trace_header t)
{
	switch (protocol) {
	case IPPROTO_TCP:
		if (t.len >= 14)
			known_packet_set(&j->packet, MODEL_TCP_FLAGS, t.bytes[13]);
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		if (t.len < 4)
			return;
		known_packet_set(&j->packet, MODEL_SPORT, journey_number(t.bytes, 2));
		known_packet_set(&j->packet, MODEL_DPORT, journey_number(t.bytes + 2, 2));
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (t.len < 2)
			return;
		known_packet_set(&j->packet, MODEL_ICMP_TYPE, t.bytes[0]);
		known_packet_set(&j->packet, MODEL_ICMP_CODE, t.bytes[1]);
		return;
	}
}

static bool journey_is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_MH;
}

static void journey_take_network(struct journey *j, const struct trace_event *event)
{
	struct trace_header n = event->network;
	unsigned version = n.len ? n.bytes[0] >> 4 : 0;

	if (j->packet.known[MODEL_ETHERTYPE] && j->packet.value[MODEL_ETHERTYPE].low == ETH_P_ARP) {
		if (n.len >= 28)
			known_packet_set(&j->packet, MODEL_ARP_SENDER, journey_number(n.bytes + 14, 4));
		return;
	}
	if (version == 4 && n.len >= 20) {
		known_packet_set(&j->packet, MODEL_ETHERTYPE, ETH_P_IP);
		known_packet_set(&j->packet, MODEL_PROTOCOL, n.bytes[9]);
		known_packet_set_address(&j->packet, MODEL_SOURCE4, n.bytes + 12, 4);
		known_packet_set_address(&j->packet, MODEL_DEST4, n.bytes + 16, 4);
		if (!(journey_number(n.bytes + 6, 2) & 0x1fff))
			journey_take_transport(j, n.bytes[9], event->transport);
	} else if (version == 6 && n.len >= 40) {
		known_packet_set(&j->packet, MODEL_ETHERTYPE, ETH_P_IPV6);
		known_packet_set_address(&j->packet, MODEL_SOURCE4, n.bytes + 8, 16);
		known_packet_set_address(&j->packet, MODEL_DEST4, n.bytes + 24, 16);
		if (journey_is_extension(n.bytes[6])) {
			/* A rule of our own table tells the protocol later; the transport header is kept until then. */
			return;
		}
		known_packet_set(&j->packet, MODEL_PROTOCOL, n.bytes[6]);
		journey_take_transport(j, n.bytes[6], event->transport);
	}
}

/* What stays the same on a packet's way: not its time to live, nor the checksums that contain it, nor what the link
 * layer changes. */
static uint32_t journey_key(const struct trace_event *event, uint8_t key[JOURNEY_KEY_BYTES])
{
	struct trace_header n = event->network, t = event->transport;
	uint32_t length = n.len < 40 ? n.len : 40, more;

	if (n.len)
		memcpy(key, n.bytes, length);
	if (length >= 20 && key[0] >> 4 == 4) {
		key[8] = key[10] = key[11] = 0;
		length = 20; /* options are no part of the network header that is told */
	} else if (length >= 8 && key[0] >> 4 == 6) {
		key[7] = 0;
	}
	more = t.len < 20 ? t.len : 20;
	if (more)
		memcpy(key + length, t.bytes, more);
	if (more >= 18) /* of TCP, which offloading computes late; of others these bytes do not matter */
		key[length + 16] = key[length + 17] = 0;
	return length + more;
}

/* ---- packets ---- */

static void journey_add_id(struct journey *j, uint32_t id)
{
	if (j->id_count < JOURNEY_IDS)
		j->ids[j->id_count++] = id;
}

static void journey_drop_id(struct journey *j, uint32_t id)
{
	for (unsigned i = 0; i < j->id_count; i++)
		if (j->ids[i] == id)
			j->ids[i--] = j->ids[--j->id_count];
}

static struct journey *journey_by_id(const struct journeys *journeys, uint32_t id)
{
	for (struct journey *j = journeys->first; j; j = j->next)
		for (unsigned i = 0; i < j->id_count; i++)
			if (j->ids[i] == id)
				return j;
	return NULL;
}

static struct journey *journey_append(struct journeys *journeys, struct journey *j)
{
	j->next = NULL;
	*journeys->last = j;
	journeys->last = &j->next;
	journeys->count++;
	return j;
}

static struct journey *journey_new(struct journeys *journeys, const struct trace_event *event, const uint8_t *key,
				   uint32_t length)
{
	struct journey *j = xcalloc(1, sizeof(*j));

	memcpy(j->key, key, length);
	j->key_length = length;
	journey_add_id(j, event->id);
	journey_take_link(j, event->link);
	journey_take_network(j, event);
	return journey_append(journeys, j);
}

static struct journey_pass *journey_last_pass(struct journey *j)
{
	return j->pass_count ? &j->passes[j->pass_count - 1] : NULL;
}

/* ---- flooded frames ---- */

static struct text journey_copy_text(struct journey *to, struct text text)
{
	return text.len ? arena_copy(&to->arena, text) : text;
}

/* Another copy of a frame: a journey with what the frame has passed before the bridge has forwarded it. */
static struct journey *journey_branch(struct journeys *journeys, const struct journey *j, uint32_t id)
{
	struct journey *copy = xcalloc(1, sizeof(*copy));
	struct journey_pass *last;

	*copy = *j;
	copy->arena = (struct arena){ 0 };
	copy->id_count = 0;
	copy->has_ended = false;
	copy->step_count = copy->step_room = copy->stem = j->stem;
	copy->steps = j->stem ? xmalloc(j->stem * sizeof(*copy->steps)) : NULL;
	for (uint32_t i = 0; i < j->stem; i++) {
		struct journey_step *step = &copy->steps[i];

		*step = j->steps[i];
		step->event.table = journey_copy_text(copy, step->event.table);
		step->event.chain = journey_copy_text(copy, step->event.chain);
		step->event.target = journey_copy_text(copy, step->event.target);
		step->line.words = journey_copy_text(copy, step->line.words);
		step->log_prefix = journey_copy_text(copy, step->log_prefix);
	}
	for (unsigned i = 0; i < copy->pass_count; i++) {
		copy->passes[i].bridge = journey_copy_text(copy, copy->passes[i].bridge);
		copy->passes[i].in = journey_copy_text(copy, copy->passes[i].in);
		copy->passes[i].out = journey_copy_text(copy, copy->passes[i].out);
	}
	last = journey_last_pass(copy);
	last->out = (struct text){ NULL, 0 };
	last->is_complete = false;
	journey_add_id(copy, id);
	return journey_append(journeys, copy);
}

static bool journey_is_flooded(const struct journey *j)
{
	return j->has_macs && j->dest_mac[0] & 1;
}

/* ---- interfaces ---- */

static const struct wiring_link *journey_find_link(const struct journeys *journeys, uint32_t index)
{
	for (size_t i = 0; i < journeys->links.count; i++)
		if (journeys->links.all[i].index == index)
			return &journeys->links.all[i];
	return NULL;
}

/* One that is not known yet may be new. */
static const struct wiring_link *journey_link(struct journeys *journeys, uint32_t index)
{
	const struct wiring_link *link = index ? journey_find_link(journeys, index) : NULL;

	if (link || !index)
		return link;
	wiring_links_free(&journeys->links);
	if (wiring_links_read(&journeys->links) != 0) {
		journeys->links = (struct wiring_links){ .count = 0 };
		return NULL;
	}
	return journey_find_link(journeys, index);
}

static struct text journey_iface(struct journeys *journeys, struct journey *j, uint32_t index)
{
	const struct wiring_link *link = journey_link(journeys, index);

	if (link)
		return arena_copy(&j->arena, text_of(link->name));
	return index ? text_of(arena_printf(&j->arena, "if%u", index)) : (struct text){ NULL, 0 };
}

static struct text journey_bridge(struct journeys *journeys, struct journey *j, uint32_t port)
{
	const struct wiring_link *link = journey_link(journeys, port);

	if (!link)
		return (struct text){ NULL, 0 };
	return journey_iface(journeys, j, link->master ? link->master : link->index);
}

/* ---- which packet an event belongs to ---- */

/* Whether two names are the ends of the wire between a bridge and a firewall bridge: fwpr100p0 and fwln100i0. */
static bool journey_are_wired(struct text a, struct text b)
{
	if (!((text_starts(a, "fwpr") && text_starts(b, "fwln")) || (text_starts(a, "fwln") && text_starts(b, "fwpr"))) ||
	    a.len != b.len)
		return false;
	for (uint32_t i = 4; i < a.len; i++)
		if (char_is_digit(a.ptr[i]) ? a.ptr[i] != b.ptr[i] : char_is_digit(b.ptr[i]))
			return false;
	return true;
}

/* Whether the packet was sent to where the event comes from: `hook` of a bridge, or of the host. */
static bool journey_leads_to(struct journeys *journeys, struct journey *j, const struct trace_event *event, enum nft_hook hook)
{
	const struct journey_pass *last = journey_last_pass(j);
	struct text in = journey_iface(journeys, j, event->in);

	if (!last)
		return true;
	if (event->family != NFPROTO_BRIDGE)
		return last->is_bridge && !last->out.len && text_equal(last->bridge, in);
	if (hook == NFT_HOOK_PREROUTING)
		return last->is_bridge && journey_are_wired(last->out, in);
	if (hook == NFT_HOOK_OUTPUT)
		return last->is_host_out || last->is_routed;
	return last->is_bridge && text_equal(last->in, in);
}

/* A copy of a flooded frame, when its bridge forwards it: to a port, or to the host. */
static bool journey_is_copy(const struct journey *j, const struct trace_event *event, enum nft_hook hook)
{
	const struct journey_pass *last = j->pass_count ? &j->passes[j->pass_count - 1] : NULL;

	return event->family == NFPROTO_BRIDGE && (hook == NFT_HOOK_FORWARD || hook == NFT_HOOK_INPUT) &&
	       journey_is_flooded(j) && last && last->is_bridge;
}

/* Another id, but the same bytes. */
static struct journey *journey_by_key(struct journeys *journeys, const struct trace_event *event, enum nft_hook hook)
{
	uint8_t key[JOURNEY_KEY_BYTES] = { 0 };
	uint32_t length = journey_key(event, key);
	struct journey *any = NULL;

	for (struct journey *j = journeys->first; j; j = j->next) {
		if (j->key_length != length || memcmp(j->key, key, length) != 0)
			continue;
		any = j;
		if (journey_is_copy(j, event, hook))
			return journey_branch(journeys, j, event->id);
		if (journey_leads_to(journeys, j, event, hook)) {
			journey_add_id(j, event->id);
			return j;
		}
	}
	if (!any || journey_is_flooded(any))
		return journey_new(journeys, event, key, length);
	journey_add_id(any, event->id);
	return any;
}

/* The kernel uses the memory of a copy that is gone for the next one, which then has the same id. */
static bool journey_is_next_copy(struct journeys *journeys, struct journey *j, const struct trace_event *event,
				 enum nft_hook hook)
{
	const struct journey_pass *last = journey_last_pass(j);

	return journey_is_copy(j, event, hook) && last->is_complete &&
	       !text_equal(last->out, journey_iface(journeys, j, event->out));
}

static struct journey *journey_of(struct journeys *journeys, const struct trace_event *event, enum nft_hook hook)
{
	struct journey *j = journey_by_id(journeys, event->id);

	if (j && event->has_headers && journey_is_next_copy(journeys, j, event, hook)) {
		journey_drop_id(j, event->id);
		return journey_branch(journeys, j, event->id);
	}
	if (j) {
		if (event->has_headers && !j->has_macs)
			journey_take_link(j, event->link);
		return j;
	}
	if (event->has_headers)
		return journey_by_key(journeys, event, hook);
	journeys->orphans++;
	return NULL;
}

/* ---- passes ---- */

static struct journey_pass *journey_add_pass(struct journey *j, struct journey_pass pass)
{
	if (j->pass_count == PATH_PASSES_MAX) {
		j->is_cut = true;
		return &j->passes[j->pass_count - 1];
	}
	j->passes[j->pass_count] = pass;
	return &j->passes[j->pass_count++];
}

/* A base chain of a bridge: the interfaces are its ports, or the bridge itself towards the host. */
static void journey_pass_bridge(struct journeys *journeys, struct journey *j, enum nft_hook hook, const struct trace_event *event)
{
	struct journey_pass *pass = journey_last_pass(j);
	struct text in = journey_iface(journeys, j, event->in), out = journey_iface(journeys, j, event->out);
	bool begins = hook == NFT_HOOK_PREROUTING || hook == NFT_HOOK_OUTPUT || !pass || !pass->is_bridge;

	if (begins && pass && pass->is_bridge &&
	    (hook == NFT_HOOK_OUTPUT ? !pass->in.len : text_equal(pass->in, in)))
		begins = false; /* another chain of the same hook */
	if (begins && pass && !pass->is_bridge && !pass->is_complete && hook != NFT_HOOK_OUTPUT) {
		/* The packet was selected by the IP layer's prerouting, which br_netfilter has called for the bridge. */
		*pass = (struct journey_pass){ .is_bridge = true, .has_state = pass->has_state, .state = pass->state,
					       .bridge = journey_bridge(journeys, j, event->in) };
	} else if (begins) {
		pass = journey_add_pass(j, (struct journey_pass){ .is_bridge = true });
		pass->bridge = journey_bridge(journeys, j, hook == NFT_HOOK_OUTPUT || !event->in ? event->out : event->in);
	}
	if (!pass->is_complete)
		j->stem = j->step_count;
	switch (hook) {
	case NFT_HOOK_PREROUTING:
		pass->in = in;
		break;
	case NFT_HOOK_INPUT:
		pass->in = in;
		pass->is_complete = true;
		break;
	case NFT_HOOK_FORWARD:
		pass->in = in;
		pass->out = out;
		pass->is_complete = true;
		break;
	default:
		pass->out = out;
		pass->is_complete = true;
	}
}

/* Whether a chain of the IP layer is called for a bridged packet (br_netfilter): then the packet is still in the bridge. */
static bool journey_is_bridged(const struct journey_pass *pass, enum nft_hook hook)
{
	if (!pass || !pass->is_bridge)
		return false;
	switch (hook) {
	case NFT_HOOK_PREROUTING:
		return !pass->is_complete;
	case NFT_HOOK_FORWARD:
	case NFT_HOOK_POSTROUTING:
		return pass->in.len && pass->out.len;
	default:
		return false;
	}
}

static void journey_pass_host(struct journeys *journeys, struct journey *j, enum nft_hook hook, const struct trace_event *event)
{
	struct journey_pass *pass = journey_last_pass(j);
	bool continues = pass && !pass->is_bridge && !(pass->is_host_out && hook == NFT_HOOK_PREROUTING);

	if (journey_is_bridged(pass, hook))
		return;
	if (!continues)
		pass = journey_add_pass(j, (struct journey_pass){ .is_bridge = false });
	if (event->in)
		pass->in = journey_iface(journeys, j, event->in);
	if (event->out)
		pass->out = journey_iface(journeys, j, event->out);
	switch (hook) {
	case NFT_HOOK_INPUT:
		pass->is_host_in = true;
		break;
	case NFT_HOOK_OUTPUT:
		pass->is_host_out = true;
		break;
	case NFT_HOOK_FORWARD:
		pass->is_routed = true;
		break;
	default:
		return;
	}
	pass->is_complete = true;
}

/* ---- steps ---- */

static enum model_verdict journey_reject(const struct journey *j, const struct journey_step *step)
{
	/* The kernel answers no packet to a group: it is dropped. */
	if (known_packet_is_for_many(&j->packet) || (j->has_macs && j->dest_mac[0] & 1))
		return MODEL_DROPPED;
	return (enum model_verdict)(MODEL_REJECTED +
				    (known_packet_family(&j->packet) == IPV6 ? step->reject6 : step->reject4));
}

/* Whether the verdict ends the packet's way, and how. */
static void journey_end(struct journey *j, const struct journey_step *step)
{
	uint32_t verdict = (uint32_t)step->event.verdict;

	if (step->event.verdict < 0)
		return; /* of nf_tables: continue, jump and so on */
	switch (verdict & NF_VERDICT_MASK) {
	case NF_DROP:
		j->verdict = step->rejects ? journey_reject(j, step) : MODEL_DROPPED;
		j->has_ended = true;
		break;
	case NF_QUEUE:
		j->verdict = MODEL_QUEUED;
		j->queue = (uint16_t)(verdict >> NF_VERDICT_QBITS);
		j->has_ended = true;
		break;
	case NF_STOLEN:
		j->verdict = MODEL_PASSED;
		j->has_ended = true;
		break;
	}
}

static struct journey_step *journey_add_step(struct journey *j)
{
	if (j->step_count == JOURNEY_STEPS_MAX) {
		j->is_cut = true;
		return &j->steps[j->step_count - 1];
	}
	if (j->step_count == j->step_room) {
		j->step_room = j->step_room ? j->step_room * 2 : 16;
		j->steps = xrealloc(j->steps, j->step_room * sizeof(*j->steps));
	}
	return &j->steps[j->step_count++];
}

static void journey_take_rule(struct journeys *journeys, struct journey *j, const struct loaded_chain *chain,
			      const struct trace_event *event)
{
	const struct loaded_rule *rule = event->kind == TRACE_RULE ? loaded_rule_find(chain, event->rule) : NULL;
	struct journey_step *step = journey_add_step(j);

	*step = (struct journey_step){ .pass = j->pass_count ? j->pass_count - 1 : 0,
				       .event = *event,
				       .line = trace_line_of(journeys->lines, chain, rule),
				       .is_base = event->has_headers };
	step->event.parsed = NULL;
	step->event.link = step->event.network = step->event.transport = (struct trace_header){ NULL, 0 };
	step->event.table = arena_copy(&j->arena, event->table);
	step->event.chain = arena_copy(&j->arena, event->chain);
	step->event.target = arena_copy(&j->arena, event->target);
	step->line.words = arena_copy(&j->arena, step->line.words);
	if (rule) {
		step->log_prefix = arena_copy(&j->arena, rule->log_prefix);
		step->rejects = rule->rejects;
		step->reject4 = rule->reject4;
		step->reject6 = rule->reject6;
		step->sets_mark = rule->sets_mark;
		step->position = rule->position;
	}
	journey_end(j, step);
}

/* An event of our own table: what its rules find out. */
static void journey_take_fact(struct journey *j, const struct loaded_chain *chain, const struct trace_event *event)
{
	const struct loaded_rule *rule = event->kind == TRACE_RULE ? loaded_rule_find(chain, event->rule) : NULL;
	struct trace_fact fact;

	if (!rule || !trace_fact_at(chain->name, rule->position, &fact))
		return;
	switch (fact.kind) {
	case TRACE_FACT_STATE:
		if (j->pass_count) {
			journey_last_pass(j)->has_state = true;
			journey_last_pass(j)->state = (enum model_state)fact.value;
		}
		if (!j->packet.known[MODEL_STATE])
			known_packet_set(&j->packet, MODEL_STATE, fact.value);
		break;
	case TRACE_FACT_PROTOCOL:
		if (!j->packet.known[MODEL_PROTOCOL])
			known_packet_set(&j->packet, MODEL_PROTOCOL, fact.value);
		break;
	case TRACE_FACT_SOURCE_TYPE:
		known_packet_set(&j->packet, MODEL_SOURCE_TYPE, fact.value);
		break;
	case TRACE_FACT_DEST_TYPE:
		known_packet_set(&j->packet, MODEL_DEST_TYPE, fact.value);
		break;
	}
}

/* The protocol of a packet with extension headers is known by now, and its ports are told with each base chain. */
static void journey_complete_transport(struct journey *j, const struct trace_event *event)
{
	const struct known_packet *packet = &j->packet;

	if (event->has_headers && event->network.len >= 40 && event->network.bytes[0] >> 4 == 6 &&
	    journey_is_extension(event->network.bytes[6]) && packet->known[MODEL_PROTOCOL])
		journey_take_transport(j, (uint8_t)packet->value[MODEL_PROTOCOL].low, event->transport);
}

struct journey *journeys_take(struct journeys *journeys, const struct trace_event *event, uint64_t now)
{
	const struct loaded_chain *chain = loaded_chain_find(journeys->rules, event->family, event->table, event->chain);
	struct journey *j = journey_of(journeys, event, chain->hook);

	if (!j)
		return NULL;
	j->last = now;
	j->is_answer |= event->has_headers && event->family == NFPROTO_BRIDGE && (event->mark & MARK_BITS) == MARK_ANSWER;
	journey_complete_transport(j, event);
	if (event->has_headers && chain->hook != NFT_HOOK_NONE) {
		if (event->family == NFPROTO_BRIDGE)
			journey_pass_bridge(journeys, j, chain->hook, event);
		else
			journey_pass_host(journeys, j, chain->hook, event);
	}
	if (text_is(event->table, TRACE_TABLE_NAME)) {
		journey_take_fact(j, chain, event);
		return NULL;
	}
	journey_take_rule(journeys, j, chain, event);
	return j->has_ended ? j : NULL;
}
