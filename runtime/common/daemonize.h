/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moving a daemon to the background. */
#ifndef PVEFW_DAEMONIZE_H
#define PVEFW_DAEMONIZE_H

#include <sys/types.h>

/*
 * Forks.  Returns 0 in the child, which leads a session of its own; the child's number in the parent; or -1 with
 * errno set.  *ready is the end of a pipe, closed on exec: the child writes to it when it is ready, the parent reads.
 */
pid_t daemonize(int *ready);
/* Makes /dev/null of standard input, output and error. */
void close_terminal(void);

#endif
