/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc simulate: what happens to a packet, and which line decides it. */
#include "commands/commands.h"
#include "commands/question_options.h"
#include "findings/run.h"
#include "format/diag_json.h"
#include "questions/simulate.h"

static int simulate_print_answer(const struct cli *cli, struct simulation *s)
{
	struct out out;

	stdout_open(&out);
	if (cli->value[CLI_ANSWER_FORMAT] && strcmp(cli->value[CLI_ANSWER_FORMAT], "json") == 0)
		json_print(&out, simulate_json(s));
	else
		simulate_print(&out, s, cli->value[CLI_VERBOSE] != NULL, cli_answer_colour());
	return stdout_close(&out);
}

/* Asks the configuration and prints the answer; returns the exit status. */
static int simulate_config(const struct cli *cli, const struct pipeline *p, const char *expected)
{
	struct packet_words words = cli_packet_words(cli);
	const struct config *config = p->configs.configs[0];
	struct model_budget budget;
	struct simulation s;
	int status;

	if (!cli_read_budget(cli, CLI_BUDGET, &budget))
		return EXIT_ERROR;
	if (simulate(&s, config, p->diags->map, cli_asked_target(cli->value[CLI_ASKED_TARGET], config),
		     &words, budget)) {
		status = simulate_print_answer(cli, &s);
		if (status == EXIT_CLEAN && expected && !simulate_is(&s, expected)) {
			cli_error("the packet is not treated as --expect %s says", expected);
			status = EXIT_FOUND;
		}
	} else {
		status = cli_error("%s", s.error);
	}
	simulate_end(&s);
	return status;
}

int cmd_simulate(const struct cli *cli)
{
	const char *expected;

	if (cli->operand_count)
		return cli_error("simulate does not take an operand; use --root for the tree");
	if (!cli_has_one_node(cli) || !cli_read_action(cli, CLI_EXPECT, &expected))
		return EXIT_ERROR;
	return cli_ask_tree(cli, cli->value[CLI_ASKED_TARGET], expected, simulate_config);
}
