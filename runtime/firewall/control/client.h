/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of the control socket: how a command asks the service. */
#ifndef PVEFW_CLIENT_H
#define PVEFW_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

/* How long to wait for an answer, in milliseconds: the service may be busy applying. */
struct control_timeout {
	int first; /* after this, and each time again, `goes_on` decides */
	int all;
	bool (*goes_on)(void *context); /* NULL: it does */
	void *context;
};

/*
 * Asks the service of a run directory.  Takes the request; the caller owns the answer.  NULL with errno set: ENOENT or
 * ECONNREFUSED when no service runs, ETIMEDOUT when it does not answer in time.
 */
json_t *control_ask(const char *run_path, json_t *request, const struct control_timeout *timeout);

#endif
