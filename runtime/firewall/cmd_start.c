/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pve-firewall start: the service, in the foreground where somebody watches it (systemd,
 * or a person with --debug), else in the background; then the command ends when the
 * first configuration is in force, or has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/firewall.h"
#include "firewall/service.h"
#include "strerror.h"

static void close_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

/* `ready`: -1, or where to say that it runs. */
static int serve(const struct cli *cli, int ready)
{
	static struct service service; /* large */
	int status = service_open(&service, cli);

	if (!status) {
		service.ready = ready;
		if (ready >= 0)
			close_terminal();
		status = service_run(&service);
	}
	service_close(&service);
	return status;
}

/* The child's word that it runs, or its exit status. */
static int wait_for(pid_t child, int ready)
{
	char word;
	int status;
	ssize_t got;

	while ((got = read(ready, &word, 1)) < 0 && errno == EINTR)
		;
	if (got == 1 && word == READY_FAILING[0])
		return cli_error("the service runs, but the configuration is not applied; what was in force stays in force "
				 "(pve-firewall status and the log say why; it is tried again)");
	if (got == 1)
		return EXIT_CLEAN;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cli_error("the service is gone: %s", error_text(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : cli_error("the service was killed by signal %d", WTERMSIG(status));
}

static int start_in_background(const struct cli *cli)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cli_error("cannot start: %s", error_text(errno));
	child = fork();
	if (child < 0)
		return cli_error("cannot start: %s", error_text(errno));
	if (child == 0) {
		close(ends[0]);
		setsid();
		return serve(cli, ends[1]);
	}
	close(ends[1]);
	return wait_for(child, ends[0]);
}

int cmd_start(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("start takes no operand; --root names the tree");
	if (cli->value[CLI_DEBUG] || getenv("NOTIFY_SOCKET"))
		return serve(cli, -1);
	return start_in_background(cli);
}
