/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the bytes of a packet to the fields of a log line.
 *
 * All functions print what can be read, in the order of the bytes, and return false if some part was cut
 * short or contradicted itself, which they have said instead of that part. They never look behind the bytes
 * they are given.
 */
#ifndef PVEFW_PACKET_H
#define PVEFW_PACKET_H

#include "logger/packet/bytes.h"
#include "base/output.h"

/* Bytes of a line of the log, with the LF at its end. */
enum { LINE_MOST = 512 };

/* What NFLOG says about a packet. */
struct logged_packet {
	struct text prefix;
	unsigned ethertype;                /* 0: not known */
	uint32_t in, out, physin, physout; /* numbers of interfaces; 0: none */
	uint32_t mark;
	int64_t seconds;   /* Unix time; 0: not known */
	struct bytes link; /* the link layer's header */
	struct bytes data; /* from the network layer on, maybe cut short */
};

/* From the network layer on; `ethertype` as in <linux/if_ether.h>, 0 if not known. */
bool packet_print(struct out *out, unsigned ethertype, struct bytes packet);

bool packet_print_ip6(struct out *out, struct bytes packet);
/* From the transport layer on; of a fragment that is not the first only the name. */
bool packet_print_transport(struct out *out, unsigned protocol, struct bytes data, bool first);
/* Behind PROTO=. */
bool packet_print_icmp(struct out *out, struct bytes data);
bool packet_print_icmp6(struct out *out, struct bytes data);

#endif
