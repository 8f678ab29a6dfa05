/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvefw-cc explain: the catalogue of diagnostics. */
#include "commands/commands.h"
#include "lang/describe.h"
#include "diag/diag.h"
#include "diag/suggest.h"
#include "format/table_json.h"

static void explain_part(struct out *out, const char *title, const char *text)
{
	out_printf(out, "\n  %s:\n\n", title);
	describe_paragraph(out, 6, text_of(text));
}

static void explain_example(struct out *out, const char *title, const char *text)
{
	if (!text[0])
		return;
	out_printf(out, "\n  %s:\n\n", title);
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		out_printf(out, "%s%.*s\n", end > text ? "      " : "", (int)(end - text), text);
	}
}

static void explain_row(struct out *out, const struct diag_row *row)
{
	out_printf(out, "%s[%c%s] %s\n\n", severity_name(diag_severity(row)), row->letter, row->number,
		   row->name);
	out_printf(out, "  %s.\n", row->summary);
	explain_part(out, "What is wrong", row->what);
	explain_part(out, "What happens to the traffic", row->effect);
	explain_part(out, "How to fix it", row->fix);
	explain_example(out, "Wrong", row->wrong);
	explain_example(out, "Right", row->right);
}

static int report_unknown_id(struct text name)
{
	struct suggestion s;

	suggest_diagnostic(&s, name);
	return cli_unknown("diagnostic", "", &s);
}

/* Explains the diagnostics named; returns the exit status. */
static int explain_named(struct out *out, const struct cli *cli)
{
	int status = EXIT_CLEAN;

	for (int i = 0; i < cli->operand_count; i++) {
		enum diag_id id = diag_find(text_of(cli->operands[i]));

		if (id == DIAG_COUNT) {
			status = report_unknown_id(text_of(cli->operands[i]));
			continue;
		}
		if (i)
			out_char(out, '\n');
		explain_row(out, &diag_catalogue[id]);
	}
	return status;
}

/* Prints those named, or all; returns the exit status. */
static int explain_json(struct out *out, const struct cli *cli)
{
	json_t *rows = json_array();
	int status = EXIT_CLEAN;

	for (int i = 0; i < DIAG_COUNT && (cli->value[CLI_ALL] || !cli->operand_count); i++)
		add_diagnostic_json(rows, &diag_catalogue[i]);
	for (int i = 0; i < cli->operand_count && !cli->value[CLI_ALL]; i++) {
		enum diag_id id = diag_find(text_of(cli->operands[i]));

		if (id == DIAG_COUNT)
			status = report_unknown_id(text_of(cli->operands[i]));
		else
			add_diagnostic_json(rows, &diag_catalogue[id]);
	}
	json_print(out, json_pack("{s:o}", "diagnostics", rows));
	return status;
}

int cmd_explain(const struct cli *cli)
{
	int status = EXIT_CLEAN, written;
	struct out out;

	stdout_open(&out);
	if (table_wants_json(cli))
		status = explain_json(&out, cli);
	else if (cli->value[CLI_ALL])
		for (int i = 0; i < DIAG_COUNT; i++) {
			if (i)
				out_char(&out, '\n');
			explain_row(&out, &diag_catalogue[i]);
		}
	else if (cli->operand_count)
		status = explain_named(&out, cli);
	else
		for (int i = 0; i < DIAG_COUNT; i++)
			out_printf(&out, "%c%s %-26s %s\n", diag_catalogue[i].letter, diag_catalogue[i].number,
				   diag_catalogue[i].name, diag_catalogue[i].summary);
	written = stdout_close(&out);
	return written ? written : status;
}
