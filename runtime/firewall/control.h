/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: how the commands speak with the service.  A request is one line,
 * a JSON object with the member "command"; so is the answer, and then the connection
 * is closed.
 */
#ifndef PVEFW_CONTROL_H
#define PVEFW_CONTROL_H

#include <jansson.h>

#include "firewall/server.h"

/* Answers a request; the result is the caller's.  NULL: there is no such command. */
typedef json_t *control_handler(void *context, const char *command, const json_t *request);

struct control {
	struct server server;
	control_handler *handler;
	void *context;
};

/* Listens at RUN/control.sock, for root only; 0 or an errno. */
int control_open(struct control *control, sd_event *event, const char *run_path, control_handler *handler,
		 void *context);
void control_close(struct control *control);

/*
 * Asks the service of a run directory, and waits up to `wait` milliseconds for the answer (it may be
 * busy applying).  Takes the request.  NULL with errno set: ENOENT or ECONNREFUSED when no service runs.
 */
json_t *control_ask(const char *run_path, json_t *request, int wait);

#endif
