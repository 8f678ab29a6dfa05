/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Daemon functions of the logger: background and privileges. */
#ifndef PVEFW_LOGGER_DAEMON_H
#define PVEFW_LOGGER_DAEMON_H

#include <stdbool.h>

/*
 * Continues in a process in the background. The caller's process waits until daemon_ready() and exits with 0,
 * or with the exit status of a child that ended before. False with errno set if there can be no such process.
 */
bool daemon_start(void);
/* Lets the waiting process exit; nothing goes to the terminal any more.  Does nothing in the foreground. */
void daemon_ready(void);

/* Keeps CAP_NET_ADMIN and drops all other capabilities for good. */
void drop_privileges(void);

#endif
