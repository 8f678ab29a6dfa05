/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/commands/offline.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "firewall/base/service_options.h"
#include "base/errno_text.h"

enum { LOCK_WAIT = 10000, LOCK_WAIT_KILLED = 2000 /* milliseconds */ };

static bool offline_lock(struct offline *o, const char *path, int wait)
{
	pid_t holder = 0;

	o->run_dir = rundir_open(path);
	if (o->run_dir < 0) {
		cli_error("cannot open %s: %s", path, error_text(errno));
		return false;
	}
	o->lock = rundir_lock(o->run_dir, wait, &holder);
	if (o->lock >= 0)
		return true;
	if (errno == EWOULDBLOCK)
		cli_error("pve-firewall process %d holds %s/lock and does not answer", (int)holder, path);
	else
		cli_error("cannot lock %s/lock: %s", path, error_text(errno));
	close(o->run_dir);
	return false;
}

bool offline_open(struct offline *o, const struct cli *cli, bool killed)
{
	if (!offline_lock(o, firewall_run_dir(cli), killed ? LOCK_WAIT_KILLED : LOCK_WAIT))
		return false;
	log_open(&o->log, cli->value[CLI_LOG_FILE], true);
	o->log.verbose = false;
	sysctls_open(&o->sysctls, o->run_dir, &o->log);
	applied_init(&o->applied, &o->log, &o->sysctls);
	confirm_open(&o->confirm, firewall_state_dir(cli), firewall_run_dir(cli), true, &o->log);
	return true;
}

void offline_close(struct offline *o)
{
	confirm_close(&o->confirm);
	applied_free(&o->applied);
	close(o->lock);
	close(o->run_dir);
}
