/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that has started waits at a pipe, whose other end only the one in the background has. */
#include "logger/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready = -1;

/* Of the process that waits. */
static _Noreturn void wait_for(pid_t child, int pipe)
{
	char byte;
	int status;

	if (read(pipe, &byte, 1) == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	_exit(2);
}

bool process_background(void)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child > 0) {
		close(ends[1]);
		wait_for(child, ends[0]);
	}
	close(ends[0]);
	if (child < 0) {
		int reason = errno;

		close(ends[1]);
		errno = reason;
		return false;
	}
	setsid();
	ready = ends[1];
	return true;
}

void process_ready(void)
{
	ssize_t told;
	int null;

	if (ready < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	told = write(ready, "", 1);
	(void)told; /* if nobody waits any more there is nobody to tell */
	close(ready);
	ready = -1;
}

void process_drop_privileges(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capget, &header, caps))
		return;
	caps[0].permitted &= 1u << CAP_NET_ADMIN;
	caps[1].permitted = 0;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, caps);
}
