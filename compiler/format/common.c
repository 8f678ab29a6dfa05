/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions shared by the machine-readable formats. */
#include "format/common.h"

#include <stdio.h>

#include "base/output.h"
#include "base/utf8.h"
#include "base/escape.h"

/* ---- places ---- */

const char *diag_file(const struct diags *diags, const struct source *source)
{
	return source_file(diags->map, source);
}

struct extent diag_extent(const struct diags *diags, struct span span)
{
	struct source *source = source_find(diags->map, span.begin);
	struct extent e = { .file = NULL };
	uint32_t end = span.end;

	if (!source)
		return e;
	if (end > source->base + source->size)
		end = source->base + source->size;
	if (end < span.begin)
		end = span.begin;
	e.file = diag_file(diags, source);
	e.begin = source_place(diags->map, span.begin);
	e.end = source_place(diags->map, end);
	e.first_byte = span.begin - source->base;
	e.end_byte = end - source->base;
	return e;
}

/* ---- texts ---- */

struct diag_code diag_code(enum diag_id id)
{
	const struct diag_row *row = &diag_catalogue[id];
	struct diag_code code;

	snprintf(code.text, sizeof(code.text), "%c%.4s", row->letter, row->number);
	return code;
}

/* U+FFFE and U+FFFF are noncharacters, which XML forbids. */
static bool is_character(int32_t point)
{
	return point >= 0 && (point & 0xfffe) != 0xfffe;
}

static void escaped_line(struct out *out, struct text line)
{
	char shown[ESCAPE_SIZE];
	unsigned columns;
	int32_t point;

	for (uint32_t at = 0; at < line.len;) {
		utf8_decode(line.ptr + at, line.len - at, &point);
		at += escape_char(line.ptr + at, line.len - at, shown, &columns);
		if (point >= 0 && !is_character(point))
			out_printf(out, "\\u{%x}", (unsigned)point);
		else
			out_string(out, shown);
	}
}

static void escaped_lines(struct out *out, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		escaped_line(out, (struct text){ text, (uint32_t)(end - text) });
		if (*end)
			out_char(out, '\n');
	}
}

static const char *kept_text(const struct diags *diags, struct out *out)
{
	const char *kept = arena_string(diags->arena, (struct text){ out->data, (uint32_t)out->len });

	out_free(out);
	return kept;
}

const char *diag_escaped(const struct diags *diags, const char *text)
{
	struct out out;

	out_init_memory(&out);
	escaped_lines(&out, text);
	return kept_text(diags, &out);
}

bool diag_is_note(const struct diags *diags, const struct diag_part *part)
{
	return part->kind == DIAG_NOTE ||
	       (part->kind == DIAG_LABEL && !source_find(diags->map, part->span.begin));
}

const char *diag_whole_message(const struct diags *diags, const struct diagnostic *d)
{
	struct out out;

	out_init_memory(&out);
	escaped_lines(&out, d->message);
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (diag_is_note(diags, part)) {
			out_char(&out, '\n');
			escaped_lines(&out, part->text);
		}
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_HELP) {
			out_char(&out, '\n');
			escaped_lines(&out, part->text);
		}
	return kept_text(diags, &out);
}

/* ---- fixes ---- */

/* JSON and XML can both carry these bytes, and give them back as they are. */
static bool is_plain_path(const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	int32_t point;

	for (uint32_t at = 0; at < len;) {
		at += utf8_decode(text + at, len - at, &point);
		if (!is_character(point) || (point < 0x20 && point != '\n' && point != '\t'))
			return false;
	}
	return true;
}

enum diag_fix_kind diag_fix_kind(const struct diags *diags, const struct diagnostic *d)
{
	enum diag_fix_kind kind = FIX_NONE;

	for (const struct diag_part *part = d->parts; part; part = part->next) {
		if (part->kind != DIAG_FIX)
			continue;
		if (!source_find(diags->map, part->span.begin) || !is_plain_path(part->text))
			return FIX_NONE;
		if (part->guess)
			kind = FIX_GUESS;
		else if (kind == FIX_NONE)
			kind = FIX_CERTAIN;
	}
	return kind;
}
