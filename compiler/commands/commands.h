/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of pvefw-cc and their options, from cli.def. */
#ifndef PVEFW_COMMANDS_H
#define PVEFW_COMMANDS_H

#include "cli/shared_options.h"

/* COMMAND_ and CLI_ with the ID of each row of cli.def, and the functions of the commands. */
#include "generated/command_ids.h"

extern const struct cli_program pvefw_cc;

/* Whether a command that prints a table was called with --format json. */
bool table_wants_json(const struct cli *cli);
/* Writes fixes, and reports what has gone wrong; then returns false. */
struct fixes;
bool write_fixes(const struct fixes *fixes, struct out *out);

#endif
