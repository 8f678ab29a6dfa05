/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, from a program's tables. */
#include "cli/shared_options.h"
#include "lang/describe.h"

const struct command_row cli_help_command = { "help", "[COMMAND]", "Print the usage, or that of a command",
					      NULL };

static void option_help(struct out *out, const struct cli_program *program, const struct cli_option_row *row)
{
	struct out text;
	size_t len;

	out_printf(out, row->letter ? "  -%c" : "    ", row->letter);
	if (row->name)
		out_printf(out, "%s --%s", row->letter ? "," : " ", row->name);
	if (row->argument)
		out_printf(out, " %s", row->argument);
	out_char(out, '\n');
	out_init_memory(&text);
	out_string(&text, row->text);
	/* The values, unless the argument lists them. */
	len = text.len;
	out_string(&text, ": ");
	if ((row->argument && strchr(row->argument, '|')) || !cli_option_values(&text, program, row, ", "))
		text.len = len;
	describe_paragraph(out, 10, (struct text){ text.data, (uint32_t)text.len });
	out_free(&text);
}

void command_help(struct out *out, const struct cli_program *program, unsigned command)
{
	const struct command_row *row = &program->commands[command];

	out_printf(out, "usage: %s%s%s [OPTION ...]%s%s\n\n%s.\n\n", program->name, row->name ? " " : "",
		   row->name ? row->name : "", row->operands[0] ? " " : "", row->operands, row->text);
	/* The program's own options come first. */
	for (unsigned i = 0; i < program->option_count; i++) {
		const struct cli_option_row *option = &program->options[(i + CLI_SHARED) % program->option_count];

		if (option->commands >> command & 1)
			option_help(out, program, option);
	}
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
