/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-logger. */
#include "logger/logger_cli.h"

int main(int argc, char **argv)
{
	return cli_main(&pvefw_logger, argc, argv);
}
