/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: from the kernel's messages to the file, until a signal ends it. */
#ifndef PVEFW_LOGGER_H
#define PVEFW_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

struct logger_options {
	const char *log_file, *run_dir;
	uint16_t group;
	unsigned buffer; /* bytes */
	bool conntrack, foreground, debug;
};

/* Reports why if it cannot start; returns the exit status. */
int logger_run(const struct logger_options *options);

#endif
