/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of pve-firewall and their options, from firewall.def. */
#ifndef PVEFW_FIREWALL_H
#define PVEFW_FIREWALL_H

#include "cli/options.h"

enum firewall_command {
#define COMMAND(ID, function, name, operands, text) FIREWALL_##ID,
#include "firewall/commands/firewall.def"
	FIREWALL_COMMANDS
};

enum firewall_option {
	FIREWALL_BEFORE_OWN = CLI_SHARED - 1,
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "firewall/commands/firewall.def"
	FIREWALL_OPTIONS
};

#define COMMAND(ID, function, name, operands, text) int function(const struct cli *cli);
#include "firewall/commands/firewall.def"

extern const struct cli_program pve_firewall;

/* Where the service keeps its things. */
const char *firewall_run_dir(const struct cli *cli);
/* Where it keeps what a restart of the machine must not lose; with --run-dir alone, there. */
const char *firewall_state_dir(const struct cli *cli);
/* What is compiled for the kernel: with the names in corosync.conf resolved, whoever compiles it. */
struct input_options firewall_inputs(const struct cli *cli);

#endif
