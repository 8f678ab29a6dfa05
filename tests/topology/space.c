/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one network namespace to the other, in one process. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe.h"

void enter_space(const char *prefix, const struct host *host)
{
	char path[64];
	int space;

	snprintf(path, sizeof path, "/run/netns/%s-%s", prefix, host->space);
	space = open(path, O_RDONLY | O_CLOEXEC);
	if (space < 0 || setns(space, CLONE_NEWNET)) {
		perror(path);
		exit(2);
	}
	close(space);
}
