/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/client.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/control.h"
#include "firewall/rundir.h"
#include "strerror.h"

enum { ANSWER_WAIT = 180000, LOCK_WAIT = 10000 /* milliseconds */ };

json_t *client_ask(const struct cli *cli, json_t *request, bool *missing)
{
	json_t *answer = control_ask(firewall_run_dir(cli), request, ANSWER_WAIT);

	*missing = !answer && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR);
	if (!answer && !*missing)
		cli_error("the service at %s does not answer: %s", firewall_run_dir(cli), error_text(errno));
	return answer;
}

int client_end(json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	int status = EXIT_CLEAN;

	if (error)
		status = cli_error("%s", error);
	json_decref(answer);
	return status;
}

static bool lock(struct substitute *substitute, const char *path)
{
	pid_t holder = 0;

	substitute->run_dir = rundir_open(path);
	if (substitute->run_dir < 0) {
		cli_error("cannot open %s: %s", path, error_text(errno));
		return false;
	}
	substitute->lock = rundir_lock(substitute->run_dir, LOCK_WAIT, &holder);
	if (substitute->lock >= 0)
		return true;
	if (errno == EWOULDBLOCK)
		cli_error("a pve-firewall, process %d, has %s/lock and does not answer", (int)holder, path);
	else
		cli_error("cannot lock %s/lock: %s", path, error_text(errno));
	close(substitute->run_dir);
	return false;
}

bool substitute_open(struct substitute *substitute, const struct cli *cli)
{
	if (!lock(substitute, firewall_run_dir(cli)))
		return false;
	log_open(&substitute->log, cli->value[CLI_LOG_FILE], true);
	substitute->log.verbose = false;
	sysctls_open(&substitute->sysctls, substitute->run_dir, &substitute->log);
	applied_init(&substitute->applied, &substitute->log, &substitute->sysctls);
	return true;
}

void substitute_close(struct substitute *substitute)
{
	applied_free(&substitute->applied);
	close(substitute->lock);
	close(substitute->run_dir);
}
