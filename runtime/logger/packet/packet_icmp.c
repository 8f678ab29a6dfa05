/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861): the fields of each type are a table. */
#include "logger/packet/packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "logger/packet/fields.h"

enum icmp_form { FORM_U8, FORM_U16, FORM_U32, FORM_OCTET, FORM_IP4, FORM_IP6 };

/* The fields of a type whose message has at least `size` bytes; the first row that fits applies. */
struct icmp_row {
	uint8_t type;
	int16_t code; /* -1: any */
	uint8_t size;
	struct icmp_field {
		const char *name; /* NULL: no more */
		uint8_t offset;
		enum icmp_form form;
	} fields[5];
};

static const struct icmp_row icmp_rows[] = {
	{ ICMP_ECHOREPLY, -1, 8, { { "ID=", 4, FORM_U16 }, { "SEQ=", 6, FORM_U16 } } },
	{ ICMP_ECHO, -1, 8, { { "ID=", 4, FORM_U16 }, { "SEQ=", 6, FORM_U16 } } },
	{ ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 8, { { "MTU=", 6, FORM_U16 } } },
	{ ICMP_DEST_UNREACH, -1, 8, { { NULL, 0, FORM_U8 } } },
	{ ICMP_REDIRECT, -1, 8, { { "GATEWAY=", 4, FORM_IP4 } } },
	{ ICMP_PARAMETERPROB, -1, 8, { { "PARAMETER=", 4, FORM_U8 } } },
};

static const struct icmp_row icmp6_rows[] = {
	{ ICMP6_ECHO_REQUEST, -1, 8, { { "ID=", 4, FORM_U16 }, { "SEQ=", 6, FORM_U16 } } },
	{ ICMP6_ECHO_REPLY, -1, 8, { { "ID=", 4, FORM_U16 }, { "SEQ=", 6, FORM_U16 } } },
	{ ICMP6_PACKET_TOO_BIG, -1, 8, { { "MTU=", 4, FORM_U32 } } },
	{ ICMP6_PARAM_PROB, -1, 8, { { "PARAMETER=", 4, FORM_U32 } } },
	{ ND_ROUTER_ADVERT, -1, 16, { { "HOPLIMIT=", 4, FORM_U8 }, { "RA=", 5, FORM_OCTET },
				      { "LIFETIME=", 6, FORM_U16 }, { "REACHABLE=", 8, FORM_U32 },
				      { "RETRANSMIT=", 12, FORM_U32 } } },
	{ ND_NEIGHBOR_SOLICIT, -1, 24, { { "TARGET=", 8, FORM_IP6 } } },
	{ ND_NEIGHBOR_ADVERT, -1, 24, { { "NA=", 4, FORM_OCTET }, { "TARGET=", 8, FORM_IP6 } } },
	/* Traffic for TARGET is redirected to GATEWAY. */
	{ ND_REDIRECT, -1, 40, { { "TARGET=", 24, FORM_IP6 }, { "GATEWAY=", 8, FORM_IP6 } } },
};

static void print_icmp_field(struct out *out, const struct icmp_field *field, const uint8_t *at)
{
	switch (field->form) {
	case FORM_U8:
		field_number(out, field->name, *at);
		break;
	case FORM_U16:
		field_number(out, field->name, be16(at));
		break;
	case FORM_U32:
		field_number(out, field->name, be32(at));
		break;
	case FORM_OCTET:
		field_octet(out, field->name, *at);
		break;
	case FORM_IP4:
		field_ip4(out, field->name, at);
		break;
	case FORM_IP6:
		field_ip6(out, field->name, at);
		break;
	}
}

/* Both begin with type, code and checksum. */
static bool print_message(struct out *out, struct bytes data, const struct icmp_row *rows, size_t count)
{
	const struct icmp_row *row = NULL;

	if (data.len >= 2) {
		field_number(out, "TYPE=", data.ptr[0]);
		field_number(out, "CODE=", data.ptr[1]);
		for (size_t i = 0; i < count && !row; i++)
			if (rows[i].type == data.ptr[0] && (rows[i].code < 0 || rows[i].code == data.ptr[1]))
				row = &rows[i];
	}
	if (data.len < (row ? row->size : 4))
		return field_invalid(out, data, "LEN");
	for (size_t i = 0; row && i < sizeof(row->fields) / sizeof(row->fields[0]) && row->fields[i].name; i++)
		print_icmp_field(out, &row->fields[i], data.ptr + row->fields[i].offset);
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
