/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of lint: .pvefw-lint. */
#ifndef PVEFW_LINT_CONFIG_H
#define PVEFW_LINT_CONFIG_H

#include "commands/commands.h"

/*
 * Adds to `cli` the options of the file that --config names; or else of the .pvefw-lint in the
 * folder of what is linted or the nearest folder above it.  Nothing with --no-config, or when
 * there is no such file.  False: something is wrong, which was reported.
 */
bool lint_config(struct cli *cli, struct arena *arena);
/* Runs a command with them added; returns its exit status. */
int lint_config_run(const struct cli *given, int (*run)(const struct cli *cli));

#endif
