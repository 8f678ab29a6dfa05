/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verdict FILE LINE COUNT: appends LINE to FILE, as an editor would, and prints how many
 * milliseconds later the kernel has other rules: COUNT transactions of nf_tables later,
 * or with COUNT 0 when both filter tables of iptables-legacy have another size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rules_state.h"

static bool is_other(const struct xt_generation *before, const struct xt_generation *now, uint32_t count)
{
	if (count)
		return now->generation - before->generation >= count;
	return now->legacy[XT_FILTER4] != before->legacy[XT_FILTER4] && now->legacy[XT_FILTER6] != before->legacy[XT_FILTER6];
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, 300000 };
	uint32_t count = argc == 4 ? (uint32_t)atoi(argv[3]) : 0;
	struct xt_generation before, now;
	struct nft_kernel kernel;
	double begin;

	if (argc != 4 || nft_kernel_open(&kernel) != 0)
		return 2;
	before = read_state(&kernel, !count);
	if (!append_line(argv[1], argv[2]))
		return 2;
	begin = milliseconds();
	do {
		nanosleep(&pause, NULL);
		now = read_state(&kernel, !count);
		if (milliseconds() - begin > 30000)
			return 1;
	} while (!is_other(&before, &now, count));
	printf("%.2f\n", milliseconds() - begin);
	nft_kernel_close(&kernel);
	return 0;
}
