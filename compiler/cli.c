/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading command lines by the table cli.def, and printing the usage from it.
 *
 * Operands and options may be mixed; "--" ends the options.  A long option takes
 * its argument behind "=" or as the next word, and is not abbreviated, so that a
 * script means the same when an option is added.
 */
#include "cli.h"

#include <unistd.h>

#include "backend.h"
#include "describe.h"
#include "diag_format.h"
#include "resolve.h"
#include "strerror.h"
#include "visible.h"

const struct command_row command_table[COMMANDS] = {
#define COMMAND(ID, function, name, operands, text) \
	[COMMAND_##ID] = { name, operands, text, function },
#include "cli.def"
};

const struct cli_option_row cli_option_table[CLI_OPTIONS] = {
#define CLI_OPTION(ID, letter, name, argument, commands, text) \
	[CLI_##ID] = { letter, name, argument, commands, text },
#include "cli.def"
};

/* ---- messages ---- */

int cli_error(const char *format, ...)
{
	struct arena arena = { 0 };
	struct out out;
	va_list args;

	va_start(args, format);
	out_init_fd(&out, STDERR_FILENO);
	out_string(&out, "pvefw-cc: ");
	out_visible(&out, text_of(arena_vprintf(&arena, format, args)));
	out_char(&out, '\n');
	out_flush(&out);
	va_end(args);
	out_free(&out);
	arena_free(&arena);
	return EXIT_TROUBLE;
}

void stdout_open(struct out *out)
{
	out_init_fd(out, STDOUT_FILENO);
}

int stdout_close(struct out *out)
{
	int reason = out_flush(out);

	out_free(out);
	return reason ? cli_error("cannot write standard output: %s", error_text(reason))
		      : EXIT_CLEAN;
}

int cli_unknown(const char *what, const char *prefix, const struct suggestion *s)
{
	if (s->best.len)
		return cli_error("unknown %s `%s%.*s`; did you mean `%s%.*s`?", what, prefix,
				 TEXT_ARG(s->wanted), prefix, TEXT_ARG(s->best));
	return cli_error("unknown %s `%s%.*s`", what, prefix, TEXT_ARG(s->wanted));
}

const struct command_row *command_find(const char *name)
{
	struct suggestion s;

	suggest_start(&s, text_of(name));
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (strcmp(name, command_table[i].name) == 0)
			return &command_table[i];
		suggest(&s, text_of(command_table[i].name), (struct span){ 0, 0 });
	}
	cli_unknown("command", "", &s);
	return NULL;
}

/* ---- parsing ---- */

/* Where the reading of a command line is. */
struct words {
	struct cli *cli;
	struct arena *arena;
	char **next, **end;
};

static bool is_of_command(const struct words *w, unsigned option)
{
	return cli_option_table[option].commands >> w->cli->command & 1;
}

/* The long option of this name; CLI_OPTIONS was reported. */
static unsigned find_long(const struct words *w, struct text name)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (unsigned i = 0; i < CLI_OPTIONS; i++) {
		if (!cli_option_table[i].name || !is_of_command(w, i))
			continue;
		if (text_is(name, cli_option_table[i].name))
			return i;
		suggest(&s, text_of(cli_option_table[i].name), (struct span){ 0, 0 });
	}
	cli_unknown("option", "--", &s);
	return CLI_OPTIONS;
}

static unsigned find_letter(const struct words *w, char letter)
{
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (letter && cli_option_table[i].letter == letter && is_of_command(w, i))
			return i;
	cli_error("unknown option `-%c`", letter);
	return CLI_OPTIONS;
}

/* An argument that lists the values: "auto|always|never". */
static bool is_choice(const char *argument)
{
	return argument && argument[0] >= 'a' && argument[0] <= 'z' && strchr(argument, '|');
}

static bool is_one_of(struct text choices, struct text value)
{
	while (choices.len) {
		long bar = text_find(choices, '|');
		uint32_t len = bar < 0 ? choices.len : (uint32_t)bar;

		if (text_equal((struct text){ choices.ptr, len }, value))
			return true;
		choices.ptr += len + (bar >= 0);
		choices.len -= len + (bar >= 0);
	}
	return false;
}

static bool check_value(const char *shown, const struct cli_option_row *row, const char *value)
{
	if (!is_choice(row->argument) || is_one_of(text_of(row->argument), text_of(value)))
		return true;
	cli_error("%s takes %s, not `%s`", shown, row->argument, value);
	return false;
}

static void add_altname(struct words *w, const char *text)
{
	struct altname_option **last = &w->cli->altnames;

	while (*last)
		last = &(*last)->next;
	*last = ARENA_NEW(w->arena, struct altname_option);
	(*last)->text = text;
}

/* `value` is what is attached to the option, or NULL. */
static bool take_value(struct words *w, unsigned option, const char *shown, const char *value)
{
	const struct cli_option_row *row = &cli_option_table[option];

	if (row->argument && !value && w->next < w->end)
		value = *w->next++;
	if (row->argument && !value) {
		cli_error("%s needs an argument, %s", shown, row->argument);
		return false;
	}
	if (!row->argument && value) {
		cli_error("%s takes no argument", shown);
		return false;
	}
	w->cli->value[option] = value ? value : "";
	if (option == CLI_ALTNAME)
		add_altname(w, value);
	return check_value(shown, row, w->cli->value[option]);
}

/* --name, --name=value */
static bool take_long(struct words *w, const char *word)
{
	const char *equals = strchr(word, '=');
	struct text name = { word + 2, (uint32_t)((equals ? equals : word + strlen(word)) - word) - 2 };
	unsigned option = find_long(w, name);

	return option < CLI_OPTIONS &&
	       take_value(w, option, arena_printf(w->arena, "--%.*s", TEXT_ARG(name)),
			  equals ? equals + 1 : NULL);
}

/* -a, -avalue, -abc */
static bool take_letters(struct words *w, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		unsigned option = find_letter(w, *at);
		const char *shown = arena_printf(w->arena, "-%c", *at);

		if (option == CLI_OPTIONS)
			return false;
		if (cli_option_table[option].argument)
			return take_value(w, option, shown, at[1] ? at + 1 : NULL);
		if (!take_value(w, option, shown, NULL))
			return false;
	}
	return true;
}

bool cli_parse(struct cli *cli, struct arena *arena, int count, char **words)
{
	struct words w = { cli, arena, words, words + count };
	bool operands_only = false;

	cli->operands = words;
	while (w.next < w.end) {
		char *word = *w.next++;

		if (operands_only || word[0] != '-' || word[1] == '\0')
			cli->operands[cli->operand_count++] = word;
		else if (strcmp(word, "--") == 0)
			operands_only = true;
		else if (!(word[1] == '-' ? take_long(&w, word) : take_letters(&w, word)))
			return false;
	}
	return true;
}

/* ---- help ---- */

static const char *backend_at(unsigned i)
{
	return backends[i] ? backends[i]->name : NULL;
}

static const char *format_at(unsigned i)
{
	return diag_formats[i] ? diag_formats[i]->name : NULL;
}

bool cli_option_values(struct out *out, enum cli_option_id option, const char *separator)
{
	const char *argument = cli_option_table[option].argument;
	const char *(*name_at)(unsigned) = option == CLI_TARGET   ? backend_at
					   : option == CLI_FORMAT ? format_at
								  : NULL;
	const char *name;

	for (unsigned i = 0; name_at && (name = name_at(i)); i++)
		out_printf(out, "%s%s", i ? separator : "", name);
	if (name_at || !is_choice(argument))
		return name_at != NULL;
	for (; *argument; argument++)
		if (*argument == '|')
			out_string(out, separator);
		else
			out_char(out, *argument);
	return true;
}

static void option_help(struct out *out, unsigned option)
{
	const struct cli_option_row *row = &cli_option_table[option];
	struct out text;

	out_printf(out, row->letter ? "  -%c" : "    ", row->letter);
	if (row->name)
		out_printf(out, "%s --%s", row->letter ? "," : " ", row->name);
	if (row->argument)
		out_printf(out, " %s", row->argument);
	out_char(out, '\n');
	out_init_memory(&text);
	out_string(&text, row->text);
	if (!is_choice(row->argument)) {
		size_t len = text.len;

		out_string(&text, ": ");
		if (!cli_option_values(&text, option, ", "))
			text.len = len;
	}
	describe_paragraph(out, 10, (struct text){ text.data, (uint32_t)text.len });
	out_free(&text);
}

void command_help(struct out *out, enum command_id command)
{
	const struct command_row *row = &command_table[command];

	out_printf(out, "usage: pvefw-cc %s [OPTION ...]%s%s\n\n%s.\n\n", row->name,
		   row->operands[0] ? " " : "", row->operands, row->text);
	for (unsigned i = 0; i < CLI_OPTIONS; i++)
		if (cli_option_table[i].commands >> command & 1)
			option_help(out, i);
}

void cli_help(struct out *out)
{
	out_string(out, "usage: pvefw-cc COMMAND [OPTION ...] [OPERAND ...]\n"
			"\nThe commands:\n\n");
	for (unsigned i = 0; i < COMMANDS; i++)
		out_printf(out, "  %-12s %s\n", command_table[i].name, command_table[i].text);
	out_string(out, "\npvefw-cc COMMAND --help lists the options of one; "
			"pvefw-cc(1) tells all, pvefw.fw(5)\ndescribes the language.\n");
}
