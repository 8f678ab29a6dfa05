/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall start: runs the service in the foreground for systemd and with --debug, else in the background; then the
 * command ends when the first configuration is in force, or has failed. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemonize.h"
#include "firewall/commands/firewall.h"
#include "firewall/service/requests.h"
#include "firewall/service/service.h"
#include "base/errno_text.h"

/* `ready`: descriptor for the readiness message; -1: none. */
static int start_serve(const struct cli *cli, int ready)
{
	static struct service service; /* large */
	int status = service_open(&service, cli, service_answer, service_metrics);

	if (!status) {
		service.ready = ready;
		if (ready >= 0)
			close_terminal();
		status = service_run(&service);
	}
	service_close(&service);
	return status;
}

/* Reads the child's output up to a NUL or its end. */
static void start_read_word(int fd, struct out *text)
{
	char buffer[256];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) != 0 && (got > 0 || errno == EINTR)) {
		if (got > 0)
			out_bytes(text, buffer, (size_t)got);
		if (got > 0 && !buffer[got - 1])
			return;
	}
	out_char(text, '\0');
}

/* Waits until the child says that it runs, or has ended; returns the exit status. */
static int start_wait_for(pid_t child, int ready)
{
	struct out word;
	int status;

	out_init_memory(&word);
	start_read_word(ready, &word);
	if (word.data[0]) {
		status =
			word.data[0] == READY_FAILING[0]
				? cli_error(
					  "the service runs, but the configuration is not applied; the previous rules stay loaded, and the service tries again: %s",
					  word.data[1] ? word.data + 1 : "see journalctl -u pve-firewall")
				: EXIT_CLEAN;
		if (status == EXIT_CLEAN && word.data[1]) {
			cli_error(
				"the service runs, but not everything is enforced; see pve-firewall status: %s",
				word.data + 1);
			status = EXIT_FOUND;
		}
		out_free(&word);
		return status;
	}
	out_free(&word);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cli_error("service has ended: %s", error_text(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : cli_error("service was killed by signal %d", WTERMSIG(status));
}

int cmd_start(const struct cli *cli)
{
	pid_t child;
	int ready;

	if (cli->operand_count)
		return cli_error("start does not take an operand; use --root for the tree");
	if (cli->value[CLI_DEBUG] || getenv("NOTIFY_SOCKET"))
		return start_serve(cli, -1);
	child = daemonize(&ready);
	if (child < 0)
		return cli_error("cannot start: %s", error_text(errno));
	return child ? start_wait_for(child, ready) : start_serve(cli, ready);
}
