/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing and reading pieces of text, independent of the locale. */
#include "base/text.h"

bool text_equal_nocase(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++)
		if (char_lower(a.ptr[i]) != char_lower(b.ptr[i]))
			return false;
	return true;
}

bool text_starts_nocase(struct text a, const char *prefix)
{
	uint32_t len = (uint32_t)strlen(prefix);

	return a.len >= len && text_equal_nocase((struct text){ a.ptr, len }, (struct text){ prefix, len });
}

bool text_all_digits(struct text a)
{
	for (uint32_t i = 0; i < a.len; i++)
		if (!char_is_digit(a.ptr[i]))
			return false;
	return a.len > 0;
}

bool text_to_number(struct text a, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < a.len; i++) {
		uint64_t digit = (uint64_t)(a.ptr[i] - '0');

		/* Numbers of 19 digits do not overflow. */
		if (digit > 9 || (i >= 19 && (n > UINT64_MAX / 10 || digit > UINT64_MAX - n * 10)))
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return a.len > 0 && n <= max;
}

struct text text_trim(struct text a)
{
	while (a.len && char_is_space(a.ptr[0]))
		a = text_skip(a, 1);
	while (a.len && char_is_space(a.ptr[a.len - 1]))
		a.len--;
	return a;
}

bool text_cut_line(struct text *rest, struct text *line)
{
	long end = text_find(*rest, '\n');

	if (!rest->len)
		return false;
	*line = (struct text){ rest->ptr, end < 0 ? rest->len : (uint32_t)end + 1 };
	*rest = text_skip(*rest, line->len);
	return true;
}

bool text_next_line(struct text *rest, struct text *line)
{
	if (!text_cut_line(rest, line))
		return false;
	line->len -= line->ptr[line->len - 1] == '\n';
	return true;
}

bool text_is_true(struct text a)
{
	return text_is(a, "1") || text_equal_nocase(a, TEXT("on")) || text_equal_nocase(a, TEXT("yes")) ||
	       text_equal_nocase(a, TEXT("true"));
}

bool text_is_false(struct text a)
{
	return text_is(a, "0") || text_equal_nocase(a, TEXT("off")) || text_equal_nocase(a, TEXT("no")) ||
	       text_equal_nocase(a, TEXT("false"));
}

void hex_print(char *hex, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < count; i++) {
		*hex++ = hex_digit(from[i] >> 4);
		*hex++ = hex_digit(from[i]);
	}
	*hex = '\0';
}

bool hex_read(const char *hex, void *bytes, size_t count)
{
	uint8_t *to = bytes;

	for (size_t i = 0; i < count; i++) {
		int high = char_hex_value(hex[2 * i]), low = high < 0 ? -1 : char_hex_value(hex[2 * i + 1]);

		if (low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

unsigned text_distance(struct text a, struct text b, unsigned limit)
{
	enum { LONGEST = 64 };
	unsigned rows[3][LONGEST + 1], least, least_above = 0;

	if (a.len > LONGEST || b.len > LONGEST || a.len >= b.len + limit || b.len >= a.len + limit)
		return limit;
	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];

		least = i;
		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			char ca = char_lower(a.ptr[i - 1]), cb = char_lower(b.ptr[j - 1]);

			row[j] = above[j - 1] + (ca != cb);
			row[j] = above[j] + 1 < row[j] ? above[j] + 1 : row[j];
			row[j] = row[j - 1] + 1 < row[j] ? row[j - 1] + 1 : row[j];
			if (i > 1 && j > 1 && ca == char_lower(b.ptr[j - 2]) &&
			    cb == char_lower(a.ptr[i - 2]) && two[j - 2] + 1 < row[j])
				row[j] = two[j - 2] + 1;
			least = row[j] < least ? row[j] : least;
		}
		/* No way leads from two such rows to less. */
		if (least >= limit && least_above >= limit)
			return limit;
		least_above = least;
	}
	return rows[a.len % 3][b.len] < limit ? rows[a.len % 3][b.len] : limit;
}
