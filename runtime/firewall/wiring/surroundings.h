/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a compilation takes from the machine and not from the tree: the local network, altnames, and the addresses of host
 * names.
 *
 * The answers to each compilation are noted.  The same questions are asked again after a message of rtnetlink, a change of
 * the resolver's files in /etc, and every minute if a name is resolved; the handler is called if an answer has changed.  A
 * thread asks, as a resolver may take half a minute to give up.
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
/* Notes the answers to a compilation that ran with `options`.  True if they differ from those to the one before. */
bool surroundings_note(struct surroundings *s, const struct inputs *inputs, const struct input_options *options);
/* Asks again, now or after the pause. */
void surroundings_check(struct surroundings *s);

#endif
