/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: how the commands speak with the service.  A request is one line,
 * a JSON object with the member "command"; so is the answer, and then the connection
 * is closed.
 */
#ifndef PVEFW_CONTROL_H
#define PVEFW_CONTROL_H

#include <jansson.h>

#include "firewall/control/server.h"

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

/* How long to wait for an answer, in milliseconds: the service may be busy applying. */
struct control_patience {
	int first; /* after this, and each time again, `goes_on` decides */
	int all;
	bool (*goes_on)(void *context); /* NULL: it does */
	void *context;
};

/*
 * Asks the service of a run directory.  Takes the request.  NULL with errno set: ENOENT or ECONNREFUSED when no
 * service runs; ETIMEDOUT when it does not answer in time.
 */
json_t *control_ask(const char *run_path, json_t *request, const struct control_patience *patience);

#endif
