/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PVEFW_TRACE_PRINT_H
#define PVEFW_TRACE_PRINT_H

#include <jansson.h>

#include "firewall/trace/trace_answer.h"

/* What a report of a disagreement needs besides the packet. */
struct trace_report {
	const char *target;   /* "nftables" */
	const char *differs;  /* how the loaded rules differ from the files; NULL: they do not */
};

/* For people: the packet, the line that decided, the chains passed, and whether the model agrees. */
void trace_print(struct out *out, struct journey *journey, const struct trace_answer *answer, const struct source_map *map,
		 const struct trace_report *report);
/* The caller owns the object. */
json_t *trace_json(struct journey *journey, const struct trace_answer *answer, const struct source_map *map,
		   const struct trace_report *report);

#endif
