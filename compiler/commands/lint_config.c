/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the configuration of lint, compile and report.
 *
 * The nearest .pvefw-lint is used alone: in the tree or folder that is linted, or the folder of the file, and
 * else in the folders above it up to the root of the file system.  A run has one configuration: paths that
 * have different ones need several runs.
 */
#include "commands/lint_config.h"

#include <errno.h>
#include <unistd.h>

#include "base/real_path.h"
#include "commands/commands.h"
#include "commands/single_file.h"

static const char *parent(struct arena *arena, const char *folder)
{
	const char *slash = strrchr(folder, '/');

	if (!slash || strcmp(folder, "/") == 0)
		return NULL;
	return slash == folder ? "/" : arena_printf(arena, "%.*s", (int)(slash - folder), folder);
}

/* The search for the configurations of many operands. */
struct config_search {
	const struct cli *cli;
	struct place_memo places;
	struct arena scratch; /* of one operand */
	const char *folder, *file; /* the last folder where a search began, and what was found; NULL: none */
};

/* The folder where the search begins, absolute; NULL if there is none. */
static const char *first_folder(struct config_search *search, struct arena *arena, const char *path)
{
	const char *folder = place_memo_target(&search->places, arena, path);

	return folder && !is_folder(folder) ? parent(arena, folder) : folder;
}

/* Standard input has the folder of the file that it stands for, or the working folder. */
static const char *folder_of_operand(struct config_search *search, struct arena *arena, const char *operand)
{
	const char *buffer = search->cli->value[CLI_STDIN_FILENAME];

	if (!is_standard_stream(operand))
		return first_folder(search, arena, operand);
	return buffer && buffer[0] ? parent(arena, place_of(arena, buffer)) : first_folder(search, arena, ".");
}

/* NULL: there is none. */
static const char *find_config(struct arena *arena, const char *folder)
{
	for (; folder; folder = parent(arena, folder)) {
		const char *file = arena_printf(arena, "%s/.pvefw-lint", folder[1] ? folder : "");

		/* On EACCES assume that it exists: opening it then fails with a proper message. */
		if (access(file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
			return place_from_here(arena, file);
	}
	return NULL;
}

/* The configuration of a folder that first_folder() has returned. */
static const char *config_of_folder(struct config_search *search, const char *folder)
{
	struct arena *arena = search->cli->arena;

	if (search->folder && folder && strcmp(search->folder, folder) == 0)
		return search->file;
	search->folder = folder ? arena_string(arena, text_of(folder)) : NULL;
	search->file = find_config(arena, search->folder);
	return search->file;
}

/* The configuration of all operands, or of the tree.  False, and reports it: they have different ones. */
static bool find_one_config(struct config_search *search, const char **file)
{
	const struct cli *cli = search->cli;
	const char *root = cli->value[CLI_ROOT] ? cli->value[CLI_ROOT] : "/etc/pve";

	*file = cli->operand_count ? NULL : config_of_folder(search, first_folder(search, cli->arena, root));
	for (int i = 0; i < cli->operand_count; i++) {
		const char *own = config_of_folder(search, folder_of_operand(search, &search->scratch, cli->operands[i]));

		arena_reset(&search->scratch);
		if (i == 0)
			*file = own;
		if (strcmp(*file ? *file : "", own ? own : "") == 0)
			continue;
		cli_error("%s has the configuration %s, but %s has %s; use --config FILE or --no-config",
			  cli->operands[0], *file ? *file : "none", cli->operands[i], own ? own : "none");
		return false;
	}
	return true;
}

bool lint_config(struct cli *cli)
{
	struct config_search search = { .cli = cli };
	const char *file;
	bool found;

	if (cli->value[CLI_NO_CONFIG] && cli->value[CLI_CONFIG]) {
		cli_error("--config and --no-config exclude each other");
		return false;
	}
	if (cli->value[CLI_NO_CONFIG])
		return true;
	if (cli->value[CLI_CONFIG])
		return cli_read_file(cli, cli->value[CLI_CONFIG]);
	found = find_one_config(&search, &file);
	place_memo_free(&search.places);
	arena_free(&search.scratch);
	return found && (!file || cli_read_file(cli, file));
}

int lint_config_run(const struct cli *given, int (*run)(const struct cli *cli))
{
	struct arena arena = { 0 };
	struct cli cli = *given;
	int status;

	cli.arena = &arena;
	status = lint_config(&cli) ? run(&cli) : EXIT_ERROR;
	arena_free(&arena);
	return status;
}
