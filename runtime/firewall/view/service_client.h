/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends requests of pve-firewall's commands to the service, and reports its replies. */
#ifndef PVEFW_SERVICE_CLIENT_H
#define PVEFW_SERVICE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

struct cli;

/*
 * Asks the service; takes the request, and the caller owns the answer.  NULL: no service runs (*missing), or it was
 * reported why there is no answer.  Waits up to three minutes, as the service may be busy applying, but gives up early on
 * one whose tree hangs.
 */
json_t *client_ask(const struct cli *cli, json_t *request, bool *missing);
/* Asks the service, but waits at most `limit` milliseconds. */
json_t *client_ask_within(const struct cli *cli, json_t *request, int limit, bool *missing);
/* Whether the last request was given up because the tree hangs. */
bool client_tree_hangs(void);
/* Prints the message of the answer, or reports its error and what is left out.  Frees the answer; returns the exit
 * status. */
int client_end(json_t *answer);

#endif
