/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network layer: ARP and IPv4; IPv6 has a file of its own. */
#include "logger/packet/packet.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>

#include "logger/packet/fields.h"

/* ---- ARP (RFC 826) ---- */

static void print_operation(struct out *out, unsigned operation, struct bytes sender)
{
	if (operation == ARPOP_REQUEST)
		field_word(out, "REQUEST");
	else if (operation == ARPOP_NAK)
		field_word(out, "NAK");
	else if (operation != ARPOP_REPLY)
		field_number(out, "CODE=", operation);
	else {
		field_word(out, "REPLY");
		field_octets(out, "MAC=", sender);
	}
}

static bool print_arp(struct out *out, struct bytes p)
{
	enum { FIXED = 8 }; /* then hardware and protocol address of the sender, and of the target */
	size_t hardware, protocol;
	const uint8_t *sender, *target;

	if (p.len < FIXED)
		return field_invalid(out, p, "LEN");
	hardware = p.ptr[4];
	protocol = p.ptr[5];
	if (p.len < FIXED + 2 * (hardware + protocol))
		return field_invalid(out, p, "LEN");
	sender = p.ptr + FIXED + hardware;
	target = sender + protocol + hardware;
	if (be16(p.ptr + 2) == ETH_P_IP && protocol == 4) {
		field_ip4(out, "SRC=", sender);
		field_ip4(out, "DST=", target);
	}
	field_word(out, "PROTO=ARP");
	print_operation(out, be16(p.ptr + 6), (struct bytes){ p.ptr + FIXED, hardware });
	return true;
}

/* ---- IPv4 (RFC 791) ---- */

static void print_ip4_header(struct out *out, const uint8_t *header)
{
	unsigned fragment = be16(header + 6);

	field_ip4(out, "SRC=", header + 12);
	field_ip4(out, "DST=", header + 16);
	field_number(out, "LEN=", be16(header + 2));
	field_octet(out, "TOS=", IPTOS_TOS(header[1]));
	field_octet(out, "PREC=", IPTOS_PREC(header[1]));
	field_number(out, "TTL=", header[8]);
	field_number(out, "ID=", be16(header + 4));
	if (fragment & IP_OFFMASK)
		field_number(out, "FRAG=", fragment & IP_OFFMASK);
	if (fragment & IP_DF)
		field_word(out, "DF");
	if (fragment & IP_MF)
		field_word(out, "MF");
}

static bool print_ip4(struct out *out, struct bytes p)
{
	enum { HEADER = 20 };
	size_t header, total;

	if (p.len < HEADER)
		return field_invalid(out, p, "LEN");
	header = (size_t)(p.ptr[0] & 15) * 4;
	if (p.ptr[0] >> 4 != 4 || header < HEADER)
		return field_invalid(out, p, "IHL");
	print_ip4_header(out, p.ptr);
	/* 0 stands for more than 65535 bytes, which are cut in pieces later; what is behind the
	 * packet was added by the link layer. */
	total = be16(p.ptr + 2);
	if (total)
		p = bytes_first(p, total);
	if (p.len < header)
		return field_invalid(out, p, "LEN");
	return packet_print_transport(out, p.ptr[9], bytes_behind(p, header),
				      !(be16(p.ptr + 6) & IP_OFFMASK));
}

/* ---- by type ---- */

bool packet_print(struct out *out, unsigned ethertype, struct bytes packet)
{
	/* Tags that have not been taken off. */
	for (; ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD; packet = bytes_behind(packet, 4)) {
		if (packet.len < 4)
			return field_invalid(out, packet, "LEN");
		ethertype = be16(packet.ptr + 2);
	}
	switch (ethertype) {
	case ETH_P_IP:
		return print_ip4(out, packet);
	case ETH_P_IPV6:
		return packet_print_ip6(out, packet);
	case ETH_P_ARP:
		return print_arp(out, packet);
	}
	if (ethertype)
		out_printf(out, "PROTO=0x%04X ", ethertype);
	return true;
}
