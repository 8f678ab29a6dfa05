/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two maps, and the common sequence of two lists: against models that try everything. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

#include "api/difference.h"

static struct arena arena;

static void end(void)
{
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

/* "1a=x 1b=y": objects of kind 1 with these names and contents. */
static struct object_map map_of(const char *text)
{
	struct object_map map = { .arena = &arena };
	char *copy = (char *)(uintptr_t)arena_string(&arena, text_of(text)), *rest = copy;

	for (char *word; (word = strsep(&rest, " "));) {
		char *content = strchr(word, '=');

		if (!*word)
			continue;
		*content = '\0';
		object_map_add(&map, (uint8_t)(*word - '0'), text_of(word + 1), text_of(content + 1), NULL);
	}
	return map;
}

static const char *const marks[] = { "same", "excluded", "changed", "replaced", "added", "removed" };

/* "a:changed b:added | c:removed": desired, then loaded ones that are not the same. */
static const char *changes(struct object_map *loaded, struct object_map *desired, const struct object_comparison *comparison)
{
	struct object_counts counts = object_maps_compare(loaded, desired, comparison), found = { 0 };
	char *text = (char *)arena_alloc(&arena, 4096);

	for (uint32_t i = 0; i < desired->count; i++) {
		const struct object *object = &desired->objects[i];

		found.added += object->change == OBJECT_ADDED;
		found.changed += object->change == OBJECT_CHANGED || object->change == OBJECT_REPLACED;
		ck_assert(!object->other || (object->other->other == object && object->other->change == object->change));
		if (object->change != OBJECT_SAME)
			sprintf(text + strlen(text), "%.*s:%s ", TEXT_ARG(object->name), marks[object->change]);
	}
	strcat(text, "|");
	for (uint32_t i = 0; i < loaded->count; i++) {
		const struct object *object = &loaded->objects[i];

		found.removed += object->change == OBJECT_REMOVED;
		if (!object->other)
			sprintf(text + strlen(text), " %.*s:%s", TEXT_ARG(object->name), marks[object->change]);
	}
	ck_assert_mem_eq(&counts, &found, sizeof(counts));
	return text;
}

static const char *difference(const char *loaded, const char *desired)
{
	struct object_map a = map_of(loaded), b = map_of(desired);

	return changes(&a, &b, NULL);
}

START_TEST(changes_of_each_kind)
{
	ck_assert_str_eq(difference("1a=x", "1a=x"), "|");
	ck_assert_str_eq(difference("1a=x 1b=y", "1b=y 1a=z"), "a:changed |");
	ck_assert_str_eq(difference("1a=x", "1b=x"), "b:added | a:removed");
	/* A kind has names of its own; objects keep their order. */
	ck_assert_str_eq(difference("1a=x", "2a=x"), "a:added | a:removed");
	ck_assert_str_eq(difference("2z=1 1a=1", "3c=1 1b=1 2a=1"), "c:added b:added a:added | z:removed a:removed");
	/* A prefix is another name, and no bytes are a content. */
	ck_assert_str_eq(difference("1a=x 1ab=x", "1ab= 1abc=x"), "ab:changed abc:added | a:removed");
}
END_TEST

START_TEST(empty_sides)
{
	ck_assert_str_eq(difference("", ""), "|");
	ck_assert_str_eq(difference("", "1a=x 1b=x"), "a:added b:added |");
	ck_assert_str_eq(difference("1a=x 1b=x", ""), "| a:removed b:removed");
}
END_TEST

START_TEST(several_of_one_name)
{
	ck_assert_str_eq(difference("1a=x 1a=y", "1a=x 1a=y"), "|");
	ck_assert_str_eq(difference("1a=x 1a=y", "1a=y 1a=x"), "a:changed a:changed |");
	ck_assert_str_eq(difference("1a= 1b=", "1a= 1a= 1b= 1a="), "a:added a:added |");
	ck_assert_str_eq(difference("1b= 1a= 1a= 1a=", "1a="), "| b:removed a:removed a:removed");
}
END_TEST

static bool is_of_guest(void *context, const struct object *object)
{
	return text_starts(object->name, context);
}

static enum object_change replace_all(void *context, const struct object *loaded, const struct object *desired)
{
	ck_assert(context && text_equal(loaded->name, desired->name));
	return OBJECT_REPLACED;
}

START_TEST(subset)
{
	struct object_comparison own = { .is_included = is_of_guest, .context = (char[]){ "tap100" } };
	struct object_map loaded = map_of("1tap100i0=x 1tap100i1=x 1tap101i0=x 1host=x"),
			  desired = map_of("1tap100i0=y 1tap100i2=x 1tap101i0=y 1host=x 1new=z");

	ck_assert_str_eq(changes(&loaded, &desired, &own),
			 "tap100i0:changed tap100i2:added tap101i0:excluded host:excluded new:excluded | tap100i1:removed");
	/* Whatever a subset leaves out is paired all the same. */
	ck_assert_ptr_eq(desired.objects[2].other, &loaded.objects[2]);
	own.compare = replace_all;
	ck_assert_str_eq(changes(&loaded, &desired, &own),
			 "tap100i0:replaced tap100i2:added tap101i0:excluded host:excluded new:excluded | tap100i1:removed");
	/* The same maps can be compared again. */
	ck_assert_str_eq(changes(&loaded, &desired, NULL), "tap100i0:changed tap100i2:added tap101i0:changed new:added | tap100i1:removed");
}
END_TEST

START_TEST(adding_and_removing)
{
	struct object_map map = map_of("1b=1 1a=2 2a=3");

	ck_assert_ptr_eq(object_map_find(&map, 1, TEXT("a")), &map.objects[1]);
	ck_assert_ptr_null(object_map_find(&map, 2, TEXT("b")));
	object_map_add(&map, 2, TEXT("b"), TEXT("4"), NULL);
	ck_assert(text_is(object_map_find(&map, 2, TEXT("b"))->content, "4"));
	object_map_remove(&map, object_map_find(&map, 1, TEXT("b")));
	ck_assert_ptr_null(object_map_find(&map, 1, TEXT("b")));
	ck_assert(text_is(object_map_find(&map, 1, TEXT("a"))->content, "2"));
	ck_assert(text_is(object_map_find(&map, 2, TEXT("b"))->content, "4"));
	ck_assert_uint_eq(map.count, 3);
	object_map_reserve(&map, 1000);
	ck_assert(text_is(object_map_find(&map, 2, TEXT("a"))->content, "3"));
}
END_TEST

/* Random maps of few names, against looking up each name in the other map. */
START_TEST(random_maps)
{
	srand(1);
	for (int round = 0; round < 3000; round++) {
		struct object_map maps[2] = { { .arena = &arena }, { .arena = &arena } };
		static const char names[] = "abcdefghijklmnop", contents[] = "xyz";
		uint32_t added = 0, removed = 0, changed = 0;
		struct object_counts counts;
		int at[2][16] = { { 0 } };

		for (int side = 0; side < 2; side++)
			for (int i = 0; i < 12; i++) {
				int name = rand() % 16, content = rand() % 3;

				if (at[side][name])
					continue;
				at[side][name] = content + 1;
				object_map_add(&maps[side], (uint8_t)(name % 2), (struct text){ names + name, 1 },
					       (struct text){ contents + content, 1 }, NULL);
			}
		for (int name = 0; name < 16; name++) {
			added += !at[0][name] && at[1][name];
			removed += at[0][name] && !at[1][name];
			changed += at[0][name] && at[1][name] && at[0][name] != at[1][name];
		}
		counts = object_maps_compare(&maps[0], &maps[1], NULL);
		ck_assert_uint_eq(counts.added, added);
		ck_assert_uint_eq(counts.removed, removed);
		ck_assert_uint_eq(counts.changed, changed);
		arena_reset(&arena);
	}
}
END_TEST

/* ---- sequences ---- */

/* The pairs of two words of letters as indices: "0 - 1". */
static const char *pairs(const char *loaded, const char *desired)
{
	uint32_t count = (uint32_t)strlen(desired), *pair = ARENA_ARRAY(&arena, uint32_t, count + 1);
	char *text = (char *)arena_alloc(&arena, 16 * (size_t)count + 1);

	sequence_pair(&arena, loaded, (uint32_t)strlen(loaded), desired, count, 1, pair);
	for (uint32_t i = 0; i < count; i++)
		sprintf(text + strlen(text), pair[i] == UINT32_MAX ? "%s-" : "%s%u", i ? " " : "", pair[i]);
	return text;
}

START_TEST(sequences)
{
	ck_assert_str_eq(pairs("", ""), "");
	ck_assert_str_eq(pairs("abc", ""), "");
	ck_assert_str_eq(pairs("", "ab"), "- -");
	ck_assert_str_eq(pairs("abc", "abc"), "0 1 2");
	ck_assert_str_eq(pairs("abc", "axbc"), "0 - 1 2");
	ck_assert_str_eq(pairs("axbc", "abc"), "0 2 3");
	/* Of a moved one, the others stay. */
	ck_assert_str_eq(pairs("abcd", "bcda"), "1 2 3 -");
	ck_assert_str_eq(pairs("aaaa", "aa"), "0 1");
}
END_TEST

static unsigned longest(const char *a, const char *b)
{
	unsigned with, without;

	if (!*a || !*b)
		return 0;
	if (*a == *b)
		return 1 + longest(a + 1, b + 1);
	with = longest(a + 1, b);
	without = longest(a, b + 1);
	return with > without ? with : without;
}

START_TEST(random_sequences)
{
	srand(2);
	for (int round = 0; round < 3000; round++) {
		char words[2][9] = { "" };
		uint32_t pair[9], lengths[2], count = 0, next = 0;

		for (int side = 0; side < 2; side++) {
			lengths[side] = (uint32_t)rand() % 9;
			for (uint32_t i = 0; i < lengths[side]; i++)
				words[side][i] = (char)('a' + rand() % 4);
		}
		sequence_pair(&arena, words[0], lengths[0], words[1], lengths[1], 1, pair);
		for (uint32_t i = 0; i < lengths[1]; i++) {
			if (pair[i] == UINT32_MAX)
				continue;
			ck_assert_uint_ge(pair[i], next);
			ck_assert_int_eq(words[1][i], words[0][pair[i]]);
			next = pair[i] + 1;
			count++;
		}
		ck_assert_uint_eq(count, longest(words[0], words[1]));
		arena_reset(&arena);
	}
}
END_TEST

/* Too long for the longest sequence: the pairs are in order, and there are some. */
START_TEST(long_sequences)
{
	enum { LENGTH = 3000 };
	static uint16_t lists[2][LENGTH];
	static uint32_t pair[LENGTH];
	uint32_t next = 0, count = 0;

	for (uint16_t i = 0; i < LENGTH; i++) {
		lists[0][i] = i;
		lists[1][i] = (uint16_t)((i + 1) % LENGTH);
	}
	lists[1][LENGTH / 2] = 60000;
	sequence_pair(&arena, lists[0], LENGTH, lists[1], LENGTH, sizeof(lists[0][0]), pair);
	for (uint32_t i = 0; i < LENGTH; i++) {
		if (pair[i] == UINT32_MAX)
			continue;
		ck_assert_uint_ge(pair[i], next);
		ck_assert_uint_eq(lists[1][i], lists[0][pair[i]]);
		next = pair[i] + 1;
		count++;
	}
	ck_assert_uint_ge(count, LENGTH - 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("difference");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, end);
	tcase_add_test(tcase, changes_of_each_kind);
	tcase_add_test(tcase, empty_sides);
	tcase_add_test(tcase, several_of_one_name);
	tcase_add_test(tcase, subset);
	tcase_add_test(tcase, adding_and_removing);
	tcase_add_test(tcase, random_maps);
	tcase_add_test(tcase, sequences);
	tcase_add_test(tcase, random_sequences);
	tcase_add_test(tcase, long_sequences);
	return run_suite("difference", tcase);
}
