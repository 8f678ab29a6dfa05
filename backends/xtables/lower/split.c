/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of addresses that are too long for one argument of iptables-restore.
 *
 * iptables makes a rule of each address of a list, so a list can be cut at any comma: rules
 * with a part each match what one with the whole list matches. A list that fits stays whole,
 * because the output is compared with the stock compiler's.
 */
#include "xtables/lower/xtables.h"

#include "lang/limit_table.h"

const struct endpoint *xt_list_cut(struct arena *arena, const struct endpoint *whole, const struct endpoint *before)
{
	struct endpoint *part;
	uint32_t from, end = whole->text.len;

	from = before ? (uint32_t)(before->text.ptr - whole->text.ptr) + before->text.len + 1 : 0;
	if (from >= end)
		return NULL;
	if (end - from > LIMIT_ARGUMENT)
		for (end = from + LIMIT_ARGUMENT; whole->text.ptr[end] != ','; end--)
			;
	part = ARENA_NEW(arena, struct endpoint);
	*part = *whole;
	part->text = (struct text){ whole->text.ptr + from, end - from };
	part->prefixes = before ? before->prefixes + before->count : whole->prefixes;
	part->count = 1;
	for (uint32_t i = 0; i < part->text.len; i++)
		part->count += part->text.ptr[i] == ',';
	return part;
}
