/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of pvefw-cc. */
#include "commands/commands.h"

#include "api/backend.h"

#define IN(ID) (1u << COMMAND_##ID)
#define TAKES_FORMAT (IN(COMPILE) | IN(LOAD) | IN(LINT))
#define TAKES_DIAGNOSTICS (TAKES_FORMAT | IN(REPORT))
#define TAKES_PACKETS (IN(SIMULATE) | IN(QUERY))
#define TAKES_ONE_PACKET IN(SIMULATE)
#define TAKES_INPUTS (TAKES_DIAGNOSTICS | TAKES_PACKETS | IN(DIFF) | IN(TEST))
#define TAKES_FINDINGS (IN(COMPILE) | IN(LINT) | IN(REPORT))

static const struct command_row commands[COMMANDS] = {
#define COMMAND(ID, function, name, operands, text) \
	[COMMAND_##ID] = { name, operands, text, function },
#include "commands/cli.def"
};

static const struct cli_option_row options[CLI_OPTIONS] = {
#define CLI_OPTION(ID, letter, name, argument, takers, text) \
	[CLI_##ID] = { letter, name, argument, takers, text },
#include "cli/cli_shared.def"
#include "commands/cli.def"
};

static const char *target_at(unsigned i)
{
	return backends[i] ? backends[i]->name : NULL;
}

const struct cli_program pvefw_cc = {
	.name = "pvefw-cc",
	.see = "pvefw-cc COMMAND --help lists the options of a command. pvefw-cc(1) is the\nmanual; pvefw.fw(5) describes the language.",
	.commands = commands,
	.command_count = COMMANDS,
	.options = options,
	.option_count = CLI_OPTIONS,
	.target_at = target_at,
};
