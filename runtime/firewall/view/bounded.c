/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/view/bounded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/base/service_options.h"
#include "base/errno_text.h"

/*
 * A process that waits in a file system cannot be killed, and a reader of the command's output waits until all processes that
 * have it open have ended.  So the child writes to a file in memory, which the parent copies, until it has read the tree.  Then
 * the parent sends its own output.
 */
static int done_fd = -1; /* in the child: a socket to say that the tree was read */
static bool has_scratch;
static pid_t bounded_parent; /* in the child */

/* Receives the standard output and error of the parent. */
static void bounded_take_output(int from)
{
	int fds[2];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;

	while (recvmsg(from, &message, MSG_CMSG_CLOEXEC) < 0)
		if (errno != EINTR)
			return;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(fds)))
		return;
	memcpy(fds, CMSG_DATA(header), sizeof(fds));
	for (int i = 0; i < 2; i++) {
		dup2(fds[i], STDOUT_FILENO + i);
		close(fds[i]);
	}
}

static void bounded_send_output(int to)
{
	const int fds[2] = { STDOUT_FILENO, STDERR_FILENO };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .header = { CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { (char[]){ 0 }, 1 };
	const struct msghdr message = { .msg_iov = &part,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	while (sendmsg(to, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void bounded_done(void)
{
	if (done_fd < 0)
		return;
	fflush(stdout);
	if (has_scratch && send(done_fd, "", 1, MSG_NOSIGNAL) == 1)
		bounded_take_output(done_fd);
	close(done_fd);
	done_fd = -1;
}

bool bounded_end_with_parent(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == bounded_parent;
}

/* Whether the other end was closed, or has sent something, within `limit` milliseconds. */
static bool wait_for_word(int fd, int limit)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	int ready;

	while ((ready = poll(&waiting, 1, limit)) < 0 && errno == EINTR)
		;
	return ready > 0;
}

/* Copies the messages that the child has written so far. */
static void copy_messages(int scratch)
{
	char buffer[4096];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(scratch, buffer, sizeof(buffer), at)) > 0) {
		fwrite(buffer, 1, (size_t)got, stderr);
		at += got;
	}
}

static int bounded_status(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return cli_error("process that reads the tree has ended: %s", error_text(errno));
	return WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : cli_error("process that reads the tree was killed by signal %d", WTERMSIG(status));
}

static void use_as_output(int fd)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	has_scratch = true;
}

/* Starts a child whose output is `scratch`, if that is not -1, and whose end of the socket is done_fd.  Returns 0 in the child,
 * its number in the parent, or -1 with errno set. */
static pid_t start_child(int scratch, int *word)
{
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	fflush(stdout);
	fflush(stderr);
	bounded_parent = getpid();
	child = fork();
	if (child == 0) {
		close(ends[0]);
		done_fd = ends[1];
		if (scratch >= 0)
			use_as_output(scratch);
		return 0;
	}
	close(ends[1]);
	if (child < 0)
		close(ends[0]);
	*word = ends[0];
	return child;
}

static int end_child(pid_t child, int word, int scratch)
{
	char byte;

	if (scratch >= 0)
		copy_messages(scratch);
	if (recv(word, &byte, 1, MSG_DONTWAIT) == 1)
		bounded_send_output(word);
	return bounded_status(child);
}

int bounded_run(int (*command)(const struct cli *cli, void *context), int (*late)(const struct cli *cli, void *context),
		const struct cli *cli, void *context)
{
	bool is_open = fcntl(STDOUT_FILENO, F_GETFD) >= 0 && fcntl(STDERR_FILENO, F_GETFD) >= 0;
	/* -1: the child uses the output of this process from the beginning. */
	int word, scratch = is_open ? memfd_create("pve-firewall-messages", MFD_CLOEXEC) : -1, status;
	pid_t child = start_child(scratch, &word);

	if (child < 0)
		return cli_error("cannot start the process that reads the tree: %s", error_text(errno));
	if (child == 0) {
		status = command(cli, context);
		fflush(stdout);
		bounded_done();
		_exit(status);
	}
	if (wait_for_word(word, BOUNDED_READ)) {
		status = end_child(child, word, scratch);
	} else {
		/* It is not waited for: the signal may reach it only when the file system answers. */
		kill(child, SIGKILL);
		status = late(cli, context);
	}
	close(word);
	if (scratch >= 0)
		close(scratch);
	return status;
}

/* ---- whether a tree answers ---- */

static void probe(const char *root)
{
	DIR *stream = opendir(root);
	char byte;
	int fd;

	if (!stream)
		return;
	(void)readdir(stream);
	fd = openat(dirfd(stream), "firewall/cluster.fw", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && read(fd, &byte, 1) < 0) /* an answer as good as any */
		byte = 0;
}

bool bounded_answers(const char *root)
{
	int word, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t child = start_child(null, &word);
	bool answers;

	if (null >= 0)
		close(null);
	if (child < 0)
		return true; /* not known */
	if (child == 0) {
		probe(root ? root : "/etc/pve");
		_exit(0);
	}
	answers = wait_for_word(word, BOUNDED_PROBE);
	close(word);
	if (!answers)
		kill(child, SIGKILL);
	else
		waitpid(child, NULL, 0);
	return answers;
}

int bounded_late(const struct cli *cli, void *context)
{
	const char *root = cli->value[CLI_ROOT];

	(void)context;
	return cli_error(
		"%s does not answer and cannot be read: the previous rules stay loaded; see systemctl status pve-cluster",
		root ? root : "/etc/pve");
}
