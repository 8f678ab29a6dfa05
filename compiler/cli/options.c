/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing command lines by a program's tables.
 *
 * Operands and options may be mixed; "--" ends the options.  A long option takes its argument after "=" or as the next
 * word.  It cannot be abbreviated, so that a script means the same when an option is added.
 */
#include "cli/options.h"

#include "diag/suggest.h"
#include "format/formats.h"

/* The words of a command line that are not read yet. */
struct words {
	struct cli *cli;
	char **next, **end;
};

/* Returned for an option that does not exist. */
enum { NO_OPTION = CLI_OPTIONS_MAX };

static const struct cli_option_row *option_of(const struct cli *cli, unsigned option)
{
	return &cli->program->options[option];
}

bool cli_is_of_command(const struct cli *cli, unsigned option)
{
	return option_of(cli, option)->commands >> cli->command & 1;
}

/* Returns the option of a long name; or NO_OPTION, and the nearest name in *s. */
static unsigned find_long(const struct cli *cli, struct text name, struct suggestion *s)
{
	suggest_start(s, name);
	for (unsigned i = 0; i < cli->program->option_count; i++) {
		if (!option_of(cli, i)->name || !cli_is_of_command(cli, i))
			continue;
		if (text_is(name, option_of(cli, i)->name))
			return i;
		suggest_word(s, text_of(option_of(cli, i)->name));
	}
	return NO_OPTION;
}

/* ---- values ---- */

struct text cli_value_at(const struct cli_program *program, const struct cli_option_row *option, unsigned i)
{
	const char *list = option->argument, *value = NULL;

	if (list && strcmp(list, "TARGET") == 0 && program->target_at) {
		value = program->target_at(i);
	} else if (list && strcmp(list, "FORMAT") == 0) {
		value = diag_formats[i] ? diag_formats[i]->name : NULL;
	} else if (list && list[0] >= 'a' && list[0] <= 'z' && strchr(list, '|')) {
		/* "auto|always|never" */
		for (; i && *list; i--) {
			list += strcspn(list, "|");
			list += *list == '|';
		}
		return (struct text){ list, (uint32_t)strcspn(list, "|") };
	}
	return value ? text_of(value) : (struct text){ NULL, 0 };
}

bool cli_option_values(struct out *out, const struct cli_program *program, const struct cli_option_row *option,
		       const char *separator)
{
	struct text value;
	unsigned i;

	for (i = 0; (value = cli_value_at(program, option, i)).len; i++) {
		out_string(out, i ? separator : "");
		out_text(out, value);
	}
	return i != 0;
}

/* Checks a value that must be one of a list; false was reported. */
static bool check_value(const struct cli *cli, const char *shown, unsigned option, const char *value)
{
	const struct cli_option_row *row = option_of(cli, option);
	struct suggestion s;
	struct text known;
	struct out out;

	if (!cli_value_at(cli->program, row, 0).len)
		return true;
	suggest_start(&s, text_of(value));
	for (unsigned i = 0; (known = cli_value_at(cli->program, row, i)).len; i++) {
		if (text_is(known, value))
			return true;
		suggest_word(&s, known);
	}
	out_init_memory(&out);
	cli_option_values(&out, cli->program, row, "|");
	out_printf(&out, ", not `%s`", value);
	if (s.best.len)
		out_printf(&out, "; did you mean `%.*s`?", TEXT_ARG(s.best));
	cli_error("%s takes %.*s", shown, (int)out.len, out.data);
	out_free(&out);
	return false;
}

bool cli_take(struct cli *cli, unsigned option, const char *shown, const char *value, bool from_file)
{
	struct cli_value **last = &cli->values;

	cli->value[option] = value ? value : "";
	if (!value)
		return true;
	while (*last)
		last = &(*last)->next;
	*last = ARENA_NEW(cli->arena, struct cli_value);
	**last = (struct cli_value){ option, value, shown, from_file, NULL };
	return check_value(cli, shown, option, value);
}

const struct cli_value *cli_value(const struct cli *cli, unsigned option)
{
	const struct cli_value *value = NULL;

	for (const struct cli_value *v = cli->values; v; v = v->next)
		if (v->option == option)
			value = v;
	return value;
}

const char *cli_shown(const struct cli *cli, unsigned option)
{
	const struct cli_value *value = cli_value(cli, option);

	return value ? value->shown : "";
}

bool cli_may_write(const struct cli *cli, unsigned option)
{
	const char *path = cli->value[option];
	size_t len = path ? strlen(path) : 0;

	if (len < 3 || strcmp(path + len - 3, ".fw") != 0)
		return true;
	cli_error("%s does not write a .fw file, %s; is the name of the file to write missing?",
		  cli_shown(cli, option), path);
	return false;
}

/* ---- words ---- */

/* `value`: the text attached to the option, or NULL. */
static bool take_word(struct words *w, unsigned option, const char *shown, const char *value)
{
	const struct cli_option_row *row = option_of(w->cli, option);

	if (row->argument && !value && w->next < w->end)
		value = *w->next++;
	if (row->argument && !value) {
		cli_error("%s needs an argument, %s", shown, row->argument);
		return false;
	}
	if (!row->argument && value) {
		cli_error("%s does not take an argument", shown);
		return false;
	}
	return cli_take(w->cli, option, shown, value, false);
}

/* --name, --name=value */
static bool take_long(struct words *w, const char *word)
{
	struct text name = { word + 2, (uint32_t)strcspn(word + 2, "=") };
	struct suggestion s;
	unsigned option = find_long(w->cli, name, &s);

	if (option == NO_OPTION) {
		cli_unknown("option", "--", &s);
		return false;
	}
	return take_word(w, option, arena_printf(w->cli->arena, "--%.*s", TEXT_ARG(name)),
			 name.ptr[name.len] ? name.ptr + name.len + 1 : NULL);
}

/* -a, -avalue, -abc */
static bool take_letters(struct words *w, const char *word)
{
	struct text name = { word + 1, (uint32_t)strcspn(word + 1, "=") };
	struct suggestion s;

	/* -format: no value that follows a letter is the rest of a long name. */
	if (name.len > 1 && find_long(w->cli, name, &s) != NO_OPTION) {
		cli_error("unknown option `-%.*s`; did you mean `--%.*s`?", TEXT_ARG(name), TEXT_ARG(name));
		return false;
	}
	for (const char *at = word + 1; *at; at++) {
		unsigned count = w->cli->program->option_count, option = 0;
		const char *shown = arena_printf(w->cli->arena, "-%c", *at);

		while (option < count && (option_of(w->cli, option)->letter != *at || !cli_is_of_command(w->cli, option)))
			option++;
		if (option == count) {
			find_long(w->cli, text_of(word + 1), &s);
			if (word[2] && s.best.len)
				cli_error("unknown option `%s`; did you mean `--%.*s`?", word, TEXT_ARG(s.best));
			else
				cli_error("unknown option `%s`", shown);
			return false;
		}
		if (option_of(w->cli, option)->argument)
			return take_word(w, option, shown, at[1] ? at + 1 : NULL);
		if (!take_word(w, option, shown, NULL))
			return false;
	}
	return true;
}

bool cli_parse(struct cli *cli, struct arena *arena, int count, char **words)
{
	struct words w = { cli, words, words + count };
	bool operands_only = false;

	cli->arena = arena;
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
