/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lang/limit_table.h"

const struct limit_row limit_table[] = {
#define LIMIT(ID, value, treatment, text, source) { #ID, value, LIMIT_IS_##treatment, text, source },
#include "lang/limits.def"
#undef LIMIT
};

const unsigned limit_count = sizeof(limit_table) / sizeof(limit_table[0]);

bool limit_refill_fits(uint32_t rate, uint32_t seconds, uint32_t burst)
{
	/* xt_limit counts in ticks, LIMIT_LOG_RATE a second, and cuts off the rest. */
	uint64_t ticks = (uint64_t)LIMIT_LOG_RATE * seconds / rate;

	return ticks * (burst ? burst : LIMIT_LOG_BURST_DEFAULT) / LIMIT_LOG_RATE <= LIMIT_LOG_REFILL;
}
