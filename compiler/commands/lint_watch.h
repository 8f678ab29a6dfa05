/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc lint --watch: lints again whenever a file that it may read has changed, until SIGINT or SIGTERM comes, or
 * nobody reads standard output any more.
 */
#ifndef PVEFW_LINT_WATCH_H
#define PVEFW_LINT_WATCH_H

#include "cli/options.h"

struct lint_watch;

/* Returns true and reports it if the command line's paths cannot be watched. */
bool lint_watch_refuses(const struct cli *cli);
/* `lint` lints once, and is called with the watch, for lint_watch_names().  Returns the exit status. */
int lint_watch(const struct cli *cli, int (*lint)(const struct cli *cli, struct lint_watch *watch));
/* Watches the files that the options name, too, also those that a configuration file has set. */
void lint_watch_names(struct lint_watch *watch, const struct cli *cli);

#endif
