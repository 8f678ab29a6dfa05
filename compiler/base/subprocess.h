/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the programs that read and change the kernel's tables. */
#ifndef PVEFW_SUBPROCESS_H
#define PVEFW_SUBPROCESS_H

#include <sys/types.h>

#include "base/output.h"

enum process_end {
	PROCESS_EXITED,    /* number: exit status */
	PROCESS_KILLED,    /* number: signal */
	PROCESS_TIMED_OUT, /* and was killed */
	PROCESS_NO_START,  /* number: errno */
};

struct process {
	const char *const *argv; /* the first is found in PATH; ended by NULL */
	const char *input;       /* `input_len` bytes of standard input; they stay the caller's */
	size_t input_len;
	int64_t patience; /* milliseconds until it is killed */
	int keep;         /* a descriptor that stays open in it; 0: none */

	enum process_end end;
	int number;
	struct out output, errors; /* its standard output and error */

	pid_t pid;
	int64_t deadline;
	int files[3];
};

/* Starts the program; process_finish() must follow, even if it does not start. */
void process_start(struct process *p);
/* Waits for the end and collects the output, which process_free() frees. */
void process_finish(struct process *p);
void process_free(struct process *p);
/* Whether the program ended with exit status 0. */
bool process_succeeded(const struct process *p);

#endif
