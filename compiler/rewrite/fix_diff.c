/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixes as a unified diff, which patch(1) takes.
 *
 * Edits are known, so there is nothing to search for: edits that touch the same lines are one block of lines,
 * taken out and put in anew; blocks that have at most six lines between them are one hunk.
 */
#include "format/common.h"
#include "rewrite/fix.h"

enum { CONTEXT = 3 };

/* Lines [first, end) from 1, which become others. */
struct block {
	uint32_t first, end;
	uint32_t new_lines;
	unsigned edit; /* its first one */
	unsigned next; /* the edit after its last one */
};

struct diff {
	const struct fixes *fixes;
	const struct file_edits *file;
	struct source *source;
	struct out *out;
	uint32_t lines; /* of the old file */
	long shift;     /* lines that the hunks before have added */
};

static uint32_t line_at(const struct diff *diff, uint32_t offset)
{
	return source_line_number(diff->fixes->diags->map, diff->source->base + offset);
}

/* Returns the line after the last changed one: an edit replaces whole lines by whole lines. */
static uint32_t end_of_edit(const struct diff *diff, const struct edit *edit)
{
	uint32_t line = line_at(diff, edit->end);
	size_t len = strlen(edit->text);
	bool at_start = edit->end == source_line_offset(diff->source, line);
	bool whole = len ? edit->text[len - 1] == '\n'
			 : edit->begin == source_line_offset(diff->source, line_at(diff, edit->begin));

	return at_start && whole ? line : line + 1;
}

/* The lines as they become. */
static void apply_to_block(const struct diff *diff, const struct block *b, struct out *out)
{
	struct file_edits edits = { diff->file->edits + b->edit, b->next - b->edit };

	fixes_apply(out, &edits, source_line_offset(diff->source, b->first),
		    source_line_offset(diff->source, b->end));
}

static uint32_t new_lines(const struct diff *diff, const struct block *b)
{
	uint32_t count = 0;
	struct out out;

	out_init_memory(&out);
	apply_to_block(diff, b, &out);
	for (size_t i = 0; i < out.len; i++)
		count += out.data[i] == '\n';
	count += out.len && out.data[out.len - 1] != '\n';
	out_free(&out);
	return count;
}

/* The block that begins with edit `first`. */
static struct block next_block(const struct diff *diff, unsigned first)
{
	const struct edit *edits = diff->file->edits;
	struct block b = { .first = line_at(diff, edits[first].begin), .edit = first, .next = first };

	for (; b.next < diff->file->count; b.next++) {
		uint32_t end;

		if (b.next > first && line_at(diff, edits[b.next].begin) >= b.end)
			break;
		end = end_of_edit(diff, &edits[b.next]);
		b.end = end > b.end ? end : b.end;
	}
	if (b.end > diff->lines + 1)
		b.end = diff->lines + 1;
	b.new_lines = new_lines(diff, &b);
	return b;
}

/* Prints each line after the sign. */
static void print_diff_lines(const struct diff *diff, char sign, struct text lines)
{
	struct text line;

	while (text_cut_line(&lines, &line)) {
		out_char(diff->out, sign);
		out_text(diff->out, line);
		if (!text_ends(line, "\n"))
			out_string(diff->out, "\n\\ No newline at end of file\n");
	}
}

static void print_old(const struct diff *diff, char sign, uint32_t first, uint32_t end)
{
	uint32_t begin = source_line_offset(diff->source, first),
		 after = source_line_offset(diff->source, end);

	print_diff_lines(diff, sign, (struct text){ diff->source->text + begin, after - begin });
}

static void print_new(const struct diff *diff, const struct block *b)
{
	struct out out;

	out_init_memory(&out);
	apply_to_block(diff, b, &out);
	print_diff_lines(diff, '+', (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
}

/* The first of an empty range is the line before. */
static void print_range(const struct diff *diff, char sign, long first, long count)
{
	out_printf(diff->out, "%c%ld", sign, count ? first : first - 1);
	if (count != 1)
		out_printf(diff->out, ",%ld", count);
}

/* Prints the hunk that begins with edit `first`; returns the edit after it. */
static unsigned print_hunk(struct diff *diff, unsigned first)
{
	struct block b = next_block(diff, first);
	uint32_t begin = b.first > CONTEXT ? b.first - CONTEXT : 1, end = b.end;
	long added = (long)b.new_lines - (long)(b.end - b.first);
	unsigned last = b.next;

	/* How far it reaches. */
	while (last < diff->file->count) {
		struct block next = next_block(diff, last);

		if (next.first > end + 2 * CONTEXT)
			break;
		added += (long)next.new_lines - (long)(next.end - next.first);
		end = next.end;
		last = next.next;
	}
	end = end + CONTEXT < diff->lines + 1 ? end + CONTEXT : diff->lines + 1;
	out_string(diff->out, "@@ ");
	print_range(diff, '-', (long)begin, (long)(end - begin));
	out_char(diff->out, ' ');
	print_range(diff, '+', (long)begin + diff->shift, (long)(end - begin) + added);
	out_string(diff->out, " @@\n");
	diff->shift += added;
	for (;; b = next_block(diff, b.next)) {
		print_old(diff, ' ', begin, b.first);
		print_old(diff, '-', b.first, b.end);
		print_new(diff, &b);
		begin = b.end;
		if (b.next == last)
			break;
	}
	print_old(diff, ' ', begin, end);
	return last;
}

void fixes_diff(const struct fixes *fixes, struct out *out)
{
	struct file_edits file;

	for (unsigned at = 0; fixes_next_file(fixes, &at, &file);) {
		struct source *source = file.edits[0].source;
		struct diff diff = { .fixes = fixes, .file = &file, .source = source, .out = out };
		const char *path = diag_escaped(fixes->diags, diag_file(fixes->diags, source));

		source_line_number(fixes->diags->map, source->base); /* finds the lines */
		/* After the last LF there is a line only if there is something. */
		diff.lines = source->line_count - (source->line_starts[source->line_count - 1] == source->size);
		out_printf(out, "--- %s\n+++ %s\n", path, path);
		for (unsigned edit = 0; edit < file.count;)
			edit = print_hunk(&diff, edit);
	}
}
