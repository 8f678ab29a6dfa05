/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of pvefw-cc and their options, from cli.def. */
#ifndef PVEFW_COMMANDS_H
#define PVEFW_COMMANDS_H

#include "cli/shared_options.h"

enum command_id {
#define COMMAND(ID, function, name, operands, text) COMMAND_##ID,
#include "commands/cli.def"
	COMMANDS
};

enum cli_option_id {
	CLI_BEFORE_OWN = CLI_SHARED - 1,
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "commands/cli.def"
	CLI_OPTIONS
};

#define COMMAND(ID, function, name, operands, text) int function(const struct cli *cli);
#include "commands/cli.def"

extern const struct cli_program pvefw_cc;

/* Writes fixes, and reports what has gone wrong; then returns false. */
struct fixes;
bool write_fixes(const struct fixes *fixes, struct out *out);

#endif
