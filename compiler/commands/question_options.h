/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command lines of simulate, query and their like say, and the configuration that they ask. */
#ifndef PVEFW_QUESTION_OPTIONS_H
#define PVEFW_QUESTION_OPTIONS_H

#include "cli/shared_options.h"
#include "pipeline/pipeline.h"
#include "questions/packet_request.h"

struct packet_words cli_packet_words(const struct cli *cli);
/* Reads --expect or another option with an action, of any case; NULL: not given.  False: it is not an action,
 * which was reported. */
bool cli_read_action(const struct cli *cli, unsigned option, const char **action);
/* Reads --budget, given in millions of steps; false was reported. */
bool cli_read_budget(const struct cli *cli, unsigned option, struct model_budget *budget);
/* The backend that `target`, a value of --target, names: NULL: not given, the one that the host's options
 * choose.  Returns NULL for "written": what is written. */
const struct backend *cli_asked_target(const char *target, const struct config *config);
/* Compiles the tree for one node and asks it; returns the exit status.  `word` is passed on to `ask`.  The
 * faults of the files are not printed: lint reports them. */
int cli_ask_tree(const struct cli *cli, const char *target, const char *word,
		 int (*ask)(const struct cli *cli, const struct pipeline *p, const char *word));
/* Whether the answer, on standard output, is coloured. */
bool cli_answer_colour(void);

#endif
