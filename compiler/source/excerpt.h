/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of source as it is shown below a diagnostic: laid out in terminal columns, and cut around the
 * interesting part when it is long.
 */
#ifndef PVEFW_EXCERPT_H
#define PVEFW_EXCERPT_H

#include "base/output.h"

struct excerpt {
	struct text line;  /* of a very long line the part that is laid out: */
	uint32_t skipped;  /* bytes before it */
	bool more;         /* more text follows */
	uint32_t from, to; /* its columns that are shown, counted from 0 */
	uint32_t width;    /* of all of it */
};

/* The part of `line` to show for its bytes [begin, end). */
struct excerpt excerpt_of(struct text line, uint32_t begin, uint32_t end);
void excerpt_print(struct out *out, const struct excerpt *e);
/* Where the bytes [begin, end) stand in what is printed: column *at, counted from 0, and *count columns,
 * at least one. False if no part of them is shown. */
bool excerpt_find(const struct excerpt *e, uint32_t begin, uint32_t end, uint32_t *at, uint32_t *count);

#endif
