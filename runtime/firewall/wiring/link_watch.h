/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Noticing that this machine's interfaces, addresses or connected networks have changed: rtnetlink
 * tells whoever listens.
 *
 * The handler runs a tenth of a second after the first sign, in the event loop.  A handler that asks
 * the kernel in turn (with 1,000 guests a dump of all links takes 20 ms) is not called again before twenty
 * times the time that it took: guests that start and stop all the time cost no more than 5 % of a processor.
 */
#ifndef PVEFW_LINK_WATCH_H
#define PVEFW_LINK_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct mnl_socket;

/* Bits. */
enum link_change {
	LINK_CHANGE_LINK = 1,    /* a link came or went, or its name, altnames, master or state changed */
	LINK_CHANGE_ADDRESS = 2, /* an address came, went or changed */
	LINK_CHANGE_NETWORK = 4, /* a connected network of the main table came or went */
	LINK_CHANGE_ALL = 7,     /* messages were lost */
};

typedef void link_watch_handler(void *context, unsigned changes);

struct link_watch {
	struct mnl_socket *socket; /* NULL: nobody listens */
	sd_event_source *source, *timer;
	unsigned changes;  /* since the handler ran last */
	uint64_t earliest; /* microseconds, CLOCK_MONOTONIC: the handler does not run before */
	link_watch_handler *handler;
	void *context;
};

/* Listens; 0 or an errno.  Changes from then on are told, earlier ones are not. */
int link_watch_start(struct link_watch *w, sd_event *event, link_watch_handler *handler, void *context);
/* May be called when nobody listens. */
void link_watch_stop(struct link_watch *w);

#endif
