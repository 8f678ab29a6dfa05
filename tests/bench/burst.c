/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst nf_tables|legacy MILLISECONDS LINE FILE...: appends LINE to each FILE, as an editor would, spread over that time.
 *
 * Prints how many milliseconds after the last write the kernel's rules have changed for the last time in the 900 ms that
 * follow (with legacy: eight seconds), and how often they have changed in all.  Whether all the lines are in force then is for the caller to check.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nft/load/ask.h"
#include "xtables/load/xt_state.h"

/* Milliseconds after the last write.  The comparison, which may remove objects of nf_tables, comes later. */
enum { WATCH = 900, WATCH_LEGACY = 8000 };

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The socket stays open: closing one waits until the kernel has freed what a transaction has deleted. */
static struct xt_generation read_state(struct nft_kernel *kernel, bool legacy)
{
	struct xt_generation read = { .generation = 0 };

	if (legacy)
		return xt_generation_read();
	nft_kernel_read_generation(kernel, &read.generation);
	return read;
}

static bool append_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	bool done = fd >= 0 && write(fd, line, strlen(line)) > 0 && write(fd, "\n", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, 300000 };
	bool legacy = argc > 4 && strcmp(argv[1], "legacy") == 0;
	int files = argc - 4, written = 0;
	unsigned changes = 0;
	struct xt_generation before, now;
	struct nft_kernel kernel;
	double spread, begin, last = 0, changed = 0;

	if (files < 1 || nft_kernel_open(&kernel) != 0)
		return 2;
	spread = atof(argv[2]);
	before = read_state(&kernel, legacy);
	begin = milliseconds();
	while (written < files || milliseconds() - last < (legacy ? WATCH_LEGACY : WATCH)) {
		if (written < files && milliseconds() - begin >= spread * written / files) {
			if (!append_line(argv[4 + written++], argv[3]))
				return 2;
			last = milliseconds();
			continue;
		}
		nanosleep(&pause, NULL);
		now = read_state(&kernel, legacy);
		if (xt_generation_equal(&before, &now))
			continue;
		before = now;
		changed = milliseconds();
		changes++;
	}
	printf("%.1f %u\n", changed - last, changes);
	nft_kernel_close(&kernel);
	return changes == 0;
}
