/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 as RFC 3629 has it: no surrogates, nothing over-long, at most U+10FFFF. */
#ifndef PVEFW_UTF8_H
#define PVEFW_UTF8_H

#include <stdint.h>

/* Decodes one character of `len` > 0 bytes and returns how many it took. What is not UTF-8 counts as one
 * byte with *point = -1. */
uint32_t utf8_decode(const char *bytes, uint32_t len, int32_t *point);
/* How long text is; bytes that are not UTF-8 count as one each. */
struct utf8_length {
	uint32_t characters;
	uint32_t units; /* of UTF-16 */
};

struct utf8_length utf8_length(const char *bytes, uint32_t len);
/* Columns a terminal uses for a character: 0, 1 or 2 (control: 1). */
unsigned utf8_width(int32_t point);

#endif
