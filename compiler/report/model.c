/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that collect a report share, and those that print it: texts, rows, places in the files. */
#include "report/model.h"

#include <stdlib.h>

#include "format/common.h"
#include "base/escape.h"

const char *const report_outcome_names[REPORT_OUTCOMES] = { "accept", "drop", "reject", "ask" };
const char *const report_origin_names[] = { "always", "option", "line", "policy" };
const char *const report_zone_kind_names[REPORT_ZONE_KINDS] = { "host", "nic", "vnet", "group" };

/* ---- texts ---- */

const char *report_escaped(const struct diags *diags, struct text text)
{
	const char *shown;
	struct out out;

	if (!text.len || !memchr(text.ptr, '\0', text.len))
		return diag_escaped(diags, arena_string(diags->arena, text));
	out_init_memory(&out);
	out_escaped(&out, text);
	shown = arena_string(diags->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return diag_escaped(diags, shown);
}

const char *report_text(const struct report_builder *b, struct text text)
{
	return report_escaped(b->config->diags, text);
}

const char *report_option(const struct report_builder *b, enum option_id id, const void *options,
			  const struct span *written, struct span *span)
{
	const char *value = option_value_text(b->arena, id, options);

	*span = written ? written[id] : SPAN_NONE;
	return arena_printf(b->arena, "%s: %s%s", option_table[id].key, value, span->begin ? "" : " (default)");
}

struct text report_scope_name(enum scope_kind scope)
{
	static const struct text names[] = { TEXT_INIT("dc/"), TEXT_INIT("guest/"), TEXT_INIT("sdn/") };

	return names[scope];
}

/* ---- rows ---- */

struct report_row *report_row_add(struct report_builder *b, struct report_chain *chain, struct report_row row)
{
	struct report_row *added = ARENA_NEW(b->arena, struct report_row);

	*added = row;
	*chain->last = added;
	chain->last = &added->next;
	if (row.origin == REPORT_LINE)
		chain->written++;
	else
		chain->implied++;
	return added;
}

/* ---- places ---- */

static int by_base(const void *base, const void *file)
{
	const struct source *source = ((const struct report_file *)file)->source;
	uint32_t position = *(const uint32_t *)base;

	return position < source->base ? -1 : position > source->base + source->size;
}

bool report_place(const struct report *report, struct span span, struct report_place *place)
{
	const struct report_file *file = NULL;

	if (span.begin && report->file_count)
		file = bsearch(&span.begin, report->files, report->file_count, sizeof(*file), by_base);
	if (!file)
		return false;
	place->file = (uint32_t)(file - report->files) + 1;
	place->line = source_line_number(report->diags->map, span.begin);
	place->path = file->path;
	/* The listing has no line after the last line end. */
	if (place->line > file->lines)
		place->line = file->lines;
	return place->line > 0;
}

const char *report_line(const struct report *report, const struct report_file *file, uint32_t number)
{
	struct word line = source_line(report->diags->map, file->source, number);

	return report_escaped(report->diags, word_text(line));
}
