/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from files and command lines as it may go to a terminal: whatever could act on it, or could hide what
 * the text really is, is written as an escape.
 */
#ifndef PVEFW_ESCAPE_H
#define PVEFW_ESCAPE_H

#include "base/output.h"
#include "base/text.h"

enum { ESCAPE_SIZE = 16 };

/*
 * One character of `len` > 0 bytes, NUL-terminated in `shown`: itself; or \x1b for control characters and
 * bytes that are not UTF-8; or \u{202e} for characters without a width, and those that change the direction
 * of writing. Returns the bytes it took, and in *columns the columns it needs.
 */
uint32_t escape_char(const char *bytes, uint32_t len, char shown[ESCAPE_SIZE], unsigned *columns);
void out_escaped(struct out *out, struct text t);

#endif
