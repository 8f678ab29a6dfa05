/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines.  A program is a table of commands and one of options (commands.h has those of pvefw-cc), in which the
 * options of cli_shared.def come first.  An option is its index in the table: CLI_ROOT and so on.
 */
#ifndef PVEFW_OPTIONS_H
#define PVEFW_OPTIONS_H

#include "base/version.h"
#include "cli/console.h"

enum { CLI_OPTIONS_MAX = 128 };
/* In the commands of an option: a configuration file can set it. */
#define CLI_IN_FILE (1u << 31)

struct cli;

/* A command; the only one of a program without commands has no name. */
struct command_row {
	const char *name, *operands, *text;
	int (*run)(const struct cli *cli); /* returns the exit status */
};

struct cli_option_row {
	char letter;
	const char *name, *argument;
	unsigned commands; /* bit set of indexes of commands */
	const char *text;
};

struct cli_program {
	const char *name;
	const char *see; /* the end of --help: where to read more */
	const struct command_row *commands;
	unsigned command_count;
	const struct cli_option_row *options;
	unsigned option_count;
	const char *(*target_at)(unsigned i); /* the values of an argument TARGET, NULL after the last one; or NULL */
};

/* An option with an argument: one each time it was given. */
struct cli_value {
	unsigned option;
	const char *text;
	const char *shown; /* "-W", or the place in a file: for messages */
	bool from_file;
	struct cli_value *next;
};

/* A command line that was understood. */
struct cli {
	const struct cli_program *program;
	unsigned command;
	struct arena *arena; /* for the values */
	const char *value[CLI_OPTIONS_MAX]; /* NULL: not given; "" if it takes no argument; the last one */
	struct cli_value *values;           /* all of them, in their order; of a file's lists first the file's */
	char **operands;
	int operand_count;
};

/* Runs the command of the command line; returns the exit status.  program.c */
int cli_main(const struct cli_program *program, int argc, char **argv);
/* `help`, which every program has beside its own commands. */
extern const struct command_row cli_help_command;
/* Returns NULL if the program has no such command, which was reported. */
const struct command_row *command_find(const struct cli_program *program, const char *name);

/* Reads the words after the command's name into `cli`, whose program and command are set.  Returns false if something
 * is wrong, which was reported. */
bool cli_parse(struct cli *cli, struct arena *arena, int count, char **words);
/* Takes one option as if it had been given; `value` NULL: without an argument.  False was reported. */
bool cli_take(struct cli *cli, unsigned option, const char *shown, const char *value, bool from_file);
/*
 * Adds the options of a file, `key: value` a line, where a key is the long name of an option that may stand in files.
 * The command line wins; lists such as -W add up, the file's first.  File names are relative to the file's folder.
 * Returns false if something is wrong, which was reported.  config_file.c
 */
bool cli_read_file(struct cli *cli, const char *path);

bool cli_is_of_command(const struct cli *cli, unsigned option);
/* The value of an option that wins; NULL if it was not given or takes no argument. */
const struct cli_value *cli_value(const struct cli *cli, unsigned option);
/* Where that value was given: "--format", or a place in a file; "" if it was not. */
const char *cli_shown(const struct cli *cli, unsigned option);
/* Returns false, and reports it, if the option names a .fw file as the one to write: most likely its argument was
 * forgotten, and the next word of the command line was taken for it. */
bool cli_may_write(const struct cli *cli, unsigned option);

/* The usage of a program, and of one of its commands.  help.c */
void cli_help(struct out *out, const struct cli_program *program);
void command_help(struct out *out, const struct cli_program *program, unsigned command);
/* Value `i` of those that an option can have; empty after the last one, and if its argument is not one of a list. */
struct text cli_value_at(const struct cli_program *program, const struct cli_option_row *option, unsigned i);
/* Appends these values, `separator` between two; returns whether there are any. */
bool cli_option_values(struct out *out, const struct cli_program *program, const struct cli_option_row *option,
		       const char *separator);

#endif
