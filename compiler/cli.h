/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of pvefw-cc: its commands and options (cli.def), and what a
 * command line said.
 */
#ifndef PVEFW_CLI_H
#define PVEFW_CLI_H

#include "arena.h"
#include "inputs.h"
#include "out.h"

#ifndef PVEFW_VERSION
#define PVEFW_VERSION "0.1"
#endif

enum command_id {
#define COMMAND(ID, function, name, operands, text) COMMAND_##ID,
#include "cli.def"
	COMMANDS
};

enum cli_option_id {
#define CLI_OPTION(ID, letter, name, argument, commands, text) CLI_##ID,
#include "cli.def"
	CLI_OPTIONS
};

/* Exit status (spec 5.3). */
enum {
	EXIT_CLEAN = 0,
	EXIT_FOUND = 1,   /* a diagnostic at the failure level or above it */
	EXIT_TROUBLE = 2, /* usage, input that cannot be read, output that cannot be written */
};

struct cli;

/* One row each of cli.def. */
struct command_row {
	const char *name, *operands, *text;
	int (*run)(const struct cli *cli); /* returns the exit status */
};

struct cli_option_row {
	char letter;
	const char *name, *argument;
	unsigned commands; /* bit set of command_id */
	const char *text;
};

extern const struct command_row command_table[COMMANDS];
extern const struct cli_option_row cli_option_table[CLI_OPTIONS];

/* A command line that was understood. */
struct cli {
	enum command_id command;
	const char *value[CLI_OPTIONS]; /* NULL: not given; "" if it takes no argument */
	struct altname_option *altnames;
	char **operands;
	int operand_count;
};

/* Reads what follows the command's name; reports what is wrong and returns false. */
bool cli_parse(struct cli *cli, struct arena *arena, int count, char **words);
/* NULL was reported. */
const struct command_row *command_find(const char *name);

/* The usage of all, and of one command. */
void cli_help(struct out *out);
void command_help(struct out *out, enum command_id command);
/* Appends the values that `option` can have, `separator` between two; false if
 * they are not from a list. */
bool cli_option_values(struct out *out, enum cli_option_id option, const char *separator);

/* Prints "pvefw-cc: ..." to standard error; returns EXIT_TROUBLE. */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says that there is no such `what` and which one may be meant; EXIT_TROUBLE. */
struct suggestion;
int cli_unknown(const char *what, const char *prefix, const struct suggestion *s);
/* To standard output: returns EXIT_CLEAN or reports why it cannot be written. */
void stdout_open(struct out *out);
int stdout_close(struct out *out);

#define COMMAND(ID, function, name, operands, text) int function(const struct cli *cli);
#include "cli.def"

#endif
