/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of addresses that are too long for one argument of iptables-restore.
 *
 * iptables itself makes a rule of each address of a list, so a list can be cut at any
 * comma: several rules with a part of it each match what one with all of it would. A
 * list that fits is left alone, for the output is compared with the stock compiler's.
 */
#include "xtables/lower/xtables.h"

#include "lang/limit_table.h"

/* Where the part that begins at `from` ends: at a comma, or at the end of the list. */
static uint32_t end_of_part(struct text list, uint32_t from)
{
	uint32_t end = list.len;

	if (list.len - from <= LIMIT_ARGUMENT)
		return end;
	for (end = from + LIMIT_ARGUMENT; list.ptr[end] != ','; end--)
		;
	return end;
}

static uint32_t count_elements(struct text list)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < list.len; i++)
		count += list.ptr[i] == ',';
	return count;
}

const struct endpoint *xt_endpoint_part(struct arena *arena, const struct endpoint *whole,
					const struct endpoint *before)
{
	struct endpoint *part;
	uint32_t from, end;

	if (whole->kind != ENDPOINT_LIST || whole->text.len <= LIMIT_ARGUMENT)
		return before ? NULL : whole;
	from = before ? (uint32_t)(before->text.ptr - whole->text.ptr) + before->text.len + 1 : 0;
	if (from >= whole->text.len)
		return NULL;
	end = end_of_part(whole->text, from);
	part = ARENA_NEW(arena, struct endpoint);
	*part = *whole;
	part->text = (struct text){ whole->text.ptr + from, end - from };
	part->prefixes = before ? before->prefixes + before->count : whole->prefixes;
	part->count = count_elements(part->text);
	return part;
}
