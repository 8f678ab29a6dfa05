/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verdict FILE LINE COUNT: appends LINE to FILE, as an editor would, and prints how many
 * milliseconds later the kernel has other rules: COUNT transactions of nf_tables later,
 * or with COUNT 0 when both filter tables of iptables-legacy have another size.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nft/load/ask.h"
#include "xtables/load/xt_state.h"

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The socket stays open: closing one waits until the kernel has freed what a transaction has deleted. */
static struct xt_generation read_generation(struct nft_kernel *kernel, uint32_t count)
{
	struct xt_generation read = { .generation = 0 };

	if (!count)
		return xt_generation_read();
	nft_kernel_read_generation(kernel, &read.generation);
	return read;
}

static bool is_other(const struct xt_generation *before, const struct xt_generation *now, uint32_t count)
{
	if (count)
		return now->generation - before->generation >= count;
	return now->legacy[XT_FILTER4] != before->legacy[XT_FILTER4] && now->legacy[XT_FILTER6] != before->legacy[XT_FILTER6];
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, 300000 };
	int fd = argc == 4 ? open(argv[1], O_WRONLY | O_APPEND) : -1;
	uint32_t count = argc == 4 ? (uint32_t)atoi(argv[3]) : 0;
	struct xt_generation before, now;
	struct nft_kernel kernel;
	double begin;

	if (nft_kernel_open(&kernel) != 0)
		return 2;
	before = read_generation(&kernel, count);
	if (fd < 0 || write(fd, argv[2], strlen(argv[2])) < 0 || write(fd, "\n", 1) < 0)
		return 2;
	close(fd);
	begin = milliseconds();
	do {
		nanosleep(&pause, NULL);
		now = read_generation(&kernel, count);
		if (milliseconds() - begin > 30000)
			return 1;
	} while (!is_other(&before, &now, count));
	printf("%.2f\n", milliseconds() - begin);
	nft_kernel_close(&kernel);
	return 0;
}
