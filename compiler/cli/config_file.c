/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options from a file, such as .pvefw-lint:
 *
 *     # what our CI wants
 *     fail-on: warning
 *     warning: no-duplicate-alias
 *
 * Only options can stand there that say what is looked at and how it is told (CLI_IN_FILE in
 * their tables): none that writes files.
 */
#include <errno.h>
#include <fcntl.h>

#include "cli/options.h"
#include "diag/suggest.h"
#include "base/errno_text.h"

struct option_file {
	struct cli *cli;
	struct arena *arena;
	const char *path;
	uint32_t line;
	bool given[CLI_OPTIONS_MOST]; /* on the command line */
};

static bool wrong(const struct option_file *file, const char *what, struct text word)
{
	cli_error("%s:%u: %s `%.*s`", file->path, file->line, what, TEXT_ARG(word));
	return false;
}

/* The option whose name is the key; false: it cannot stand in a file, which is reported.  One file is for several commands,
 * so an option need not be one of this command. */
static bool find_option(const struct option_file *file, struct text key, unsigned *option)
{
	const struct cli_program *program = file->cli->program;
	bool only_command_line = false;
	struct suggestion s;

	suggest_start(&s, key);
	for (*option = 0; *option < program->option_count; (*option)++) {
		const struct cli_option_row *row = &program->options[*option];

		if (!row->name)
			continue;
		if (row->commands & CLI_IN_FILE && text_is(key, row->name))
			return true;
		if (row->commands & CLI_IN_FILE)
			suggest(&s, text_of(row->name), SPAN_NONE);
		else
			only_command_line |= cli_is_of_command(file->cli, *option) && text_is(key, row->name);
	}
	if (only_command_line)
		return wrong(file, "only the command line can say", key);
	if (!s.best.len)
		return wrong(file, "there is no option", key);
	cli_error("%s:%u: there is no option `%.*s`; did you mean `%.*s`?", file->path, file->line, TEXT_ARG(key),
		  TEXT_ARG(s.best));
	return false;
}

/* A file is looked for where the configuration stands. */
static const char *value_of(const struct option_file *file, unsigned option, struct text value)
{
	const char *argument = file->cli->program->options[option].argument;
	const char *slash = strrchr(file->path, '/');

	if (strcmp(argument, "FILE") == 0 && value.ptr[0] != '/' && slash)
		return arena_printf(file->arena, "%.*s%.*s", (int)(slash + 1 - file->path), file->path,
				    TEXT_ARG(value));
	return arena_string(file->arena, value);
}

static bool read_line(struct option_file *file, struct text line)
{
	long colon = text_find(line, ':');
	struct text key, value;
	const char *shown;
	unsigned option;

	if (!line.len || line.ptr[0] == '#')
		return true;
	if (colon < 0)
		return wrong(file, "this is not `option: value`:", line);
	key = text_trim((struct text){ line.ptr, (uint32_t)colon });
	value = text_trim((struct text){ line.ptr + colon + 1, line.len - (uint32_t)colon - 1 });
	if (!find_option(file, key, &option))
		return false;
	if (!value.len)
		return wrong(file, "there is no value behind", key);
	if (memchr(value.ptr, '\0', value.len))
		return wrong(file, "there is a NUL byte in the value of", key);
	if (file->given[option] || !cli_is_of_command(file->cli, option))
		return true;
	shown = arena_printf(file->arena, "%s:%u: %.*s", file->path, file->line, TEXT_ARG(key));
	return cli_take(file->cli, file->arena, option, shown, value_of(file, option, value));
}

/* Of lists the file's part comes first, and both count. */
static bool adds_up(unsigned option)
{
	return option == CLI_WARNING || option == CLI_SELECT || option == CLI_ALTNAME;
}

bool cli_read_file(struct cli *cli, struct arena *arena, const char *path)
{
	struct option_file file = { .cli = cli, .arena = arena, .path = path };
	struct cli_value *given = cli->values, **last = &cli->values;
	struct source_map map;
	struct source *source;
	struct text rest;

	source_map_init(&map, arena);
	source = source_load(&map, AT_FDCWD, path, path);
	if (!source) {
		cli_error("cannot read %s: %s", path, error_text(errno));
		return false;
	}
	for (unsigned i = 0; i < cli->program->option_count; i++)
		file.given[i] = cli->value[i] && !adds_up(i);
	cli->values = NULL;
	rest = (struct text){ source->text, source->size };
	while (rest.len) {
		long end = text_find(rest, '\n');
		uint32_t len = end < 0 ? rest.len : (uint32_t)end;

		file.line++;
		if (!read_line(&file, text_trim((struct text){ rest.ptr, len })))
			return false;
		rest = (struct text){ rest.ptr + len + (end >= 0), rest.len - len - (end >= 0) };
	}
	while (*last)
		last = &(*last)->next;
	*last = given;
	return true;
}
