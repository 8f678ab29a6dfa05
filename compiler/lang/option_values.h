/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of options: their defaults and their spelling. */
#ifndef PVEFW_OPTION_VALUES_H
#define PVEFW_OPTION_VALUES_H

#include "base/arena.h"
#include "lang/option_table.h"

static inline void *option_member(void *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

/* Sets every option to its default in `options`, the cleared structure of that kind of file. */
void options_defaults(enum file_kind kind, void *options);
/* Returns the value of an option as a file would spell it, "unset" if it has none. */
const char *option_value_text(struct arena *arena, enum option_id id, const void *options);

#endif
