/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to one packet, and why.
 *
 * What the packet leaves open is chosen: an ordinary packet of those asked for.  It is said what was chosen,
 * if a rule asks for it, and what would fare otherwise.
 */
#ifndef PVEFW_SIMULATE_H
#define PVEFW_SIMULATE_H

#include <jansson.h>

#include "format/diag_text.h"
#include "questions/packet_request.h"

/* A part of the packet that was chosen. */
struct taken_field {
	const char *name;  /* "source" */
	const char *given; /* as written: of several values one was taken; NULL: any */
	const char *value;
	const char *others; /* "10.0.0.0/8: ACCEPT, firewall/101.fw:3": what fares otherwise; or NULL */
};

struct simulation {
	struct asked asked;
	struct packet_request request;
	struct question question;
	bool is_open; /* the question */
	unsigned family;
	const struct source_map *map;
	const struct backend *backend; /* the target; NULL: what is written */
	const char *target;            /* its name */

	struct model_packet packet;
	struct decision *decision;
	struct decision *without; /* without the deciding line; NULL: no line decides */
	struct taken_field *taken;
	uint32_t taken_count;
	const char *const *notes; /* ended by NULL */
	const char *error;        /* why there is no decision */
};

/*
 * Asks `target`, or what is written if it is NULL.  Returns false if there is no decision, with
 * simulation->error. Ended by simulate_end() in any case.
 */
bool simulate(struct simulation *s, const struct config *config, const struct source_map *map,
	      const struct backend *target, const struct packet_words *words, struct model_budget budget);
void simulate_end(struct simulation *s);

/* For people; `verbose` shows the chains of each stage in a line. */
void simulate_print(struct out *out, struct simulation *s, bool verbose, bool colour);
/* The caller owns the object. */
json_t *simulate_json(struct simulation *s);
/* Whether the packet fares as `action` says: ACCEPT, DROP, REJECT, QUEUE, or DENY, which is DROP or REJECT. */
bool simulate_is(const struct simulation *s, const char *action);

#endif
