/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The diagnostics that were logged: a compilation repeats most of those of the one before.  Each is logged once, and again
 * only after it has disappeared in between.
 */
#ifndef PVEFW_LOGGED_DIAGNOSTICS_H
#define PVEFW_LOGGED_DIAGNOSTICS_H

#include "firewall/base/log.h"

struct logged_diagnostics {
	struct logged_diagnostic *all; /* uthash */
};

/* Logs the new ones of a compilation, at most 100; `diags` are sorted. */
void logged_diagnostics_update(struct logged_diagnostics *logged, struct log *log, const struct diags *diags);
void logged_diagnostics_free(struct logged_diagnostics *logged);

#endif
