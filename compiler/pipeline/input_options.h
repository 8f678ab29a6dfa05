/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line options that select the input. */
#ifndef PVEFW_INPUT_OPTIONS_H
#define PVEFW_INPUT_OPTIONS_H

#include "cli/shared_options.h"
#include "inputs/inputs.h"

/* The input options that were given; all memory is the command line's. */
struct input_options cli_inputs(const struct cli *cli);
/* For commands that work on one node: returns false, and reports it, if the --node that wins names several.  On the
 * command line the last --node wins; a file that names several does not say which is meant. */
bool cli_has_one_node(const struct cli *cli);
/* Whether --node was given on the command line, and not just in a file. */
bool cli_names_node(const struct cli *cli);

#endif
