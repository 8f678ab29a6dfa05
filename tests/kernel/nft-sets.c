/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft-sets COUNT: random IP sets, for nft-sets.sh.
 *
 * Prints what `ipset restore` reads, and lines `test SET ADDRESS yes|no`: whether
 * the ranges that the compiler makes of the set hold the address.
 */
#include <stdio.h>
#include <stdlib.h>

#include "random_sets.h"

enum { SETS_MOST = 9999 };

static void print_prefix(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_SIZE];

	prefix_format(prefix, text);
	fputs(text, stdout);
}

/* hash:net takes no prefix of length 0.  Of the same network the last one counts: `add` fails on a second. */
static uint32_t keep_possible(struct prefix_entry *entries, uint32_t count, unsigned family)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct prefix_entry e = entries[i];
		bool known = e.prefix.length == 0 || e.prefix.family != family;

		prefix_clear_host_bits(&e.prefix);
		for (uint32_t j = 0; j < kept; j++)
			known |= prefix_compare(&entries[j].prefix, &e.prefix) == 0;
		if (!known)
			entries[kept++] = e;
	}
	return kept;
}

static void print_test(const char *name, const struct address_set *set, unsigned family, const uint8_t *address)
{
	struct prefix p = { .family = (uint8_t)family, .length = (uint8_t)(set->size * 8) };

	memcpy(p.bytes, address, set->size);
	printf("test %s ", name);
	print_prefix(&p);
	puts(address_set_has(set, address) ? " yes" : " no");
}

static void print_set(struct arena *arena, unsigned number, unsigned family)
{
	struct prefix_entry entries[ENTRIES_MOST];
	uint32_t count = keep_possible(entries, random_set(entries, family), family);
	struct address_set set = prefix_set_resolve(arena, entries, count, family);
	uint8_t address[16] = { 0 };
	char name[16];

	snprintf(name, sizeof(name), "set%u-v%u", number % (SETS_MOST + 1), family == AF_INET ? 4 : 6);
	printf("create %s hash:net family inet%s\n", name, family == AF_INET ? "" : "6");
	for (uint32_t i = 0; i < count; i++) {
		printf("add %s ", name);
		print_prefix(&entries[i].prefix);
		puts(entries[i].nomatch ? " nomatch" : "");
	}
	for (unsigned i = 0; i < 2 * CORNERS && count; i++) {
		corner_of(&entries[random_below(count)].prefix, i % CORNERS, address);
		print_test(name, &set, family, address);
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	struct arena arena = { 0 };

	for (unsigned i = 0; i < count; i++)
		print_set(&arena, i, i % 2 ? AF_INET6 : AF_INET);
	arena_free(&arena);
	return 0;
}
