/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/bounded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/firewall.h"
#include "strerror.h"

static int done_fd = -1; /* in the child: where to say that the tree was read */

void bounded_done(void)
{
	if (done_fd >= 0)
		close(done_fd);
	done_fd = -1;
}

/* Whether the other end was closed in time. */
static bool wait_for_close(int fd, int limit)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	int ready;

	while ((ready = poll(&waiting, 1, limit)) < 0 && errno == EINTR)
		;
	return ready > 0;
}

static int status_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cli_error("the process that reads the tree is gone: %s", error_text(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : cli_error("the process that reads the tree was killed by signal %d", WTERMSIG(status));
}

/* Starts a child; its end of the pipe is done_fd.  Returns 0 in the child, -1 with errno set, or its number. */
static pid_t start_child(int *closed)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fflush(stdout);
	fflush(stderr);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		done_fd = ends[1];
		return 0;
	}
	close(ends[1]);
	if (child < 0)
		close(ends[0]);
	*closed = ends[0];
	return child;
}

int bounded_run(int (*command)(const struct cli *cli, void *context), int (*late)(const struct cli *cli, void *context),
		const struct cli *cli, void *context)
{
	int closed;
	pid_t child = start_child(&closed);

	if (child < 0)
		return cli_error("cannot start a process that reads the tree: %s", error_text(errno));
	if (child == 0) {
		int status = command(cli, context);

		fflush(stdout);
		_exit(status);
	}
	if (!wait_for_close(closed, BOUNDED_READ)) {
		/* It is not waited for: the signal may reach it only when the file system answers. */
		kill(child, SIGKILL);
		close(closed);
		return late(cli, context);
	}
	close(closed);
	return status_of(child);
}

/* ---- whether a tree answers ---- */

static void probe(const char *root)
{
	DIR *stream = opendir(root);
	char byte;
	int fd;

	if (!stream)
		return;
	readdir(stream);
	fd = openat(dirfd(stream), "firewall/cluster.fw", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && read(fd, &byte, 1) < 0) /* an answer as good as any */
		byte = 0;
}

bool bounded_answers(const char *root)
{
	int closed;
	pid_t child = start_child(&closed);
	bool answers;

	if (child < 0)
		return true; /* not known */
	if (child == 0) {
		probe(root ? root : "/etc/pve");
		_exit(0);
	}
	answers = wait_for_close(closed, BOUNDED_PROBE);
	close(closed);
	if (!answers)
		kill(child, SIGKILL);
	else
		waitpid(child, NULL, 0);
	return answers;
}

int bounded_late(const struct cli *cli, void *context)
{
	const char *root = cli_inputs(cli).root;

	(void)context;
	return cli_error("%s does not answer: it cannot be read, and what is in force stays in force; see systemctl status "
			 "pve-cluster",
			 root ? root : "/etc/pve");
}
