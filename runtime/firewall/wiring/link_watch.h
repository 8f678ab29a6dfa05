/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches this machine's interfaces, addresses and connected networks by rtnetlink.
 *
 * The handler runs in the event loop, a tenth of a second after the first change.  It is called again after twenty times the
 * time that it took: a dump of all links takes 20 ms with 1,000 guests, and those that start and stop all the time must not
 * cost more than 5 % of a processor.
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
	struct mnl_socket *socket; /* NULL: not listening */
	sd_event_source *source, *timer;
	unsigned changes;  /* since the handler ran last */
	uint64_t earliest; /* microseconds, CLOCK_MONOTONIC: the handler does not run before */
	link_watch_handler *handler;
	void *context;
};

/* Starts to listen; 0 or an errno.  Earlier changes are not reported. */
int link_watch_start(struct link_watch *w, sd_event *event, link_watch_handler *handler, void *context);
/* May be called without link_watch_start(). */
void link_watch_stop(struct link_watch *w);

#endif
