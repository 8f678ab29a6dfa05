/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of pve-firewall. */
#include "firewall/commands/firewall.h"

#define IN(ID) (1u << FIREWALL_##ID)
#define TAKES_INPUTS ~0u
#define TAKES_DIAGNOSTICS (IN(STATUS) | IN(COMPILE) | IN(LOCALNET))
#define TAKES_FORMAT 0
#define TAKES_PACKETS (IN(SIMULATE) | IN(TRACE))
#define TAKES_ONE_PACKET IN(SIMULATE)

static const struct command_row commands[FIREWALL_COMMANDS] = {
#define COMMAND(ID, function, name, operands, text) [FIREWALL_##ID] = { name, operands, text, function },
#include "firewall/commands/firewall.def"
};

static const struct cli_option_row options[FIREWALL_OPTIONS] = {
#define CLI_OPTION(ID, letter, name, argument, takers, text) [CLI_##ID] = { letter, name, argument, takers, text },
#include "cli/cli_shared.def"
#include "firewall/base/service_options.def"
};

const struct cli_program pve_firewall = {
	.name = "pve-firewall",
	.see = "pve-firewall COMMAND --help lists the options of a command. pve-firewall(8) is the manual.",
	.commands = commands,
	.command_count = FIREWALL_COMMANDS,
	.options = options,
	.option_count = FIREWALL_OPTIONS,
};
