/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc. */
#include "commands/commands.h"

int main(int argc, char **argv)
{
	return cli_main(&pvefw_cc, argc, argv);
}
