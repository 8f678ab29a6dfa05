/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and writing addresses. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/address.h"
#include "fixture.h"

static const struct {
	const char *text;
	enum address_error error;
	const char *canonical; /* of what is right */
} prefixes[] = {
	{ "10.0.0.1", ADDRESS_OK, "10.0.0.1" },
	{ "0.0.0.0", ADDRESS_OK, "0.0.0.0" },
	{ "255.255.255.255", ADDRESS_OK, "255.255.255.255" },
	{ "10.0.0.1/32", ADDRESS_OK, "10.0.0.1" },
	{ "10.0.0.0/8", ADDRESS_OK, "10.0.0.0/8" },
	{ "10.0.0.5/24", ADDRESS_OK, "10.0.0.5/24" },
	{ "0.0.0.0/0", ADDRESS_OK, "0.0.0.0/0" },
	{ "::", ADDRESS_OK, "::" },
	{ "::/0", ADDRESS_OK, "::/0" },
	{ "::1", ADDRESS_OK, "::1" },
	{ "FE80::1", ADDRESS_OK, "fe80::1" },
	{ "2001:db8::/32", ADDRESS_OK, "2001:db8::/32" },
	{ "2001:db8::1/128", ADDRESS_OK, "2001:db8::1" },
	{ "2001:0db8:0:0:1:0:0:1", ADDRESS_OK, "2001:db8::1:0:0:1" },
	{ "1:0:0:2:0:0:0:3", ADDRESS_OK, "1:0:0:2::3" },
	{ "1:0:2:3:4:5:6:7", ADDRESS_OK, "1:0:2:3:4:5:6:7" },
	{ "1:2:3:4:5:6:0:0", ADDRESS_OK, "1:2:3:4:5:6::" },
	{ "::ffff:10.0.0.1", ADDRESS_OK, "::ffff:a00:1" },
	{ "64:ff9b::192.0.2.1", ADDRESS_OK, "64:ff9b::c000:201" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", ADDRESS_OK,
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127" },

	{ "", ADDRESS_MALFORMED, NULL },
	{ "/", ADDRESS_MALFORMED, NULL },
	{ "/24", ADDRESS_MALFORMED, NULL },
	{ ".", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.", ADDRESS_MALFORMED, NULL },
	{ ".1.2.3", ADDRESS_MALFORMED, NULL },
	{ "1..2.3", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.4.5", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.4 ", ADDRESS_MALFORMED, NULL },
	{ " 1.2.3.4", ADDRESS_MALFORMED, NULL },
	{ "+1.2.3.4", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.256", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.99999999999999999999", ADDRESS_MALFORMED, NULL },
	{ "1.2.3.0x4", ADDRESS_MALFORMED, NULL },
	{ "256", ADDRESS_MALFORMED, NULL },
	{ "host", ADDRESS_MALFORMED, NULL },
	{ ":", ADDRESS_MALFORMED, NULL },
	{ ":::", ADDRESS_MALFORMED, NULL },
	{ "1:2:3", ADDRESS_MALFORMED, NULL },
	{ "1::2::3", ADDRESS_MALFORMED, NULL },
	{ "12345::", ADDRESS_MALFORMED, NULL },
	{ "g::1", ADDRESS_MALFORMED, NULL },
	{ "1:2:3:4:5:6:7:8:9", ADDRESS_MALFORMED, NULL },
	{ "::1.2.3", ADDRESS_MALFORMED, NULL },
	{ "::010.0.0.1", ADDRESS_MALFORMED, NULL },
	{ "fe80::1%eth0", ADDRESS_MALFORMED, NULL },
	{ "[::1]", ADDRESS_MALFORMED, NULL },
	{ "::ffff:255.255.255.255:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ADDRESS_MALFORMED,
	  NULL },

	{ "10", ADDRESS_SHORT, NULL },
	{ "10.0.0", ADDRESS_SHORT, NULL },
	{ "10/8", ADDRESS_SHORT, NULL },
	{ "010", ADDRESS_SHORT, NULL },
	{ "010.0.0.1", ADDRESS_OCTAL, NULL },
	{ "10.0.0.01", ADDRESS_OCTAL, NULL },
	{ "10.0.0.000", ADDRESS_OCTAL, NULL },
	{ "10.0.0.0000000000000000001", ADDRESS_OCTAL, NULL },
	{ "10.0.00.0/8", ADDRESS_OCTAL, NULL },
	{ "10.0.0.0/255.0.0.0", ADDRESS_NETMASK, NULL },
	{ "10.0.0.0/0.0.0.255", ADDRESS_NETMASK, NULL },
	{ "10.0.0.0/", ADDRESS_BAD_LENGTH, NULL },
	{ "10.0.0.0/a", ADDRESS_BAD_LENGTH, NULL },
	{ "10.0.0.0/-1", ADDRESS_BAD_LENGTH, NULL },
	{ "10.0.0.0/08", ADDRESS_BAD_LENGTH, NULL },
	{ "10.0.0.0/8/8", ADDRESS_BAD_LENGTH, NULL },
	{ "::/255.0.0.0", ADDRESS_BAD_LENGTH, NULL },
	{ "10.0.0.0/33", ADDRESS_TOO_LONG, NULL },
	{ "10.0.0.0/4294967304", ADDRESS_TOO_LONG, NULL },
	{ "10.0.0.0/18446744073709551624", ADDRESS_TOO_LONG, NULL },
	{ "::/129", ADDRESS_TOO_LONG, NULL },
};

START_TEST(reads_prefixes)
{
	char text[PREFIX_TEXT_SIZE];
	struct prefix p;
	enum address_error error = prefix_parse(text_of(prefixes[_i].text), &p);

	ck_assert_msg(error == prefixes[_i].error, "%s: %d", prefixes[_i].text, (int)error);
	if (error)
		return;
	ck_assert_uint_eq(prefix_format(&p, text), strlen(prefixes[_i].canonical));
	ck_assert_str_eq(text, prefixes[_i].canonical);
}
END_TEST

START_TEST(nul_bytes_end_nothing)
{
	struct prefix p;

	ck_assert_int_eq(address_parse(TEXT("10.0.0.1\0"), &p), ADDRESS_MALFORMED);
	ck_assert_int_eq(address_parse(TEXT("::1\0junk"), &p), ADDRESS_MALFORMED);
	ck_assert_int_eq(prefix_parse(TEXT("::1/64\0"), &p), ADDRESS_BAD_LENGTH);
	ck_assert_int_eq(address_parse((struct text){ NULL, 0 }, &p), ADDRESS_MALFORMED);
}
END_TEST

START_TEST(an_address_has_no_length)
{
	struct prefix p;

	ck_assert_int_eq(address_parse(TEXT("10.0.0.0/8"), &p), ADDRESS_MALFORMED);
	ck_assert_int_eq(address_parse(TEXT("::/0"), &p), ADDRESS_MALFORMED);
}
END_TEST

/* What is written can be read again and is the same, for many addresses. */
START_TEST(writing_and_reading_agree)
{
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct prefix p = { .family = rand() % 2 ? AF_INET : AF_INET6 }, q;
		char text[PREFIX_TEXT_SIZE];
		unsigned groups = (unsigned)rand();

		for (unsigned i = 0; i < prefix_bits(&p) / 8; i++)
			p.bytes[i] = groups >> i / 2 & 1 ? (uint8_t)rand() : 0;
		p.length = (uint8_t)((unsigned)rand() % (prefix_bits(&p) + 1));
		prefix_format(&p, text);
		ck_assert_int_eq(prefix_parse(text_of(text), &q), ADDRESS_OK);
		ck_assert_int_eq(prefix_compare(&p, &q), 0);
	}
}
END_TEST

/* By the plain definition, bit by bit. */
static bool covers_slowly(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family || b->length < a->length)
		return false;
	for (unsigned i = 0; i < a->length; i++)
		if ((a->bytes[i / 8] ^ b->bytes[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

START_TEST(covering_goes_bit_by_bit)
{
	srand(2);
	for (int round = 0; round < 20000; round++) {
		struct prefix a = { .family = rand() % 2 ? AF_INET : AF_INET6 }, b;

		for (unsigned i = 0; i < prefix_bits(&a) / 8; i++)
			a.bytes[i] = (uint8_t)rand();
		a.length = (uint8_t)((unsigned)rand() % (prefix_bits(&a) + 1));
		b = a;
		b.length = (uint8_t)((unsigned)rand() % (prefix_bits(&a) + 1));
		b.bytes[(unsigned)rand() % (prefix_bits(&a) / 8)] ^= (uint8_t)(1 << rand() % 8);
		ck_assert_int_eq(prefix_covers(&a, &b), covers_slowly(&a, &b));
	}
}
END_TEST

START_TEST(host_bits)
{
	static const struct {
		const char *text, *cleared;
	} rows[] = {
		{ "10.0.0.5/24", "10.0.0.0/24" },   { "10.0.0.0/24", NULL },
		{ "10.0.0.1", NULL },               { "255.255.255.255/0", "0.0.0.0/0" },
		{ "10.0.0.128/25", NULL },          { "10.0.0.129/25", "10.0.0.128/25" },
		{ "2001:db8::1/64", "2001:db8::/64" }, { "2001:db8::/64", NULL },
		{ "ffff::/7", "fe00::/7" },         { "::1/127", "::/127" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[PREFIX_TEXT_SIZE];
		struct prefix p;

		ck_assert_int_eq(prefix_parse(text_of(rows[i].text), &p), ADDRESS_OK);
		ck_assert_int_eq(prefix_has_host_bits(&p), rows[i].cleared != NULL);
		prefix_clear_host_bits(&p);
		prefix_format(&p, text);
		ck_assert_str_eq(text, rows[i].cleared ? rows[i].cleared : rows[i].text);
		ck_assert(!prefix_has_host_bits(&p));
	}
}
END_TEST

START_TEST(sorts)
{
	static const char *const sorted[] = { "0.0.0.0/0",  "9.0.0.0",  "10.0.0.0/8",
					      "10.0.0.0/24", "10.0.0.1", "::/0",
					      "::1",        "2001::/16" };
	enum { COUNT = sizeof(sorted) / sizeof(sorted[0]) };
	struct prefix p[COUNT];

	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(prefix_parse(text_of(sorted[i]), &p[i]), ADDRESS_OK);
	for (int i = 0; i < COUNT; i++)
		for (int j = 0; j < COUNT; j++) {
			int order = prefix_compare(&p[i], &p[j]);

			ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
		}
	ck_assert_int_eq(address_compare(&p[2], &p[3]), 0);
	ck_assert_int_lt(address_compare(&p[4], &p[5]), 0);
}
END_TEST

START_TEST(what_was_meant)
{
	static const struct {
		const char *text, *meant;
	} rows[] = {
		{ "10", "10.0.0.0/8" },
		{ "10.1", "10.1.0.0/16" },
		{ "10.1.2", "10.1.2.0/24" },
		{ "10.1/9", "10.1.0.0/9" },
		{ "010.0.0.1", "10.0.0.1" },
		{ "010.0.0.0/8", "10.0.0.0/8" },
		{ "10.0.0.0/255.0.0.0", "10.0.0.0/8" },
		{ "10.0.0.0/255.255.255.128", "10.0.0.0/25" },
		{ "10.0.0.0/0.0.0.0", "10.0.0.0/0" },
		{ "10.0.0.0/255.255.255.255", "10.0.0.0" },
		{ "10.0.0.0/255.0.255.0", NULL },
		{ "10.0.0.0/0.0.0.255", NULL },
		{ "10.0.0.0/33", NULL },
		{ "10.0.0.0/", NULL },
		{ "300", NULL },
		{ "host", NULL },
		{ "", NULL },
		{ "::1", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[PREFIX_TEXT_SIZE] = "";
		bool meant = address_intended(text_of(rows[i].text), text);

		ck_assert_msg(meant == (rows[i].meant != NULL), "%s", rows[i].text);
		if (meant)
			ck_assert_str_eq(text, rows[i].meant);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("address");

	tcase_add_loop_test(tcase, reads_prefixes, 0, sizeof(prefixes) / sizeof(prefixes[0]));
	tcase_add_test(tcase, nul_bytes_end_nothing);
	tcase_add_test(tcase, an_address_has_no_length);
	tcase_add_test(tcase, writing_and_reading_agree);
	tcase_add_test(tcase, covering_goes_bit_by_bit);
	tcase_add_test(tcase, host_bits);
	tcase_add_test(tcase, sorts);
	tcase_add_test(tcase, what_was_meant);
	return run_suite("address", tcase);
}
