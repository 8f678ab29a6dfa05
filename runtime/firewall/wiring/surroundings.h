/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a compilation takes from the machine and not from the tree: the local network, altnames, and
 * the addresses that host names resolve to.
 *
 * After each compilation its answers are noted.  When there is reason to (rtnetlink, a change of the files in
 * /etc that the resolver reads, and every minute if a name is resolved), the same questions are asked again; the
 * handler is called if an answer is another one.  A thread asks, because a resolver may take half a
 * minute to give up, and the service has to go on.
 */
#ifndef PVEFW_SURROUNDINGS_H
#define PVEFW_SURROUNDINGS_H

#include <systemd/sd-event.h>

#include "inputs/inputs.h"

struct surroundings_job;

struct surroundings {
	sd_event *event;
	sd_event_source *files, *names, *retry, *done;
	char *node;                    /* whose network is the local one; NULL: it is not asked for */
	bool altnames;                 /* are asked for */
	char *host_names;              /* each ended by a line end; NULL: none */
	char *known;                   /* the answers of the last compilation; NULL: none */
	struct surroundings_job *job;  /* that is asking, or NULL */
	bool again;                    /* there was reason to ask while it did */
	uint64_t earliest;             /* microseconds, CLOCK_MONOTONIC: when to ask again */
	void (*handler)(void *context);
	void *context;
};

/* Returns 0 or an errno.  The handler is called from the event loop. */
int surroundings_open(struct surroundings *s, sd_event *event, void (*handler)(void *context), void *context);
void surroundings_close(struct surroundings *s);
/* Takes over what a compilation was told.  `options` are those it ran with.  True if it differs from what the one before
 * was told. */
bool surroundings_note(struct surroundings *s, const struct inputs *inputs, const struct input_options *options);
/* There is reason to ask again. */
void surroundings_check(struct surroundings *s);

#endif
