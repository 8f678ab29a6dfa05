/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc: finds the command in the table and runs it. */
#include <signal.h>

#include "cli.h"

static int print_help(const struct command_row *command)
{
	struct out out;

	stdout_open(&out);
	if (command)
		command_help(&out, (enum command_id)(command - command_table));
	else
		cli_help(&out);
	return stdout_close(&out);
}

static int print_version(void)
{
	struct out out;

	stdout_open(&out);
	out_string(&out, "pvefw-cc " PVEFW_VERSION "\n");
	return stdout_close(&out);
}

static int run(struct arena *arena, const struct command_row *command, int count, char **words)
{
	struct cli cli = { .command = (enum command_id)(command - command_table) };

	if (!cli_parse(&cli, arena, count, words))
		return EXIT_TROUBLE;
	if (cli.value[CLI_HELP])
		return print_help(command);
	if (cli.value[CLI_VERSION])
		return print_version();
	return command->run(&cli);
}

static bool is_option(const char *word, enum cli_option_id option)
{
	const struct cli_option_row *row = &cli_option_table[option];

	if (word[0] == '-' && word[1] == '-')
		return strcmp(word + 2, row->name) == 0;
	return word[0] == '-' && word[1] == row->letter && word[2] == '\0';
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	const struct command_row *command;
	int status = EXIT_TROUBLE;

	/* A reader that goes away, and a file that may grow no further, are errors like any
	 * other, and are reported. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc < 2)
		return cli_error("no command given; see pvefw-cc --help");
	if (is_option(argv[1], CLI_HELP))
		return print_help(NULL);
	if (is_option(argv[1], CLI_VERSION))
		return print_version();
	command = command_find(argv[1]);
	if (command)
		status = run(&arena, command, argc - 2, argv + 2);
	arena_free(&arena);
	return status;
}
