/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket, at which the service answers the commands.  A request is one line, a JSON object with the member
 * "command"; so is the answer, after which the connection is closed.
 */
#ifndef PVEFW_CONTROL_H
#define PVEFW_CONTROL_H

#include <jansson.h>

#include "firewall/control/server.h"

#define CONTROL_SOCKET "control.sock" /* in the run directory */

/* Answers a request; the caller owns the answer.  NULL: there is no such command. */
typedef json_t *control_handler(void *context, const char *command, const json_t *request);

struct control {
	struct server server;
	control_handler *handler;
	void *context;
};

/* Listens at the socket, which only root can use; 0 or an errno. */
int control_open(struct control *control, sd_event *event, const char *run_path, control_handler *handler,
		 void *context);
void control_close(struct control *control);

#endif
