/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .pvefw-lint: the options of lint, compile and report that a project sets. */
#ifndef PVEFW_LINT_CONFIG_H
#define PVEFW_LINT_CONFIG_H

#include "cli/options.h"

/*
 * Adds to `cli` the options of the file that --config names, or else of the nearest .pvefw-lint: that in the folder of
 * what is linted, or in one above it.  With --no-config, or where there is none, adds nothing.  Returns false if
 * something is wrong, which was reported.
 */
bool lint_config(struct cli *cli);
/* Runs a command with these options; returns its exit status. */
int lint_config_run(const struct cli *given, int (*run)(const struct cli *cli));

#endif
