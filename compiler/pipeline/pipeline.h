/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands have in common that compile for a backend. */
#ifndef PVEFW_PIPELINE_H
#define PVEFW_PIPELINE_H

#include "api/backend.h"
#include "cli/run.h"

/* The backend that --target names, whose value cli_parse() has checked, or `otherwise`. */
const struct backend *cmd_backend(const struct cli *cli, const char *otherwise);

/* What a command makes of a configuration; false if that has failed. */
typedef bool cmd_use(struct run *run, const struct backend *backend, const struct inputs *inputs,
		     const struct config *config);
/* Compiles for a backend and, if everything could be read, uses what comes of it; false if something has failed. */
bool cmd_pipeline(struct run *run, const struct backend *backend, cmd_use *use);

#endif
