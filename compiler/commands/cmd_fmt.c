/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc fmt: lays files out, one after the other, and prints them, or writes them, or
 * tells what would change.
 */
#include <sys/stat.h>

#include "commands/commands.h"
#include "format/common.h"
#include "rewrite/fmt.h"
#include "inputs/fw_walk.h"
#include "pipeline/single_file.h"

struct fmt {
	struct run run;
	struct single single;
	struct stdin_file in;
	struct out out;
	bool changes; /* some file would */
};

static bool has(const struct fmt *fmt, unsigned option)
{
	return fmt->run.cli->value[option] != NULL;
}

/* What is no text is left alone, which is reported. */
static bool is_text(struct fmt *fmt, const struct source *source, const char *path)
{
	uint32_t at;
	const char *reason = fmt_refuses(source, &at);

	if (!reason)
		return true;
	cli_error("%s, line %u: %s; the file is left alone", path,
		  source_line_number(&fmt->run.map, source->base + at), reason);
	fmt->run.failed = true;
	return false;
}

/* Nothing that is wrong with the file is reported. */
static struct fixes lay_out(struct fmt *fmt, const struct single_file *file, struct arena *arena)
{
	struct diags found;

	diags_init(&found, arena, &fmt->run.map);
	single_check(&fmt->single, file, &found);
	file->source->is_fw = false;
	if (file->cluster)
		file->cluster->is_fw = false;
	return fmt_layout(&found, ast_parse(arena, file->source, file->kind), has(fmt, CLI_ALIGN));
}

static void print_all(struct fmt *fmt, const struct fixes *fixes, const struct source *source)
{
	struct file_edits edits = { fixes->edits, fixes->count };

	if (fixes->count)
		fixes_apply(&fmt->out, &edits, 0, source->size);
	else
		out_bytes(&fmt->out, source->text, source->size);
}

/* `path`: as it is named. */
static void fmt_opened(struct fmt *fmt, const struct single_file *file, const char *path)
{
	struct arena arena = { 0 }; /* of one file: there may be thousands */
	struct fixes fixes = lay_out(fmt, file, &arena);

	fixes.diags = &fmt->run.diags;
	fmt->changes |= fixes.count != 0;
	if (has(fmt, CLI_CHECK) && fixes.count)
		out_printf(&fmt->out, "%s\n", diag_escaped(&fmt->run.diags, path));
	else if (has(fmt, CLI_DIFF))
		fixes_diff(&fixes, &fmt->out);
	else if (has(fmt, CLI_IN_PLACE))
		fmt->run.failed |= fixes.count && !fixes_write(&fixes, &fmt->out);
	else if (!has(fmt, CLI_CHECK))
		print_all(fmt, &fixes, file->source);
	arena_free(&arena);
}

static void fmt_file(struct fmt *fmt, const char *path)
{
	struct single_file file;

	if (single_open(&fmt->single, path, "the file is left alone", &file) && is_text(fmt, file.source, path))
		fmt_opened(fmt, &file, path);
}

/* What is printed takes the place of an editor's buffer: what is left alone is printed as it is. */
static void fmt_stdin(struct fmt *fmt)
{
	struct single_file file;

	if (!single_open_stdin(&fmt->single, &fmt->in, "it is left alone", &file))
		return;
	if (is_text(fmt, file.source, fmt->in.shown))
		fmt_opened(fmt, &file, fmt->in.shown);
	else if (!has(fmt, CLI_CHECK) && !has(fmt, CLI_DIFF))
		out_bytes(&fmt->out, file.source->text, file.source->size);
}

static void fmt_folder(struct fmt *fmt, const char *path)
{
	struct fw_walk walk;

	fw_walk_init(&walk, &fmt->run.diags, true);
	fw_walk_folder(&walk, path);
	fmt->single.is_walked = true;
	for (const struct fw_item *item = walk.first; item; item = item->next)
		fmt_file(fmt, item->path);
	fmt->single.is_walked = false;
}

static void fmt_path(struct fmt *fmt, const char *path)
{
	struct stat st;

	if (is_standard_stream(path))
		fmt_stdin(fmt);
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		fmt_folder(fmt, path);
	else
		fmt_file(fmt, path);
}

static void fmt_all(struct fmt *fmt)
{
	stdin_file_open(&fmt->in, &fmt->run);
	for (int i = 0; i < fmt->run.cli->operand_count; i++)
		fmt_path(fmt, fmt->run.cli->operands[i]);
}

int cmd_fmt(const struct cli *cli)
{
	struct fmt fmt = { .single = { .run = &fmt.run } };
	bool check = cli->value[CLI_CHECK] != NULL;
	int status;

	if (!cli->operand_count)
		return cli_error("fmt needs a file, a folder, or - for standard input");
	if (check + (cli->value[CLI_DIFF] != NULL) + (cli->value[CLI_IN_PLACE] != NULL) > 1)
		return cli_error("--check, --diff and --write exclude each other");
	if (!stdin_file_check(cli))
		return EXIT_ERROR;
	stdout_open(&fmt.out);
	if (run_begin(&fmt.run, cli))
		fmt_all(&fmt);
	if (stdout_close(&fmt.out) != EXIT_CLEAN)
		fmt.run.failed = true;
	status = run_end(&fmt.run);
	return status == EXIT_CLEAN && check && fmt.changes ? EXIT_FOUND : status;
}
