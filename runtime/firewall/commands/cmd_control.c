/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall stop, restart, apply, confirm and rollback: requests to the service.  If none runs, stop, apply and rollback
 * do the work themselves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "firewall/view/bounded.h"
#include "firewall/base/service_options.h"
#include "firewall/commands/firewall.h"
#include "firewall/commands/offline.h"
#include "firewall/view/service_client.h"
#include "firewall/commands/session_guard.h"
#include "firewall/view/view.h"
#include "firewall/service/confirm.h"
#include "firewall/service/in_force.h"
#include "firewall/service/left_out_state.h"
#include "firewall/base/rundir.h"
#include "firewall/base/logged_diagnostics.h"
#include "firewall/base/tree_marks.h"
#include "base/errno_text.h"
#include "base/clock.h"

static int no_operands(const struct cli *cli)
{
	if (!cli->operand_count)
		return 0;
	return cli_error("%s does not take an operand", cli->program->commands[cli->command].name);
}

/* ---- stop ---- */

/* `killed`: the service, which did not answer. */
static int stop_offline(const struct cli *cli, bool killed)
{
	struct arena arena = { 0 };
	struct offline offline;
	bool done;

	if (!offline_open(&offline, cli, killed))
		return EXIT_ERROR;
	confirm_cancel(&offline.confirm);
	done = cli->value[CLI_KEEP_RULES] || applied_remove(&offline.applied, &arena);
	tree_marks_forget(offline.run_dir);
	in_force_forget(offline.run_dir);
	offline_close(&offline);
	arena_free(&arena);
	return done ? EXIT_CLEAN : EXIT_ERROR;
}

/* Whether the process has the lock file open: then its number was not given to another process.  Only names are compared: a
 * look at the files themselves would wait for the tree, too. */
static bool has_lock_open(pid_t pid, int dir)
{
	char path[64], ours[4096], theirs[4096];
	int lock = openat(dir, "lock", O_PATH | O_CLOEXEC);
	struct dirent *entry;
	bool found = false;
	ssize_t len = -1;
	DIR *stream;

	if (lock >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", lock);
		len = readlink(path, ours, sizeof(ours));
		close(lock);
	}
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	stream = len > 0 ? opendir(path) : NULL;
	while (stream && !found && (entry = readdir(stream)))
		found = readlinkat(dirfd(stream), entry->d_name, theirs, sizeof(theirs)) == len &&
			memcmp(ours, theirs, (size_t)len) == 0;
	if (stream)
		closedir(stream);
	return found;
}

/* Kills a service that waits for a tree which hangs, and would go on after that.  Its rules stay, and can be removed under its
 * lock.  True if it was killed. */
static bool kill_service(const struct cli *cli)
{
	int dir = rundir_open_existing(firewall_run_dir(cli)), process = -1;
	pid_t holder = dir < 0 ? 0 : rundir_lock_holder(dir);
	bool killed;

	if (holder > 1)
		process = (int)syscall(SYS_pidfd_open, holder, 0);
	/* The number is checked after the descriptor was opened: from then on it stays that of this process. */
	killed = process >= 0 && has_lock_open(holder, dir) && syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0) == 0;
	if (killed)
		cli_error("process %d did not answer and was killed", (int)holder);
	if (process >= 0)
		close(process);
	if (dir >= 0)
		close(dir);
	return killed;
}

/* Waits until the process has ended: then the next one can take the lock. */
static void wait_for_end(const struct cli *cli)
{
	int dir = rundir_open_existing(firewall_run_dir(cli));

	for (int i = 0; dir >= 0 && i < 500 && rundir_lock_holder(dir); i++)
		sleep_ms(20);
	if (dir >= 0)
		close(dir);
}

int cmd_stop(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_ERROR;
	answer = client_ask(cli, json_pack("{s:s, s:b}", "command", "stop", "keep_rules", cli->value[CLI_KEEP_RULES] != NULL),
			    &missing);
	if (missing)
		return stop_offline(cli, false);
	if (!answer)
		return client_tree_hangs() && kill_service(cli) ? stop_offline(cli, true) : EXIT_ERROR;
	wait_for_end(cli);
	if (!json_is_true(json_object_get(answer, "removed")))
		json_object_set_new(answer, "error", json_string("the service has ended, but could not remove all its rules; see journalctl -u pve-firewall, and run stop again"));
	return client_end(answer);
}

/* ---- restart ---- */

int cmd_restart(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_ERROR;
	answer = client_ask(cli, json_pack("{s:s}", "command", "reload"), &missing);
	if (missing)
		return cmd_start(cli);
	return answer ? client_end(answer) : EXIT_ERROR;
}

/* ---- apply ---- */

/* Compiles and loads the configuration to enforce; closes `offline`. */
static int enforce_offline(const struct cli *cli, struct offline *offline)
{
	struct input_options options = firewall_inputs(cli);
	struct logged_diagnostics logged = { NULL };
	struct arena arena = { 0 }; /* not the compilation's, which is freed when it is compiled again */
	struct applying applying = { .arena = &arena };
	struct conditions conditions;
	struct compilation c;
	int status = EXIT_ERROR;

	confirm_compile(&offline->confirm, &options, NULL, &offline->applied.left_out, &c);
	bounded_done();
	logged_diagnostics_update(&logged, &offline->log, &c.diags);
	in_force_forget(offline->run_dir);
	if (c.config && applied_load(&offline->applied, &c, &applying)) {
		confirm_note_applied(&offline->confirm, &c, applying.changed);
		report_unfiltered(c.config, &c.map, c.backend, &offline->log);
		conditions_init(&conditions, &offline->log);
		left_out_state(&conditions, &c, &offline->applied.left_out);
		report_conditions(&conditions);
		status = conditions.first ? EXIT_FOUND : EXIT_CLEAN;
		conditions_free(&conditions);
	} else {
		cli_error("not applied; %s%s%s",
			  applied_load_minimal(&offline->applied, &c, &applying) ? "the minimal ruleset is loaded"
										    : "the previous rules stay loaded",
			  applying.problems ? ": " : "", applying.problems ? applying.problems->text : "");
	}
	logged_diagnostics_free(&logged);
	compilation_free(&c);
	arena_free(&arena);
	offline_close(offline);
	return status;
}

static int apply_offline(const struct cli *cli, void *context)
{
	struct offline offline;

	(void)context;
	if (!offline_open(&offline, cli, false))
		return EXIT_ERROR;
	confirm_release(&offline.confirm);
	return enforce_offline(cli, &offline);
}

/* Reads --confirm; 0: not given.  False: invalid, and reported. */
static bool read_seconds(const struct cli *cli, uint64_t *seconds)
{
	const char *text = cli->value[CLI_CONFIRM_WITHIN];

	*seconds = 0;
	if (!text || (text_to_number(text_of(text), 86400, seconds) && *seconds))
		return true;
	cli_error("--confirm takes a number of seconds from 1 to 86400, not `%s`", text);
	return false;
}

/* Reads the number of a generation; 0: not given.  False: invalid, and reported. */
static bool control_read_generation(const char *text, uint64_t *number)
{
	*number = 0;
	if (!text || (text_to_number(text_of(text), INT64_MAX, number) && *number))
		return true;
	cli_error("`%s` is not the number of a generation; see pve-firewall history", text);
	return false;
}

static int apply_until_confirmed(const struct cli *cli, uint64_t seconds)
{
	struct input_options options = firewall_inputs(cli);
	uint64_t to;
	bool missing;
	json_t *answer;
	int reason, answered;

	if (!control_read_generation(cli->value[CLI_CONFIRM_TO], &to))
		return EXIT_ERROR;
	/* Before the request: this process may be killed before the answer comes. */
	reason = confirm_start_guard(firewall_state_dir(cli), firewall_run_dir(cli), cli->value[CLI_LOG_FILE], &options,
				     &answered);
	if (reason)
		return cli_error("cannot start the process for the rollback: %s", error_text(reason));
	answer = client_ask(cli,
			    json_pack("{s:s, s:I, s:I}", "command", "apply", "confirm", (json_int_t)seconds, "to", (json_int_t)to),
			    &missing);
	if (answer || missing)
		send(answered, "", 1, MSG_NOSIGNAL);
	close(answered);
	if (missing)
		return cli_error("the service does not run and could not roll back; see pve-firewall start");
	return answer ? client_end(answer) : EXIT_ERROR;
}

int cmd_apply(const struct cli *cli)
{
	uint64_t seconds;
	bool missing;
	json_t *answer;

	if (no_operands(cli) || !read_seconds(cli, &seconds))
		return EXIT_ERROR;
	if (isatty(STDIN_FILENO) && !cli->value[CLI_FORCE] && session_guard(cli) != EXIT_CLEAN)
		return EXIT_ERROR;
	if (seconds)
		return apply_until_confirmed(cli, seconds);
	if (cli->value[CLI_CONFIRM_TO])
		return cli_error("--to needs --confirm; pve-firewall rollback N enforces generation N at once");
	answer = client_ask(cli, json_pack("{s:s}", "command", "apply"), &missing);
	if (missing)
		return bounded_run(apply_offline, bounded_late, cli, NULL);
	return answer ? client_end(answer) : EXIT_ERROR;
}

/* ---- rollback ---- */

static int rollback_offline(const struct cli *cli, void *context)
{
	uint64_t number = *(const uint64_t *)context;
	struct input_options options = firewall_inputs(cli);
	struct offline offline;
	struct compilation tree;
	struct file_list files;
	int reason;

	if (!offline_open(&offline, cli, false))
		return EXIT_ERROR;
	if (!number)
		number = confirm_before_edit(&offline.confirm);
	compilation_run(&tree, &options, NULL);
	file_list_of_map(&files, &tree.map);
	reason = !tree.config ? EIO : number ? confirm_reject(&offline.confirm, &files, number, REJECTED_ROLLED_BACK) : ENOENT;
	file_list_free(&files);
	compilation_free(&tree);
	if (reason == EALREADY)
		confirm_release(&offline.confirm);
	if (!reason || reason == EALREADY)
		return enforce_offline(cli, &offline);
	offline_close(&offline);
	if (reason == ENOENT)
		return cli_error("the generation does not exist; see pve-firewall history");
	return cli_error("cannot roll back: %s", error_text(reason));
}

int cmd_rollback(const struct cli *cli)
{
	uint64_t number;
	bool missing;
	json_t *answer;

	if (cli->operand_count > 1)
		return cli_error("rollback needs the number of one generation");
	if (!control_read_generation(cli->operand_count ? cli->operands[0] : NULL, &number))
		return EXIT_ERROR;
	answer = client_ask(cli, json_pack("{s:s, s:I}", "command", "rollback", "to", (json_int_t)number), &missing);
	if (missing)
		return bounded_run(rollback_offline, bounded_late, cli, &number);
	return answer ? client_end(answer) : EXIT_ERROR;
}

/* ---- confirm ---- */

int cmd_confirm(const struct cli *cli)
{
	bool missing;
	json_t *answer;

	if (no_operands(cli))
		return EXIT_ERROR;
	answer = client_ask(cli, json_pack("{s:s}", "command", "confirm"), &missing);
	if (missing)
		return cli_error("the service does not run: no confirmation is pending");
	return answer ? client_end(answer) : EXIT_ERROR;
}
