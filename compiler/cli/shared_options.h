/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that all programs have, from cli_shared.def: they are the first of each program's table. */
#ifndef PVEFW_SHARED_OPTIONS_H
#define PVEFW_SHARED_OPTIONS_H

#include "cli/options.h"

/* CLI_ with the ID of each row, and CLI_SHARED, their number. */
#include "generated/shared_option_ids.h"

#endif
