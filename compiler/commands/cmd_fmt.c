/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc fmt: lays files out, one after the other, and prints them, writes them, or says what would change. */
#include "commands/commands.h"
#include "commands/single_file.h"
#include "format/common.h"
#include "rewrite/fmt.h"

struct fmt_run {
	struct run run;
	struct single single;
	struct out out;
	bool changes; /* some file would */
};

static bool has(const struct fmt_run *fmt, unsigned option)
{
	return fmt->run.cli->value[option] != NULL;
}

/* A file that is not text is left alone, which is reported. */
static bool is_text(struct fmt_run *fmt, const struct single_file *file)
{
	uint32_t at;
	const char *reason = fmt_refuses(file->source, &at);

	if (!reason)
		return true;
	cli_error("%s, line %u: %s; the file is not changed", file->shown,
		  source_line_number(&fmt->run.map, file->source->base + at), reason);
	fmt->run.failed = true;
	return false;
}

/* The edits that lay a file out.  Nothing that is wrong with it is reported. */
static struct fixes fmt_lay_out(struct fmt_run *fmt, const struct single_file *file, struct arena *arena)
{
	struct diags found;

	diags_init(&found, arena, &fmt->run.map);
	if (file->is_test) {
		file->source->is_fw = false;
		return fmt_layout_tests(&found, fwtest_parse(arena, file->source), has(fmt, CLI_ALIGN));
	}
	single_check(&fmt->single, file, &found);
	file->source->is_fw = false;
	if (file->cluster)
		file->cluster->is_fw = false;
	return fmt_layout(&found, ast_parse(arena, file->source, file->kind), has(fmt, CLI_ALIGN));
}

static void fmt_file(void *context, const struct single_file *file)
{
	struct fmt_run *fmt = context;
	struct arena arena = { 0 }; /* of one file: there may be thousands */
	struct fixes fixes;

	if (!is_text(fmt, file)) {
		/* What is printed takes the place of an editor's buffer, which must not be lost. */
		if (file->is_stdin && !has(fmt, CLI_CHECK) && !has(fmt, CLI_DIFF))
			out_bytes(&fmt->out, file->source->text, file->source->size);
		return;
	}
	fixes = fmt_lay_out(fmt, file, &arena);
	fixes.diags = &fmt->run.diags;
	fmt->changes |= fixes.count != 0;
	if (has(fmt, CLI_CHECK) && fixes.count)
		out_printf(&fmt->out, "%s\n", diag_escaped(&fmt->run.diags, file->shown));
	else if (has(fmt, CLI_DIFF))
		fixes_diff(&fixes, &fmt->out);
	else if (has(fmt, CLI_IN_PLACE))
		fmt->run.failed |= fixes.count && !write_fixes(&fixes, &fmt->out);
	else if (!has(fmt, CLI_CHECK) && fixes.count)
		fixes_apply(&fmt->out, &(struct file_edits){ fixes.edits, fixes.count }, 0, file->source->size);
	else if (!has(fmt, CLI_CHECK))
		out_bytes(&fmt->out, file->source->text, file->source->size);
	arena_free(&arena);
}

int cmd_fmt(const struct cli *cli)
{
	struct fmt_run fmt = { .single = { .run = &fmt.run,
					   .take_file = fmt_file,
					   .take_test = fmt_file,
					   .context = &fmt,
					   .fate = { "the file is not changed", "it is not changed" } } };
	bool check = cli->value[CLI_CHECK] != NULL;
	int status;

	if (!cli->operand_count)
		return cli_error("fmt needs a file, a directory, or - for standard input");
	if (check + (cli->value[CLI_DIFF] != NULL) + (cli->value[CLI_IN_PLACE] != NULL) > 1)
		return cli_error("--check, --diff and --write exclude each other");
	if (!stdin_file_check(cli))
		return EXIT_ERROR;
	stdout_open(&fmt.out);
	if (run_begin(&fmt.run, cli)) {
		stdin_file_open(&fmt.single.in, &fmt.run);
		for (int i = 0; i < cli->operand_count; i++)
			single_take(&fmt.single, cli->operands[i]);
		single_end(&fmt.single);
	}
	if (stdout_close(&fmt.out) != EXIT_CLEAN)
		fmt.run.failed = true;
	status = run_end(&fmt.run);
	return status == EXIT_CLEAN && check && fmt.changes ? EXIT_FOUND : status;
}
