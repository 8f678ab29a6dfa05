/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvefw-cc macros, options, icmp-types: the tables of the language.  Each command shows the rows of the names given, or
 * lists all.
 */
#include "commands/commands.h"
#include "lang/describe.h"
#include "diag/suggest.h"
#include "format/table_json.h"

/* The table that a command shows. */
struct table {
	const char *what;   /* one of its rows, for messages */
	const char *member; /* of the JSON object: the list of rows */
	bool (*show)(struct out *out, struct text name); /* false: there is no such row; name.ptr NULL: lists all rows */
	bool (*add_json)(json_t *rows, struct text name); /* the same */
	const char *const *first_name; /* of `count` rows, `row_size` bytes each */
	size_t row_size;
	unsigned count;
};

static int report_unknown_row(const struct table *table, struct text name)
{
	const char *row = (const char *)table->first_name;
	struct suggestion s;

	suggest_start(&s, name);
	for (unsigned i = 0; i < table->count; i++, row += table->row_size)
		suggest_word(&s, text_of(*(const char *const *)(const void *)row));
	return cli_unknown(table->what, "", &s);
}

/* Both return the exit status. */
static int print_rows(struct out *out, const struct cli *cli, const struct table *table)
{
	int status = EXIT_CLEAN;

	if (!cli->operand_count)
		table->show(out, (struct text){ NULL, 0 });
	for (int i = 0; i < cli->operand_count; i++) {
		if (i && out->len)
			out_char(out, '\n');
		if (!table->show(out, text_of(cli->operands[i])))
			status = report_unknown_row(table, text_of(cli->operands[i]));
	}
	return status;
}

static int print_rows_json(struct out *out, const struct cli *cli, const struct table *table)
{
	json_t *rows = json_array();
	int status = EXIT_CLEAN;

	if (!cli->operand_count)
		table->add_json(rows, (struct text){ NULL, 0 });
	for (int i = 0; i < cli->operand_count; i++)
		if (!table->add_json(rows, text_of(cli->operands[i])))
			status = report_unknown_row(table, text_of(cli->operands[i]));
	json_print(out, json_pack("{s:o}", table->member, rows));
	return status;
}

static int show_table(const struct cli *cli, const struct table *table)
{
	int status, written;
	struct out out;

	stdout_open(&out);
	status = table_wants_json(cli) ? print_rows_json(&out, cli, table) : print_rows(&out, cli, table);
	written = stdout_close(&out);
	return written ? written : status;
}

bool table_wants_json(const struct cli *cli)
{
	const char *format = cli->value[CLI_TABLE_FORMAT];

	return format && strcmp(format, "json") == 0;
}

/* ---- macros ---- */

static bool show_macro(struct out *out, struct text name)
{
	const struct macro *macro = name.ptr ? macro_find(name) : NULL;

	for (unsigned i = 0; i < macro_count && !name.ptr; i++)
		out_printf(out, "%-18s %s%s\n", macro_table[i].name, macro_table[i].text,
			   describe_families(macro_table[i].family_mask, IPV_BOTH));
	if (!macro)
		return false;
	out_printf(out, "%s: %s%s\n\n", macro->name, macro->text,
		   describe_families(macro->family_mask, IPV_BOTH));
	for (unsigned i = 0; i < macro->count; i++) {
		out_string(out, "    ");
		describe_macro_rule(out, &macro->rules[i]);
		out_printf(out, "%s\n",
			   describe_families(macro->rules[i].family_mask, macro->family_mask));
	}
	return true;
}

int cmd_macros(const struct cli *cli)
{
	const struct table table = { "macro", "macros", show_macro, add_macros_json,
				     &macro_table[0].name, sizeof(macro_table[0]), macro_count };

	return show_table(cli, &table);
}

/* ---- options ---- */

static void show_option(struct out *out, const struct option_row *row)
{
	out_printf(out, "%s, in %s files\n\n", row->key, file_kind_name(row->kind));
	describe_paragraph(out, 4, text_of(row->text));
	out_string(out, "\n    value:   ");
	describe_values(out, row);
	out_string(out, "\n    default: ");
	describe_default(out, row);
	out_string(out, "\n");
}

/* Shows the option of every kind of file that has it. */
static bool show_options(struct out *out, struct text name)
{
	bool found = false;

	for (unsigned i = 0; i < OPTION_COUNT && !name.ptr; i++)
		out_printf(out, "%-8s %-36s %s\n", file_kind_name(option_table[i].kind), option_table[i].key, option_table[i].text);
	for (int kind = 0; kind < FILE_KINDS && name.ptr; kind++) {
		enum option_id id = option_find((enum file_kind)kind, name);

		if (id == OPTION_COUNT)
			continue;
		if (found)
			out_char(out, '\n');
		show_option(out, &option_table[id]);
		found = true;
	}
	return found;
}

int cmd_options(const struct cli *cli)
{
	const struct table table = { "option", "options", show_options, add_options_json,
				     &option_table[0].key, sizeof(option_table[0]), OPTION_COUNT };

	return show_table(cli, &table);
}

/* ---- ICMP types ---- */

static void list_icmp_type(struct out *out, const struct icmp_type *type)
{
	out_printf(out, "%-7s %-28s ", type->family_mask == IPV4 ? "icmp" : "icmpv6", type->name);
	describe_icmp_numbers(out, type);
	out_char(out, '\n');
}

static bool show_icmp_type(struct out *out, struct text name)
{
	const struct icmp_type *v4 = name.ptr ? icmp_type_find(IPV4, name) : NULL;
	const struct icmp_type *v6 = name.ptr ? icmp_type_find(IPV6, name) : NULL;

	for (unsigned i = 0; i < icmp_count && !name.ptr; i++)
		list_icmp_type(out, &icmp_table[i]);
	if (v4)
		list_icmp_type(out, v4);
	if (v6)
		list_icmp_type(out, v6);
	return v4 || v6;
}

int cmd_icmp_types(const struct cli *cli)
{
	const struct table table = { "ICMP type", "icmp_types", show_icmp_type,
				     add_icmp_types_json, &icmp_table[0].name, sizeof(icmp_table[0]), icmp_count };

	return show_table(cli, &table);
}
