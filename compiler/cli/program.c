/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From main() to the command that the first word names. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/shared_options.h"
#include "diag/suggest.h"

const struct command_row *command_find(const struct cli_program *program, const char *name)
{
	struct suggestion s;

	suggest_start(&s, text_of(name));
	for (unsigned i = 0; i < program->command_count; i++) {
		if (strcmp(name, program->commands[i].name) == 0)
			return &program->commands[i];
		suggest_word(&s, text_of(program->commands[i].name));
	}
	suggest_word(&s, text_of(cli_help_command.name));
	cli_unknown("command", "", &s);
	return NULL;
}

/* `command` NULL: the usage of all. */
static int print_help(const struct cli_program *program, const struct command_row *command)
{
	struct out out;

	stdout_open(&out);
	if (command)
		command_help(&out, program, (unsigned)(command - program->commands));
	else
		cli_help(&out, program);
	return stdout_close(&out);
}

static int print_version(const struct cli_program *program)
{
	struct out out;

	stdout_open(&out);
	out_printf(&out, "%s %s\n", program->name, PVEFW_VERSION);
	return stdout_close(&out);
}

static bool is_cli_option(const char *word, const struct cli_option_row *row)
{
	if (word[0] == '-' && word[1] == '-')
		return strcmp(word + 2, row->name) == 0;
	return word[0] == '-' && word[1] == row->letter && word[2] == '\0';
}

/* `help` and the words after it. */
static int run_help(const struct cli_program *program, int count, char **words)
{
	const struct command_row *only = program->commands[0].name ? NULL : program->commands, *command;

	if (count == 0 || is_cli_option(words[0], &program->options[CLI_HELP]))
		return print_help(program, only);
	if (count > 1 || only)
		return cli_error("`%s`: help takes %s", words[count - 1],
				 only ? "no operand, because there are no commands"
				      : "the name of one command");
	if (strcmp(words[0], cli_help_command.name) == 0)
		return print_help(program, NULL);
	command = command_find(program, words[0]);
	return command ? print_help(program, command) : EXIT_ERROR;
}

static int run_command(struct arena *arena, const struct cli_program *program,
		       const struct command_row *command, int count, char **words)
{
	struct cli cli = { .program = program, .command = (unsigned)(command - program->commands) };

	if (!cli_parse(&cli, arena, count, words))
		return EXIT_ERROR;
	if (cli.value[CLI_HELP])
		return print_help(program, command);
	if (cli.value[CLI_VERSION])
		return print_version(program);
	return command->run(&cli);
}

/* An option before the command: only --help and --version can be there. */
static int report_early_option(const struct cli_program *program, const char *word)
{
	struct suggestion s;

	suggest_start(&s, text_of(word + strspn(word, "-")));
	suggest_word(&s, text_of(program->options[CLI_HELP].name));
	suggest_word(&s, text_of(program->options[CLI_VERSION].name));
	if (s.best.len)
		return cli_error("unknown command `%s`; did you mean `--%.*s`?", word, TEXT_ARG(s.best));
	return cli_error("unknown command `%s`; options come after the command", word);
}

static int run_program(struct arena *arena, const struct cli_program *program, int count, char **words)
{
	bool has_commands = program->commands[0].name != NULL;
	const struct command_row *command;

	if (count && strcmp(words[0], cli_help_command.name) == 0)
		return run_help(program, count - 1, words + 1);
	if (!has_commands)
		return run_command(arena, program, program->commands, count, words);
	if (!count)
		return cli_error("no command given; see %s --help", program->name);
	if (is_cli_option(words[0], &program->options[CLI_HELP]))
		return print_help(program, NULL);
	if (is_cli_option(words[0], &program->options[CLI_VERSION]))
		return print_version(program);
	if (words[0][0] == '-')
		return report_early_option(program, words[0]);
	command = command_find(program, words[0]);
	return command ? run_command(arena, program, command, count - 1, words + 1) : EXIT_ERROR;
}

/*
 * Makes a pipe without a reader of each standard stream that is closed, before anything else is opened under
 * its number: what is printed must not get into a file or socket of ours.  Writing then fails as when a
 * reader has gone away.
 */
static void open_standard_streams(void)
{
	int ends[2];

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF || pipe(ends) < 0)
			continue;
		/* The lowest number is free, so the end for reading is `fd`; it is closed here. */
		dup2(ends[1], fd);
		close(ends[1]);
	}
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
	struct arena arena = { 0 };
	int status;

	cli_set_name(program->name);
	open_standard_streams();
	/* A file that may grow no further is an error like any other, and is reported.  When a reader goes
	 * away, a command still does all of its work, and ends as if all had been read. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	status = run_program(&arena, program, argc > 0 ? argc - 1 : 0, argv + 1);
	arena_free(&arena);
	return status;
}
