/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two texts, by lines. */
#ifndef PVEFW_LINE_DIFF_H
#define PVEFW_LINE_DIFF_H

#include "base/output.h"

/* How many lines of `before` are removed and how many of `after` are added. */
void line_diff_count(struct text before, struct text after, unsigned *removed, unsigned *added);
/* Prints the hunks of a unified diff with three lines of context, escaped for terminals; nothing if the texts are equal. */
void line_diff_print(struct out *out, struct text before, struct text after);

#endif
