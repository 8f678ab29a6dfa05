/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoding UTF-8 and measuring it, without a locale. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static int32_t continuation(const char *bytes, uint32_t count, int32_t point)
{
	for (uint32_t i = 1; i <= count; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if ((c & 0xc0) != 0x80)
			return -1;
		point = point << 6 | (c & 0x3f);
	}
	return point;
}

uint32_t utf8_decode(const char *bytes, uint32_t len, int32_t *point)
{
	static const int32_t smallest[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)bytes[0];
	uint32_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;

	*point = -1;
	if (more >= len || (c >= 0x80 && c < 0xc2) || c > 0xf4)
		return 1;
	*point = continuation(bytes, more, more ? c & (0x3f >> more) : c);
	if (*point < smallest[more] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		*point = -1;
	return *point < 0 ? 1 : more + 1;
}

struct utf8_length utf8_length(const char *bytes, uint32_t len)
{
	struct utf8_length length = { 0, 0 };
	uint32_t at = 0, beyond = 0; /* characters that are two units */
	int32_t point = 0;

	while (at < len) {
		uint64_t eight = UINT64_MAX; /* most text is ASCII, which is counted eight bytes at a time */
		bool ascii;

		if (len - at >= sizeof(eight))
			memcpy(&eight, bytes + at, sizeof(eight));
		ascii = (eight & 0x8080808080808080) == 0;
		at += ascii ? 8 : utf8_decode(bytes + at, len - at, &point);
		length.characters += ascii ? 8 : 1;
		beyond += !ascii && point > 0xffff;
	}
	length.units = length.characters + beyond;
	return length;
}

/* Ranges of Unicode 15's East_Asian_Width W and F, and of the combining marks that people put in comments;
 * coarse on purpose. */
struct width_range {
	int32_t first, last;
	unsigned width;
};

static const struct width_range widths[] = {
	{ 0x0300, 0x036f, 0 },   { 0x0483, 0x0489, 0 },   { 0x0591, 0x05bd, 0 },   { 0x064b, 0x065f, 0 },
	{ 0x1100, 0x115f, 2 },   { 0x1ab0, 0x1aff, 0 },   { 0x1dc0, 0x1dff, 0 },   { 0x200b, 0x200f, 0 },
	{ 0x20d0, 0x20ff, 0 },   { 0x231a, 0x231b, 2 },   { 0x23e9, 0x23ec, 2 },   { 0x2614, 0x2615, 2 },
	{ 0x26a1, 0x26a1, 2 },   { 0x2705, 0x2705, 2 },   { 0x274c, 0x274c, 2 },   { 0x2e80, 0x303e, 2 },
	{ 0x3041, 0x33ff, 2 },   { 0x3400, 0x4dbf, 2 },   { 0x4e00, 0x9fff, 2 },   { 0xa000, 0xa4cf, 2 },
	{ 0xac00, 0xd7a3, 2 },   { 0xf900, 0xfaff, 2 },   { 0xfe00, 0xfe0f, 0 },   { 0xfe20, 0xfe2f, 0 },
	{ 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },   { 0x1f300, 0x1f64f, 2 },
	{ 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
};

unsigned utf8_width(int32_t point)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (point >= widths[i].first && point <= widths[i].last)
			return widths[i].width;
	return 1;
}
