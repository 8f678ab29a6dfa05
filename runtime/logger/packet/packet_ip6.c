/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 (RFC 8200) and the extension headers in front of the transport layer. Each of them takes eight bytes
 * at least, so that a chain ends where the bytes end.
 */
#include "logger/packet/packet.h"

#include <netinet/in.h>

#include "logger/packet/fields.h"

enum { IP6_HEADER = 40, UNIT = 8 };

static void print_ip6_header(struct out *out, const uint8_t *header)
{
	uint32_t flow = be32(header);

	field_ip6(out, "SRC=", header + 8);
	field_ip6(out, "DST=", header + 24);
	field_number(out, "LEN=", (uint64_t)be16(header + 4) + IP6_HEADER);
	field_number(out, "TC=", flow >> 20 & 0xff);
	field_number(out, "FLOWLBL=", flow & 0xfffff);
	field_number(out, "HOPLIMIT=", header[7]);
}

static bool is_extension(unsigned protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_MH:
		return true;
	}
	return false;
}

/* Where a fragment belongs, in bytes. */
static unsigned fragment_offset(const uint8_t *header)
{
	return be16(header + 2) & 0xfff8;
}

/* An extension header whose first eight bytes are there. */
static void print_extension(struct out *out, unsigned protocol, const uint8_t *header)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
		field_word(out, "NEXTHDR=HOPOPTS");
		return;
	case IPPROTO_DSTOPTS:
		field_word(out, "NEXTHDR=DSTOPTS");
		return;
	case IPPROTO_MH:
		field_word(out, "NEXTHDR=MH");
		return;
	case IPPROTO_ROUTING:
		field_number(out, "TYPE=", header[2]);
		field_number(out, "SEGMENTS=", header[3]);
		return;
	case IPPROTO_FRAGMENT:
		field_number(out, "FRAG=", fragment_offset(header));
		field_number(out, "ID=", be32(header + 4));
		if (header[3] & 1)
			field_word(out, "MF");
	}
}

bool packet_print_ip6(struct out *out, struct bytes p)
{
	unsigned protocol;
	size_t payload;
	bool first = true;

	if (p.len < IP6_HEADER || p.ptr[0] >> 4 != 6)
		return field_invalid(out, p, "LEN");
	print_ip6_header(out, p.ptr);
	protocol = p.ptr[6];
	payload = be16(p.ptr + 4);
	p = bytes_behind(p, IP6_HEADER);
	if (payload) /* 0 means a jumbogram, or no payload */
		p = bytes_first(p, payload);
	while (first && is_extension(protocol)) {
		size_t size;

		if (p.len < UNIT)
			return field_invalid(out, p, "LEN");
		print_extension(out, protocol, p.ptr);
		size = protocol == IPPROTO_FRAGMENT ? UNIT : (p.ptr[1] + (size_t)1) * UNIT;
		if (p.len < size)
			return field_invalid(out, p, "LEN");
		first = protocol != IPPROTO_FRAGMENT || !fragment_offset(p.ptr);
		protocol = p.ptr[0];
		p = bytes_behind(p, size);
	}
	return packet_print_transport(out, protocol, p, first);
}
