/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP sets with exceptions, as ranges: against a model that asks every entry. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "random_sets.h"

enum { SETS = 10000, PROBES = 60 };

static struct arena arena;

static void end(void)
{
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

/* ---- the model ---- */

static bool in_prefix(const struct prefix *p, const uint8_t *address)
{
	for (unsigned bit = 0; bit < p->length; bit++)
		if ((p->bytes[bit / 8] ^ address[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

/* The longest prefix decides, of equal ones the last. */
static bool model_has(const struct prefix_entry *entries, uint32_t count, unsigned family, const uint8_t *address)
{
	const struct prefix_entry *best = NULL;

	for (uint32_t i = 0; i < count; i++)
		if (entries[i].prefix.family == family && in_prefix(&entries[i].prefix, address) &&
		    (!best || entries[i].prefix.length >= best->prefix.length))
			best = &entries[i];
	return best && !best->nomatch;
}

/* ---- what must hold ---- */

static void assert_same(const struct prefix_entry *entries, uint32_t count, unsigned family,
			const struct address_set *set, const uint8_t *address)
{
	/* Asserting what holds costs more than finding it out. */
	if (address_set_has(set, address) != model_has(entries, count, family, address))
		ck_abort_msg("differs from the model for one of %u entries", count);
}

static void probe(const struct prefix_entry *entries, uint32_t count, unsigned family, const struct address_set *set)
{
	uint8_t address[16] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		for (unsigned corner = 0; corner < CORNERS; corner++) {
			corner_of(&entries[i].prefix, corner, address);
			assert_same(entries, count, family, set, address);
		}
	for (int i = 0; i < PROBES; i++) {
		random_address(address, set->size);
		assert_same(entries, count, family, set, address);
	}
}

static void assert_minimal(const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		uint8_t next[16];

		if (memcmp(set->ranges[i].first, set->ranges[i].last, set->size) > 0)
			ck_abort_msg("a range ends before it begins");
		if (i + 1 == set->count)
			continue;
		memcpy(next, set->ranges[i].last, 16);
		step(next, set->size, 1);
		if (memcmp(next, set->ranges[i + 1].first, set->size) >= 0)
			ck_abort_msg("ranges that touch");
	}
}

/* The prefixes of each range are next to each other and as long as it is; none could be joined. */
static void assert_split(const struct address_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		struct prefix_entry entries[256] = { 0 };
		struct address_set again;
		struct prefix *prefixes;
		uint32_t count = address_range_split(&arena, &set->ranges[i], set->size, &prefixes);

		for (uint32_t j = 0; j < count; j++)
			entries[j].prefix = prefixes[j];
		again = prefix_set_resolve(&arena, entries, count, set->size == 4 ? AF_INET : AF_INET6);
		if (again.count != 1 || memcmp(&again.ranges[0], &set->ranges[i], sizeof(again.ranges[0])) != 0)
			ck_abort_msg("the prefixes are not the range");
		if (address_range_bits(&set->ranges[i], set->size) != (count == 1 ? prefixes[0].length : -1))
			ck_abort_msg("it is one prefix, or is not");
	}
}

static void random_sets(unsigned family)
{
	struct prefix_entry entries[ENTRIES_MOST];

	/* Where a sanitizer or an emulator takes its time */
	int sets = getenv("PVEFW_FEWER") ? SETS / 5 : SETS;

	for (int i = 0; i < sets; i++) {
		struct arena_mark mark = arena_mark(&arena);
		uint32_t count = random_set(entries, family);
		struct address_set set = prefix_set_resolve(&arena, entries, count, family);

		ck_assert_uint_eq(set.size, family == AF_INET ? 4 : 16);
		probe(entries, count, family, &set);
		assert_minimal(&set);
		assert_split(&set);
		arena_release(&arena, mark);
	}
}

START_TEST(random_ipv4)
{
	random_sets(AF_INET);
}
END_TEST

START_TEST(random_ipv6)
{
	random_sets(AF_INET6);
}
END_TEST

/* ---- by hand ---- */

/* "!10.1.0.0/16" is an exception. */
static const char *ranges_of(const char *text, unsigned family)
{
	struct prefix_entry entries[16] = { 0 };
	const char *result = "";
	struct address_set set;
	uint32_t count = 0;
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		entries[count].nomatch = *word == '!';
		ck_assert_int_eq(prefix_parse(text_of(word + entries[count].nomatch), &entries[count].prefix), ADDRESS_OK);
		count++;
	}
	set = prefix_set_resolve(&arena, entries, count, family);
	for (uint32_t i = 0; i < set.count; i++) {
		char first[PREFIX_TEXT_SIZE], last[PREFIX_TEXT_SIZE];
		struct prefix p = { .family = (uint8_t)family, .length = (uint8_t)(set.size * 8) };

		memcpy(p.bytes, set.ranges[i].first, 16);
		prefix_format(&p, first);
		memcpy(p.bytes, set.ranges[i].last, 16);
		prefix_format(&p, last);
		result = arena_printf(&arena, "%s%s%s-%s", result, *result ? " " : "", first, last);
	}
	return result;
}

START_TEST(exceptions)
{
	ck_assert_str_eq(ranges_of("10.0.0.0/8 !10.1.0.0/16 10.1.2.0/24", AF_INET),
			 "10.0.0.0-10.0.255.255 10.1.2.0-10.1.2.255 10.2.0.0-10.255.255.255");
	ck_assert_str_eq(ranges_of("10.1.2.0/24 !10.1.0.0/16 10.0.0.0/8 !10.1.2.3", AF_INET),
			 "10.0.0.0-10.0.255.255 10.1.2.0-10.1.2.2 10.1.2.4-10.1.2.255 10.2.0.0-10.255.255.255");
	ck_assert_str_eq(ranges_of("10.0.0.0/8 !10.0.0.0/8", AF_INET), "");
	ck_assert_str_eq(ranges_of("!10.0.0.0/8 10.0.0.0/8", AF_INET), "10.0.0.0-10.255.255.255");
	ck_assert_str_eq(ranges_of("!10.0.0.0/8", AF_INET), "");
	ck_assert_str_eq(ranges_of("fe80::1 !fe80::/10", AF_INET6), "fe80::1-fe80::1");
}
END_TEST

START_TEST(merging)
{
	ck_assert_str_eq(ranges_of("10.0.0.0/25 10.0.0.128/25 10.0.1.0/24", AF_INET), "10.0.0.0-10.0.1.255");
	ck_assert_str_eq(ranges_of("10.0.0.5/24 10.0.0.7", AF_INET), "10.0.0.0-10.0.0.255");
	ck_assert_str_eq(ranges_of("0.0.0.0/1 128.0.0.0/1", AF_INET), "0.0.0.0-255.255.255.255");
	ck_assert_str_eq(ranges_of("255.255.255.255 0.0.0.0", AF_INET), "0.0.0.0-0.0.0.0 255.255.255.255-255.255.255.255");
	ck_assert_str_eq(ranges_of("::/1 8000::/1 !ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AF_INET6),
			 "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	ck_assert_str_eq(ranges_of("10.0.0.1 fe80::1", AF_INET), "10.0.0.1-10.0.0.1");
	ck_assert_str_eq(ranges_of("", AF_INET6), "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("prefix_set");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, end);
	tcase_add_test(tcase, random_ipv4);
	tcase_add_test(tcase, random_ipv6);
	tcase_add_test(tcase, exceptions);
	tcase_add_test(tcase, merging);
	return run_suite("prefix_set", tcase);
}
