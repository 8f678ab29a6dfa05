/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "logger/daemon.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemonize.h"

/* The end of the pipe to the process that waits; -1: none waits. */
static int ready = -1;

bool daemon_start(void)
{
	int end, status;
	pid_t child = daemonize(&end);
	char byte;

	if (child <= 0) {
		ready = child == 0 ? end : -1;
		return child == 0;
	}
	if (read(end, &byte, 1) == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	_exit(2);
}

void daemon_ready(void)
{
	if (ready < 0)
		return;
	close_terminal();
	if (write(ready, "", 1) < 0) {
		/* The waiting process has ended, so ignore the error. */
	}
	close(ready);
	ready = -1;
}

void drop_privileges(void)
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
