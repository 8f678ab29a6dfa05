/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the system's resolver: the only place where a compilation may wait for
 * the network, and only with --resolve. */
#ifndef PVEFW_LOOKUP_H
#define PVEFW_LOOKUP_H

#include "net/address.h"
#include "base/arena.h"

struct lookup {
	struct prefix *addresses; /* as the resolver orders them */
	uint32_t count;
	const char *reason; /* why there are none, for people; else NULL */
};

struct lookup lookup_host(struct arena *arena, const char *name);
/* The addresses in the order of their bytes, a space between two: resolvers change the order from answer to answer. */
struct text lookup_print(struct arena *arena, const struct lookup *found);

#endif
