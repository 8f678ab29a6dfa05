/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines: what the programs' tables of commands and options are, and what
 * a command line said.  Each program has a table of its own (commands.h is that of
 * pvefw-cc), in which the options of cli_shared.def come first.
 */
#ifndef PVEFW_OPTIONS_H
#define PVEFW_OPTIONS_H

#include "base/arena.h"
#include "inputs/inputs.h"
#include "base/output.h"
#include "base/version.h"

enum {
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "cli/cli_shared.def"
#undef CLI_OPTION
	CLI_SHARED
};

enum { CLI_OPTIONS_MOST = 64 };
/* In the commands of an option: a configuration file can set it. */
#define CLI_IN_FILE (1u << 31)

/* Exit status (spec 5.3). */
enum {
	EXIT_CLEAN = 0,
	EXIT_FOUND = 1,   /* a diagnostic at the failure level or above it */
	EXIT_ERROR = 2, /* usage, input that cannot be read, output that cannot be written */
};

struct cli;

/* A command; the only one of a program that has no commands has no name. */
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
	const char *const *later; /* commands that scripts may know from the stock program; NULL, or ends in NULL */
};

/* An option with an argument, as often as it was given. */
struct cli_value {
	unsigned option;
	const char *text;
	const char *shown; /* "-W", or the place in a file: for messages */
	struct cli_value *next;
};

/* A command line that was understood. */
struct cli {
	const struct cli_program *program;
	unsigned command;
	const char *value[CLI_OPTIONS_MOST]; /* NULL: not given; "" if it takes no argument; the last one */
	struct cli_value *values;            /* all of them, in their order */
	struct altname_option *altnames;
	struct node_option *nodes; /* of every --node, which can name several: --node pve1,pve2 */
	char **operands;
	int operand_count;
};

/* Does what the command line says; returns the exit status. */
int cli_main(const struct cli_program *program, int argc, char **argv);

/* Reads what follows the command's name into `cli`, whose program and command are
 * set; reports what is wrong and returns false. */
bool cli_parse(struct cli *cli, struct arena *arena, int count, char **words);
/*
 * Adds the options of a file, `key: value` a line, where a key is the long name of an option
 * that may stand in files.  What the command line says counts; -W and so on add up, the
 * file's first.  File names are relative to the file's folder.  cli_file.c
 */
bool cli_read_file(struct cli *cli, struct arena *arena, const char *path);
/* Takes one option as if it had been given; for cli_file.c. */
bool cli_take(struct cli *cli, struct arena *arena, unsigned option, const char *shown, const char *value);
/* Where the value of the option that counts was said: "--format", or a place in a file. */
const char *cli_shown(const struct cli *cli, unsigned option);
/* False: the option names a .fw file as the one to write, which is reported: most likely the name was forgotten, and the
 * next word of the command line taken for it. */
bool cli_may_write(const struct cli *cli, unsigned option);
bool cli_is_of_command(const struct cli *cli, unsigned option);
/* `help`, which every program has beside its own commands. */
extern const struct command_row cli_help_command;
/* NULL was reported. */
const struct command_row *command_find(const struct cli_program *program, const char *name);
/* The input options that were given. */
struct input_options cli_inputs(const struct cli *cli);

/* False if the --node that counts names several nodes, which is reported: for commands that work on one.  On the
 * command line the last one counts; a file that names several does not say which. */
bool cli_has_one_node(const struct cli *cli);

/* The usage of all, and of one command. */
void cli_help(struct out *out, const struct cli_program *program);
void command_help(struct out *out, const struct cli_program *program, unsigned command);
/* Value `i` of those that the option can have; empty behind the last one, and if they are not from a list. */
struct text cli_value_at(const struct cli_option_row *option, unsigned i);
/* Appends the values that the option can have, `separator` between two; false if
 * they are not from a list. */
bool cli_option_values(struct out *out, const struct cli_option_row *option, const char *separator);

/* Prints the program's name and the message to standard error; returns EXIT_ERROR. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says that there is no such `what` and which one may be meant; EXIT_ERROR. */
struct suggestion;
int cli_unknown(const char *what, const char *prefix, const struct suggestion *s);
/* To standard output: returns EXIT_CLEAN or reports why it cannot be written. */
void stdout_open(struct out *out);
int stdout_close(struct out *out);
/* Whether an errno of writing is a failure; a reader that wants no more, EPIPE, is not. */
bool is_write_failure(int reason);
/* "-" in place of a file's name; NULL is not one. */
bool is_standard_stream(const char *path);

#endif
