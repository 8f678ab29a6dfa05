/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory from an arena: zeroed, aligned, apart from all other, and its roll back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "fixture.h"

static struct arena arena;

static void start(void)
{
	arena = (struct arena){ 0 };
}

static void end(void)
{
	arena_free(&arena);
}

/* Each byte is compared with its neighbour: a loop over 400 MiB takes too long under qemu. */
static bool is_filled(const unsigned char *bytes, size_t size, unsigned char with)
{
	return !size || (bytes[0] == with && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Takes memory, checks it and writes all over it. */
static unsigned char *take(size_t size, int fill)
{
	unsigned char *bytes = arena_alloc(&arena, size);

	ck_assert_uint_eq((uintptr_t)bytes % 8, 0);
	ck_assert(is_filled(bytes, size, 0));
	memset(bytes, fill, size);
	return bytes;
}

START_TEST(pieces_of_any_size)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 9, 100, 4096, 65536, 1 << 20, 3 << 20, 5000001 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	unsigned char *pieces[COUNT];

	for (int i = 0; i < COUNT; i++)
		pieces[i] = take(sizes[i], i + 1);
	for (int i = 0; i < COUNT; i++)
		ck_assert(is_filled(pieces[i], sizes[i], (unsigned char)(i + 1)));
}
END_TEST

START_TEST(many_small_pieces)
{
	for (int round = 0; round < 200000; round++)
		take((size_t)(round % 100), 0xff);
}
END_TEST

/* What is handed out again after a roll back is zeroed, whatever stood there. */
START_TEST(rolling_back)
{
	unsigned char *kept = take(100, 7);

	srand(3);
	for (int round = 0; round < 300; round++) {
		struct arena_mark mark = arena_mark(&arena);

		for (int i = rand() % 20; i >= 0; i--)
			take((size_t)(rand() % (i == 5 ? 4000000 : 3000)), 0xff);
		arena_release(&arena, mark);
	}
	ck_assert(is_filled(kept, 100, 7));
}
END_TEST

START_TEST(starting_again)
{
	arena_reset(&arena);
	for (int round = 0; round < 20; round++) {
		take(1000, 0xff);
		take((size_t)round << 18, 0xff);
		arena_reset(&arena);
	}
	arena_free(&arena);
	arena_free(&arena);
	take(10, 1);
}
END_TEST

/* Everything of both stays, and the other one can be used anew. */
START_TEST(taking_over)
{
	struct arena other = { 0 }, empty = { 0 };
	const char *ours = arena_string(&arena, TEXT("ours")), *theirs = arena_string(&other, TEXT("theirs"));

	arena_alloc(&other, 4000000);
	arena_adopt(&arena, &other);
	arena_adopt(&arena, &empty);
	ck_assert_ptr_null(other.chunks);
	for (int i = 0; i < 1000; i++)
		take(10000, 0xff);
	ck_assert_str_eq(ours, "ours");
	ck_assert_str_eq(theirs, "theirs");
	theirs = arena_string(&other, TEXT("again"));
	ck_assert_str_eq(theirs, "again");
	arena_adopt(&empty, &other);
	ck_assert(is_filled(arena_alloc(&empty, 100), 100, 0));
	ck_assert_str_eq(theirs, "again");
	arena_free(&empty);
}
END_TEST

START_TEST(texts)
{
	static const wchar_t not_a_character[] = { 0x110000, 0 };
	char long_text[3000];

	memset(long_text, 'x', sizeof(long_text));
	ck_assert_text(arena_copy(&arena, TEXT("Abc")), "Abc");
	ck_assert_text(arena_copy(&arena, (struct text){ NULL, 0 }), "");
	ck_assert_text(arena_lower(&arena, TEXT("AbC-\xc3\x84")), "abc-\xc3\x84");
	ck_assert_text(ARENA_JOIN(&arena, TEXT("a"), TEXT(""), TEXT("bc")), "abc");
	ck_assert_str_eq(arena_printf(&arena, "%s/%d", "net", 7), "net/7");
	ck_assert_uint_eq(strlen(arena_printf(&arena, "%.3000s|", long_text)), 3001);
	ck_assert_int_eq(arena_copy(&arena, TEXT("end")).ptr[3], '\0');
	/* A print that fails gives an empty text, and what it wrote is not handed out. */
	ck_assert_str_eq(arena_printf(&arena, "%s%ls", "some text that stays behind the free bytes", not_a_character), "");
	ck_assert(is_filled(arena_alloc(&arena, 100), 100, 0));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("arena");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, pieces_of_any_size);
	tcase_add_test(tcase, many_small_pieces);
	tcase_add_test(tcase, rolling_back);
	tcase_add_test(tcase, starting_again);
	tcase_add_test(tcase, taking_over);
	tcase_add_test(tcase, texts);
	return run_suite("arena", tcase);
}
