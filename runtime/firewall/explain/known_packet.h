/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet as far as it is known, as the model's fields. */
#ifndef PVEFW_KNOWN_PACKET_H
#define PVEFW_KNOWN_PACKET_H

#include <jansson.h>

#include "model/program.h"

struct known_packet {
	bool known[MODEL_FIELDS];
	struct number value[MODEL_FIELDS];
};

void known_packet_set(struct known_packet *packet, enum model_field field, uint64_t value);
/* An address of 4 or 16 bytes; `field` is MODEL_SOURCE4 or MODEL_DEST4, also for IPv6. */
void known_packet_set_address(struct known_packet *packet, enum model_field field, const uint8_t *bytes, unsigned size);
/* Sets MODEL_IFACE to the number of an interface: its own, that of the longest pattern that matches it, or 0. */
void known_packet_set_iface(struct known_packet *packet, const struct model_ifaces *ifaces, struct text name);

/* IPV4, IPV6, or 0 if the packet is neither. */
unsigned known_packet_family(const struct known_packet *packet);
/* Whether the frame or the packet goes to a group or to everybody, which the kernel never answers. */
bool known_packet_is_for_many(const struct known_packet *packet);
/* Whether the source is 0.0.0.0, 255.255.255.255 or a group: its type is not unicast. */
bool known_packet_is_from_many(const struct known_packet *packet);

/* Writes a match for each known field, with values from `arena`; returns their number. */
uint32_t known_packet_matches(struct arena *arena, const struct known_packet *packet,
			      struct model_match matches[MODEL_FIELDS]);

/* "tcp 192.0.2.2:40312 -> 192.0.2.1:23", from `arena`. */
const char *known_packet_text(struct arena *arena, const struct known_packet *packet);
/* The fields, null where they are not known: {"protocol": "tcp", "source": "192.0.2.2", "icmp-type": null, ...}. */
json_t *known_packet_json(const struct known_packet *packet);
/* "new", "established" and so on. */
const char *known_state_text(enum model_state state);
/* "tcp", "udp" and so on; NULL for others. */
const char *known_protocol_name(uint64_t protocol);

#endif
