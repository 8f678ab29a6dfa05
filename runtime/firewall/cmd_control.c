/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pve-firewall stop, restart, apply and confirm: requests to the service.  Where none
 * runs, stop and apply do themselves what it would.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "firewall/client.h"
#include "firewall/confirm.h"
#include "firewall/rundir.h"
#include "firewall/told.h"
#include "firewall/wiring.h"
#include "strerror.h"

static int no_operands(const struct cli *cli)
{
	if (!cli->operand_count)
		return 0;
	return cli_error("%s takes no operand", cli->program->commands[cli->command].name);
}

static bool print_line(const char *line)
{
	struct out out;

	stdout_open(&out);
	out_printf(&out, "%s\n", line);
	return stdout_close(&out) == EXIT_CLEAN;
}

/* ---- stop ---- */

static int remove_without_service(const struct cli *cli)
{
	struct arena arena = { 0 };
	struct substitute substitute;
	bool done;

	if (!substitute_open(&substitute, cli))
		return EXIT_TROUBLE;
	done = applied_remove(&substitute.applied, &arena);
	substitute_close(&substitute);
	arena_free(&arena);
	return done ? EXIT_CLEAN : EXIT_TROUBLE;
}

/* Until the process has ended, so that what comes next can have the lock. */
static void wait_for_end(const struct cli *cli)
{
	const struct timespec pause = { 0, 20000000 };
	int dir = rundir_open_existing(firewall_run_dir(cli));

	for (int i = 0; dir >= 0 && i < 500 && rundir_lock_holder(dir); i++)
		nanosleep(&pause, NULL);
	if (dir >= 0)
		close(dir);
}

int cmd_stop(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_TROUBLE;
	answer = client_ask(cli, json_pack("{s:s}", "command", "stop"), &missing);
	if (missing)
		return remove_without_service(cli);
	if (!answer)
		return EXIT_TROUBLE;
	wait_for_end(cli);
	if (!json_is_true(json_object_get(answer, "removed")))
		json_object_set_new(answer, "error", json_string("the service has ended, but could not take away all its rules; "
								 "its log says why, and another stop tries again"));
	return client_end(answer);
}

/* ---- restart ---- */

int cmd_restart(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_TROUBLE;
	answer = client_ask(cli, json_pack("{s:s}", "command", "reload"), &missing);
	if (missing)
		return cmd_start(cli);
	return answer ? client_end(answer) : EXIT_TROUBLE;
}

/* ---- apply ---- */

/* Guests that are plugged in such a way that what was applied does not filter them. */
static void tell_unfiltered(const struct compilation *c, struct log *log)
{
	struct wiring wiring = { .count = 0 };
	struct wiring_links links;
	struct conditions conditions;

	conditions_init(&conditions, log);
	wiring_expect(&wiring, c->config, &c->map, c->backend == &backend_iptables);
	if (wiring_links_read(&links) == 0) {
		wiring_check(&wiring, &links, &conditions, 0);
		wiring_links_free(&links);
	}
	for (const struct service_condition *condition = conditions.first; condition; condition = condition->next)
		cli_error("%s", condition->message);
	conditions_free(&conditions);
	wiring_free(&wiring);
}

static int apply_without_service(const struct cli *cli)
{
	struct input_options options = firewall_inputs(cli);
	struct substitute substitute;
	struct told told = { NULL, 0 };
	struct compilation c;
	struct applying applying = { .arena = &c.arena };
	bool done;

	if (!substitute_open(&substitute, cli))
		return EXIT_TROUBLE;
	compilation_run(&c, &options, NULL);
	told_log(&told, &substitute.log, &c.diags);
	done = c.config && applied_load(&substitute.applied, &c, &applying);
	if (done)
		tell_unfiltered(&c, &substitute.log);
	else
		cli_error("not applied; what was in force stays in force");
	told_free(&told);
	compilation_free(&c);
	substitute_close(&substitute);
	return done ? EXIT_CLEAN : EXIT_TROUBLE;
}

/* 0: not given; false was reported. */
static bool read_seconds(const struct cli *cli, uint64_t *seconds)
{
	const char *text = cli->value[CLI_CONFIRM_WITHIN];

	*seconds = 0;
	if (!text || (text_to_number(text_of(text), 86400, seconds) && *seconds))
		return true;
	cli_error("--confirm takes a number of seconds from 1 to 86400, not `%s`", text);
	return false;
}

static int apply_until_confirmed(const struct cli *cli, uint64_t seconds)
{
	struct input_options options = firewall_inputs(cli);
	struct arena arena = { 0 };
	bool missing;
	json_t *answer;
	int status, reason;

	/* First, as this process may not live to see the answer. */
	reason = confirm_start_guard(firewall_run_dir(cli), cli->value[CLI_LOG_FILE], &options);
	if (reason)
		return cli_error("cannot start what goes back: %s", error_text(reason));
	answer = client_ask(cli, json_pack("{s:s, s:I}", "command", "apply", "confirm", (json_int_t)seconds), &missing);
	if (missing)
		return cli_error("no service runs, so there is nothing that could go back; see pve-firewall start");
	status = answer ? client_end(answer) : EXIT_TROUBLE;
	if (!status)
		print_line(arena_printf(&arena, "Applied. Unless `pve-firewall confirm` comes within %llu seconds, what was "
						"enforced before is enforced again.",
					(unsigned long long)seconds));
	arena_free(&arena);
	return status;
}

int cmd_apply(const struct cli *cli)
{
	uint64_t seconds;
	bool missing;
	json_t *answer;

	if (no_operands(cli) || !read_seconds(cli, &seconds))
		return EXIT_TROUBLE;
	if (seconds)
		return apply_until_confirmed(cli, seconds);
	answer = client_ask(cli, json_pack("{s:s}", "command", "apply"), &missing);
	if (missing)
		return apply_without_service(cli);
	return answer ? client_end(answer) : EXIT_TROUBLE;
}

/* ---- confirm ---- */

int cmd_confirm(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_TROUBLE;
	answer = client_ask(cli, json_pack("{s:s}", "command", "confirm"), &missing);
	if (missing)
		return cli_error("no service runs, so nothing waits to be confirmed");
	return answer ? client_end(answer) : EXIT_TROUBLE;
}
