/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading command lines by a program's tables, printing the usage from them, and
 * running what was asked for.
 *
 * Operands and options may be mixed; "--" ends the options.  A long option takes
 * its argument behind "=" or as the next word, and is not abbreviated, so that a
 * script means the same when an option is added.
 */
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "api/backend.h"
#include "lang/describe.h"
#include "format/formats.h"
#include "diag/suggest.h"
#include "base/errno_text.h"
#include "base/escape.h"

const struct command_row cli_help_command = { "help", "[COMMAND]", "Print the usage, of a command if it is named", NULL };

/* ---- messages ---- */

/* For messages; the same as long as the process lives. */
static const char *program_name = "pvefw";

int cli_error(const char *format, ...)
{
	struct arena arena = { 0 };
	struct out out;
	va_list args;

	va_start(args, format);
	out_init_fd(&out, STDERR_FILENO);
	out_printf(&out, "%s: ", program_name);
	out_escaped(&out, text_of(arena_vprintf(&arena, format, args)));
	out_char(&out, '\n');
	out_flush(&out);
	va_end(args);
	out_free(&out);
	arena_free(&arena);
	return EXIT_ERROR;
}

void stdout_open(struct out *out)
{
	out_init_fd(out, STDOUT_FILENO);
}

bool is_write_failure(int reason)
{
	return reason && reason != EPIPE;
}

int stdout_close(struct out *out)
{
	int reason = out_flush(out);

	out_free(out);
	return is_write_failure(reason) ? cli_error("cannot write standard output: %s", error_text(reason))
					: EXIT_CLEAN;
}

bool is_standard_stream(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

int cli_unknown(const char *what, const char *prefix, const struct suggestion *s)
{
	if (s->best.len)
		return cli_error("unknown %s `%s%.*s`; did you mean `%s%.*s`?", what, prefix,
				 TEXT_ARG(s->wanted), prefix, TEXT_ARG(s->best));
	return cli_error("unknown %s `%s%.*s`", what, prefix, TEXT_ARG(s->wanted));
}

/* Whether it is a command that is not there yet, which is reported. */
static bool comes_later(const struct cli_program *program, const char *name)
{
	for (const char *const *later = program->later; later && *later; later++)
		if (strcmp(name, *later) == 0) {
			cli_error("the command %s is not there yet: it comes with a later version", name);
			return true;
		}
	return false;
}

const struct command_row *command_find(const struct cli_program *program, const char *name)
{
	struct suggestion s;

	if (comes_later(program, name))
		return NULL;
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

/* ---- parsing ---- */

/* Where the reading of a command line is. */
struct words {
	struct cli *cli;
	struct arena *arena;
	char **next, **end;
};

static const struct cli_option_row *option_of(const struct cli *cli, unsigned option)
{
	return &cli->program->options[option];
}

bool cli_is_of_command(const struct cli *cli, unsigned option)
{
	return option_of(cli, option)->commands >> cli->command & 1;
}

/* Of find_long() and find_letter(): none, which was reported. */
enum { NO_OPTION = CLI_OPTIONS_MOST };

static unsigned find_long(const struct cli *cli, struct text name)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (unsigned i = 0; i < cli->program->option_count; i++) {
		if (!option_of(cli, i)->name || !cli_is_of_command(cli, i))
			continue;
		if (text_is(name, option_of(cli, i)->name))
			return i;
		suggest_word(&s, text_of(option_of(cli, i)->name));
	}
	cli_unknown("option", "--", &s);
	return NO_OPTION;
}

/* `word` is the whole one: it may be a long option whose second hyphen is missing. */
static void report_letter(const struct cli *cli, char letter, const char *word)
{
	struct suggestion s;

	suggest_start(&s, text_of(word + 1));
	for (unsigned i = 0; i < cli->program->option_count && word[2]; i++)
		if (option_of(cli, i)->name && cli_is_of_command(cli, i))
			suggest_word(&s, text_of(option_of(cli, i)->name));
	if (s.best.len)
		cli_error("unknown option `%s`; did you mean `--%.*s`?", word, TEXT_ARG(s.best));
	else
		cli_error("unknown option `-%c`", letter);
}

static unsigned find_letter(const struct cli *cli, char letter, const char *word)
{
	for (unsigned i = 0; i < cli->program->option_count; i++)
		if (letter && option_of(cli, i)->letter == letter && cli_is_of_command(cli, i))
			return i;
	report_letter(cli, letter, word);
	return NO_OPTION;
}

/* An argument that lists the values: "auto|always|never". */
static bool is_choice(const char *argument)
{
	return argument && argument[0] >= 'a' && argument[0] <= 'z' && strchr(argument, '|');
}

static struct text backend_at(unsigned i)
{
	return backends[i] ? text_of(backends[i]->name) : (struct text){ NULL, 0 };
}

static struct text format_at(unsigned i)
{
	return diag_formats[i] ? text_of(diag_formats[i]->name) : (struct text){ NULL, 0 };
}

/* Part `i` of "a|b|c". */
static struct text choice_at(const char *choices, unsigned i)
{
	while (i-- && *choices) {
		choices += strcspn(choices, "|");
		choices += *choices == '|';
	}
	return (struct text){ choices, (uint32_t)strcspn(choices, "|") };
}

struct text cli_value_at(const struct cli_option_row *option, unsigned i)
{
	if (!option->argument)
		return (struct text){ NULL, 0 };
	if (strcmp(option->argument, "TARGET") == 0)
		return backend_at(i);
	if (strcmp(option->argument, "FORMAT") == 0)
		return format_at(i);
	return is_choice(option->argument) ? choice_at(option->argument, i) : (struct text){ NULL, 0 };
}

bool cli_option_values(struct out *out, const struct cli_option_row *option, const char *separator)
{
	struct text value;
	unsigned i;

	for (i = 0; (value = cli_value_at(option, i)).len; i++) {
		out_string(out, i ? separator : "");
		out_text(out, value);
	}
	return i != 0;
}

static void report_value(struct arena *arena, const char *shown, const struct cli_option_row *row,
			 const struct suggestion *s)
{
	const char *help = s->best.len ? arena_printf(arena, "; did you mean `%.*s`?", TEXT_ARG(s->best)) : "";
	struct out list;

	out_init_memory(&list);
	cli_option_values(&list, row, "|");
	cli_error("%s takes %.*s, not `%.*s`%s", shown, (int)list.len, list.data, TEXT_ARG(s->wanted), help);
	out_free(&list);
}

/* The only place where values from a list are checked, on the command line and in configuration files. */
static bool check_value(struct arena *arena, const char *shown, const struct cli_option_row *row, const char *value)
{
	struct suggestion s;
	struct text known;

	if (!cli_value_at(row, 0).len)
		return true;
	suggest_start(&s, text_of(value));
	for (unsigned i = 0; (known = cli_value_at(row, i)).len; i++) {
		if (text_is(known, value))
			return true;
		suggest_word(&s, known);
	}
	report_value(arena, shown, row, &s);
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

/* "pve1, pve2": no name of a node holds a comma. */
static void add_nodes(struct words *w, const char *list)
{
	struct node_option **last = &w->cli->nodes;

	while (*last)
		last = &(*last)->next;
	for (const char *end;; list = end + 1) {
		end = list + strcspn(list, ",");
		*last = ARENA_NEW(w->arena, struct node_option);
		(*last)->name = arena_copy(w->arena, text_trim((struct text){ list, (uint32_t)(end - list) }));
		last = &(*last)->next;
		if (!*end)
			return;
	}
}

static void add_value(struct words *w, unsigned option, const char *shown, const char *text)
{
	struct cli_value **last = &w->cli->values;

	while (*last)
		last = &(*last)->next;
	*last = ARENA_NEW(w->arena, struct cli_value);
	**last = (struct cli_value){ option, text, shown, NULL };
}

/* `value` is what is attached to the option, or NULL. */
static bool take_value(struct words *w, unsigned option, const char *shown, const char *value)
{
	const struct cli_option_row *row = option_of(w->cli, option);

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
	if (value)
		add_value(w, option, shown, value);
	if (option == CLI_ALTNAME)
		add_altname(w, value);
	if (option == CLI_NODE)
		add_nodes(w, value);
	return check_value(w->arena, shown, row, w->cli->value[option]);
}

const char *cli_shown(const struct cli *cli, unsigned option)
{
	const char *shown = "";

	for (const struct cli_value *v = cli->values; v; v = v->next)
		if (v->option == option)
			shown = v->shown;
	return shown;
}

bool cli_take(struct cli *cli, struct arena *arena, unsigned option, const char *shown, const char *value)
{
	struct words w = { cli, arena, NULL, NULL };

	return take_value(&w, option, shown, value);
}

/* --name, --name=value */
static bool take_long(struct words *w, const char *word)
{
	const char *equals = strchr(word, '=');
	struct text name = { word + 2, (uint32_t)((equals ? equals : word + strlen(word)) - word) - 2 };
	unsigned option = find_long(w->cli, name);

	return option != NO_OPTION &&
	       take_value(w, option, arena_printf(w->arena, "--%.*s", TEXT_ARG(name)),
			  equals ? equals + 1 : NULL);
}

/* -format for --format: no value that a letter takes is the rest of a name.  True: reported. */
static bool is_long_with_one_hyphen(const struct cli *cli, const char *word)
{
	struct text name = { word + 1, (uint32_t)strcspn(word + 1, "=") };

	for (unsigned i = 0; i < cli->program->option_count && name.len > 1; i++) {
		const struct cli_option_row *row = option_of(cli, i);

		if (!row->name || !cli_is_of_command(cli, i) || !text_is(name, row->name))
			continue;
		cli_error("unknown option `-%.*s`; did you mean `--%s`?", TEXT_ARG(name), row->name);
		return true;
	}
	return false;
}

/* -a, -avalue, -abc */
static bool take_letters(struct words *w, const char *word)
{
	if (is_long_with_one_hyphen(w->cli, word))
		return false;
	for (const char *at = word + 1; *at; at++) {
		unsigned option = find_letter(w->cli, *at, word);
		const char *shown = arena_printf(w->arena, "-%c", *at);

		if (option == NO_OPTION)
			return false;
		if (option_of(w->cli, option)->argument)
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

bool cli_may_write(const struct cli *cli, unsigned option)
{
	const char *path = cli->value[option];
	size_t len = path ? strlen(path) : 0;

	if (len < 3 || strcmp(path + len - 3, ".fw") != 0)
		return true;
	cli_error("%s does not write a .fw file, %s; is the name of the file to write missing?", cli_shown(cli, option), path);
	return false;
}

struct input_options cli_inputs(const struct cli *cli)
{
	return (struct input_options){
		.root = cli->value[CLI_ROOT],
		.node = cli->value[CLI_NODE],
		.nodes = cli->nodes,
		.local_network = cli->value[CLI_LOCAL_NETWORK],
		.altnames = cli->altnames,
		.now = cli->value[CLI_NOW],
		.services = cli->value[CLI_SERVICES],
		.protocols = cli->value[CLI_PROTOCOLS],
		.ethertypes = cli->value[CLI_ETHERTYPES],
		.resolve = cli->value[CLI_RESOLVE] != NULL,
	};
}

bool cli_has_one_node(const struct cli *cli)
{
	const struct node_option *first = cli->nodes, *other = first;
	const char *value = cli->value[CLI_NODE], *shown = cli_shown(cli, CLI_NODE);

	while (other && text_equal(other->name, first->name))
		other = other->next;
	if (!other || (shown[0] == '-' && !strchr(value, ',')))
		return true;
	cli_error("%s: several nodes, of which %s takes one", shown, cli->program->commands[cli->command].name);
	return false;
}

/* ---- help ---- */

static void option_help(struct out *out, const struct cli_option_row *row)
{
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
		if (!cli_option_values(&text, row, ", "))
			text.len = len;
	}
	describe_paragraph(out, 10, (struct text){ text.data, (uint32_t)text.len });
	out_free(&text);
}

/* The program's own options first. */
static void options_help(struct out *out, const struct cli_program *program, unsigned command)
{
	for (unsigned i = 0; i < program->option_count; i++) {
		unsigned option = (i + CLI_SHARED) % program->option_count;

		if (program->options[option].commands >> command & 1)
			option_help(out, &program->options[option]);
	}
}

void command_help(struct out *out, const struct cli_program *program, unsigned command)
{
	const struct command_row *row = &program->commands[command];

	out_printf(out, "usage: %s%s%s [OPTION ...]%s%s\n\n%s.\n\n", program->name, row->name ? " " : "",
		   row->name ? row->name : "", row->operands[0] ? " " : "", row->operands, row->text);
	options_help(out, program, command);
	if (!row->name)
		out_printf(out, "\n%s\n", program->see);
}

void cli_help(struct out *out, const struct cli_program *program)
{
	out_printf(out, "usage: %s COMMAND [OPTION ...] [OPERAND ...]\n\nThe commands:\n\n", program->name);
	for (unsigned i = 0; i < program->command_count; i++)
		out_printf(out, "  %-12s %s\n", program->commands[i].name, program->commands[i].text);
	out_printf(out, "  %-12s %s\n", cli_help_command.name, cli_help_command.text);
	out_printf(out, "\n%s\n", program->see);
}

/* ---- running ---- */

/* `command` -1: of all. */
static int print_help(const struct cli_program *program, int command)
{
	struct out out;

	stdout_open(&out);
	if (command < 0)
		cli_help(&out, program);
	else
		command_help(&out, program, (unsigned)command);
	return stdout_close(&out);
}

static int print_family_mask(const struct cli_program *program)
{
	struct out out;

	stdout_open(&out);
	out_printf(&out, "%s %s\n", program->name, PVEFW_VERSION);
	return stdout_close(&out);
}

static bool is_option(const char *word, const struct cli_option_row *row)
{
	if (word[0] == '-' && word[1] == '-')
		return strcmp(word + 2, row->name) == 0;
	return word[0] == '-' && word[1] == row->letter && word[2] == '\0';
}

/* `help`, with the words behind it: the same as --help. */
static int run_help(const struct cli_program *program, int count, char **words)
{
	const struct command_row *command;

	if (count == 0)
		return print_help(program, program->commands[0].name ? -1 : 0);
	if (is_option(words[0], &program->options[CLI_HELP]))
		return print_help(program, program->commands[0].name ? -1 : 0);
	if (count > 1 || !program->commands[0].name)
		return cli_error("`%s`: help takes %s", words[count - 1],
				 program->commands[0].name ? "the name of one command" : "nothing, as there are no commands");
	if (strcmp(words[0], cli_help_command.name) == 0)
		return print_help(program, -1);
	command = command_find(program, words[0]);
	return command ? print_help(program, (int)(command - program->commands)) : EXIT_ERROR;
}

static int run_command(struct arena *arena, const struct cli_program *program, unsigned command, int count,
		       char **words)
{
	struct cli cli = { .program = program, .command = command };

	if (!cli_parse(&cli, arena, count, words))
		return EXIT_ERROR;
	if (cli.value[CLI_HELP])
		return print_help(program, (int)command);
	if (cli.value[CLI_VERSION])
		return print_family_mask(program);
	return program->commands[command].run(&cli);
}

/* An option where the command is expected; only these two can stand there. */
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

/* Of a program whose first word is a command. */
static int run_named(struct arena *arena, const struct cli_program *program, int argc, char **argv)
{
	const struct command_row *command;

	if (argc < 2)
		return cli_error("no command given; see %s --help", program->name);
	if (is_option(argv[1], &program->options[CLI_HELP]))
		return print_help(program, -1);
	if (is_option(argv[1], &program->options[CLI_VERSION]))
		return print_family_mask(program);
	if (strcmp(argv[1], cli_help_command.name) == 0)
		return run_help(program, argc - 2, argv + 2);
	if (argv[1][0] == '-')
		return report_early_option(program, argv[1]);
	command = command_find(program, argv[1]);
	if (!command)
		return EXIT_ERROR;
	return run_command(arena, program, (unsigned)(command - program->commands), argc - 2, argv + 2);
}

/*
 * A standard stream that is closed becomes a pipe without a reader, before anything else is opened under its number:
 * no file or socket of ours gets what is printed, writing fails as when a reader has gone away, and reading fails.
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

	program_name = program->name;
	/* A file that may grow no further is an error like any other, and is reported.  A reader that goes away is
	 * not: a command does all of its work, and ends as if all had been read. */
	open_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (program->commands[0].name)
		status = run_named(&arena, program, argc, argv);
	else if (argc > 1 && strcmp(argv[1], cli_help_command.name) == 0)
		status = run_help(program, argc - 2, argv + 2);
	else
		status = run_command(&arena, program, 0, argc - 1, argv + 1);
	arena_free(&arena);
	return status;
}
