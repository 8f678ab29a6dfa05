/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that all programs have, from cli_shared.def: they are the first of each program's table. */
#ifndef PVEFW_SHARED_OPTIONS_H
#define PVEFW_SHARED_OPTIONS_H

#include "cli/options.h"

enum {
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "cli/cli_shared.def"
#undef CLI_OPTION
	CLI_SHARED
};

#endif
