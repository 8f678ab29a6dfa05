/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes are never freed: a context answers one question.  They lie in one array; hash chains find equal ones.
 * Results of operations are kept in a table where a new one takes the place of an old one.  Both begin small,
 * since most questions are, and grow together.
 */
#include "model/packet_dd.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

enum dd_operation { DD_UNUSED, DD_AND, DD_OR, DD_MINUS, DD_XOR, DD_PROJECT };

struct dd_memo {
	uint32_t operation, a, b, result;
};

enum {
	DD_ROOM = 1 << 10, /* to begin with, of nodes and of the memo */
	DD_ROOM_KEPT = 1 << 14,
	DD_MEMO_ROOM_MAX = 1 << 22, /* 64 MiB */
};

static inline uint32_t dd_hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = (uint64_t)a * 0x9e3779b97f4a7c15u ^ (uint64_t)b * 0xc2b2ae3d27d4eb4fu ^
		     (uint64_t)c * 0x165667b19e3779f9u;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return (uint32_t)(h ^ h >> 32);
}

void dd_free(struct dd *d)
{
	free(d->nodes);
	free(d->heads);
	free(d->memo);
	*d = (struct dd){ 0 };
}

static void dd_allocate(struct dd *d, uint32_t room)
{
	d->room = d->memo_room = room;
	d->nodes = xmalloc(room * sizeof(*d->nodes));
	d->heads = xmalloc(room * sizeof(*d->heads));
	d->memo = xmalloc(room * sizeof(*d->memo));
}

void dd_reset(struct dd *d, uint32_t vars)
{
	/* Large tables are kept while they are used. */
	if (d->room > DD_ROOM_KEPT && d->count < d->room / 8) {
		struct dd empty = { .step_budget = d->step_budget, .byte_budget = d->byte_budget };

		dd_free(d);
		*d = empty;
	}
	if (!d->room)
		dd_allocate(d, DD_ROOM);
	memset(d->heads, 0, d->room * sizeof(*d->heads));
	memset(d->memo, 0, d->memo_room * sizeof(*d->memo));
	d->nodes[DD_FALSE] = (struct dd_node){ vars, DD_FALSE, DD_FALSE, 0 };
	d->nodes[DD_TRUE] = (struct dd_node){ vars, DD_TRUE, DD_TRUE, 0 };
	d->count = 2;
	d->vars = vars;
	d->steps = 0;
	d->over = false;
}

static size_t dd_bytes_of(uint32_t room, uint32_t memo_room)
{
	return room * (sizeof(struct dd_node) + sizeof(uint32_t)) + memo_room * sizeof(struct dd_memo);
}

size_t dd_bytes(const struct dd *d)
{
	return dd_bytes_of(d->room, d->memo_room);
}

static void dd_grow_nodes(struct dd *d, uint32_t room)
{
	d->nodes = xrealloc(d->nodes, room * sizeof(*d->nodes));
	free(d->heads);
	d->heads = xcalloc(room, sizeof(*d->heads));
	d->room = room;
	for (uint32_t i = 2; i < d->count; i++) {
		struct dd_node *n = &d->nodes[i];
		uint32_t *head = &d->heads[dd_hash(n->var, n->low, n->high) & (room - 1)];

		n->next = *head;
		*head = i;
	}
}

static void dd_grow_memo(struct dd *d, uint32_t room)
{
	struct dd_memo *memo = xcalloc(room, sizeof(*memo));

	for (uint32_t i = 0; i < d->memo_room; i++) {
		const struct dd_memo *m = &d->memo[i];

		if (m->operation != DD_UNUSED)
			memo[dd_hash(m->operation, m->a, m->b) & (room - 1)] = *m;
	}
	free(d->memo);
	d->memo = memo;
	d->memo_room = room;
}

/* False if the budget does not allow it. */
static bool dd_grow(struct dd *d)
{
	uint32_t memo_room = d->memo_room < DD_MEMO_ROOM_MAX ? d->room * 2 : d->memo_room;

	if (d->over || d->room > UINT32_MAX / 4 || dd_bytes_of(d->room * 2, memo_room) > d->byte_budget) {
		d->over = true;
		return false;
	}
	dd_grow_nodes(d, d->room * 2);
	if (memo_room != d->memo_room)
		dd_grow_memo(d, memo_room);
	return true;
}

uint32_t dd_make(struct dd *d, uint32_t var, uint32_t low, uint32_t high)
{
	uint32_t hash, at;

	if (low == high)
		return low;
	hash = dd_hash(var, low, high);
	for (at = d->heads[hash & (d->room - 1)]; at; at = d->nodes[at].next)
		if (d->nodes[at].low == low && d->nodes[at].high == high && d->nodes[at].var == var)
			return at;
	if (d->count == d->room && !dd_grow(d))
		return DD_FALSE;
	at = d->count++;
	d->nodes[at] = (struct dd_node){ var, low, high, d->heads[hash & (d->room - 1)] };
	d->heads[hash & (d->room - 1)] = at;
	return at;
}

/* Results that need no steps; false if it needs some. */
static inline bool dd_is_trivial(enum dd_operation operation, uint32_t a, uint32_t b, uint32_t *result)
{
	switch (operation) {
	case DD_AND:
		*result = a < b ? a : b; /* of equal ones, and with DD_FALSE */
		if (*result == DD_TRUE)
			*result = a < b ? b : a;
		return a == b || a <= DD_TRUE || b <= DD_TRUE;
	case DD_OR:
		*result = a == DD_FALSE ? b : b == DD_FALSE || a == b ? a : DD_TRUE;
		return a == b || a <= DD_TRUE || b <= DD_TRUE;
	case DD_MINUS:
		*result = b == DD_FALSE ? a : DD_FALSE;
		return a == DD_FALSE || b <= DD_TRUE || a == b;
	default:
		*result = a == b ? DD_FALSE : a == DD_FALSE ? b : a;
		return a == b || a == DD_FALSE || b == DD_FALSE;
	}
}

static bool dd_step(struct dd *d)
{
	if (++d->steps > d->step_budget)
		d->over = true;
	return !d->over;
}

static uint32_t dd_apply(struct dd *d, enum dd_operation operation, uint32_t a, uint32_t b)
{
	struct dd_node x, y;
	const struct dd_memo *memo;
	uint32_t result, hash, var, low, high;

	if (dd_is_trivial(operation, a, b, &result))
		return result;
	if (operation != DD_MINUS && a > b) {
		uint32_t swapped = a;

		a = b;
		b = swapped;
	}
	if (!dd_step(d))
		return DD_FALSE;
	hash = dd_hash(operation, a, b);
	memo = &d->memo[hash & (d->memo_room - 1)];
	if (memo->operation == operation && memo->a == a && memo->b == b)
		return memo->result;
	x = d->nodes[a];
	y = d->nodes[b];
	var = x.var < y.var ? x.var : y.var;
	low = dd_apply(d, operation, x.var == var ? x.low : a, y.var == var ? y.low : b);
	high = dd_apply(d, operation, x.var == var ? x.high : a, y.var == var ? y.high : b);
	result = dd_make(d, var, low, high);
	if (!d->over)
		d->memo[hash & (d->memo_room - 1)] = (struct dd_memo){ operation, a, b, result };
	return result;
}

uint32_t dd_and(struct dd *d, uint32_t a, uint32_t b)
{
	return dd_apply(d, DD_AND, a, b);
}

uint32_t dd_or(struct dd *d, uint32_t a, uint32_t b)
{
	return dd_apply(d, DD_OR, a, b);
}

uint32_t dd_minus(struct dd *d, uint32_t a, uint32_t b)
{
	return dd_apply(d, DD_MINUS, a, b);
}

uint32_t dd_xor(struct dd *d, uint32_t a, uint32_t b)
{
	return dd_apply(d, DD_XOR, a, b);
}

uint32_t dd_project(struct dd *d, uint32_t a, uint32_t first, uint32_t count)
{
	struct dd_memo *memo;
	struct dd_node n;
	uint32_t hash, low, high, result;

	/* All that `a` asks comes later: something makes it true, unless it is false. */
	if (a <= DD_TRUE || !count || d->nodes[a].var >= first + count)
		return a != DD_FALSE;
	if (!dd_step(d))
		return DD_FALSE;
	/* The end of the variables follows from where they begin. */
	hash = dd_hash(DD_PROJECT, a, first);
	memo = &d->memo[hash & (d->memo_room - 1)];
	if (memo->operation == DD_PROJECT && memo->a == a && memo->b == first)
		return memo->result;
	n = d->nodes[a];
	low = dd_project(d, n.low, first, count);
	/* Nothing more can be added. */
	high = n.var < first && low == DD_TRUE ? DD_TRUE : dd_project(d, n.high, first, count);
	result = n.var < first ? dd_or(d, low, high) : dd_make(d, n.var, low, high);
	if (!d->over)
		d->memo[hash & (d->memo_room - 1)] = (struct dd_memo){ DD_PROJECT, a, first, result };
	return result;
}

static uint32_t dd_count(const struct dd *d, uint32_t a, uint8_t *seen)
{
	if (a <= DD_TRUE || seen[a >> 3] & 1 << (a & 7))
		return 0;
	seen[a >> 3] |= (uint8_t)(1 << (a & 7));
	return 1 + dd_count(d, d->nodes[a].low, seen) + dd_count(d, d->nodes[a].high, seen);
}

uint32_t dd_size(const struct dd *d, uint32_t a)
{
	uint8_t *seen = xcalloc(d->count / 8 + 1, 1);
	uint32_t size = dd_count(d, a, seen);

	free(seen);
	return size;
}
