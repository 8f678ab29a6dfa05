/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the manual pages, the completion and what editors read from the tables of the compiler.
 *
 *     gendoc TEMPLATE >OUTPUT
 *
 * A line of the template that is only "@name@" is replaced by what the row of
 * that name prints; in all others, "{{name}}" is replaced by the words of that list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/commands.h"
#include "firewall/commands/firewall.h"
#include "format/common.h"
#include "fwtest.h"
#include "lang/describe.h"
#include "diag/diag.h"
#include "lang/limit_table.h"
#include "lint/lint.h"
#include "logger/logger_cli.h"
#include "diag/portability.h"
#include "base/utf8.h"

/* ---- mdoc ---- */

/* Text of a line that begins with no macro: what roff would act on is escaped. */
static void mdoc_text(struct out *out, struct text t)
{
	int32_t point;

	for (uint32_t i = 0; i < t.len; i++) {
		if (i == 0 && (t.ptr[i] == '.' || t.ptr[i] == '\''))
			out_string(out, "\\&");
		if (t.ptr[i] == '\\')
			out_string(out, "\\e");
		else if (t.ptr[i] == '"')
			out_string(out, "\\(dq");
		else if (t.ptr[i] == '-' && (i == 0 || t.ptr[i - 1] == ' '))
			out_string(out, "\\-");
		else if ((unsigned char)t.ptr[i] >= 0x80) {
			i += utf8_decode(t.ptr + i, t.len - i, &point) - 1;
			out_printf(out, "\\[u%04X]", (unsigned)point);
		} else
			out_char(out, t.ptr[i]);
	}
}

/* Prints with `describe` and escapes that. */
#define MDOC_DESCRIBED(out, describe, ...)                                                 \
	do {                                                                               \
		struct out buffer;                                                         \
		out_init_memory(&buffer);                                                  \
		describe(&buffer, __VA_ARGS__);                                            \
		mdoc_text(out, (struct text){ buffer.data, (uint32_t)buffer.len });        \
		out_free(&buffer);                                                         \
	} while (0)

/* One argument of a macro, in which no word is taken for a macro itself. */
static void mdoc_argument(struct out *out, const char *text)
{
	out_char(out, '"');
	mdoc_text(out, text_of(text));
	out_char(out, '"');
}

static void sentence(struct out *out, const char *text)
{
	mdoc_text(out, text_of(text));
	out_string(out, ".\n");
}

/* ---- programs ---- */

static const struct cli_program *const programs[] = { &pvefw_cc, &pve_firewall, &pvefw_logger };

/* The program whose name the template's begins with, or else pvefw-cc. */
static const struct cli_program *program = &pvefw_cc;

static unsigned all_commands(void)
{
	return (1u << program->command_count) - 1;
}

/* Some command takes the option. */
static bool is_taken(const struct cli_option_row *row)
{
	return row->commands & all_commands();
}

/* "[PATH ...]" as an optional argument. */
static void operands(struct out *out, const char *text)
{
	size_t len;

	if (!text[0])
		return;
	text += text[0] == '[';
	len = strcspn(text, " ]");
	out_printf(out, ".Op Ar %.*s%s\n", (int)len, text, strchr(text, '.') ? " ..." : "");
}

static void synopsis(struct out *out)
{
	for (unsigned i = 0; i < program->command_count; i++) {
		out_string(out, ".Nm\n");
		if (program->commands[i].name)
			out_printf(out, ".Cm %s\n", program->commands[i].name);
		out_string(out, ".Op Ar option ...\n");
		operands(out, program->commands[i].operands);
	}
	out_printf(out, ".Nm\n.Cm %s\n%s", cli_help_command.name, program->commands[0].name ? ".Op Ar command\n" : "");
	out_string(out, ".Nm\n.Fl \\-help | Fl \\-version\n");
}

/* The commands that take an option; nothing if all do. */
static void takers(struct out *out, const struct cli_option_row *row)
{
	const char *before = "Taken by\n";

	if ((row->commands & all_commands()) == all_commands())
		return;
	for (unsigned i = 0; i < program->command_count; i++)
		if (row->commands >> i & 1) {
			out_printf(out, "%s.Cm %s", before, program->commands[i].name);
			before = " ,\n";
		}
	out_string(out, " .\n");
}

static void values(struct out *out, const struct cli_option_row *row)
{
	struct out list;

	out_init_memory(&list);
	if (!strchr(row->argument, '|') && cli_option_values(&list, program, row, ", "))
		out_printf(out, "Known:\n%.*s.\n", (int)list.len, list.data);
	out_free(&list);
}

static void cli_options(struct out *out)
{
	for (unsigned i = 0; i < program->option_count; i++) {
		/* The program's own first. */
		const struct cli_option_row *row = &program->options[(i + CLI_SHARED) % program->option_count];

		if (!is_taken(row))
			continue;
		out_string(out, ".It");
		if (row->letter)
			out_printf(out, " Fl %c", row->letter);
		if (row->letter && row->name)
			out_string(out, " ,");
		if (row->name)
			out_printf(out, " Fl \\-%s", row->name);
		if (row->argument) {
			out_string(out, " Ar ");
			mdoc_argument(out, row->argument);
		}
		out_char(out, '\n');
		sentence(out, row->text);
		if (row->argument)
			values(out, row);
		takers(out, row);
	}
}

static void diagnostics(struct out *out)
{
	for (int i = 0; i < DIAG_COUNT; i++) {
		const struct diag_row *row = &diag_catalogue[i];

		out_printf(out, ".It %c%s Ta %s Ta ", row->letter, row->number, row->name);
		mdoc_argument(out, row->summary);
		out_char(out, '\n');
	}
}

static void lint_checks(struct out *out)
{
	for (unsigned i = 0; i < lint_count; i++) {
		out_printf(out, ".It Cm %s\n", lint_table[i].name);
		sentence(out, lint_table[i].text);
	}
}

static void portability(struct out *out)
{
	for (unsigned i = 0; i < portability_count; i++) {
		const struct portability_row *row = &portability_table[i];
		const struct diag_row *d = &diag_catalogue[row->id];

		out_printf(out, ".It %c%s: ", d->letter, d->number);
		mdoc_text(out, text_of(row->input));
		out_string(out, "\nIn the stock compiler ");
		mdoc_text(out, text_of(row->stock));
		out_string(out, ";\nin the nftables preview ");
		sentence(out, row->preview);
	}
}

/* ---- pvefw-diagnostics(7) ---- */

/* A titled paragraph, one sentence per line. */
static void mdoc_part(struct out *out, const char *title, const char *text)
{
	out_printf(out, ".Pp\n.Sy %s :\n", title);
	while (*text) {
		const char *end = strstr(text, ". ");
		size_t len = end ? (size_t)(end - text) + 1 : strlen(text);

		mdoc_text(out, (struct text){ text, (uint32_t)len });
		out_char(out, '\n');
		text += len + (text[len] == ' ');
	}
}

static void mdoc_example(struct out *out, const char *title, const char *text)
{
	if (!text[0])
		return;
	out_printf(out, ".Pp\n%s:\n.Bd -literal -offset indent\n", title);
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		mdoc_text(out, (struct text){ text, (uint32_t)(end - text) });
		out_char(out, '\n');
	}
	out_string(out, ".Ed\n");
}

static void diagnostic_pages(struct out *out)
{
	for (int i = 0; i < DIAG_COUNT; i++) {
		const struct diag_row *row = &diag_catalogue[i];

		out_printf(out, ".Ss %c%s %s\n", row->letter, row->number, row->name);
		sentence(out, row->summary);
		mdoc_part(out, "What is wrong", row->what);
		mdoc_part(out, "What happens to the traffic", row->effect);
		mdoc_part(out, "How to fix it", row->fix);
		mdoc_example(out, "Wrong", row->wrong);
		mdoc_example(out, "Right", row->right);
	}
}

/* ---- pvefw.fw(5) ---- */

static void print_options_of(struct out *out, unsigned kind)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_table[i];

		if (row->kind != kind)
			continue;
		out_printf(out, ".It Cm %s\n", row->key);
		sentence(out, row->text);
		out_string(out, "Value: ");
		MDOC_DESCRIBED(out, describe_values, row);
		out_string(out, ".\nDefault: ");
		MDOC_DESCRIBED(out, describe_default, row);
		out_string(out, ".\n");
	}
}

/* The limits that a line can meet, by what happens beyond. */
static void limits(struct out *out)
{
	for (unsigned i = 0; i < limit_count; i++) {
		const struct limit_row *row = &limit_table[i];

		if (row->treatment == LIMIT_IS_NEVER)
			continue;
		out_string(out, ".It ");
		mdoc_argument(out, row->text);
		out_printf(out, " Ta %lld Ta %s\n", (long long)row->value,
			   row->treatment == LIMIT_IS_SPLIT ? "split" : "error");
	}
}

static void rule_params(struct out *out)
{
	for (unsigned i = 0; i < RULE_PARAMS; i++) {
		const struct rule_param_row *row = &rule_param_table[i];

		for (unsigned j = 0; j < 3 && row->spellings[j]; j++) {
			out_string(out, j ? " , Fl " : ".It Fl ");
			mdoc_text(out, text_of(row->spellings[j] + 1));
		}
		out_char(out, '\n');
		sentence(out, row->text);
	}
}

/* ---- pvefw.fwtest(5) ---- */

static void fwtest_rows(struct out *out, const struct fwtest_row *rows, unsigned count)
{
	for (unsigned i = 0; i < count && rows[i].spelling; i++) {
		out_printf(out, ".It Cm %s\n", rows[i].spelling);
		sentence(out, rows[i].text);
	}
}

static void fwtest_zones(struct out *out)
{
	fwtest_rows(out, fwtest_zone_table, UINT16_MAX);
}

static void fwtest_conditions(struct out *out)
{
	fwtest_rows(out, fwtest_word_table, FWTEST_WORDS);
}

static void fwtest_actions(struct out *out)
{
	fwtest_rows(out, fwtest_action_table, FWTEST_ACTIONS);
}

static void helpers(struct out *out)
{
	for (unsigned i = 0; i < helper_count; i++)
		out_printf(out, ".It %s Ta %s Ta %u Ta %s\n", helper_table[i].name,
			   helper_table[i].proto, helper_table[i].port,
			   helper_table[i].family_mask == IPV_BOTH ? "IPv4, IPv6" : "IPv4");
}

static void macros(struct out *out)
{
	for (unsigned i = 0; i < macro_count; i++) {
		const struct macro *m = &macro_table[i];

		out_printf(out, ".It %s\n", m->name);
		mdoc_text(out, text_of(m->text));
		out_printf(out, "%s:\n", describe_families(m->family_mask, IPV_BOTH));
		for (unsigned j = 0; j < m->count; j++) {
			out_string(out, j ? ";\n" : "");
			MDOC_DESCRIBED(out, describe_macro_rule, &m->rules[j]);
			out_string(out, describe_families(m->rules[j].family_mask, m->family_mask));
		}
		out_string(out, ".\n");
	}
}

static void icmp_types_of(struct out *out, unsigned family_mask)
{
	for (unsigned i = 0; i < icmp_count; i++) {
		if (icmp_table[i].family_mask != family_mask)
			continue;
		out_printf(out, ".It %s Ta ", icmp_table[i].name);
		describe_icmp_numbers(out, &icmp_table[i]);
		out_char(out, '\n');
	}
}

/* ---- lists of words, for completion and for editors ---- */

/* Each once. */
struct words {
	struct arena arena;
	const char **all;
	size_t count;
};

static void words_add(struct words *w, const char *word)
{
	enum { WORDS_MAX = 1000 };

	if (!w->all)
		w->all = ARENA_ARRAY(&w->arena, const char *, WORDS_MAX);
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->all[i], word) == 0)
			return;
	if (w->count == WORDS_MAX)
		abort();
	w->all[w->count++] = word;
}

/* The member `first` of each row of a table, `size` bytes a row. */
static void add_column(struct words *w, const char *const *first, size_t size, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		words_add(w, *(const char *const *)(const void *)((const char *)first + i * size));
}

#define ADD_COLUMN(w, table, member, count) add_column(w, &(table)[0].member, sizeof((table)[0]), count)

/* The list of that name; false: there is none. */
static bool words_add_list(struct words *w, struct text list)
{
	bool named = text_is(list, "named-sections");

	for (unsigned i = SECTION_NONE + 1; i < SECTION_KINDS && (named || text_is(list, "plain-sections")); i++)
		if (section_table[i].named == named)
			words_add(w, section_table[i].name);
	for (unsigned i = 0; i < RULE_PARAMS && text_is(list, "parameters"); i++)
		for (unsigned j = 0; j < 3 && rule_param_table[i].spellings[j]; j++)
			words_add(w, rule_param_table[i].spellings[j]);
	for (unsigned i = 0; fwtest_zone_table[i].spelling && text_is(list, "test-zones"); i++)
		words_add(w, fwtest_zone_table[i].spelling);
	if (text_is(list, "test-words"))
		ADD_COLUMN(w, fwtest_word_table, spelling, FWTEST_WORDS);
	else if (text_is(list, "test-actions"))
		ADD_COLUMN(w, fwtest_action_table, spelling, FWTEST_ACTIONS);
	else if (text_is(list, "types"))
		add_column(w, direction_names, sizeof(direction_names[0]), DIRECTIONS);
	else if (text_is(list, "actions"))
		add_column(w, action_names, sizeof(action_names[0]), ACTIONS);
	else if (text_is(list, "log-levels"))
		add_column(w, log_level_names, sizeof(log_level_names[0]), LOG_LEVELS);
	else if (text_is(list, "macros"))
		ADD_COLUMN(w, macro_table, name, macro_count);
	else if (text_is(list, "options"))
		ADD_COLUMN(w, option_table, key, OPTION_COUNT);
	else if (text_is(list, "icmp-types"))
		ADD_COLUMN(w, icmp_table, name, icmp_count);
	else if (text_is(list, "commands"))
		ADD_COLUMN(w, program->commands, name, program->command_count);
	else if (text_is(list, "diagnostics"))
		for (unsigned i = 0; i < DIAG_COUNT; i++) {
			words_add(w, arena_printf(&w->arena, "%s", diag_code((enum diag_id)i).text));
			words_add(w, diag_catalogue[i].name);
		}
	return w->count > 0;
}

/* `each` before each word, or between two. */
static bool print_words(struct out *out, struct text list, const char *each, bool between)
{
	struct words w = { .count = 0 };
	bool known = words_add_list(&w, list);

	for (size_t i = 0; i < w.count; i++)
		out_printf(out, "%s%s", i || !between ? each : "", w.all[i]);
	arena_free(&w.arena);
	return known;
}

/* ---- completion: what follows an option ---- */

enum value_kind {
	VALUE_NONE, VALUE_LIST, VALUE_DIAGNOSTIC, VALUE_NODE, VALUE_DIRECTORY, VALUE_FILE, VALUE_OTHER, VALUE_KINDS
};

/* -W and --select name diagnostics, whatever their programs call them; --node is in the table that all
 * programs share. */
static enum value_kind value_kind(const struct cli_option_row *row)
{
	const char *argument = row->argument;

	if (!argument)
		return VALUE_NONE;
	if (cli_value_at(program, row, 0).len)
		return VALUE_LIST;
	if (strcmp(argument, pvefw_cc.options[CLI_WARNING].argument) == 0 ||
	    strcmp(argument, pvefw_cc.options[CLI_SELECT].argument) == 0)
		return VALUE_DIAGNOSTIC;
	if (row == &program->options[CLI_NODE])
		return VALUE_NODE;
	if (strcmp(argument, "DIR") == 0)
		return VALUE_DIRECTORY;
	return strstr(argument, "FILE") ? VALUE_FILE : VALUE_OTHER;
}

/* A shell's syntax for completions: the words are between two parts, if there are two. */
struct shell_values {
	const char *parts[VALUE_KINDS][2];
};

static void print_shell_value(struct out *out, const struct shell_values *shell, const struct cli_option_row *row)
{
	enum value_kind kind = value_kind(row);
	const char *const *parts = shell->parts[kind];

	out_string(out, parts[0] ? parts[0] : "");
	if (!parts[1])
		return;
	if (kind == VALUE_LIST)
		cli_option_values(out, program, row, " ");
	else
		print_words(out, TEXT("diagnostics"), " ", false);
	out_string(out, parts[1]);
}

/* ---- completion of operands ---- */

/* The operands of the commands that take names. */
static const struct {
	const char *command;
	struct text list; /* of words; empty: names of files */
} operand_rows[] = {
	{ "lint", TEXT_INIT("") },
	{ "test", TEXT_INIT("") },
	{ "fmt", TEXT_INIT("") },
	{ "macros", TEXT_INIT("macros") },
	{ "options", TEXT_INIT("options") },
	{ "icmp-types", TEXT_INIT("icmp-types") },
	{ "explain", TEXT_INIT("diagnostics") },
	{ "help", TEXT_INIT("commands") },
};

/* Whether the program has the command of the row. */
static bool has_command(const char *name)
{
	for (unsigned i = 0; i < program->command_count && program->commands[i].name; i++)
		if (strcmp(program->commands[i].name, name) == 0)
			return true;
	return strcmp(name, cli_help_command.name) == 0;
}

#define FOR_EACH_OPERAND_ROW(i) \
	for (size_t i = 0; i < sizeof(operand_rows) / sizeof(operand_rows[0]); i++) \
		if (has_command(operand_rows[i].command))

/* ---- bash ---- */

static void bash_commands(struct out *out)
{
	out_char(out, '_');
	for (const char *at = program->name; *at; at++)
		out_char(out, *at == '-' ? '_' : *at);
	out_string(out, "_commands='");
	for (unsigned i = 0; i < program->command_count; i++)
		out_printf(out, "%s ", program->commands[i].name);
	out_printf(out, "%s'\n", cli_help_command.name);
}

/* The options of each command, as the arms of a case; there is one arm if there are no commands. */
static void bash_options(struct out *out)
{
	for (unsigned i = 0; i < program->command_count; i++) {
		out_printf(out, "\t%s) echo '", program->commands[i].name ? program->commands[i].name : "*");
		for (unsigned j = 0; j < program->option_count; j++) {
			const struct cli_option_row *row = &program->options[j];

			if (!(row->commands >> i & 1))
				continue;
			if (row->letter)
				out_printf(out, "-%c ", row->letter);
			if (row->name)
				out_printf(out, "--%s ", row->name);
		}
		out_string(out, "' ;;\n");
	}
}

/* Another row has an option of this name, which other commands take. */
static bool has_namesake(const struct cli_option_row *row)
{
	for (unsigned i = 0; i < program->option_count; i++) {
		const struct cli_option_row *other = &program->options[i];

		if (other != row && is_taken(other) && row->name && other->name &&
		    strcmp(row->name, other->name) == 0)
			return true;
	}
	return false;
}

/* "COMMAND -f" | "COMMAND --format"; `command` NULL: of any. */
static void bash_spellings(struct out *out, const struct cli_option_row *row, const char *command)
{
	const char *begin = command ? "" : "*";

	command = command ? command : "";
	if (row->letter)
		out_printf(out, "%s'%s -%c'", begin, command, row->letter);
	if (row->name)
		out_printf(out, "%s%s'%s --%s'", row->letter ? " | " : "", begin, command, row->name);
}

static void bash_pattern(struct out *out, const struct cli_option_row *row)
{
	const char *separator = "";

	out_char(out, '\t');
	if (!has_namesake(row))
		bash_spellings(out, row, NULL);
	for (unsigned i = 0; has_namesake(row) && i < program->command_count; i++) {
		if (!(row->commands >> i & 1))
			continue;
		out_string(out, separator);
		bash_spellings(out, row, program->commands[i].name);
		separator = " | ";
	}
	out_string(out, ") ");
}

/* Writes the possible arguments of options. */
static void bash_arguments(struct out *out)
{
	static const struct shell_values shell = { {
		[VALUE_LIST] = { "words='", "'" },
		[VALUE_DIAGNOSTIC] = { "kind='diagnostic'; words='", "'" },
		[VALUE_NODE] = { "kind='node'" },
		[VALUE_DIRECTORY] = { "kind='directory'" },
		[VALUE_FILE] = { "kind='file'" },
		[VALUE_OTHER] = { "kind='other'" },
	} };

	for (unsigned i = 0; i < program->option_count; i++) {
		const struct cli_option_row *row = &program->options[i];

		if (!row->argument || !is_taken(row))
			continue;
		bash_pattern(out, row);
		print_shell_value(out, &shell, row);
		out_string(out, " ;;\n");
	}
}

static void bash_operands(struct out *out)
{
	FOR_EACH_OPERAND_ROW(i) {
		out_printf(out, "\t%s) ", operand_rows[i].command);
		out_string(out, operand_rows[i].list.len ? "words='" : "kind='file");
		print_words(out, operand_rows[i].list, " ", false);
		out_string(out, "' ;;\n");
	}
}

/* ---- zsh ---- */

/* What _arguments and _describe would act on. */
#define ZSH_OF_ARGUMENTS ":[]\\"
#define ZSH_OF_DESCRIBE ":\\"

/* Inside of single quotes; the characters in `special` are escaped. */
static void zsh_text(struct out *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			out_char(out, '\\');
		if (*text == '\'')
			out_string(out, "'\\''");
		else
			out_char(out, *text);
	}
}

static void zsh_commands(struct out *out)
{
	for (unsigned i = 0; i <= program->command_count; i++) {
		const struct command_row *row = i < program->command_count ? &program->commands[i] : &cli_help_command;

		out_printf(out, "\t'%s:", row->name);
		zsh_text(out, row->text, ZSH_OF_DESCRIBE);
		out_string(out, "'\n");
	}
}

/* ":FORMAT:(text json)" */
static void zsh_value(struct out *out, const struct cli_option_row *row)
{
	static const struct shell_values shell = { {
		[VALUE_LIST] = { "(", ")" },
		[VALUE_DIAGNOSTIC] = { "_pvefw_diagnostics" },
		[VALUE_NODE] = { "_pvefw_nodes" },
		[VALUE_DIRECTORY] = { "_files -/" },
		[VALUE_FILE] = { "_files" },
		[VALUE_OTHER] = { " " },
	} };

	if (!row->argument)
		return;
	out_char(out, ':');
	zsh_text(out, row->argument, ZSH_OF_ARGUMENTS);
	out_char(out, ':');
	print_shell_value(out, &shell, row);
}

/* A spelling of the option, for _arguments. */
static void zsh_spelling(struct out *out, const struct cli_option_row *row, bool is_long)
{
	out_string(out, "\t\t'");
	if (strstr(row->text, "may be repeated") || strstr(row->text, "repeatable"))
		out_char(out, '*');
	else if (row->letter && row->name)
		out_printf(out, "(-%c --%s)", row->letter, row->name);
	if (is_long)
		out_printf(out, "--%s%s[", row->name, row->argument ? "=" : "");
	else
		out_printf(out, "-%c%s[", row->letter, row->argument ? "+" : "");
	zsh_text(out, row->text, ZSH_OF_ARGUMENTS);
	out_char(out, ']');
	zsh_value(out, row);
	out_string(out, "' \\\n");
}

static void zsh_options_of(struct out *out, unsigned command)
{
	for (unsigned i = 0; i < program->option_count; i++) {
		const struct cli_option_row *row = &program->options[i];

		if (!(row->commands >> command & 1))
			continue;
		if (row->letter)
			zsh_spelling(out, row, false);
		if (row->name)
			zsh_spelling(out, row, true);
	}
}

/* The operands of a command, the last words of its _arguments. */
static void zsh_operands_of(struct out *out, const char *command)
{
	FOR_EACH_OPERAND_ROW(i) {
		if (!command || strcmp(command, operand_rows[i].command) != 0)
			continue;
		out_string(out, operand_rows[i].list.len ? "\t\t'*:name:(" : "\t\t'*:file:_files'");
		if (print_words(out, operand_rows[i].list, " ", false))
			out_string(out, ")'");
		return;
	}
	out_string(out, "\t\t&& return");
}

/* The arms of a case about the command; without commands, the words of one _arguments. */
static void zsh_options(struct out *out)
{
	if (!program->commands[0].name) {
		zsh_options_of(out, 0);
		zsh_operands_of(out, NULL);
		out_char(out, '\n');
		return;
	}
	for (unsigned i = 0; i <= program->command_count; i++) {
		const char *name = i < program->command_count ? program->commands[i].name : cli_help_command.name;

		out_printf(out, "\t%s)\n\t\t_arguments -s : \\\n", name);
		if (i < program->command_count)
			zsh_options_of(out, i);
		zsh_operands_of(out, name);
		out_string(out, "\n\t\t;;\n");
	}
}

static void zsh_diagnostics(struct out *out)
{
	for (unsigned i = 0; i < DIAG_COUNT; i++) {
		const struct diag_row *row = &diag_catalogue[i];

		out_printf(out, "\t'%c%s:%s'\n\t'%s:", row->letter, row->number, row->name, row->name);
		zsh_text(out, row->summary, ZSH_OF_DESCRIBE);
		out_string(out, "'\n");
	}
}

/* ---- fish ---- */

/* Inside of single quotes. */
static void fish_text(struct out *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			out_char(out, '\\');
		out_char(out, *text);
	}
}

/* "complete -c PROGRAM" and the condition under which the line counts: one of the commands of the bit set. */
static void fish_begin(struct out *out, unsigned commands)
{
	out_printf(out, "complete -c %s", program->name);
	if (!program->commands[0].name)
		return;
	out_string(out, " -n '__fish_seen_subcommand_from");
	for (unsigned i = 0; i < program->command_count; i++)
		if (commands >> i & 1)
			out_printf(out, " %s", program->commands[i].name);
	out_char(out, '\'');
}

static void fish_commands(struct out *out)
{
	for (unsigned i = 0; i <= program->command_count; i++) {
		const struct command_row *row = i < program->command_count ? &program->commands[i] : &cli_help_command;

		out_printf(out, "complete -c %s -n __fish_use_subcommand -a %s -d '", program->name, row->name);
		fish_text(out, row->text);
		out_string(out, "'\n");
	}
}

static void fish_options(struct out *out)
{
	static const struct shell_values shell = { {
		[VALUE_LIST] = { " -x -a '", "'" },
		[VALUE_DIAGNOSTIC] = { " -x -a '(__pvefw_diagnostics)'" },
		[VALUE_NODE] = { " -x -a '(__pvefw_nodes)'" },
		[VALUE_DIRECTORY] = { " -x -a '(__fish_complete_directories)'" },
		[VALUE_FILE] = { " -r -F" },
		[VALUE_OTHER] = { " -x" },
	} };

	for (unsigned i = 0; i < program->option_count; i++) {
		const struct cli_option_row *row = &program->options[i];

		if (!is_taken(row))
			continue;
		fish_begin(out, row->commands);
		if (row->letter)
			out_printf(out, " -s %c", row->letter);
		if (row->name)
			out_printf(out, " -l %s", row->name);
		print_shell_value(out, &shell, row);
		out_string(out, " -d '");
		fish_text(out, row->text);
		out_string(out, "'\n");
	}
}

static void fish_operands(struct out *out)
{
	FOR_EACH_OPERAND_ROW(i) {
		out_printf(out, "complete -c %s -n '__fish_seen_subcommand_from %s'", program->name,
			   operand_rows[i].command);
		out_string(out, operand_rows[i].list.len ? " -a '" : " -F");
		out_string(out, print_words(out, operand_rows[i].list, " ", false) ? "'\n" : "\n");
	}
}

/* Writes lines for fish's printf: the word, a tab and its description. */
static void fish_diagnostics(struct out *out)
{
	for (unsigned i = 0; i < DIAG_COUNT; i++) {
		const struct diag_row *row = &diag_catalogue[i];

		out_printf(out, "\t\t%c%s '%s' \\\n\t\t%s '", row->letter, row->number, row->name, row->name);
		fish_text(out, row->summary);
		out_printf(out, "'%s\n", i + 1 < DIAG_COUNT ? " \\" : "");
	}
}

/* ---- pvefw-logger(8) ---- */

static void logger_counts(struct out *out)
{
#define COUNT(name, text) \
	out_string(out, ".It Cm " #name "\n"); \
	sentence(out, text);
#include "logger/counts.def"
}

/* ---- pve-firewall(8) ---- */

static void table_cell(struct out *out, const char *text, const char *end)
{
	out_string(out, "T{\n.na\n"); /* a column may be too narrow to be adjusted, which groff 1.23 warns of */
	mdoc_text(out, text_of(text));
	out_printf(out, "\nT}%s", end);
}

/* The exit statuses of pve-firewall status. */
static void statuses(struct out *out)
{
	static const struct {
		const char *name, *text;
		int exit_status;
	} rows[] = {
#define STATUS(ID, name, exit_status, text) { name, text, exit_status },
#include "firewall/commands/status.def"
	};

	out_string(out, ".TS\nallbox tab(|);\nlb lb lb\nl l lw(44).\nstate|exit status|when\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out_printf(out, "%s|%d|", rows[i].name, rows[i].exit_status);
		table_cell(out, rows[i].text, "\n");
	}
	out_string(out, ".TE\n");
}

static const char fault_columns[] = "lw(20) lw(18) lw(17) lw(9)";

/* For tbl(1), which man runs; each cell is a block of text that is filled.  Each row is a table, as groff
 * does not break one across pages. */
static void faults(struct out *out)
{
	static const struct {
		const char *fault, *in_force, *told, *within;
	} rows[] = {
#define FAULT(fault, in_force, told, within, test) { fault, in_force, told, within },
#include "firewall/commands/faults.def"
	};

	out_printf(out, ".TS\ntab(|);\n%s.\nFault|Enforced rules|Reported in|Within\n_\n.TE\n", fault_columns);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out_printf(out, ".TS\ntab(|);\n%s.\n", fault_columns);
		table_cell(out, rows[i].fault, "|");
		table_cell(out, rows[i].in_force, "|");
		table_cell(out, rows[i].told, "|");
		table_cell(out, rows[i].within, "\n_\n.TE\n");
	}
}

/* Copies the line, with lists of words for "{{name}}", as alternatives of a regular expression: none has a
 * character that means something there.  False: there is no list of that name. */
static bool fill_words(struct out *out, const char *line)
{
	const char *begin, *end;
	bool known = true;

	for (; (begin = strstr(line, "{{")) && (end = strstr(begin, "}}")); line = end + 2) {
		out_bytes(out, line, (size_t)(begin - line));
		known = print_words(out, (struct text){ begin + 2, (uint32_t)(end - begin) - 2 }, "|", true) && known;
	}
	out_string(out, line);
	return known;
}

/* ---- templates ---- */

static const struct part {
	const char *name;
	void (*print)(struct out *out);
	void (*print_kind)(struct out *out, unsigned kind); /* instead: of one kind */
	unsigned kind;
} parts[] = {
	{ "synopsis", synopsis, NULL, 0 },
	{ "cli-options", cli_options, NULL, 0 },
	{ "diagnostics", diagnostics, NULL, 0 },
	{ "lint-checks", lint_checks, NULL, 0 },
	{ "portability", portability, NULL, 0 },
	{ "diagnostic-pages", diagnostic_pages, NULL, 0 },
	{ "cluster-options", NULL, print_options_of, FILE_CLUSTER },
	{ "host-options", NULL, print_options_of, FILE_HOST },
	{ "guest-options", NULL, print_options_of, FILE_GUEST },
	{ "vnet-options", NULL, print_options_of, FILE_VNET },
	{ "limits", limits, NULL, 0 },
	{ "rule-params", rule_params, NULL, 0 },
	{ "fwtest-zones", fwtest_zones, NULL, 0 },
	{ "fwtest-conditions", fwtest_conditions, NULL, 0 },
	{ "fwtest-actions", fwtest_actions, NULL, 0 },
	{ "helpers", helpers, NULL, 0 },
	{ "macros", macros, NULL, 0 },
	{ "icmp-types", NULL, icmp_types_of, IPV4 },
	{ "icmpv6-types", NULL, icmp_types_of, IPV6 },
	{ "bash-commands", bash_commands, NULL, 0 },
	{ "bash-options", bash_options, NULL, 0 },
	{ "bash-arguments", bash_arguments, NULL, 0 },
	{ "bash-operands", bash_operands, NULL, 0 },
	{ "zsh-commands", zsh_commands, NULL, 0 },
	{ "zsh-options", zsh_options, NULL, 0 },
	{ "zsh-diagnostics", zsh_diagnostics, NULL, 0 },
	{ "fish-commands", fish_commands, NULL, 0 },
	{ "fish-options", fish_options, NULL, 0 },
	{ "fish-operands", fish_operands, NULL, 0 },
	{ "fish-diagnostics", fish_diagnostics, NULL, 0 },
	{ "logger-counts", logger_counts, NULL, 0 },
	{ "faults", faults, NULL, 0 },
	{ "statuses", statuses, NULL, 0 },
};

/* Whether the line is "@name@" of a part, which is printed. */
static bool fill_part(struct out *out, struct text line)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i].name);

		if (line.len == len + 2 && line.ptr[0] == '@' && line.ptr[len + 1] == '@' &&
		    memcmp(line.ptr + 1, parts[i].name, len) == 0) {
			if (parts[i].print)
				parts[i].print(out);
			else
				parts[i].print_kind(out, parts[i].kind);
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	struct out out;
	int status = EXIT_SUCCESS;

	if (!file) {
		fprintf(stderr, "usage: gendoc TEMPLATE\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strncmp(base_name(argv[1]), programs[i]->name, strlen(programs[i]->name)) == 0)
			program = programs[i];
	out_init_fd(&out, STDOUT_FILENO);
	while ((len = getline(&line, &room, file)) > 0) {
		struct text text = { line, (uint32_t)len - (line[len - 1] == '\n') };

		if (fill_part(&out, text))
			continue;
		if ((text.len > 1 && text.ptr[0] == '@') || !fill_words(&out, line)) {
			fprintf(stderr, "%s: nothing is called so: %.*s\n", argv[1], TEXT_ARG(text));
			status = EXIT_FAILURE;
		}
	}
	free(line);
	fclose(file);
	if (out_flush(&out))
		status = EXIT_FAILURE;
	out_free(&out);
	return status;
}
