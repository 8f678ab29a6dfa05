/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing fields; no printf, as this is done twenty thousand times a second. */
#include "logger/packet/fields.h"

#include "net/address.h"

void field_word(struct out *out, const char *word)
{
	out_string(out, word);
	out_char(out, ' ');
}

void field_number(struct out *out, const char *name, uint64_t value)
{
	out_string(out, name);
	out_number(out, value);
	out_char(out, ' ');
}

static void put_hex(struct out *out, uint8_t value, const char *digits)
{
	out_char(out, digits[value >> 4]);
	out_char(out, digits[value & 15]);
}

void field_octet(struct out *out, const char *name, uint8_t value)
{
	out_string(out, name);
	out_string(out, "0x");
	put_hex(out, value, "0123456789ABCDEF");
	out_char(out, ' ');
}

void field_octets(struct out *out, const char *name, struct bytes octets)
{
	out_string(out, name);
	for (size_t i = 0; i < octets.len; i++) {
		if (i > 0)
			out_char(out, ':');
		put_hex(out, octets.ptr[i], "0123456789abcdef");
	}
	out_char(out, ' ');
}

static void put_address(struct out *out, const char *name, struct prefix *address)
{
	char text[PREFIX_TEXT_SIZE];

	address->length = (uint8_t)prefix_bits(address);
	out_string(out, name);
	out_bytes(out, text, prefix_format(address, text));
	out_char(out, ' ');
}

void field_ip4(struct out *out, const char *name, const uint8_t *address)
{
	struct prefix p = { .family = AF_INET };

	memcpy(p.bytes, address, 4);
	put_address(out, name, &p);
}

void field_ip6(struct out *out, const char *name, const uint8_t *address)
{
	struct prefix p = { .family = AF_INET6 };

	memcpy(p.bytes, address, 16);
	put_address(out, name, &p);
}

bool field_invalid(struct out *out, struct bytes there, const char *what)
{
	field_number(out, "LEN=", there.len);
	out_string(out, "INVALID=");
	field_word(out, what);
	return false;
}
