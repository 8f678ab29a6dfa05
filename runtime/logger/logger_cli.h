/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of pvefw-logger, from logger_cli.def. */
#ifndef PVEFW_LOGGER_CLI_H
#define PVEFW_LOGGER_CLI_H

#include "cli/shared_options.h"

enum logger_option {
	LOGGER_BEFORE_OWN = CLI_SHARED - 1,
#define CLI_OPTION(ID, letter, name, argument, commands, text) LOGGER_##ID,
#include "logger/logger_cli.def"
	LOGGER_OPTIONS
};

extern const struct cli_program pvefw_logger;

#endif
