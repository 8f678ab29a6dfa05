/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

pid_t daemonize(int *ready)
{
	int ends[2], reason;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	reason = errno;
	if (child == 0)
		setsid();
	if (child < 0)
		close(ends[0]);
	close(ends[child == 0 ? 0 : 1]);
	*ready = ends[child == 0 ? 1 : 0];
	errno = reason;
	return child;
}

void close_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}
