/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of the packet log, as pvefw-logger and Proxmox VE's own logger write it:
 *
 *     VMID LEVEL CHAIN TIME MESSAGE FIELD...
 *
 * pvefw-logger(8) describes the fields.
 */
#ifndef PVEFW_LOG_LINE_H
#define PVEFW_LOG_LINE_H

#include "firewall/explain/known_packet.h"

/* What a line says; texts point into it. */
struct log_line {
	struct text vmid, level, chain, time, message;
	struct text in, out, physin, physout; /* interfaces; len 0: none */
	bool has_macs, is_loopback;
	uint8_t dest_mac[6];
	struct known_packet packet;
};

/* Parses a line without its end.  Returns NULL, or why it is not the line of a packet. */
const char *log_line_parse(struct text text, struct log_line *line);

/* Whether the line is one that a rule with this prefix (":100:6:tap100i0-IN: policy DROP: ") has logged.  The kernel cuts
 * prefixes of iptables after 63 bytes. */
bool log_line_has_prefix(const struct log_line *line, struct text prefix);

#endif
