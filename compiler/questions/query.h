/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For which packets an action is taken: exact sets of what a command line leaves open, with the lines that
 * decide.
 *
 * Asked are ordinary packets: unicast, new connections unless another state is asked for, and TCP with SYN
 * then.
 */
#ifndef PVEFW_QUERY_H
#define PVEFW_QUERY_H

#include <jansson.h>

#include "format/diag_text.h"
#include "questions/packet_request.h"

/* Which part of the packets is printed. */
enum query_part {
	QUERY_ROWS, /* all, as rows */
	QUERY_SOURCE,
	QUERY_DEST,
	QUERY_SERVICE,
	QUERY_ZONE,
};

struct query {
	/* Set before query_run(). */
	const struct config *config;
	const struct source_map *map;
	const struct backend *target;     /* NULL: what is written */
	const struct packet_words *words; /* zones may be "any" */
	struct model_budget budget;
	const char *action; /* ACCEPT, DROP, REJECT, DENY or QUEUE */
	enum query_part part;
	uint32_t limit;  /* rows; what is beyond is counted */
	struct out *out; /* text for people; or NULL */
	bool colour;
	json_t *json; /* an object that gets the answer; or NULL */

	/* Set by query_run(). */
	uint32_t found;       /* decisions with packets of the action */
	uint32_t printed;     /* rows */
	uint32_t not_printed; /* decisions beyond the limit */
	bool rows_cut;        /* rows beyond the limit */
	const char *error;    /* why nothing is answered, or not all; from `arena` */
	struct arena arena;   /* freed by query_end() */
};

/* Prints the answers of all paths; false: query->error. */
bool query_run(struct query *query);
void query_end(struct query *query);

#endif
