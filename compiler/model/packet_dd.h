/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reduced ordered binary decision diagrams: functions of variables 0, 1, 2, ... that are true or false.  A
 * function is the number of a node, and equal functions of one context have equal numbers.
 *
 * A context has a budget of steps and of memory.  When it is exceeded, `over` is set, and all numbers that
 * were made since, or are made from then on, are void.
 */
#ifndef PVEFW_PACKET_DD_H
#define PVEFW_PACKET_DD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DD_FALSE, DD_TRUE };

struct dd_node {
	uint32_t var;
	uint32_t low, high; /* the function if the variable is 0, and if it is 1 */
	uint32_t next;      /* of its hash chain */
};

struct dd {
	struct dd_node *nodes;
	uint32_t count, room;
	uint32_t *heads; /* of the hash chains; as many as `room` */
	struct dd_memo *memo;
	uint32_t memo_room;
	uint32_t vars;
	uint64_t steps, step_budget;
	size_t byte_budget;
	bool over;
};

/* A context is empty first: all bytes 0. */
void dd_free(struct dd *d);
/* Makes the context one of `vars` variables without nodes and with its budget unused; keeps a part of its
 * memory. */
void dd_reset(struct dd *d, uint32_t vars);
size_t dd_bytes(const struct dd *d);

/* The function that is `low` if `var` is 0, else `high`; both ask later variables only. */
uint32_t dd_make(struct dd *d, uint32_t var, uint32_t low, uint32_t high);
uint32_t dd_and(struct dd *d, uint32_t a, uint32_t b);
uint32_t dd_or(struct dd *d, uint32_t a, uint32_t b);
uint32_t dd_minus(struct dd *d, uint32_t a, uint32_t b);
uint32_t dd_xor(struct dd *d, uint32_t a, uint32_t b);
static inline uint32_t dd_not(struct dd *d, uint32_t a)
{
	return dd_minus(d, DD_TRUE, a);
}

/* Whether some values of the variables outside of [first, first + count) make `a` true: a function of those
 * variables only. */
uint32_t dd_project(struct dd *d, uint32_t a, uint32_t first, uint32_t count);
/* How many nodes it has. */
uint32_t dd_size(const struct dd *d, uint32_t a);

#endif
