/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a daemon does with its own process. */
#ifndef PVEFW_DAEMON_H
#define PVEFW_DAEMON_H

#include <stdbool.h>

/*
 * Goes on in a process of its own in the background, while the caller's waits until
 * process_ready() and exits with 0, or with the exit status of one that ended before.
 * False if that cannot be, with the reason in errno.
 */
bool process_background(void);
/* From here on nothing is printed to the terminal.  Does nothing in the foreground. */
void process_ready(void);

/* Keeps CAP_NET_ADMIN and gives all other capabilities away for good. */
void process_drop_privileges(void);

#endif
