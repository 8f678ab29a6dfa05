/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport layer: TCP, UDP, SCTP, and the names of those that have no fields. */
#include "logger/packet/packet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "logger/packet/fields.h"

/* The ports, which stand first in all of them, even when not all of the header is
 * there: `size` bytes; false if it is not. */
static bool packet_print_ports(struct out *out, struct bytes data, size_t size)
{
	if (data.len >= 4) {
		field_number(out, "SPT=", be16(data.ptr));
		field_number(out, "DPT=", be16(data.ptr + 2));
	}
	return data.len >= size || field_invalid(out, data, "LEN");
}

static bool print_tcp(struct out *out, struct bytes data)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flags[] = {
		{ TH_URG, "URG" }, { TH_ACK, "ACK" }, { TH_PUSH, "PSH" },
		{ TH_RST, "RST" }, { TH_SYN, "SYN" }, { TH_FIN, "FIN" },
	};

	if (!packet_print_ports(out, data, 20))
		return false;
	field_number(out, "SEQ=", be32(data.ptr + 4));
	field_number(out, "ACK=", be32(data.ptr + 8));
	field_number(out, "WINDOW=", be16(data.ptr + 14));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (data.ptr[13] & flags[i].bit)
			field_word(out, flags[i].name);
	if (data.ptr[13] & TH_URG)
		field_number(out, "URGP=", be16(data.ptr + 18));
	return true;
}

bool packet_print_transport(struct out *out, unsigned protocol, struct bytes data, bool first)
{
	static const struct {
		uint8_t number;
		const char *name;
	} protocols[] = {
		{ IPPROTO_TCP, "TCP" },   { IPPROTO_UDP, "UDP" },       { IPPROTO_SCTP, "SCTP" },
		{ IPPROTO_ICMP, "ICMP" }, { IPPROTO_ICMPV6, "ICMPV6" }, { IPPROTO_AH, "AH" },
		{ IPPROTO_ESP, "ESP" },   { IPPROTO_IGMP, "IGMP" },
	};
	size_t i = 0;

	while (i < sizeof(protocols) / sizeof(protocols[0]) && protocols[i].number != protocol)
		i++;
	if (i == sizeof(protocols) / sizeof(protocols[0])) {
		field_number(out, "PROTO=", protocol);
		return true;
	}
	out_string(out, "PROTO=");
	field_word(out, protocols[i].name);
	if (!first) /* only the first fragment has the header */
		return true;
	switch (protocol) {
	case IPPROTO_TCP:
		return print_tcp(out, data);
	case IPPROTO_UDP:
		if (!packet_print_ports(out, data, 8))
			return false;
		field_number(out, "LEN=", be16(data.ptr + 4));
		return true;
	case IPPROTO_SCTP:
		return packet_print_ports(out, data, 12);
	case IPPROTO_ICMP:
		return packet_print_icmp(out, data);
	case IPPROTO_ICMPV6:
		return packet_print_icmp6(out, data);
	default:
		return true;
	}
}
