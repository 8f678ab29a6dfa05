/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861). */
#include "logger/packet/packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "logger/packet/fields.h"

/* The fields of one type: it has `size` bytes at least. */
struct icmp_row {
	uint8_t type;
	uint8_t size;
	void (*print)(struct out *out, const uint8_t *message);
};

static void print_echo(struct out *out, const uint8_t *message)
{
	field_number(out, "ID=", be16(message + 4));
	field_number(out, "SEQ=", be16(message + 6));
}

static void print_unreachable(struct out *out, const uint8_t *message)
{
	if (message[1] == ICMP_FRAG_NEEDED)
		field_number(out, "MTU=", be16(message + 6));
}

static void print_redirect(struct out *out, const uint8_t *message)
{
	field_ip4(out, "GATEWAY=", message + 4);
}

static void print_parameter(struct out *out, const uint8_t *message)
{
	field_number(out, "PARAMETER=", message[4]);
}

static const struct icmp_row icmp_rows[] = {
	{ ICMP_ECHOREPLY, 8, print_echo },           { ICMP_ECHO, 8, print_echo },
	{ ICMP_DEST_UNREACH, 8, print_unreachable }, { ICMP_REDIRECT, 8, print_redirect },
	{ ICMP_PARAMETERPROB, 8, print_parameter },
};

static void print_mtu6(struct out *out, const uint8_t *message)
{
	field_number(out, "MTU=", be32(message + 4));
}

static void print_parameter6(struct out *out, const uint8_t *message)
{
	field_number(out, "PARAMETER=", be32(message + 4));
}

static void print_router(struct out *out, const uint8_t *message)
{
	field_number(out, "HOPLIMIT=", message[4]);
	field_octet(out, "RA=", message[5]);
	field_number(out, "LIFETIME=", be16(message + 6));
	field_number(out, "REACHABLE=", be32(message + 8));
	field_number(out, "RETRANSMIT=", be32(message + 12));
}

static void print_solicitation(struct out *out, const uint8_t *message)
{
	field_ip6(out, "TARGET=", message + 8);
}

static void print_neighbour(struct out *out, const uint8_t *message)
{
	field_octet(out, "NA=", message[4]);
	field_ip6(out, "TARGET=", message + 8);
}

/* TARGET is what traffic is redirected for, GATEWAY where it is to be sent to. */
static void print_redirect6(struct out *out, const uint8_t *message)
{
	field_ip6(out, "TARGET=", message + 24);
	field_ip6(out, "GATEWAY=", message + 8);
}

static const struct icmp_row icmp6_rows[] = {
	{ ICMP6_ECHO_REQUEST, 8, print_echo },       { ICMP6_ECHO_REPLY, 8, print_echo },
	{ ICMP6_PACKET_TOO_BIG, 8, print_mtu6 },     { ICMP6_PARAM_PROB, 8, print_parameter6 },
	{ ND_ROUTER_ADVERT, 16, print_router },      { ND_NEIGHBOR_SOLICIT, 24, print_solicitation },
	{ ND_NEIGHBOR_ADVERT, 24, print_neighbour }, { ND_REDIRECT, 40, print_redirect6 },
};

/* Both begin with type, code and checksum. */
static bool print_message(struct out *out, struct bytes data, const struct icmp_row *rows, size_t count)
{
	size_t size = 4;
	const struct icmp_row *row = NULL;

	if (data.len >= 2) {
		field_number(out, "TYPE=", data.ptr[0]);
		field_number(out, "CODE=", data.ptr[1]);
		for (size_t i = 0; i < count && !row; i++)
			if (rows[i].type == data.ptr[0])
				row = &rows[i];
	}
	if (row)
		size = row->size;
	if (data.len < size)
		return field_invalid(out, data, "LEN");
	if (row)
		row->print(out, data.ptr);
	return true;
}

bool packet_print_icmp(struct out *out, struct bytes data)
{
	return print_message(out, data, icmp_rows, sizeof(icmp_rows) / sizeof(icmp_rows[0]));
}

bool packet_print_icmp6(struct out *out, struct bytes data)
{
	return print_message(out, data, icmp6_rows, sizeof(icmp6_rows) / sizeof(icmp6_rows[0]));
}
