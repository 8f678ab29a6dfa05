/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives as `git archive` writes them, and damaged ones. */

#include <stdio.h>

#include "fixture.h"
#include "inputs/tar.h"

enum { BLOCK = 512, ROOM = 16 * BLOCK };

/* An archive that is written block by block. */
struct archive {
	char bytes[ROOM];
	uint32_t len;
};

static void add_entry(struct archive *a, char type, const char *name, const char *link, const char *content)
{
	char *header = a->bytes + a->len;
	unsigned sum = 0;

	memset(header, 0, BLOCK);
	snprintf(header, 100, "%s", name);
	snprintf(header + 124, 12, "%011o", (unsigned)strlen(content));
	memset(header + 148, ' ', 8);
	header[156] = type;
	snprintf(header + 157, 100, "%s", link);
	memcpy(header + 257, "ustar\00000", 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	a->len += BLOCK;
	memcpy(a->bytes + a->len, content, strlen(content));
	a->len += (uint32_t)(strlen(content) + BLOCK - 1) / BLOCK * BLOCK;
}

static struct archive whole_archive(void)
{
	struct archive a = { .len = 0 };

	add_entry(&a, 'g', "pax_global_header", "", "52 comment=0123456789012345678901234567890123456789\n");
	add_entry(&a, '5', "firewall/", "", "");
	add_entry(&a, '0', "firewall/cluster.fw", "", "[RULES]\n");
	add_entry(&a, 'x', "header", "", "27 path=firewall/a name.fw\n");
	add_entry(&a, '0', "short", "", "x");
	add_entry(&a, '2', "firewall/101.fw", "100.fw", "");
	a.len += 2 * BLOCK;
	return a;
}

START_TEST(entries_are_read)
{
	struct archive a = whole_archive();
	struct arena arena = { 0 };
	struct tar tar = tar_open(&arena, (struct text){ a.bytes, a.len });
	struct tar_entry entry;

	ck_assert(tar_next(&tar, &entry));
	ck_assert_str_eq(entry.path, "firewall");
	ck_assert(!entry.is_file && !entry.link);
	ck_assert(tar_next(&tar, &entry));
	ck_assert_str_eq(entry.path, "firewall/cluster.fw");
	ck_assert(entry.is_file && text_is(entry.content, "[RULES]\n"));
	ck_assert(tar_next(&tar, &entry));
	ck_assert_str_eq(entry.path, "firewall/a name.fw");
	ck_assert(tar_next(&tar, &entry));
	ck_assert_str_eq(entry.link, "100.fw");
	ck_assert(!tar_next(&tar, &entry));
	ck_assert_ptr_null(tar.problem);
	arena_free(&arena);
}
END_TEST

/* Reads all entries; returns whether the archive is taken for whole. */
static bool is_whole(const struct archive *a, uint32_t len)
{
	struct arena arena = { 0 };
	struct tar tar = tar_open(&arena, (struct text){ a->bytes, len });
	struct tar_entry entry;
	bool good;

	while (tar_next(&tar, &entry))
		;
	good = !tar.problem;
	arena_free(&arena);
	return good;
}

START_TEST(damage_is_found)
{
	struct archive a = whole_archive(), b;

	ck_assert(is_whole(&a, a.len));
	for (uint32_t len = 0; len < a.len - 2 * BLOCK; len += 100)
		ck_assert_msg(!is_whole(&a, len), "cut off at %u", len);
	for (uint32_t at = 0; at < BLOCK; at += 7) {
		b = a;
		b.bytes[at] ^= 0x21;
		ck_assert_msg(!is_whole(&b, b.len), "byte %u changed", at);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("tar");

	tcase_add_test(tcase, entries_are_read);
	tcase_add_test(tcase, damage_is_found);
	return run_suite("tar", tcase);
}
