/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, comparing and writing IP addresses. Every address of every rule passes through here, so the common
 * case is one scan without copies; only what is no address is looked at again, to say what is wrong with it.
 */
#include "net/address.h"

#include <arpa/inet.h>

/* ---- IPv4 ---- */

/* Parses a number 0..255 without leading zeros. Returns what follows it, which may be a digit; NULL without number. */
static const char *read_octet(const char *at, const char *end, uint8_t *octet)
{
	unsigned value, digit;

	if (at == end || (value = (unsigned)(*at - '0')) > 9)
		return NULL;
	/* A digit that follows 0, or a number above 25, is not part of it: the caller expects a dot or the end there. */
	for (at++; value - 1 < 25 && at < end && (digit = (unsigned)(*at - '0')) <= 9; at++)
		value = value * 10 + digit;
	*octet = (uint8_t)value;
	return value <= 255 ? at : NULL;
}

static bool parse_ip4(struct text t, uint8_t bytes[4])
{
	const char *at = t.ptr, *end = t.ptr + t.len;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && (at == end || *at++ != '.'))
			return false;
		at = read_octet(at, end, &bytes[i]);
		if (!at)
			return false;
	}
	return at == end;
}

/* One to four numbers 0..255 with dots between them, zeros in front allowed. Returns how many, or 0 if it
 * is something else. */
static unsigned parse_loose(struct text t, uint8_t bytes[4])
{
	unsigned count = 0, value = 0;
	bool digits = false;

	memset(bytes, 0, 4);
	for (uint32_t i = 0; i <= t.len; i++) {
		if (i < t.len && char_is_digit(t.ptr[i])) {
			digits = true;
			value = value * 10 + (unsigned)(t.ptr[i] - '0');
			if (value > 255)
				return 0;
			continue;
		}
		if (!digits || count == 4 || (i < t.len && t.ptr[i] != '.'))
			return 0;
		bytes[count++] = (uint8_t)value;
		value = 0;
		digits = false;
	}
	return count;
}

/* Returns the fault of an address that could not be parsed. */
static enum address_error diagnose_ip4(struct text t)
{
	uint8_t bytes[4];
	unsigned count = parse_loose(t, bytes);

	if (count == 0)
		return ADDRESS_MALFORMED;
	return count < 4 ? ADDRESS_SHORT : ADDRESS_OCTAL;
}

/* ---- IPv6 ---- */

static bool parse_ip6(struct text t, uint8_t bytes[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (t.len >= sizeof(copy) || text_find(t, '\0') >= 0)
		return false;
	memcpy(copy, t.ptr, t.len);
	copy[t.len] = '\0';
	return inet_pton(AF_INET6, copy, bytes) == 1;
}

/* ---- both ---- */

enum address_error address_parse(struct text t, struct prefix *prefix)
{
	*prefix = (struct prefix){ .family = AF_INET, .length = 32 };
	if (parse_ip4(t, prefix->bytes))
		return ADDRESS_OK;
	if (text_find(t, ':') < 0)
		return diagnose_ip4(t);
	*prefix = (struct prefix){ .family = AF_INET6, .length = 128 };
	return parse_ip6(t, prefix->bytes) ? ADDRESS_OK : ADDRESS_MALFORMED;
}

/* Parses the part after the slash. */
static enum address_error parse_length(struct text t, struct prefix *prefix)
{
	uint8_t mask[4];
	uint64_t length;

	if (t.len && (t.ptr[0] != '0' || t.len == 1) && text_to_number(t, prefix_bits(prefix), &length)) {
		prefix->length = (uint8_t)length;
		return ADDRESS_OK;
	}
	if (prefix->family == AF_INET && parse_ip4(t, mask))
		return ADDRESS_NETMASK;
	return text_all_digits(t) && t.ptr[0] != '0' ? ADDRESS_TOO_LONG : ADDRESS_BAD_LENGTH;
}

enum address_error prefix_parse(struct text t, struct prefix *prefix)
{
	long slash = text_find(t, '/');
	enum address_error error;
	uint32_t at;

	if (slash < 0)
		return address_parse(t, prefix);
	at = (uint32_t)slash;
	error = address_parse((struct text){ t.ptr, at }, prefix);
	if (error != ADDRESS_OK)
		return error;
	return parse_length((struct text){ t.ptr + at + 1, t.len - at - 1 }, prefix);
}

/* The bits of byte `index` that lie within the first `length` bits. */
static uint8_t byte_mask(unsigned length, unsigned index)
{
	unsigned before = index * 8, mask = 0xff;

	if (length < before + 8)
		mask = length <= before ? 0 : 0xffu << (before + 8 - length) & 0xffu;
	return (uint8_t)mask;
}

bool prefix_has_host_bits(const struct prefix *p)
{
	for (unsigned i = p->length / 8u; i < prefix_bits(p) / 8; i++)
		if (p->bytes[i] & ~byte_mask(p->length, i))
			return true;
	return false;
}

void prefix_clear_host_bits(struct prefix *p)
{
	for (unsigned i = p->length / 8u; i < prefix_bits(p) / 8; i++)
		p->bytes[i] &= byte_mask(p->length, i);
}

int address_compare(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, prefix_bits(a) / 8);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = address_compare(a, b);

	if (order)
		return order;
	return a->length < b->length ? -1 : a->length > b->length;
}

uint32_t prefix_hash(const struct prefix *p)
{
	uint64_t halves[2] = { 0 }, hash;

	memcpy(halves, p->bytes, p->family == AF_INET ? 4 : 16);
	hash = (halves[0] ^ halves[1] * 3 ^ p->length) * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	return (uint32_t)(hash >> 32);
}

bool prefix_covers(const struct prefix *a, const struct prefix *b)
{
	unsigned whole = a->length / 8u;

	if (a->family != b->family || a->length > b->length)
		return false;
	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return a->length % 8 == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & byte_mask(a->length, whole)) == 0;
}

/* ---- writing ---- */

static char *put_decimal(char *at, unsigned n)
{
	if (n >= 100)
		*at++ = (char)('0' + n / 100);
	if (n >= 10)
		*at++ = (char)('0' + n / 10 % 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

static char *put_group(char *at, unsigned n)
{
	static const char digits[] = "0123456789abcdef";
	int shift = n > 0xfff ? 12 : n > 0xff ? 8 : n > 0xf ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*at++ = digits[n >> shift & 0xf];
	return at;
}

static char *put_ip4(char *at, const uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_decimal(at, bytes[i]);
	}
	return at;
}

/* The first of the longest runs of zero groups; *length 0 if none has two. */
static int longest_run(const unsigned groups[8], int *length)
{
	int best = 0, run = 0;

	*length = 0;
	for (int i = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > 1 && run > *length) {
			*length = run;
			best = i - run + 1;
		}
	}
	return best;
}

static char *put_ip6(char *at, const uint8_t bytes[16])
{
	unsigned groups[8];
	int run, length;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	run = longest_run(groups, &length);
	for (int i = 0; i < 8; i++) {
		if (length && i == run) {
			*at++ = ':';
			*at++ = ':';
			i += length - 1;
			continue;
		}
		if (i > 0 && at[-1] != ':')
			*at++ = ':';
		at = put_group(at, groups[i]);
	}
	return at;
}

uint32_t prefix_format(const struct prefix *p, char text[PREFIX_TEXT_SIZE])
{
	char *at = p->family == AF_INET ? put_ip4(text, p->bytes) : put_ip6(text, p->bytes);

	if (p->length != prefix_bits(p)) {
		*at++ = '/';
		at = put_decimal(at, p->length);
	}
	*at = '\0';
	return (uint32_t)(at - text);
}

struct text prefix_text_without_length(struct text t, const struct prefix *p)
{
	long slash = p->length == prefix_bits(p) ? text_find(t, '/') : -1;

	if (slash >= 0)
		t.len = (uint32_t)slash;
	return t;
}

/* ---- intended addresses ---- */

/* The length of a netmask; -1 if its ones are not all in front. */
static int mask_length(const uint8_t bytes[4])
{
	uint32_t mask = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
			bytes[3];
	int length = 0;

	for (; mask & 0x80000000u; mask <<= 1)
		length++;
	return mask ? -1 : length;
}

static int intended_length(struct text t)
{
	uint8_t mask[4];
	uint64_t length;

	if (text_to_number(t, 32, &length))
		return (int)length;
	return parse_loose(t, mask) == 4 ? mask_length(mask) : -1;
}

bool address_intended(struct text t, char text[PREFIX_TEXT_SIZE])
{
	struct prefix p = { .family = AF_INET };
	long slash = text_find(t, '/');
	uint32_t end = slash < 0 ? t.len : (uint32_t)slash;
	int length;
	unsigned count;

	count = parse_loose((struct text){ t.ptr, end }, p.bytes);
	if (count == 0)
		return false;
	length = (int)count * 8;
	if (slash >= 0)
		length = intended_length((struct text){ t.ptr + end + 1, t.len - end - 1 });
	if (length < 0)
		return false;
	p.length = (uint8_t)length;
	prefix_format(&p, text);
	return true;
}
