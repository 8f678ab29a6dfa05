/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the bytes of a packet to the fields of a log line.
 *
 * All functions print what can be read, in the order of the bytes, and return
 * false if some part was cut short or contradicted itself, which they have said
 * instead of that part.  They never look behind the bytes they are given.
 */
#ifndef PVEFW_PACKET_H
#define PVEFW_PACKET_H

#include "logger/packet/bytes.h"
#include "base/output.h"

/* From the network layer on; `ethertype` as in <linux/if_ether.h>, 0 if not known. */
bool packet_print(struct out *out, unsigned ethertype, struct bytes packet);

bool packet_print_ip6(struct out *out, struct bytes packet);
/* From the transport layer on; of a fragment that is not the first only the name. */
bool packet_print_transport(struct out *out, unsigned protocol, struct bytes data, bool first);
/* Behind PROTO=. */
bool packet_print_icmp(struct out *out, struct bytes data);
bool packet_print_icmp6(struct out *out, struct bytes data);

#endif
