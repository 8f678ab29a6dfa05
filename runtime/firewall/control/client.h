/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that speak with the service, or stand in for it, have in common. */
#ifndef PVEFW_CLIENT_H
#define PVEFW_CLIENT_H

#include <jansson.h>

#include "firewall/service/applied.h"
#include "firewall/service/confirm.h"
#include "firewall/commands/firewall.h"

/*
 * Asks the service.  NULL: none runs (*missing), or it was reported why there is no answer.  Takes the request.
 * Waits long, as the service may be busy applying, but not for one that does not answer while its tree hangs.
 */
json_t *client_ask(const struct cli *cli, json_t *request, bool *missing);
/* The same for no longer than `limit` milliseconds. */
json_t *client_ask_within(const struct cli *cli, json_t *request, int limit, bool *missing);
/* Whether the service was not waited for as its tree hangs. */
bool client_tree_hangs(void);
/* Prints the message of the answer; or reports the error that the answer tells, if any, and gives the answer back. */
int client_end(json_t *answer);

/* What stands in for the service while none runs, with its lock. */
struct substitute {
	int run_dir, lock;
	struct log log;
	struct sysctls sysctls;
	struct applied applied;
	struct confirm confirm;
};

/* False: it was reported why that cannot be.  `killed`: the service was killed a moment ago. */
bool substitute_open(struct substitute *substitute, const struct cli *cli, bool killed);
void substitute_close(struct substitute *substitute);

#endif
