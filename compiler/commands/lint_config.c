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

/* The folder where the search begins, absolute; NULL if there is none. */
static const char *first_folder(struct arena *arena, const char *path)
{
	const char *folder = place_of_target(arena, path);

	return folder && !is_folder(folder) ? parent(arena, folder) : folder;
}

/* Standard input has the folder of the file that it stands for, or the working folder. */
static const char *folder_of_operand(const struct cli *cli, const char *operand)
{
	const char *buffer = cli->value[CLI_STDIN_FILENAME];

	if (!is_standard_stream(operand))
		return first_folder(cli->arena, operand);
	return buffer && buffer[0] ? parent(cli->arena, place_of(cli->arena, buffer)) : first_folder(cli->arena, ".");
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

bool lint_config(struct cli *cli)
{
	const char *root = cli->value[CLI_ROOT] ? cli->value[CLI_ROOT] : "/etc/pve", *file;

	if (cli->value[CLI_NO_CONFIG] && cli->value[CLI_CONFIG]) {
		cli_error("--config and --no-config exclude each other");
		return false;
	}
	if (cli->value[CLI_NO_CONFIG])
		return true;
	if (cli->value[CLI_CONFIG])
		return cli_read_file(cli, cli->value[CLI_CONFIG]);
	file = find_config(cli->arena, cli->operand_count ? folder_of_operand(cli, cli->operands[0])
							  : first_folder(cli->arena, root));
	for (int i = 1; i < cli->operand_count; i++) {
		const char *other = find_config(cli->arena, folder_of_operand(cli, cli->operands[i]));

		if (strcmp(file ? file : "", other ? other : "") == 0)
			continue;
		cli_error("%s has the configuration %s, but %s has %s; use --config FILE or --no-config",
			  cli->operands[0], file ? file : "none", cli->operands[i], other ? other : "none");
		return false;
	}
	return !file || cli_read_file(cli, file);
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
