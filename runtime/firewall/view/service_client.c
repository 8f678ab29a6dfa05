/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/view/service_client.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "firewall/base/service_options.h"
#include "firewall/view/bounded.h"
#include "firewall/control/client.h"
#include "base/errno_text.h"

/* Milliseconds. */
enum { ANSWER_WAIT = 180000, ANSWER_WAIT_HANGING = 4000 };

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
		tree_hangs = !bounded_answers(cli->value[CLI_ROOT]);
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
	struct control_timeout timeout = { ANSWER_WAIT_HANGING, limit, tree_answers, (void *)(uintptr_t)cli };
	json_t *answer = control_ask(firewall_run_dir(cli), request, &timeout);

	*missing = !answer && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR);
	if (!answer && !*missing)
		cli_error("service at %s does not answer: %s", firewall_run_dir(cli), error_text(errno));
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
