/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of source text.
 *
 * Nothing in the compiler copies what a user wrote: a text points into the file's buffer (or into the arena),
 * and a span names the same bytes by their position in the source map, where every file has its own range.
 * Line and column are computed only when something is printed.
 */
#ifndef PVEFW_TEXT_H
#define PVEFW_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes; not terminated, not owned. */
struct text {
	const char *ptr;
	uint32_t len;
};

/* Positions [begin, end) in the source map; begin 0 means no position. */
struct span {
	uint32_t begin;
	uint32_t end;
};

#define SPAN_NONE ((struct span){ 0, 0 })

/* A token: its bytes and where they stand. */
struct word {
	const char *ptr;
	uint32_t len;
	uint32_t begin;
};

#define TEXT(literal) ((struct text){ (literal), (uint32_t)(sizeof(literal) - 1) })
/* Its variant for constant expressions. */
#define TEXT_INIT(literal) { (literal), (uint32_t)(sizeof(literal) - 1) }
/* For printf's "%.*s". */
#define TEXT_ARG(t) (int)(t).len, (t).ptr

/* ---- characters: ASCII, whatever the locale ---- */

static inline bool char_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A CR counts: before an LF it is part of the line's end. */
static inline bool char_is_space(char c)
{
	return char_is_blank(c) || c == '\r';
}

static inline bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ---- texts ---- */

static inline struct text text_of(const char *s)
{
	return (struct text){ s, (uint32_t)strlen(s) };
}

static inline struct text word_text(struct word w)
{
	return (struct text){ w.ptr, w.len };
}

static inline struct span word_span(struct word w)
{
	return (struct span){ w.begin, w.begin + w.len };
}

/* The part of `w` from byte `from`, `len` bytes long. */
static inline struct word word_part(struct word w, uint32_t from, uint32_t len)
{
	return (struct word){ w.ptr + from, len, w.begin + from };
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool text_is(struct text a, const char *b)
{
	size_t len = strlen(b);

	return a.len == len && (!len || memcmp(a.ptr, b, len) == 0);
}

static inline bool text_starts(struct text a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && (!len || memcmp(a.ptr, prefix, len) == 0);
}

/* Whether `a` starts with `prefix`, ignoring the case of ASCII letters. */
bool text_starts_nocase(struct text a, const char *prefix);

static inline bool text_ends(struct text a, const char *end)
{
	size_t len = strlen(end);

	return a.len >= len && (!len || memcmp(a.ptr + a.len - len, end, len) == 0);
}

static inline bool string_ends(const char *s, const char *end)
{
	return text_ends(text_of(s), end);
}

/* Without its first `count` bytes, of which there are at least so many. */
static inline struct text text_skip(struct text a, uint32_t count)
{
	return (struct text){ a.ptr + count, a.len - count };
}

/* What follows `prefix`; ptr is NULL if `a` does not begin with it. */
static inline struct text text_after(struct text a, const char *prefix)
{
	return text_starts(a, prefix) ? text_skip(a, (uint32_t)strlen(prefix)) : (struct text){ NULL, 0 };
}

/* The last component of a path. */
static inline const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ASCII letters compare without case; the locale plays no part. Inline and by bytes: in searches of tables
 * nearly every call ends at the first. */
static inline bool text_is_nocase(struct text a, const char *b)
{
	for (uint32_t i = 0; i < a.len; i++)
		if (b[i] == '\0' || char_lower(b[i]) != char_lower(a.ptr[i]))
			return false;
	return b[a.len] == '\0';
}

bool text_equal_nocase(struct text a, struct text b);
/* Order of bytes, shorter first: what strcmp would say. */
static inline int text_compare(struct text a, struct text b)
{
	uint32_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;

	if (order)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

/* In quotes, single or double, with something between them. */
static inline bool text_is_quoted(struct text a)
{
	return a.len > 2 && (a.ptr[0] == '"' || a.ptr[0] == '\'') && a.ptr[a.len - 1] == a.ptr[0];
}

/* Without spaces, tabs and CRs at both ends. */
struct text text_trim(struct text a);
/* Cuts the next line off *rest, with its LF if there is one; false at the end. */
bool text_cut_line(struct text *rest, struct text *line);
/* The same, without the LF. */
bool text_next_line(struct text *rest, struct text *line);
/* 1, on, yes or true; 0, off, no or false. */
bool text_is_true(struct text a);
bool text_is_false(struct text a);
/* Index of `c`, or -1. */
static inline long text_find(struct text a, char c)
{
	const char *at = a.len ? memchr(a.ptr, c, a.len) : NULL;

	return at ? at - a.ptr : -1;
}

bool text_all_digits(struct text a);
/* Reads decimal digits only; false if empty, no number, or above `max`. */
bool text_to_number(struct text a, uint64_t max, uint64_t *value);
/* Levenshtein distance with adjacent swaps, without case; stops at `limit`. */
unsigned text_distance(struct text a, struct text b, unsigned limit);

/* The value of a hexadecimal digit, or -1. */
static inline int char_hex_value(char c)
{
	if (char_is_digit(c))
		return c - '0';
	c = char_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline char hex_digit(unsigned value)
{
	return "0123456789abcdef"[value & 15];
}

/* Writes 2 * `count` hexadecimal digits in lower case, and a NUL. */
void hex_print(char *hex, const void *bytes, size_t count);
/* Reads 2 * `count` hexadecimal digits; false if there are others. */
bool hex_read(const char *hex, void *bytes, size_t count);

/* ---- less than, equal to or greater than 0, for qsort() and bsearch() ---- */

static inline int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Of array elements that are such a number, or begin with one. */
static inline int compare_u64(const void *a, const void *b)
{
	return compare_numbers(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* The same. */
static inline int compare_u32(const void *a, const void *b)
{
	return compare_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Of array elements that begin with their name, a struct text. */
static inline int compare_names(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Of array elements that begin with a digest of 16 or of 32 bytes. */
static inline int compare_digests_16(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static inline int compare_digests_32(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* Of array elements that begin with a pointer to a string. */
static inline int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#endif
