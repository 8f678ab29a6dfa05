/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options from a file, such as .pvefw-lint:
 *
 *     # what our CI wants
 *     fail-on: warning
 *     warning: no-duplicate-alias
 *
 * A file can hold the options that CLI_IN_FILE marks in the tables.  They say what is looked at and how it is
 * shown; none of them writes files.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/errno_text.h"
#include "cli/shared_options.h"
#include "diag/suggest.h"
#include "source/source.h"

struct option_file {
	struct cli *cli;
	const char *path;
	uint32_t line;
	bool given[CLI_OPTIONS_MAX]; /* on the command line */
};

static bool config_error(const struct option_file *file, const char *what, struct text word)
{
	cli_error("%s:%u: %s `%.*s`", file->path, file->line, what, TEXT_ARG(word));
	return false;
}

/* Finds the option of a key, which need not be one of this command, as commands share a file.  False: a file
 * cannot hold it, which was reported. */
static bool find_key(const struct option_file *file, struct text key, unsigned *option)
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
		return config_error(file, "option is only allowed on the command line:", key);
	if (!s.best.len)
		return config_error(file, "option does not exist:", key);
	cli_error("%s:%u: option `%.*s` does not exist; did you mean `%.*s`?", file->path, file->line,
		  TEXT_ARG(key), TEXT_ARG(s.best));
	return false;
}

static bool read_option_line(struct option_file *file, struct text line)
{
	const char *slash = strrchr(file->path, '/'), *taken;
	long colon = text_find(line, ':');
	struct text key, value;
	unsigned option;

	if (!line.len || line.ptr[0] == '#')
		return true;
	if (colon < 0)
		return config_error(file, "line is not `option: value`:", line);
	key = text_trim((struct text){ line.ptr, (uint32_t)colon });
	value = text_trim(text_skip(line, (uint32_t)colon + 1));
	if (!find_key(file, key, &option))
		return false;
	if (!value.len)
		return config_error(file, "value is missing after", key);
	if (memchr(value.ptr, '\0', value.len))
		return config_error(file, "NUL byte in the value of", key);
	if (file->given[option] || !cli_is_of_command(file->cli, option))
		return true;
	/* A file is looked for in the folder of this one. */
	taken = strcmp(file->cli->program->options[option].argument, "FILE") == 0 && value.ptr[0] != '/' &&
				slash
			? arena_printf(file->cli->arena, "%.*s%.*s", (int)(slash + 1 - file->path),
				       file->path, TEXT_ARG(value))
			: arena_string(file->cli->arena, value);
	return cli_take(file->cli, option,
			arena_printf(file->cli->arena, "%s:%u: %.*s", file->path, file->line, TEXT_ARG(key)),
			taken, true);
}

bool cli_read_file(struct cli *cli, const char *path)
{
	struct option_file file = { .cli = cli, .path = path };
	struct cli_value *given = cli->values, **last = &cli->values;
	struct source_map map;
	struct source *source;
	struct text rest, line;

	source_map_init(&map, cli->arena);
	source = source_load(&map, AT_FDCWD, path, path);
	if (!source) {
		cli_error("cannot read %s: %s", path, error_text(errno));
		return false;
	}
	for (unsigned i = 0; i < cli->program->option_count; i++)
		file.given[i] = cli->value[i] && i != CLI_WARNING && i != CLI_SELECT && i != CLI_ALTNAME;
	cli->values = NULL;
	rest = (struct text){ source->text, source->size };
	while (text_next_line(&rest, &line)) {
		file.line++;
		if (!read_option_line(&file, text_trim(line)))
			return false;
	}
	while (*last)
		last = &(*last)->next;
	*last = given;
	return true;
}
