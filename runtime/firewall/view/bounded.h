/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the tree within a time limit.  pmxcfs can hang, and a process that reads it then waits in the kernel, where no signal
 * reaches it.  So a child process reads, and its parent never touches the tree. */
#ifndef PVEFW_BOUNDED_H
#define PVEFW_BOUNDED_H

#include <stdbool.h>

struct cli;

enum {
	BOUNDED_READ = 4000,   /* milliseconds for reading a tree */
	BOUNDED_PROBE = 1500,  /* for finding out whether it answers */
};

/* Runs `command` in a child, and returns its exit status.  If the child does not call bounded_done() within BOUNDED_READ, it is
 * killed, and `late` runs instead and returns the status. */
int bounded_run(int (*command)(const struct cli *cli, void *context), int (*late)(const struct cli *cli, void *context),
		const struct cli *cli, void *context);
/* Call it when the tree was read, or will not be; without bounded_run() it does nothing. */
void bounded_done(void);
/* For a command that goes on after bounded_done() until it is told to end: it gets SIGTERM when its parent ends.  False: the
 * parent has ended already. */
bool bounded_end_with_parent(void);

/* Whether listing a tree and reading its cluster.fw ends within BOUNDED_PROBE, be it with an error. */
bool bounded_answers(const char *root);

/* Reports that the tree does not answer; for `late`.  Returns the exit status. */
int bounded_late(const struct cli *cli, void *context);

#endif
