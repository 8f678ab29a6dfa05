/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses, prefixes and ranges as the language writes them: dotted quads of four decimal numbers without
 * leading zeros, IPv6 as in RFC 4291, an optional /length. The text of a rule's address is kept as it was
 * written; these functions say what it means.
 */
#ifndef PVEFW_ADDRESS_H
#define PVEFW_ADDRESS_H

#include "base/text.h"

#include <sys/socket.h>

/* An address with a prefix length; IPv4 uses the first four bytes. */
struct prefix {
	uint8_t family; /* AF_INET or AF_INET6; 0: no prefix */
	uint8_t length;  /* 0..32, 0..128 */
	uint8_t bytes[16];
};

enum address_error {
	ADDRESS_OK,
	ADDRESS_MALFORMED,  /* no address at all */
	ADDRESS_SHORT,      /* "10", "10.0.0": fewer than four numbers */
	ADDRESS_OCTAL,      /* a number with a leading zero */
	ADDRESS_NETMASK,    /* 10.0.0.0/255.0.0.0 */
	ADDRESS_BAD_LENGTH, /* the prefix length is not a number */
	ADDRESS_TOO_LONG,   /* a prefix length above 32 or 128 */
};

static inline unsigned prefix_bits(const struct prefix *p)
{
	return p->family == AF_INET ? 32 : 128;
}

/* Bit set: IPV4 or IPV6 of tables.h. */
static inline unsigned prefix_family_mask(const struct prefix *p)
{
	return p->family == AF_INET ? 1 : 2;
}

/* ADDRESS or ADDRESS/LENGTH; without length it is 32 or 128. */
enum address_error prefix_parse(struct text t, struct prefix *prefix);
/* The address alone. */
enum address_error address_parse(struct text t, struct prefix *prefix);

/* Whether bits after the prefix length are set. */
bool prefix_has_host_bits(const struct prefix *p);
void prefix_clear_host_bits(struct prefix *p);
/* By family, then address, then length. */
int prefix_compare(const struct prefix *a, const struct prefix *b);
/* For hash tables: equal for equal prefixes. */
uint32_t prefix_hash(const struct prefix *p);
/* b lies in a. */
bool prefix_covers(const struct prefix *a, const struct prefix *b);
/* By family, then address; the lengths play no part. */
int address_compare(const struct prefix *a, const struct prefix *b);

enum { PREFIX_TEXT_SIZE = 48 };
/* Canonical text: IPv6 in lower case, the longest run of two or more zero groups compressed, no dotted
 * quads; the length unless it is 32 or 128. NUL-terminated; returns the length of the text. */
uint32_t prefix_format(const struct prefix *p, char text[PREFIX_TEXT_SIZE]);
/* The text of a prefix, as it was written, without /32 or /128. */
struct text prefix_text_without_length(struct text t, const struct prefix *p);

/* The text of an address as the language means it for what was written with ADDRESS_SHORT, ADDRESS_OCTAL
 * or ADDRESS_NETMASK ("10" -> "10.0.0.0/8"); false if nothing sensible can be said. */
bool address_intended(struct text t, char text[PREFIX_TEXT_SIZE]);

#endif
