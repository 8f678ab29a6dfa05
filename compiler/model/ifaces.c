/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/program.h"

static bool iface_is_pattern(struct text name)
{
	return name.len && name.ptr[name.len - 1] == '+';
}

/* Whether all interfaces of `name`, which may be a pattern, match the pattern. */
static bool iface_matches(struct text pattern, struct text name)
{
	uint32_t len = pattern.len - 1;

	return name.len - iface_is_pattern(name) >= len && (!len || memcmp(name.ptr, pattern.ptr, len) == 0);
}

struct interval_set model_iface_values(struct arena *arena, const struct model_ifaces *ifaces,
				       struct text name)
{
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, ifaces->count + 1);
	bool is_pattern = iface_is_pattern(name);
	uint32_t count = 0;

	/* "+" matches those that no rule names, too. */
	if (is_pattern && name.len == 1)
		ranges[count++] = (struct interval){ number_small(0), number_small(0) };
	for (uint32_t i = 0; i < ifaces->count; i++) {
		struct text other = ifaces->names[i];

		if (text_equal(other, name) || (is_pattern && iface_matches(name, other)))
			ranges[count++] = (struct interval){ number_small(i + 1), number_small(i + 1) };
	}
	return interval_set_normalize(ranges, count);
}
