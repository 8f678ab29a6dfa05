/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from files and command lines as it may go to a terminal: whatever could
 * act on it, or could hide what the text really is, is written as an escape.
 */
#ifndef PVEFW_VISIBLE_H
#define PVEFW_VISIBLE_H

#include "base/output.h"
#include "base/text.h"

enum { VISIBLE_SIZE = 16 };

/*
 * One character of `len` > 0 bytes, NUL-terminated in `shown`: itself; or \x1b for
 * control characters and bytes that are not UTF-8; or \u{202e} for characters
 * without a width, and those that change the direction of writing.  Returns the
 * bytes it took, and in *columns the columns it needs.
 */
uint32_t visible_char(const char *bytes, uint32_t len, char shown[VISIBLE_SIZE], unsigned *columns);
void out_visible(struct out *out, struct text t);

#endif
