/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making text harmless for terminals and its readers. */
#include "base/escape.h"

#include <stdio.h>

#include "base/utf8.h"

/* Characters that do not stand for themselves on a terminal: separators of lines, marks and overrides of
 * direction, invisible operators, tags. Combining marks are left alone. */
static const struct {
	int32_t first, last;
} hidden[] = {
	{ 0x00ad, 0x00ad }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
};

uint32_t escape_char(const char *bytes, uint32_t len, char shown[ESCAPE_SIZE], unsigned *columns)
{
	int32_t point;
	uint32_t taken;
	bool escaped;

	/* Nearly everything is plain ASCII. */
	if (bytes[0] >= ' ' && bytes[0] < 0x7f) {
		shown[0] = bytes[0];
		shown[1] = '\0';
		*columns = 1;
		return 1;
	}
	taken = utf8_decode(bytes, len, &point);
	escaped = point >= 0x80 && point < 0xa0;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		escaped |= point >= hidden[i].first && point <= hidden[i].last;
	if (point < 0x20 || point == 0x7f) /* below 0: not UTF-8 */
		*columns = (unsigned)snprintf(shown, ESCAPE_SIZE, "\\x%02x", (unsigned char)bytes[0]);
	else if (escaped)
		*columns = (unsigned)snprintf(shown, ESCAPE_SIZE, "\\u{%x}", (unsigned)point & 0x1fffff);
	else {
		memcpy(shown, bytes, taken);
		shown[taken] = '\0';
		*columns = utf8_width(point);
	}
	return taken;
}

void out_escaped(struct out *out, struct text t)
{
	char shown[ESCAPE_SIZE];
	unsigned columns;

	for (uint32_t at = 0; at < t.len;) {
		at += escape_char(t.ptr + at, t.len - at, shown, &columns);
		out_string(out, shown);
	}
}
