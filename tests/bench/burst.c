/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * burst nf_tables|legacy MILLISECONDS LINE FILE...: appends LINE to each FILE, as an editor would, spread over that time.
 *
 * Prints how many milliseconds after the last write the kernel's rules have changed for the last time in the 900 ms that
 * follow (with legacy: eight seconds), and how often they have changed in all.  Whether all the lines are loaded then is for
 * the caller to check.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rules_state.h"

/* Milliseconds after the last write.  The comparison, which may remove objects of nf_tables, comes later. */
enum { WATCH = 900, WATCH_LEGACY = 8000 };

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
