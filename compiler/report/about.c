/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people have written for people: the name and the notes in a guest's configuration, and the comment after a rule
 * or a header.
 *
 * Proxmox VE keeps notes as lines that begin with '#', with special characters as %XX (PVE::Tools::encode_text); older
 * configurations have a key `description`.  Lines after one in brackets belong to a snapshot.  Notes are often HTML or
 * Markdown: tags are removed, and long notes are cut.
 */
#include "source/lines.h"
#include "report/model.h"
#include "base/utf8.h"

enum { ABOUT_LONGEST = 240 }; /* bytes */

/* ---- guests ---- */

static void decode(struct out *out, struct text text)
{
	for (uint32_t i = 0; i < text.len; i++) {
		int high = -1, low = -1;

		if (text.ptr[i] == '%' && text.len - i > 2) {
			high = char_hex_value(text.ptr[i + 1]);
			low = char_hex_value(text.ptr[i + 2]);
		}
		if (high < 0 || low < 0) {
			out_char(out, text.ptr[i]);
		} else {
			out_char(out, (char)(high << 4 | low));
			i += 2;
		}
	}
}

/* Prints one space for any number of spaces and tags between words. */
static void flatten(struct out *out, struct text text)
{
	bool gap = false;

	for (uint32_t i = 0; i < text.len;) {
		struct text rest = text_skip(text, i);
		char c = text.ptr[i];
		bool may_be_tag = c == '<' && rest.len > 2 &&
				  (char_is_letter(rest.ptr[1]) || rest.ptr[1] == '/' || rest.ptr[1] == '!');
		long end = may_be_tag ? text_find(rest, '>') : -1; /* of the tag or comment */

		if (end >= 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			gap = true;
			i += end >= 0 ? (uint32_t)end + 1 : 1;
			continue;
		}
		if (gap && out->len)
			out_char(out, ' ');
		gap = false;
		out_char(out, c);
		i++;
	}
}

/* Cuts at the end of a UTF-8 character. */
static const char *shortened(const struct report_builder *b, struct text text)
{
	uint32_t len = 0;
	int32_t point;

	if (!text.len)
		return NULL;
	if (text.len <= ABOUT_LONGEST)
		return report_text(b, text);
	while (len < ABOUT_LONGEST)
		len += utf8_decode(text.ptr + len, text.len - len, &point);
	while (text.ptr[len - 1] == ' ')
		len--;
	return arena_printf(b->arena, "%s …", report_text(b, (struct text){ text.ptr, len }));
}

static const char *notes_text(const struct report_builder *b, const struct out *encoded)
{
	struct out decoded, flat;
	const char *text;

	out_init_memory(&decoded);
	out_init_memory(&flat);
	decode(&decoded, (struct text){ encoded->data, (uint32_t)encoded->len });
	flatten(&flat, (struct text){ decoded.data, (uint32_t)decoded.len });
	text = shortened(b, (struct text){ flat.data, (uint32_t)flat.len });
	out_free(&decoded);
	out_free(&flat);
	return text;
}

void report_guest_about(const struct report_builder *b, const struct guest *guest, const char **name,
			const char **notes)
{
	struct text name_key = guest->type == GUEST_VM ? TEXT("name") : TEXT("hostname");
	struct word line, value, key;
	struct lines lines;
	struct out encoded;

	*name = *notes = NULL;
	if (!guest->config)
		return;
	lines = lines_of(guest->config);
	out_init_memory(&encoded);
	while (lines_next(&lines, &line) && !text_starts(word_text(line), "[")) {
		if (text_starts(word_text(line), "#")) {
			out_text(&encoded, word_text(word_part(line, 1, line.len - 1)));
			out_char(&encoded, '\n');
			continue;
		}
		key = word_cut(line, ':', &value);
		if (!value.ptr)
			continue;
		value = word_trim(value);
		if (text_equal(word_text(key), name_key) && value.len)
			*name = report_text(b, word_text(value));
		else if (text_is(word_text(key), "description"))
			out_text(&encoded, word_text(value));
	}
	*notes = notes_text(b, &encoded);
	out_free(&encoded);
}

/* ---- comments ---- */

const char *report_comment(const struct report_builder *b, struct span span)
{
	const struct source_map *map = b->config->diags->map;
	struct source *source = span.begin ? source_find(map, span.begin) : NULL;
	struct word line, comment;

	if (!source || !source->is_fw)
		return NULL;
	line = source_line(map, source, source_line_number(map, span.begin));
	word_cut(line, '#', &comment);
	if (!comment.ptr)
		return NULL;
	comment = word_trim(comment);
	/* For lint, not for people. */
	if (!comment.len || text_starts(word_text(comment), "pvefw:"))
		return NULL;
	return report_text(b, word_text(comment));
}
