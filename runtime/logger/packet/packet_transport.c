/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transport layer: TCP, UDP, SCTP, and the names of those that have no fields. */
#include "logger/packet/packet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "logger/packet/fields.h"

/* The ports, which stand first in all of them, even when not all of the header is
 * there: `size` bytes; false if it is not. */
static bool print_ports(struct out *out, struct bytes data, size_t size)
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

	if (!print_ports(out, data, 20))
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

static bool print_udp(struct out *out, struct bytes data)
{
	if (!print_ports(out, data, 8))
		return false;
	field_number(out, "LEN=", be16(data.ptr + 4));
	return true;
}

static bool print_sctp(struct out *out, struct bytes data)
{
	return print_ports(out, data, 12);
}

static const struct protocol {
	uint8_t number;
	const char *name;
	bool (*print)(struct out *out, struct bytes data); /* NULL: no fields */
} protocols[] = {
	{ IPPROTO_TCP, "TCP", print_tcp },
	{ IPPROTO_UDP, "UDP", print_udp },
	{ IPPROTO_SCTP, "SCTP", print_sctp },
	{ IPPROTO_ICMP, "ICMP", packet_print_icmp },
	{ IPPROTO_ICMPV6, "ICMPV6", packet_print_icmp6 },
	{ IPPROTO_AH, "AH", NULL },
	{ IPPROTO_ESP, "ESP", NULL },
	{ IPPROTO_IGMP, "IGMP", NULL },
};

bool packet_print_transport(struct out *out, unsigned protocol, struct bytes data, bool first)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		const struct protocol *p = &protocols[i];

		if (p->number != protocol)
			continue;
		out_string(out, "PROTO=");
		field_word(out, p->name);
		return !first || !p->print || p->print(out, data);
	}
	field_number(out, "PROTO=", protocol);
	return true;
}
