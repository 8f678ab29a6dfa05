/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command lines of simulate, query and their like say, and the configuration that they ask. */
#ifndef PVEFW_QUESTION_OPTIONS_H
#define PVEFW_QUESTION_OPTIONS_H

#include "cli/shared_options.h"
#include "questions/packet_request.h"

struct packet_words cli_packet_words(const struct cli *cli);
/* Reads --expect or another option with an action, of any case; NULL: not given.  False: it is not an action,
 * which was reported. */
bool cli_read_action(const struct cli *cli, unsigned option, const char **action);
/* Reads --budget, given in millions of steps; false was reported. */
bool cli_read_budget(const struct cli *cli, unsigned option, struct model_budget *budget);
/* Whether the answer, on standard output, is coloured. */
bool cli_answer_colour(void);

#endif
