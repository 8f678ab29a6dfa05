/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service's lock and parts, with which a command applies or removes rules while no service runs. */
#ifndef PVEFW_OFFLINE_H
#define PVEFW_OFFLINE_H

#include "firewall/service/applied.h"
#include "firewall/service/confirm.h"

struct cli;

struct offline {
	int run_dir, lock;
	struct log log;
	struct sysctls sysctls;
	struct applied applied;
	struct confirm confirm;
};

/* Takes the lock.  False: it was reported why that cannot be.  `killed`: the service was killed a moment ago. */
bool offline_open(struct offline *o, const struct cli *cli, bool killed);
void offline_close(struct offline *o);

#endif
