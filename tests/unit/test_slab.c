/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slabs that all arenas of a process share: pieces are apart, zero where they say so, used again, and
 * given back. */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "memory/slab.h"
#include "fixture.h"

enum { FIRST_SLAB = 32 * SLAB_PIECE_LEAST };

static bool is_filled(const char *bytes, size_t size, char with)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != with)
			return false;
	return true;
}

/* Takes a piece, checks it and writes all over it. */
static struct slab_piece take(size_t size, char fill)
{
	struct slab_piece piece;

	ck_assert(slab_take(size, &piece));
	ck_assert_uint_ge(piece.size, size);
	ck_assert_uint_le(piece.dirty, piece.size);
	ck_assert_uint_eq((uintptr_t)piece.memory % 4096, 0);
	ck_assert(is_filled(piece.memory + piece.dirty, piece.size - piece.dirty, 0));
	memset(piece.memory, fill, piece.size);
	piece.dirty = piece.size;
	return piece;
}

START_TEST(pieces_are_apart)
{
	static const size_t sizes[] = { 1,
					SLAB_PIECE_LEAST,
					SLAB_PIECE_LEAST + 1,
					100000,
					FIRST_SLAB,
					1 << 20,
					SLAB_SIZE - 1,
					SLAB_SIZE,
					SLAB_SIZE + 1,
					7 << 20 };
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	struct slab_piece pieces[COUNT];

	for (int i = 0; i < COUNT; i++)
		pieces[i] = take(sizes[i], (char)(i + 1));
	for (int i = 0; i < COUNT; i++)
		ck_assert(is_filled(pieces[i].memory, pieces[i].size, (char)(i + 1)));
	for (int i = 0; i < COUNT; i++)
		slab_give(pieces[i]);
}
END_TEST

/* Small arenas share a slab. */
START_TEST(small_pieces_share)
{
	struct slab_piece pieces[32];

	for (int i = 0; i < 32; i++)
		pieces[i] = take(100, 1);
	ck_assert_uint_eq(slab_bytes(), FIRST_SLAB);
	for (int i = 0; i < 32; i++)
		slab_give(pieces[i]);
	ck_assert_uint_eq(slab_bytes(), FIRST_SLAB);
}
END_TEST

START_TEST(a_piece_is_used_again)
{
	struct slab_piece first = take(SLAB_SIZE, 1), again;

	slab_give(first);
	ck_assert(slab_take(SLAB_SIZE, &again));
	ck_assert_ptr_eq(again.memory, first.memory);
	ck_assert_uint_eq(again.dirty, SLAB_SIZE);
	slab_give(again);
	ck_assert_uint_eq(slab_bytes(), SLAB_SIZE);
}
END_TEST

/* Only what was written to need be cleared. */
START_TEST(clean_blocks_stay_clean)
{
	struct slab_piece piece;

	ck_assert(slab_take(SLAB_SIZE, &piece));
	memset(piece.memory, 1, 100000);
	piece.dirty = 100000;
	slab_give(piece);
	ck_assert(slab_take(SLAB_SIZE, &piece));
	ck_assert_uint_ge(piece.dirty, 100000);
	ck_assert_uint_le(piece.dirty, 100000 + SLAB_SIZE / 32);
	ck_assert(is_filled(piece.memory + piece.dirty, piece.size - piece.dirty, 0));
	slab_give(piece);
}
END_TEST

START_TEST(the_pool_is_bounded)
{
	struct slab_piece pieces[40];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 40; i++)
			pieces[i] = take(SLAB_SIZE, 1);
		ck_assert_uint_eq(slab_bytes(), 40 * (size_t)SLAB_SIZE);
		for (int i = 0; i < 40; i++)
			slab_give(pieces[i]);
		ck_assert_uint_eq(slab_bytes(), SLAB_UNUSED_MOST * (size_t)SLAB_SIZE);
	}
	slab_trim();
	ck_assert_uint_eq(slab_bytes(), 0);
	slab_trim();
	pieces[0] = take(1, 1);
	slab_trim();
	ck_assert_uint_eq(slab_bytes(), FIRST_SLAB);
	slab_give(pieces[0]);
}
END_TEST

/* A large piece is never kept. */
START_TEST(large_pieces)
{
	struct slab_piece piece = take(5 << 20, 1);

	ck_assert_ptr_null(piece.slab);
	ck_assert_uint_eq(slab_bytes(), 0);
	slab_give(piece);
	ck_assert(slab_take(5 << 20, &piece));
	ck_assert_uint_eq(piece.dirty, 0);
	ck_assert(is_filled(piece.memory, piece.size, 0));
	slab_give(piece);
}
END_TEST

static void *use_arenas(void *argument)
{
	unsigned seed = *(const unsigned *)argument;
	struct arena arenas[3] = { 0 };

	for (int round = 0; round < 60; round++) {
		struct arena *arena = &arenas[rand_r(&seed) % 3];
		size_t size = (size_t)rand_r(&seed) % (rand_r(&seed) % 20 ? 20000 : 3000000);
		char *bytes = arena_alloc(arena, size);

		if (!is_filled(bytes, size, 0))
			return argument;
		memset(bytes, 0xff, size);
		if (rand_r(&seed) % 10 == 0)
			arena_free(arena);
	}
	for (int i = 0; i < 3; i++)
		arena_free(&arenas[i]);
	return NULL;
}

START_TEST(threads_share)
{
	pthread_t threads[6];
	unsigned seeds[6];

	for (unsigned i = 0; i < 6; i++) {
		seeds[i] = i + 1;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_arenas, &seeds[i]), 0);
	}
	for (unsigned i = 0; i < 6; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	ck_assert_uint_le(slab_bytes(), SLAB_UNUSED_MOST * (size_t)SLAB_SIZE);
}
END_TEST

/* A child can allocate, whatever the parent's threads were doing. */
START_TEST(children_of_threads)
{
	pthread_t thread;
	unsigned seed = 9;
	int status;

	for (int round = 0; round < 5; round++) {
		pid_t child;

		ck_assert_int_eq(pthread_create(&thread, NULL, use_arenas, &seed), 0);
		child = fork();
		if (child == 0) {
			alarm(20);
			_exit(use_arenas(&seed) != NULL);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		pthread_join(thread, NULL);
	}
}
END_TEST

#ifdef PVEFW_POISONS
/* AddressSanitizer finds what is read after its release, and beyond its end. */
START_TEST(released_memory_is_poisoned)
{
	struct arena arena = { 0 };
	char *kept = arena_alloc(&arena, 100), *released;
	struct arena_mark mark = arena_mark(&arena);
	struct slab_piece piece;

	released = arena_alloc(&arena, 100);
	ck_assert_int_eq(__asan_address_is_poisoned(released), 0);
	ck_assert_int_eq(__asan_address_is_poisoned(kept + 104), 1);
	arena_release(&arena, mark);
	ck_assert_int_eq(__asan_address_is_poisoned(released), 1);
	ck_assert_int_eq(__asan_address_is_poisoned(kept), 0);
	arena_free(&arena);
	ck_assert_int_eq(__asan_address_is_poisoned(kept), 1);
	ck_assert(slab_take(1, &piece));
	ck_assert_int_eq(__asan_address_is_poisoned(piece.memory + 4), 0);
	slab_give(piece);
}
END_TEST
#endif

/* The pages move: none is touched again, and the new ones are zero. */
START_TEST(a_large_piece_grows)
{
	struct slab_piece piece = take(SLAB_SIZE + 1, 'a'), small = take(SLAB_SIZE, 'b');
	size_t size = piece.size;

	ck_assert(slab_grow(&piece, 9 << 20));
	ck_assert_uint_ge(piece.size, 9 << 20);
	ck_assert_uint_eq(piece.dirty, size);
	ck_assert(is_filled(piece.memory, size, 'a'));
	ck_assert(is_filled(piece.memory + size, piece.size - size, 0));
	ck_assert(!slab_grow(&small, 2 * SLAB_SIZE));
	ck_assert(is_filled(small.memory, small.size, 'b'));
	slab_give(piece);
	slab_give(small);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("slab");

	tcase_set_timeout(tcase, 60); /* threads and children, under sanitizers and qemu */
	tcase_add_test(tcase, pieces_are_apart);
	tcase_add_test(tcase, a_large_piece_grows);
	tcase_add_test(tcase, small_pieces_share);
	tcase_add_test(tcase, a_piece_is_used_again);
	tcase_add_test(tcase, clean_blocks_stay_clean);
	tcase_add_test(tcase, the_pool_is_bounded);
	tcase_add_test(tcase, large_pieces);
	tcase_add_test(tcase, threads_share);
	tcase_add_test(tcase, children_of_threads);
#ifdef PVEFW_POISONS
	tcase_add_test(tcase, released_memory_is_poisoned);
#endif
	return run_suite("slab", tcase);
}
