/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/control/client.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/commands/bounded.h"
#include "firewall/control/control.h"
#include "firewall/base/rundir.h"
#include "base/errno_text.h"

/* Milliseconds. */
enum { ANSWER_WAIT = 180000, ANSWER_WAIT_HANGING = 4000, LOCK_WAIT = 10000, LOCK_WAIT_KILLED = 2000 };

/* A service that waits for the tree does not answer before the tree does. */
static bool tree_hangs;

static bool tree_answers(void *context)
{
	const struct cli *cli = context;
	int dir = rundir_open_existing(firewall_run_dir(cli));
	struct out root;

	/* The service's tree, which it has written down, need not be that of the command. */
	out_init_memory(&root);
	if (dir >= 0 && rundir_read(dir, "root", &root) == 0) {
		out_char(&root, '\0');
		tree_hangs = !bounded_answers(root.data);
	} else {
		tree_hangs = !bounded_answers(cli_inputs(cli).root);
	}
	out_free(&root);
	if (dir >= 0)
		close(dir);
	return !tree_hangs;
}

bool client_tree_hangs(void)
{
	return tree_hangs;
}

json_t *client_ask(const struct cli *cli, json_t *request, bool *missing)
{
	return client_ask_within(cli, request, ANSWER_WAIT, missing);
}

json_t *client_ask_within(const struct cli *cli, json_t *request, int limit, bool *missing)
{
	struct control_patience patience = { ANSWER_WAIT_HANGING, limit, tree_answers, (void *)(uintptr_t)cli };
	json_t *answer = control_ask(firewall_run_dir(cli), request, &patience);

	*missing = !answer && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR);
	if (!answer && !*missing)
		cli_error("the service at %s does not answer: %s", firewall_run_dir(cli), error_text(errno));
	return answer;
}

int client_end(json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *message = json_string_value(json_object_get(answer, "message"));
	int status = EXIT_CLEAN;
	const json_t *text;
	struct out out;
	size_t i;

	if (error) {
		status = cli_error("%s", error);
	} else if (message) {
		stdout_open(&out);
		out_printf(&out, "%s\n", message);
		status = stdout_close(&out);
	}
	json_array_foreach(json_object_get(answer, "left_out"), i, text) {
		cli_error("%s", json_string_value(text));
		status = status == EXIT_CLEAN ? EXIT_FOUND : status;
	}
	json_decref(answer);
	return status;
}

/* ---- without a service ---- */

static bool lock(struct substitute *substitute, const char *path, int wait)
{
	pid_t holder = 0;

	substitute->run_dir = rundir_open(path);
	if (substitute->run_dir < 0) {
		cli_error("cannot open %s: %s", path, error_text(errno));
		return false;
	}
	substitute->lock = rundir_lock(substitute->run_dir, wait, &holder);
	if (substitute->lock >= 0)
		return true;
	if (errno == EWOULDBLOCK)
		cli_error("a pve-firewall, process %d, has %s/lock and does not answer", (int)holder, path);
	else
		cli_error("cannot lock %s/lock: %s", path, error_text(errno));
	close(substitute->run_dir);
	return false;
}

bool substitute_open(struct substitute *substitute, const struct cli *cli, bool killed)
{
	if (!lock(substitute, firewall_run_dir(cli), killed ? LOCK_WAIT_KILLED : LOCK_WAIT))
		return false;
	log_open(&substitute->log, cli->value[CLI_LOG_FILE], true);
	substitute->log.verbose = false;
	sysctls_open(&substitute->sysctls, substitute->run_dir, &substitute->log);
	applied_init(&substitute->applied, &substitute->log, &substitute->sysctls);
	confirm_open(&substitute->confirm, firewall_state_dir(cli), firewall_run_dir(cli), true, &substitute->log);
	return true;
}

void substitute_close(struct substitute *substitute)
{
	confirm_close(&substitute->confirm);
	applied_free(&substitute->applied);
	close(substitute->lock);
	close(substitute->run_dir);
}
