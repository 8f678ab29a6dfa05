/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the configuration of lint, compile and report.
 *
 * The nearest .pvefw-lint counts, alone: in the tree or folder that is linted, or the
 * folder of the file, and else in the folders above it up to the root of the file system.
 * A run has one configuration: paths that have different ones are for different runs.
 */
#include "pipeline/lint_config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/real_path.h"
#include "base/errno_text.h"

static const char name[] = ".pvefw-lint";

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
	struct stat st;

	if (folder && (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)))
		folder = parent(arena, folder);
	return folder;
}

/* Of standard input it is the folder of the file that it stands for, or the working folder. */
static const char *folder_of_operand(const struct cli *cli, struct arena *arena, const char *operand)
{
	const char *buffer = cli->value[CLI_STDIN_FILENAME];

	if (!is_standard_stream(operand))
		return first_folder(arena, operand);
	return buffer && buffer[0] ? parent(arena, place_of(arena, buffer)) : first_folder(arena, ".");
}

/* What there is no right to look for counts as found: it cannot be read then. */
static bool exists(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* NULL: there is none. */
static const char *find(struct arena *arena, const char *folder)
{
	for (; folder; folder = parent(arena, folder)) {
		const char *file = arena_printf(arena, "%s/%s", folder[1] ? folder : "", name);

		if (exists(file))
			return place_from_here(arena, file);
	}
	return NULL;
}

static const char *shown(const char *file)
{
	return file ? file : "none";
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool lint_config(struct cli *cli, struct arena *arena)
{
	const char *root = cli->value[CLI_ROOT] ? cli->value[CLI_ROOT] : "/etc/pve", *file;

	if (cli->value[CLI_NO_CONFIG] && cli->value[CLI_CONFIG]) {
		cli_error("--config and --no-config exclude each other");
		return false;
	}
	if (cli->value[CLI_NO_CONFIG])
		return true;
	if (cli->value[CLI_CONFIG])
		return cli_read_file(cli, arena, cli->value[CLI_CONFIG]);
	file = find(arena, cli->operand_count ? folder_of_operand(cli, arena, cli->operands[0]) : first_folder(arena, root));
	for (int i = 1; i < cli->operand_count; i++) {
		const char *other = find(arena, folder_of_operand(cli, arena, cli->operands[i]));

		if (is_same(file, other))
			continue;
		cli_error("the configuration of %s is %s, and that of %s is %s; say --config FILE or --no-config",
			  cli->operands[0], shown(file), cli->operands[i], shown(other));
		return false;
	}
	return !file || cli_read_file(cli, arena, file);
}

int lint_config_run(const struct cli *given, int (*run)(const struct cli *cli))
{
	struct arena arena = { 0 };
	struct cli cli = *given;
	int status = lint_config(&cli, &arena) ? run(&cli) : EXIT_ERROR;

	arena_free(&arena);
	return status;
}
