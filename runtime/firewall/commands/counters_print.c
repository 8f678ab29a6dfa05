/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters beside the source:
 *
 *     firewall/100.fw
 *     packets    bytes  line
 *           .        .     3  IN ACCEPT -p tcp -dport 22
 *        1204    88.1k     4  IN ACCEPT -p tcp -dport 80
 *         off              5  |IN DROP
 *         412    24.7k        policy_in: DROP (the default)
 *
 * A dot is a rule that has counted nothing, a dash one that is not loaded.
 */
#include "firewall/commands/counters_print.h"

#include <stdlib.h>

#include "base/escape.h"
#include "diag/diag.h"
#include "format/diag_json.h"

/* ---- numbers ---- */

enum { NUMBER_SIZE = 24, COLUMN = 8 };

/* As it is, or as three digits and a unit of a power of 1000. */
static void format_number(char text[NUMBER_SIZE], uint64_t number, bool exact)
{
	static const char units[] = "kMGTPE";
	unsigned unit = 0, digits;
	double value = (double)number;

	if (exact || number < 10000) {
		snprintf(text, NUMBER_SIZE, "%llu", (unsigned long long)number);
		return;
	}
	for (value /= 1000; value >= 999.5; value /= 1000)
		unit++;
	digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	snprintf(text, NUMBER_SIZE, "%.*f%c", (int)digits, value, units[unit]);
}

/* How wide the columns are: exact numbers may need more than others do. */
struct columns {
	bool exact;
	int packets, bytes, line;
};

static int width_of(uint64_t number)
{
	char text[NUMBER_SIZE];

	format_number(text, number, true);
	return (int)strlen(text);
}

static void widen(struct columns *columns, struct count count)
{
	if (columns->exact && width_of(count.packets) > columns->packets)
		columns->packets = width_of(count.packets);
	if (columns->exact && width_of(count.bytes) > columns->bytes)
		columns->bytes = width_of(count.bytes);
}

static struct columns columns_of(const struct counted_file *file, bool exact)
{
	struct columns columns = { exact, COLUMN, COLUMN, 4 };

	for (uint32_t line = 0; line < file->line_count; line++)
		widen(&columns, counted_since(&file->lines[line]));
	for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
		widen(&columns, counted_since(&file->defaults[option]));
	if (width_of(file->line_count) > columns.line)
		columns.line = width_of(file->line_count);
	return columns;
}

static void count_print(struct out *out, const struct columns *columns, struct count count)
{
	char packets[NUMBER_SIZE], bytes[NUMBER_SIZE];

	format_number(packets, count.packets, columns->exact);
	format_number(bytes, count.bytes, columns->exact);
	out_printf(out, "%*s %*s", columns->packets, packets, columns->bytes, bytes);
}

/* ---- one file ---- */

static void counted_print(struct out *out, const struct columns *columns, const struct counted *counted)
{
	static const char *const states[] = { "", "-", "off", "ignored" };
	struct count count = counted_since(counted);

	if (!counted->loaded)
		out_printf(out, "%*s %*s", columns->packets, states[counted->kind], columns->bytes,
			   counted->kind == COUNTED_RULE ? "-" : "");
	else if (!count.packets && !count.bytes)
		out_printf(out, "%*s %*s", columns->packets, ".", columns->bytes, ".");
	else
		count_print(out, columns, count);
}

static void counted_print_default(struct out *out, const struct columns *columns, const struct counted_file *file,
			  unsigned option)
{
	enum option_id id = option_find(file->kind, text_of(counted_options[option]));

	if (!file->defaults[option].loaded || id == OPTION_COUNT)
		return;
	counted_print(out, columns, &file->defaults[option]);
	out_printf(out, "%*s  %s: %s (the default)\n", columns->line + 1, "", counted_options[option],
		   action_names[option_table[id].default_value]);
}

void counters_print_file(struct out *out, const struct counters *c, const struct counted_file *file, bool exact)
{
	struct columns columns = columns_of(file, exact);

	out_escaped(out, text_of(file->source->path));
	out_printf(out, "\n%*s %*s %*s\n", columns.packets, "packets", columns.bytes, "bytes", columns.line, "line");
	for (uint32_t line = 1; line <= file->line_count; line++) {
		struct text text = counters_line(c, file, line);

		counted_print(out, &columns, &file->lines[line - 1]);
		out_printf(out, " %*u", columns.line, line);
		if (text.len)
			out_string(out, "  ");
		out_escaped(out, text);
		out_char(out, '\n');
	}
	for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
		counted_print_default(out, &columns, file, option);
}

/* ---- the busiest lines ---- */

struct busy {
	const struct counted_file *file;
	uint32_t line; /* 0: a default */
	unsigned option;
	struct count count;
};

struct busy_list {
	struct arena *arena;
	struct busy *items;
	uint32_t count, room;
};

static void busy_add(struct busy_list *list, const struct counted *counted, struct busy busy)
{
	struct busy *more;

	busy.count = counted_since(counted);
	if (!busy.count.packets)
		return;
	if (list->count == list->room) {
		list->room = list->room * 2 + 64;
		more = ARENA_ARRAY(list->arena, struct busy, list->room);
		if (list->count)
			memcpy(more, list->items, list->count * sizeof(*more));
		list->items = more;
	}
	list->items[list->count++] = busy;
}

/* The first in the files of equal ones. */
static int busy_by_count(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	if (x->count.packets != y->count.packets)
		return x->count.packets > y->count.packets ? -1 : 1;
	if (x->count.bytes != y->count.bytes)
		return x->count.bytes > y->count.bytes ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->option < y->option ? -1 : x->option > y->option;
}

static void busy_collect(struct busy_list *list, const struct counters *c)
{
	for (uint32_t i = 0; i < c->file_count; i++) {
		const struct counted_file *file = &c->files[i];

		for (uint32_t line = 0; line < file->line_count; line++)
			busy_add(list, &file->lines[line], (struct busy){ .file = file, .line = line + 1 });
		for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
			busy_add(list, &file->defaults[option], (struct busy){ .file = file, .option = option });
	}
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), busy_by_count);
}

static const char *place_of(struct arena *arena, const struct busy *busy)
{
	if (busy->line)
		return arena_printf(arena, "%s:%u", busy->file->source->path, busy->line);
	return arena_printf(arena, "%s", busy->file->source->path);
}

static void busy_print(struct out *out, const struct counters *c, const struct columns *columns,
		       const struct busy *busy)
{
	struct text text = busy->line ? counters_line(c, busy->file, busy->line) : text_of(counted_options[busy->option]);
	const char *place = place_of(c->arena, busy);

	count_print(out, columns, busy->count);
	out_string(out, "  ");
	out_escaped(out, text_of(place));
	out_printf(out, "%*s", columns->line - (int)strlen(place) + 2, "");
	out_escaped(out, text);
	out_string(out, busy->line ? "\n" : " (the default)\n");
}

void counters_print_top(struct out *out, const struct counters *c, uint32_t most, bool exact)
{
	struct columns columns = { exact, COLUMN, COLUMN, 0 };
	struct busy_list list = { .arena = c->arena };

	busy_collect(&list, c);
	if (list.count > most)
		list.count = most;
	for (uint32_t i = 0; i < list.count; i++) {
		int width = (int)strlen(place_of(c->arena, &list.items[i]));

		widen(&columns, list.items[i].count);
		columns.line = width > columns.line ? width : columns.line;
	}
	out_printf(out, "%*s %*s  line\n", columns.packets, "packets", columns.bytes, "bytes");
	for (uint32_t i = 0; i < list.count; i++)
		busy_print(out, c, &columns, &list.items[i]);
}

/* ---- for programs ---- */

static void counted_put_json(json_t *json, const struct counted *counted)
{
	static const char *const states[] = { "", "not loaded", "disabled", "ignored" };
	struct count count = counted_since(counted);

	if (counted->loaded) {
		json_object_set_new(json, "packets", json_integer((json_int_t)count.packets));
		json_object_set_new(json, "bytes", json_integer((json_int_t)count.bytes));
	} else {
		json_object_set_new(json, "state", json_string(states[counted->kind]));
	}
}

static json_t *counted_lines_json(const struct counters *c, const struct counted_file *file)
{
	json_t *lines = json_array();

	for (uint32_t line = 1; line <= file->line_count; line++) {
		const struct counted *counted = &file->lines[line - 1];
		json_t *json;

		if (!counted->loaded && counted->kind == COUNTED_PLAIN)
			continue;
		json = json_object();
		json_object_set_new(json, "line", json_integer(line));
		json_object_set_new(json, "text", json_escaped(counters_line(c, file, line)));
		counted_put_json(json, counted);
		json_array_append_new(lines, json);
	}
	return lines;
}

static json_t *counted_defaults_json(const struct counted_file *file)
{
	json_t *defaults = json_object();

	for (unsigned option = 0; option < COUNTED_OPTIONS; option++) {
		json_t *json;

		if (!file->defaults[option].loaded)
			continue;
		json = json_object();
		counted_put_json(json, &file->defaults[option]);
		json_object_set_new(defaults, counted_options[option], json);
	}
	return defaults;
}

static json_t *counted_file_json(const struct counters *c, const struct counted_file *file)
{
	json_t *json = json_object();

	json_object_set_new(json, "path", json_escaped(text_of(file->source->path)));
	json_object_set_new(json, "lines", counted_lines_json(c, file));
	json_object_set_new(json, "defaults", counted_defaults_json(file));
	return json;
}

void counters_print_json(struct out *out, const struct counters *c, const struct counted_file *file)
{
	json_t *files = json_array();

	for (uint32_t i = 0; i < c->file_count; i++)
		if (!file || file == &c->files[i])
			json_array_append_new(files, counted_file_json(c, &c->files[i]));
	json_print(out, files);
}

static json_t *busy_json(const struct counters *c, const struct busy *busy)
{
	json_t *json = json_object();

	json_object_set_new(json, "path", json_escaped(text_of(busy->file->source->path)));
	if (busy->line) {
		json_object_set_new(json, "line", json_integer(busy->line));
		json_object_set_new(json, "text", json_escaped(counters_line(c, busy->file, busy->line)));
	} else {
		json_object_set_new(json, "default", json_string(counted_options[busy->option]));
	}
	json_object_set_new(json, "packets", json_integer((json_int_t)busy->count.packets));
	json_object_set_new(json, "bytes", json_integer((json_int_t)busy->count.bytes));
	return json;
}

void counters_print_top_json(struct out *out, const struct counters *c, uint32_t most)
{
	struct busy_list list = { .arena = c->arena };
	json_t *lines = json_array();

	busy_collect(&list, c);
	for (uint32_t i = 0; i < list.count && i < most; i++)
		json_array_append_new(lines, busy_json(c, &list.items[i]));
	json_print(out, lines);
}
