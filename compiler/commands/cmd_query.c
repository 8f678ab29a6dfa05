/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc query: for which packets an action is taken. */
#include "commands/commands.h"
#include "commands/question_options.h"
#include "findings/run.h"
#include "format/diag_json.h"
#include "questions/query.h"

static enum query_part query_part_of(const struct cli *cli)
{
	static const char *const names[] = {
		[QUERY_SOURCE] = "source", [QUERY_DEST] = "dest", [QUERY_SERVICE] = "service", [QUERY_ZONE] = "zone"
	};
	const char *value = cli->value[CLI_OF];

	for (unsigned i = QUERY_SOURCE; value && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0)
			return (enum query_part)i;
	return QUERY_ROWS;
}

static bool query_read_limit(const struct cli *cli, uint32_t *limit)
{
	const char *value = cli->value[CLI_LIMIT];
	uint64_t number = 20;

	if (value && (!text_to_number(text_of(value), 100000, &number) || !number)) {
		cli_error("--limit takes a number of rows from 1 to 100000, not `%s`", value);
		return false;
	}
	*limit = (uint32_t)number;
	return true;
}

/* Asks and prints; returns the exit status. */
static int query_answer(const struct cli *cli, struct query *query)
{
	bool wants_json = cli->value[CLI_ANSWER_FORMAT] && strcmp(cli->value[CLI_ANSWER_FORMAT], "json") == 0,
	     done;
	struct out out;
	int status;

	stdout_open(&out);
	query->json = wants_json ? json_object() : NULL;
	query->out = wants_json ? NULL : &out;
	query->colour = cli_answer_colour();
	done = query_run(query);
	if (wants_json && done) {
		json_object_set_new(query->json, "action", json_string(query->action));
		json_print(&out, query->json);
	} else {
		json_decref(query->json);
	}
	status = stdout_close(&out);
	if (!done)
		return cli_error("%s", query->error);
	return status != EXIT_CLEAN ? status : query->found ? EXIT_CLEAN : EXIT_FOUND;
}

static int query_config(const struct cli *cli, const struct pipeline *p, const char *action)
{
	struct packet_words words = cli_packet_words(cli);
	struct query query = { .config = p->configs.configs[0],
			       .map = p->diags->map,
			       .words = &words,
			       .action = action ? action : "ACCEPT",
			       .part = query_part_of(cli) };
	int status;

	if (!cli_read_budget(cli, CLI_BUDGET, &query.budget) || !query_read_limit(cli, &query.limit))
		return EXIT_ERROR;
	query.target = cli_asked_target(cli->value[CLI_ASKED_TARGET], query.config);
	status = query_answer(cli, &query);
	query_end(&query);
	return status;
}

int cmd_query(const struct cli *cli)
{
	const char *action;

	if (cli->operand_count)
		return cli_error("query does not take an operand; use --root for the tree");
	if (!cli_has_one_node(cli) || !cli_read_action(cli, CLI_ACTION, &action))
		return EXIT_ERROR;
	return cli_ask_tree(cli, cli->value[CLI_ASKED_TARGET], action, query_config);
}
