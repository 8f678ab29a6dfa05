/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of interfaces by their numbers. The kernel is asked once a second at the most for each, so that a new
 * name is seen soon and a flood costs nothing.
 */
#ifndef PVEFW_INTERFACES_H
#define PVEFW_INTERFACES_H

#include "base/text.h"

enum { INTERFACE_SLOTS = 256 };

struct interfaces {
	uint64_t now; /* any count of seconds; the caller sets it */
	struct interface_slot {
		uint32_t index; /* 0: free */
		uint32_t len;
		uint64_t asked;
		char name[64];
	} slots[INTERFACE_SLOTS];
};

/* Returns the index if there is no such interface (any more); without characters that could act on a terminal
 * or end the line. Valid until the next call. */
struct text interface_name(struct interfaces *interfaces, uint32_t index);
/* Sets a name as if the kernel had been asked now. */
void interface_put(struct interfaces *interfaces, uint32_t index, const char *name);

#endif
