/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which diagnostics were logged: a compilation repeats most of those of the one before,
 * and the log is told each once, and again only after it had been gone.
 */
#ifndef PVEFW_LOGGED_DIAGNOSTICS_H
#define PVEFW_LOGGED_DIAGNOSTICS_H

#include "firewall/base/log.h"

struct told {
	uint64_t *hashes; /* sorted */
	uint32_t count;
};

/* Logs what is new, the first MOST of it; `diags` are sorted. */
void told_log(struct told *told, struct log *log, const struct diags *diags);
void told_free(struct told *told);

#endif
