/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc lint: reports what is wrong and makes nothing.
 *
 * A path is a tree, which is compiled as a whole; another folder, of which
 * every .fw file is taken; or one file.  A file alone is resolved against the
 * cluster.fw beside it or at its place in a tree.  All diagnostics of a run are
 * printed together.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "commands.h"
#include "compile.h"
#include "fix.h"
#include "lint.h"
#include "lint_config.h"
#include "netdb.h"
#include "run.h"

/* What single files need of the inputs; read when the first one comes. */
struct lint {
	struct run *run;
	struct inputs inputs;
	bool ready, usable;
};

/* ---- trees ---- */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder with firewall/, nodes/ or sdn/ in it. */
static bool is_tree(struct arena *arena, const char *path)
{
	static const char *const parts[] = { "firewall", "nodes", "sdn" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (is_folder(arena_printf(arena, "%s/%s", path, parts[i])))
			return true;
	return false;
}

static void lint_tree(struct lint *lint, const char *root)
{
	struct input_options options = lint->run->options;
	struct inputs inputs = { 0 };
	struct config *config;

	if (root)
		options.root = root;
	if (!inputs_load(&inputs, &options, &lint->run->diags))
		return;
	config = compile(&inputs, &lint->run->diags);
	lint_run(config, &inputs, &lint->run->diags);
	lint->run->diags.linted = true;
	config_free(config);
}

/* ---- single files ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_fw_name(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, ".fw") == 0;
}

/* The file stands in a folder sdn/firewall. */
static bool is_vnet_path(const char *path)
{
	static const char place[] = "/sdn/firewall/";
	char *real = realpath(path, NULL);
	const char *name = real ? base_name(real) : NULL;
	size_t len = sizeof(place) - 1;
	bool is = real && (size_t)(name - real) >= len && memcmp(name - len, place, len) == 0;

	free(real);
	return is;
}

static enum file_kind kind_of_name(const char *path)
{
	struct text name = text_of(base_name(path));

	if (!is_fw_name(name.ptr))
		return FILE_KINDS;
	name.len -= 3;
	return text_is(name, "cluster") ? FILE_CLUSTER
	       : text_is(name, "host")  ? FILE_HOST
	       : is_vnet_path(path)	? FILE_VNET
	       : text_all_digits(name)  ? FILE_GUEST
					: FILE_KINDS;
}

/* --kind, else what the name says; FILE_KINDS if that is nothing. */
static enum file_kind kind_of(const struct lint *lint, const char *path)
{
	const char *wanted = lint->run->cli->value[CLI_KIND];

	if (!wanted)
		return kind_of_name(path);
	for (int kind = 0; kind < FILE_KINDS; kind++)
		if (strcmp(wanted, file_kind_name((enum file_kind)kind)) == 0)
			return (enum file_kind)kind;
	return FILE_KINDS;
}

static struct source *load(struct lint *lint, const char *path)
{
	return source_load(&lint->run->map, AT_FDCWD, path, path);
}

/* The cluster.fw that belongs to a file: beside it, or where the tree has it when
 * the file is nodes/<node>/host.fw or sdn/firewall/<vnet>.fw; NULL if none. */
static struct source *load_cluster(struct lint *lint, const char *path, enum file_kind kind)
{
	static const char *const places[] = { "cluster.fw", "../../firewall/cluster.fw" };
	int folder = (int)(base_name(path) - path);

	if (kind == FILE_CLUSTER)
		return NULL;
	for (int i = 0; i < (kind == FILE_GUEST ? 1 : 2); i++) {
		const char *shown = arena_printf(&lint->run->arena, "%.*s%s", folder, path, places[i]);
		struct source *source = load(lint, shown);

		if (source)
			return source;
		if (errno != ENOENT && errno != ENOTDIR)
			diag_unreadable(&lint->run->diags, shown, errno);
	}
	return NULL;
}

/* False if something is missing without which every name would be unknown. */
static bool prepare(struct lint *lint)
{
	const struct input_options *options = &lint->run->options;
	struct diags *diags = &lint->run->diags;
	bool unreadable = diags->unreadable;

	if (lint->ready)
		return lint->usable;
	lint->ready = true;
	lint->inputs.root = ".";
	diags->unreadable = false;
	lint->inputs.netdb = netdb_load(diags, options->services, options->protocols, options->ethertypes);
	lint->usable = !diags->unreadable;
	diags->unreadable |= unreadable;
	return lint->usable;
}

static void lint_file(struct lint *lint, const char *path)
{
	struct source *source = load(lint, path);
	enum file_kind kind;

	if (!source) {
		diag_note(diag_unreadable(&lint->run->diags, path, errno), "the file is not checked");
		return;
	}
	kind = kind_of(lint, path);
	if (kind == FILE_KINDS) {
		cli_error("the name of %s does not tell its kind; say --kind", path);
		lint->run->failed = true;
		return;
	}
	if (prepare(lint))
		compile_single(source, kind, load_cluster(lint, path, kind), &lint->inputs,
			       &lint->run->diags);
}

/* ---- folders ---- */

static int is_fw_entry(const struct dirent *entry)
{
	return is_fw_name(entry->d_name);
}

/* Order of bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void lint_folder(struct lint *lint, const char *path)
{
	const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
	struct dirent **entries;
	int count = scandir(path, &entries, is_fw_entry, by_name);

	if (count < 0) {
		diag_unreadable(&lint->run->diags, path, errno);
		return;
	}
	if (count == 0) {
		cli_error("there is no .fw file in %s", path);
		lint->run->failed = true;
	}
	for (int i = 0; i < count; i++) {
		lint_file(lint, arena_printf(&lint->run->arena, "%s%s%s", path, slash,
					     entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
}

static void lint_path(struct lint *lint, const char *path)
{
	if (!is_folder(path))
		lint_file(lint, path);
	else if (is_tree(&lint->run->arena, path))
		lint_tree(lint, path);
	else
		lint_folder(lint, path);
}

/* Everything that the command line names. */
static void lint_all(struct run *run)
{
	struct lint lint = { .run = run };

	if (!run->cli->operand_count)
		lint_tree(&lint, NULL);
	for (int i = 0; i < run->cli->operand_count; i++)
		lint_path(&lint, run->cli->operands[i]);
}

/* ---- fixes ---- */

static bool print_diff(struct run *run)
{
	struct fixes fixes;
	struct out out;

	run_choose(run);
	fixes = fixes_collect(&run->diags);
	stdout_open(&out);
	fixes_diff(&fixes, &out);
	return stdout_close(&out) == EXIT_CLEAN;
}

/* A run of its own: what it would report is reported by the next one, unless it is fixed.
 * False: nothing was fixed, and *status is the exit status. */
static bool fix_all(const struct cli *cli, int *status)
{
	struct fixes fixes;
	struct run run;
	struct out out;
	bool done;

	if (run_begin(&run, cli))
		lint_all(&run);
	if (run.failed) {
		*status = run_end(&run);
		return false;
	}
	run_choose(&run);
	fixes = fixes_collect(&run.diags);
	stdout_open(&out);
	done = fixes_write(&fixes, &out);
	done = stdout_close(&out) == EXIT_CLEAN && done;
	run_drop(&run);
	*status = EXIT_TROUBLE;
	return done;
}

static int lint(const struct cli *cli)
{
	struct run run;
	int status;

	if (cli->value[CLI_FIX] && cli->value[CLI_DIFF])
		return cli_error("--fix and --diff exclude each other");
	if (cli->value[CLI_FIX] && !fix_all(cli, &status))
		return status;
	if (run_begin(&run, cli)) {
		lint_all(&run);
		if (cli->value[CLI_DIFF] && !print_diff(&run))
			run.failed = true;
	}
	return run_end(&run);
}

int cmd_lint(const struct cli *given)
{
	struct arena arena = { 0 };
	struct cli cli = *given;
	int status = lint_config(&cli, &arena) ? lint(&cli) : EXIT_TROUBLE;

	arena_free(&arena);
	return status;
}
