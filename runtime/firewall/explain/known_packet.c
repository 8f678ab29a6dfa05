/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/explain/known_packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "base/output.h"
#include "lang/tables.h"

void known_packet_set(struct known_packet *packet, enum model_field field, uint64_t value)
{
	packet->known[field] = true;
	packet->value[field] = number_small(value);
}

void known_packet_set_address(struct known_packet *packet, enum model_field field, const uint8_t *bytes, unsigned size)
{
	if (size == 16)
		field = field == MODEL_SOURCE4 ? MODEL_SOURCE6 : MODEL_DEST6;
	packet->known[field] = true;
	packet->value[field] = number_of_address(bytes, size);
}

void known_packet_set_iface(struct known_packet *packet, const struct model_ifaces *ifaces, struct text name)
{
	uint32_t number = 0, longest = 0;

	for (uint32_t i = 0; i < ifaces->count; i++) {
		struct text pattern = ifaces->names[i];

		if (text_equal(pattern, name)) {
			number = i + 1;
			break;
		}
		if (text_ends(pattern, "+") && pattern.len > longest && name.len >= pattern.len - 1 &&
		    memcmp(pattern.ptr, name.ptr, pattern.len - 1) == 0) {
			number = i + 1;
			longest = pattern.len;
		}
	}
	known_packet_set(packet, MODEL_IFACE, number);
}

unsigned known_packet_family(const struct known_packet *packet)
{
	if (!packet->known[MODEL_ETHERTYPE])
		return 0;
	switch (packet->value[MODEL_ETHERTYPE].low) {
	case ETH_P_IP:
		return IPV4;
	case ETH_P_IPV6:
		return IPV6;
	}
	return 0;
}

bool known_packet_is_for_many(const struct known_packet *packet)
{
	uint64_t type = packet->known[MODEL_DEST_TYPE] ? packet->value[MODEL_DEST_TYPE].low : MODEL_TYPE_UNICAST;

	if (type == MODEL_TYPE_BROADCAST || type == MODEL_TYPE_MULTICAST)
		return true;
	if (packet->known[MODEL_DEST6])
		return packet->value[MODEL_DEST6].high >> 56 == 0xff;
	return packet->known[MODEL_DEST4] && packet->value[MODEL_DEST4].low >= 0xe0000000;
}

bool known_packet_is_from_many(const struct known_packet *packet)
{
	uint64_t source = packet->value[MODEL_SOURCE4].low;

	if (packet->known[MODEL_SOURCE6])
		return packet->value[MODEL_SOURCE6].high >> 56 == 0xff;
	return packet->known[MODEL_SOURCE4] && (source == 0 || source >= 0xe0000000);
}

/* Whether packets of this kind have the field: the model finds no packet by one that they have not. */
static bool known_applies(const struct known_packet *packet, enum model_field field)
{
	switch (field) {
	case MODEL_STATE:
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
	case MODEL_OVER_LIMIT:
		return known_packet_family(packet) != 0;
	default:
		return true;
	}
}

uint32_t known_packet_matches(struct arena *arena, const struct known_packet *packet,
			      struct model_match matches[MODEL_FIELDS])
{
	uint32_t count = 0;

	for (unsigned field = 0; field < MODEL_FIELDS; field++) {
		struct interval *range;

		if (!packet->known[field] || !known_applies(packet, (enum model_field)field))
			continue;
		range = ARENA_NEW(arena, struct interval);
		*range = (struct interval){ packet->value[field], packet->value[field] };
		matches[count++] = (struct model_match){ .field = (enum model_field)field, .values = { range, 1 } };
	}
	return count;
}

/* ---- for people ---- */

static const struct known_protocol {
	uint8_t number;
	const char *name;
	bool has_ports;
} known_protocols[] = {
	{ IPPROTO_TCP, "tcp", true },	{ IPPROTO_UDP, "udp", true },	  { IPPROTO_ICMP, "icmp", false },
	{ IPPROTO_ICMPV6, "icmpv6", false }, { IPPROTO_SCTP, "sctp", true },    { IPPROTO_DCCP, "dccp", true },
	{ IPPROTO_UDPLITE, "udplite", true }, { IPPROTO_IGMP, "igmp", false },   { IPPROTO_ESP, "esp", false },
	{ IPPROTO_AH, "ah", false },	{ IPPROTO_GRE, "gre", false },	  { IPPROTO_HOPOPTS, NULL, false },
};

const char *known_protocol_name(uint64_t protocol)
{
	for (size_t i = 0; i < sizeof(known_protocols) / sizeof(known_protocols[0]); i++)
		if (known_protocols[i].number == protocol)
			return known_protocols[i].name;
	return NULL;
}

const char *known_state_text(enum model_state state)
{
	static const char *const names[MODEL_STATES] = {
		[MODEL_STATE_NEW] = "new",         [MODEL_STATE_ESTABLISHED] = "established",
		[MODEL_STATE_RELATED] = "related", [MODEL_STATE_INVALID] = "invalid",
		[MODEL_STATE_UNTRACKED] = "untracked",
	};

	return state < MODEL_STATES ? names[state] : "unknown";
}

/* Returns NULL if the address is not known. */
static const char *known_address(struct arena *arena, const struct known_packet *packet, enum model_field four,
				 enum model_field six)
{
	enum model_field field = packet->known[six] ? six : four;
	bool is_six = field == MODEL_SOURCE6 || field == MODEL_DEST6;
	struct prefix prefix = { .family = is_six ? AF_INET6 : AF_INET, .length = is_six ? 128 : 32 };
	struct number number = packet->value[field];
	char text[PREFIX_TEXT_SIZE];

	if (!packet->known[field])
		return NULL;
	for (unsigned i = prefix.length / 8; i-- > 0;) {
		prefix.bytes[i] = (uint8_t)number.low;
		number.low = number.low >> 8 | number.high << 56;
		number.high >>= 8;
	}
	prefix_format(&prefix, text);
	return arena_printf(arena, "%s", text);
}

static const char *known_end(struct arena *arena, const char *address, const struct known_packet *packet,
			     enum model_field port)
{
	if (!address)
		address = "?";
	if (!packet->known[port])
		return address;
	return arena_printf(arena, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
			    (unsigned)packet->value[port].low);
}

static const char *known_kind(struct arena *arena, const struct known_packet *packet)
{
	const char *name;

	if (packet->known[MODEL_PROTOCOL]) {
		name = known_protocol_name(packet->value[MODEL_PROTOCOL].low);
		if (!name)
			name = arena_printf(arena, "protocol %u", (unsigned)packet->value[MODEL_PROTOCOL].low);
		if (!packet->known[MODEL_ICMP_TYPE])
			return name;
		return arena_printf(arena, "%s type %u code %u", name, (unsigned)packet->value[MODEL_ICMP_TYPE].low,
				    (unsigned)packet->value[MODEL_ICMP_CODE].low);
	}
	if (!packet->known[MODEL_ETHERTYPE])
		return "packet";
	switch (packet->value[MODEL_ETHERTYPE].low) {
	case ETH_P_ARP:
		return "arp";
	case ETH_P_IP:
		return "IPv4";
	case ETH_P_IPV6:
		return "IPv6";
	}
	return arena_printf(arena, "ethertype 0x%04x", (unsigned)packet->value[MODEL_ETHERTYPE].low);
}

const char *known_packet_text(struct arena *arena, const struct known_packet *packet)
{
	const char *source = known_address(arena, packet, MODEL_SOURCE4, MODEL_SOURCE6);
	const char *dest = known_address(arena, packet, MODEL_DEST4, MODEL_DEST6);
	const char *kind = known_kind(arena, packet);

	if (!source && packet->known[MODEL_ARP_SENDER])
		source = known_address(arena, packet, MODEL_ARP_SENDER, MODEL_ARP_SENDER);
	if (!source && !dest)
		return kind;
	return arena_printf(arena, "%s %s -> %s", kind, known_end(arena, source, packet, MODEL_SPORT),
			    known_end(arena, dest, packet, MODEL_DPORT));
}

/* ---- as JSON ---- */

static json_t *known_json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static const char *known_family_name(const struct known_packet *packet)
{
	unsigned family = known_packet_family(packet);

	if (family)
		return family == IPV4 ? "ipv4" : "ipv6";
	return packet->known[MODEL_ETHERTYPE] && packet->value[MODEL_ETHERTYPE].low == ETH_P_ARP ? "arp" : "other";
}

static const char *known_mac_text(struct arena *arena, uint64_t mac)
{
	return arena_printf(arena, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40 & 255), (unsigned)(mac >> 32 & 255),
			    (unsigned)(mac >> 24 & 255), (unsigned)(mac >> 16 & 255), (unsigned)(mac >> 8 & 255),
			    (unsigned)(mac & 255));
}

static const char *known_protocol_text(struct arena *arena, const struct known_packet *packet)
{
	uint64_t protocol = packet->value[MODEL_PROTOCOL].low;
	const char *name = known_protocol_name(protocol);

	if (!packet->known[MODEL_PROTOCOL])
		return NULL;
	return name ? name : arena_printf(arena, "%u", (unsigned)protocol);
}

json_t *known_packet_json(const struct known_packet *packet)
{
	static const struct {
		enum model_field field;
		const char *name;
	} numbers[] = {
		{ MODEL_SPORT, "sport" },         { MODEL_DPORT, "dport" },         { MODEL_ICMP_TYPE, "icmp-type" },
		{ MODEL_ICMP_CODE, "icmp-code" }, { MODEL_TCP_FLAGS, "tcp-flags" },
	};
	struct arena arena = { 0 };
	json_t *object = json_object();

	json_object_set_new(object, "text", json_string(known_packet_text(&arena, packet)));
	json_object_set_new(object, "family", json_string(known_family_name(packet)));
	json_object_set_new(object, "protocol", known_json_text(known_protocol_text(&arena, packet)));
	json_object_set_new(object, "source", known_json_text(known_address(&arena, packet, MODEL_SOURCE4, MODEL_SOURCE6)));
	json_object_set_new(object, "dest", known_json_text(known_address(&arena, packet, MODEL_DEST4, MODEL_DEST6)));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(object, numbers[i].name,
				    packet->known[numbers[i].field] ?
					    json_integer((json_int_t)packet->value[numbers[i].field].low) :
					    json_null());
	json_object_set_new(object, "mac",
			    known_json_text(packet->known[MODEL_SOURCE_MAC] ?
						    known_mac_text(&arena, packet->value[MODEL_SOURCE_MAC].low) :
						    NULL));
	json_object_set_new(object, "arp-sender",
			    known_json_text(packet->known[MODEL_ARP_SENDER] ?
						    known_address(&arena, packet, MODEL_ARP_SENDER, MODEL_ARP_SENDER) :
						    NULL));
	json_object_set_new(object, "state",
			    known_json_text(packet->known[MODEL_STATE] ?
						    known_state_text((enum model_state)packet->value[MODEL_STATE].low) :
						    NULL));
	arena_free(&arena);
	return object;
}
