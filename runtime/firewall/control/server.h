/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small server on a stream socket, part of the event loop: a client sends a request, gets an answer, and is disconnected.
 * A slow client delays nobody else. */
#ifndef PVEFW_SERVER_H
#define PVEFW_SERVER_H

#include <systemd/sd-event.h>

#include "base/output.h"

/* Appends the answer to a request; false: the request is not complete yet. */
typedef bool server_handler(void *context, struct text request, struct out *answer);

struct server {
	int fd;
	sd_event *event;
	sd_event_source *source;
	server_handler *handler;
	void *context;
	struct server_client *clients;
	unsigned client_count;
};

/* Serves on `fd`, a listening socket (or -1 with errno set), and owns it from then on; 0 or an errno. */
int server_open(struct server *server, sd_event *event, int fd, server_handler *handler, void *context);
void server_close(struct server *server);

#endif
