/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of the language, of the tools and of the kernel; their values are rows of limits.def, and the
 * only copies of these numbers.
 */
#ifndef PVEFW_LIMIT_TABLE_H
#define PVEFW_LIMIT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* LIMIT_<ID>: the value. */
enum {
#define LIMIT(ID, value, treatment, text, source) LIMIT_##ID = (value),
#include "lang/limits.def"
#undef LIMIT
};

enum limit_treatment {
	LIMIT_IS_ERROR, /* the line is reported and left out */
	LIMIT_IS_SPLIT, /* the rule becomes several with the same meaning */
	LIMIT_IS_NEVER, /* the output cannot get there */
};

struct limit_row {
	const char *id;
	int64_t value;
	enum limit_treatment treatment;
	const char *text, *source;
};

extern const struct limit_row limit_table[];
extern const unsigned limit_count;

/* Whether the kernel takes a limit of `rate` packets in `seconds` with this burst (0: none
 * given): the time in which a burst is made up for is limited by LIMIT_LOG_REFILL. */
bool limit_refill_fits(uint32_t rate, uint32_t seconds, uint32_t burst);

#endif
