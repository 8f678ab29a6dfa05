/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting from zero without resetting the kernel's counters, which others may read: what the lines had counted is written
 * down and subtracted.  One line of the baseline each:
 *
 *     PACKETS BYTES PATH:LINE: TEXT
 *     PACKETS BYTES PATH: OPTION
 *
 * A rule that was loaded anew counts from nothing, and one that moved to another line is another rule: their entries are
 * dropped.
 */
#include "firewall/counters/counters.h"

/* ---- writing ---- */

void counters_zero(struct counters *c)
{
	for (uint32_t i = 0; i < c->file_count; i++) {
		struct counted_file *file = &c->files[i];

		for (uint32_t line = 0; line < file->line_count; line++)
			file->lines[line].base = file->lines[line].all;
		for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
			file->defaults[option].base = file->defaults[option].all;
	}
}

static bool print_base(struct out *out, const struct counted *counted, const struct counted_file *file)
{
	if (!counted->base.packets && !counted->base.bytes)
		return false;
	out_number(out, counted->base.packets);
	out_char(out, ' ');
	out_number(out, counted->base.bytes);
	out_char(out, ' ');
	out_string(out, file->source->path);
	out_char(out, ':');
	return true;
}

static void baseline_print_file(struct out *out, const struct counters *c, const struct counted_file *file)
{
	for (uint32_t line = 1; line <= file->line_count; line++) {
		if (!print_base(out, &file->lines[line - 1], file))
			continue;
		out_number(out, line);
		out_string(out, ": ");
		out_text(out, counters_line(c, file, line));
		out_char(out, '\n');
	}
	for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
		if (print_base(out, &file->defaults[option], file))
			out_printf(out, " %s\n", counted_options[option]);
}

void counters_print_baseline(struct out *out, const struct counters *c)
{
	for (uint32_t i = 0; i < c->file_count; i++)
		baseline_print_file(out, c, &c->files[i]);
}

/* ---- reading ---- */

/* Cuts the text before `end` off *rest; empty if there is no such character. */
static struct text take_until(struct text *rest, char end)
{
	long at = text_find(*rest, end);
	struct text taken = { rest->ptr, at < 0 ? 0 : (uint32_t)at };

	if (at >= 0)
		*rest = text_skip(*rest, (uint32_t)at + 1);
	return taken;
}

struct baseline_reading {
	struct counters *c;
	struct counted_file *file; /* of the last entry; entries of a file stand together */
};

/* What an entry is about, if that is still there. */
static struct counted *find_counted(struct baseline_reading *r, struct text path, struct text rest)
{
	struct counted_file *file = r->file;
	uint64_t line;

	if (!file || !text_is(path, file->source->path))
		r->file = file = counters_find_file(r->c, path);
	if (!file || !text_is(path, file->source->path))
		return NULL;
	for (unsigned option = 0; option < COUNTED_OPTIONS; option++)
		if (text_starts(rest, " ") && text_is(text_skip(rest, 1), counted_options[option]))
			return &file->defaults[option];
	if (!text_to_number(take_until(&rest, ':'), file->line_count, &line) || !line || !text_starts(rest, " "))
		return NULL;
	if (!text_equal(text_skip(rest, 1), counters_line(r->c, file, (uint32_t)line)))
		return NULL;
	return &file->lines[line - 1];
}

static bool baseline_read_entry(struct baseline_reading *r, struct text entry)
{
	struct text packets = take_until(&entry, ' '), bytes = take_until(&entry, ' '), path = take_until(&entry, ':');
	struct counted *counted = find_counted(r, path, entry);
	struct count base;

	if (!counted || !text_to_number(packets, UINT64_MAX, &base.packets) ||
	    !text_to_number(bytes, UINT64_MAX, &base.bytes) || base.packets > counted->all.packets ||
	    base.bytes > counted->all.bytes)
		return false;
	counted->base = base;
	return true;
}

bool counters_read_baseline(struct counters *c, struct text baseline)
{
	struct baseline_reading r = { .c = c };
	bool stale = false;

	while (baseline.len && text_find(baseline, '\n') >= 0)
		stale |= !baseline_read_entry(&r, take_until(&baseline, '\n'));
	return stale || baseline.len;
}
