/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/question_options.h"

#include <unistd.h>

#include "diag/suggest.h"
#include "findings/run.h"

struct packet_words cli_packet_words(const struct cli *cli)
{
	const char *const *value = cli->value;

	return (struct packet_words){
		.from = value[CLI_FROM],
		.to = value[CLI_TO],
		.protocol = value[CLI_PROTOCOL],
		.source = value[CLI_SOURCE],
		.dest = value[CLI_DEST],
		.sport = value[CLI_SPORT],
		.dport = value[CLI_DPORT],
		.icmp_type = value[CLI_ICMP_TYPE],
		.state = value[CLI_STATE],
		.mac = value[CLI_MAC],
		.interface = value[CLI_INTERFACE],
		.over_limit = value[CLI_OVER_LIMIT] != NULL,
	};
}

bool cli_read_action(const struct cli *cli, unsigned option, const char **action)
{
	static const char *const names[] = { "ACCEPT", "DROP", "REJECT", "DENY", "QUEUE" };
	const char *value = cli->value[option];
	struct suggestion s;

	*action = NULL;
	if (!value)
		return true;
	suggest_start(&s, text_of(value));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_is_nocase(text_of(value), names[i])) {
			*action = names[i];
			return true;
		}
		suggest_word(&s, text_of(names[i]));
	}
	if (s.best.len)
		cli_error("%s takes ACCEPT, DROP, REJECT, DENY or QUEUE, not `%s`; did you mean `%.*s`?",
			  cli_shown(cli, option), value, TEXT_ARG(s.best));
	else
		cli_error("%s takes ACCEPT, DROP, REJECT, DENY or QUEUE, not `%s`", cli_shown(cli, option),
			  value);
	return false;
}

bool cli_read_budget(const struct cli *cli, unsigned option, struct model_budget *budget)
{
	const char *value = cli->value[option];
	uint64_t millions = 0;

	*budget = (struct model_budget){ 0 };
	if (!value)
		return true;
	if (!text_to_number(text_of(value), 1000000, &millions) || !millions) {
		cli_error("%s takes a number of millions of steps, from 1 to 1000000, not `%s`",
			  cli_shown(cli, option), value);
		return false;
	}
	budget->steps = millions * 1000000;
	/* The default budget of memory belongs to that of steps. */
	budget->bytes = (size_t)millions * (MODEL_BYTES / (MODEL_STEPS / 1000000));
	return true;
}

const struct backend *cli_asked_target(const char *target, const struct config *config)
{
	if (!target)
		return backend_of_host(config);
	return strcmp(target, "written") == 0 ? NULL : backend_find(text_of(target));
}

int cli_ask_tree(const struct cli *cli, const char *target, const char *word,
		 int (*ask)(const struct cli *cli, const struct pipeline *p, const char *word))
{
	struct run run;
	int status = EXIT_ERROR, ended;

	if (run_begin(&run, cli)) {
		struct pipeline p = { .options = &run.options,
				      .diags = &run.diags,
				      .backend = target ? backend_find(text_of(target)) : NULL };

		if (pipeline_run(&p)) {
			status = ask(cli, &p, word);
			diags_clear(&run.diags);
		}
		pipeline_end(&p);
	}
	ended = run_end(&run);
	return ended == EXIT_CLEAN ? status : ended;
}

bool cli_answer_colour(void)
{
	return wants_colour(STDOUT_FILENO, NULL);
}
