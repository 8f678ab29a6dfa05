/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What verdict.c and burst.c share: time, and the state of the kernel's rules. */
#ifndef PVEFW_RULES_STATE_H
#define PVEFW_RULES_STATE_H

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nft/load/ask.h"
#include "xtables/load/xt_state.h"

static inline double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The socket stays open: closing one waits until the kernel has freed what a transaction has deleted. */
static inline struct xt_generation read_state(struct nft_kernel *kernel, bool legacy)
{
	struct xt_generation read = { .generation = 0 };

	if (legacy)
		return xt_generation_read();
	nft_kernel_read_generation(kernel, &read.generation);
	return read;
}

/* As an editor would. */
static inline bool append_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	bool done = fd >= 0 && write(fd, line, strlen(line)) > 0 && write(fd, "\n", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

#endif
