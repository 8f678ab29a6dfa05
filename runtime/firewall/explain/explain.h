/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines with the source line that logged them.
 *
 * The fields of a log line make a packet and say which hooks it passed.  The model is asked what becomes of such packets,
 * and which log rules with the line's prefix they meet.  What the log does not tell, such as the state of the
 * connection, is left open: then there can be several rules or outcomes, and all are named.
 */
#ifndef PVEFW_EXPLAIN_H
#define PVEFW_EXPLAIN_H

#include "firewall/explain/log_rules.h"

struct explainer {
	struct asked *asked; /* the caller opens and closes it */
	const struct source_map *map;
	struct out *out;
	bool json; /* an object a line */
	uint64_t explained, unexplained, passed_through; /* lines: with a rule; without one; that are not of packets */
	struct log_rules rules;
};

/* Prints the line, without its end, and what is known about it. */
void explain_line(struct explainer *e, struct text text);
/* Frees what is kept from line to line. */
void explain_end(struct explainer *e);

#endif
