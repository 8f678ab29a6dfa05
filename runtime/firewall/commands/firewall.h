/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of pve-firewall, from firewall.def. */
#ifndef PVEFW_FIREWALL_H
#define PVEFW_FIREWALL_H

#include "firewall/base/service_options.h"

enum firewall_command {
#define COMMAND(ID, function, name, operands, text) FIREWALL_##ID,
#include "firewall/commands/firewall.def"
	FIREWALL_COMMANDS
};

#define COMMAND(ID, function, name, operands, text) int function(const struct cli *cli);
#include "firewall/commands/firewall.def"

extern const struct cli_program pve_firewall;

#endif
