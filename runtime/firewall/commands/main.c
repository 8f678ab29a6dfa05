/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall. */
#include "firewall/commands/firewall.h"

int main(int argc, char **argv)
{
	return cli_main(&pve_firewall, argc, argv);
}
