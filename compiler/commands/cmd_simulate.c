/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc simulate: what happens to a packet, and which line decides it. */
#include "commands/commands.h"
#include "commands/question_options.h"
#include "findings/run.h"
#include "format/diag_json.h"
#include "pipeline/pipeline.h"
#include "questions/simulate.h"

/* The target of --target; NULL: what is written. */
static const struct backend *simulate_target(const struct cli *cli, const struct config *config)
{
	const char *name = cli->value[CLI_ASKED_TARGET];

	if (!name)
		return backend_of_host(config);
	return strcmp(name, "written") == 0 ? NULL : backend_find(text_of(name));
}

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
	if (simulate(&s, config, p->diags->map, simulate_target(cli, config), &words, budget)) {
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
	const char *target = cli->value[CLI_ASKED_TARGET], *expected;
	struct run run;
	int status = EXIT_ERROR, ended;

	if (cli->operand_count)
		return cli_error("simulate does not take an operand; use --root for the tree");
	if (!cli_has_one_node(cli) || !cli_read_action(cli, CLI_EXPECT, &expected))
		return EXIT_ERROR;
	if (run_begin(&run, cli)) {
		struct pipeline p = { .options = &run.options,
				      .diags = &run.diags,
				      .backend = target ? backend_find(text_of(target)) : NULL };

		if (pipeline_run(&p)) {
			status = simulate_config(cli, &p, expected);
			/* lint reports the faults of the files. */
			diags_clear(&run.diags);
		}
		pipeline_end(&p);
	}
	ended = run_end(&run);
	return ended == EXIT_CLEAN ? status : ended;
}
