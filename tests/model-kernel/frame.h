/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of packets, and what is known of a frame that arrives. */
#ifndef PVEFW_MODEL_KERNEL_FRAME_H
#define PVEFW_MODEL_KERNEL_FRAME_H

#include <stddef.h>

#include "packet.h"

enum { FRAME_SIZE = 256, FRAME_HEADER = 14 };

struct frame {
	unsigned char bytes[FRAME_SIZE];
	size_t size;
};

/* `to` is the destination's MAC address; `about` the packet that an ICMP error (state related) is about, or
 * NULL. */
void frame_make(struct frame *frame, const struct packet *packet, const unsigned char to[6],
		const struct packet *about);

enum frame_kind { FRAME_OTHER, FRAME_PACKET, FRAME_RESET, FRAME_ERROR };

/* What a frame is: a packet of ours, a TCP reset without a mark, or an ICMP error that quotes one of ours. */
struct frame_facts {
	enum frame_kind kind;
	unsigned number;     /* by the mark; of a reset not known */
	unsigned type, code; /* of an ICMP error */
	char source[46], dest[46];
	unsigned sport, dport;
};

/* `ethertype` and what follows the Ethernet header. */
struct frame_facts frame_read(unsigned ethertype, const unsigned char *bytes, size_t size);
/* The payload of an IPv6 packet, as raw sockets give it. */
struct frame_facts frame_read_payload(bool six, unsigned protocol, const unsigned char *bytes, size_t size);

#endif
