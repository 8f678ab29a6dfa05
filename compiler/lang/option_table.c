/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/option_table.h"

#include "lang/limit_table.h"

const struct option_row option_table[OPTION_COUNT] = {
#define OPTION_ROW(KIND, kind, ID, key, TYPE, member, default_, least, most, text)                    \
	[OPTION_##ID] = { FILE_##KIND, key,   OPTION_##TYPE, offsetof(struct kind##_options, member), \
			  default_,    least, most,          text },
#define OPTION(...) OPTION_ROW(__VA_ARGS__)
#include "lang/options.def"
};

enum option_id option_find(enum file_kind kind, struct text key)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].kind == kind && text_is_nocase(key, option_table[i].key))
			return (enum option_id)i;
	return OPTION_COUNT;
}
