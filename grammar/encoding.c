/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Characters: the language is ASCII, its comments are UTF-8, its lines end in
 * LF.  Plain ASCII is passed over quickly; a line with something odd in it gets
 * one diagnostic.
 *
 * A character that has no place in a name or value makes its line worthless: such lines are handed back, so
 * that the resolver passes over them and nothing is reported twice. Headers are left to the resolver, which
 * has to skip the section below a bad name.
 */
#include "encoding.h"

#include <stdlib.h>

#include "base/utf8.h"

static bool is_odd(unsigned char c)
{
	return c >= 0x7f || (c < 0x20 && c != '\t' && c != '\n');
}

enum { BLOCK = 64 };

/* Whether a block has an odd byte: without branches, so that the compiler makes it look at 16 bytes at once. */
static bool block_has_odd(const char *block)
{
	unsigned char odd = 0;

	for (unsigned i = 0; i < BLOCK; i++) {
		unsigned char c = (unsigned char)block[i];

		odd |= (unsigned char)(((unsigned char)(c - 0x20) > 0x7e - 0x20) & (c != '\t') & (c != '\n'));
	}
	return odd;
}

/* Returns the offset of the first odd byte at or after `at`, or the size. */
static uint32_t find_odd(const struct source *source, uint32_t at)
{
	while (source->size - at >= BLOCK && !block_has_odd(source->text + at))
		at += BLOCK;
	/* The rest is shorter than a block: it is looked at together with the bytes before it. */
	if (source->size >= BLOCK && source->size - at < BLOCK && !block_has_odd(source->text + source->size - BLOCK))
		return source->size;
	while (at < source->size && !is_odd((unsigned char)source->text[at]))
		at++;
	return at;
}

/* A line's text without its LF or CRLF. */
struct line {
	uint32_t begin, end;
	bool crlf;
};

static struct line encoded_line(const struct source *source, uint32_t at)
{
	const char *lf = memchr(source->text + at, '\n', source->size - at);
	const char *before = memrchr(source->text, '\n', at);
	uint32_t begin = before ? (uint32_t)(before + 1 - source->text) : 0;
	uint32_t end = lf ? (uint32_t)(lf - source->text) : source->size;
	bool crlf = lf && end > begin && source->text[end - 1] == '\r';

	return (struct line){ begin, end - crlf, crlf };
}

static void report_comment_byte(struct diags *diags, struct span span, unsigned char byte, int32_t point)
{
	struct diagnostic *d;

	if (point < 0)
		d = diag(diags, span, DIAG_INVALID_UTF8, "byte 0x%02x is not UTF-8", byte);
	else
		d = diag(diags, span, DIAG_COMMENT_CONTROL, "control character U+%04X in a comment",
			 (unsigned)point);
	diag_note(d, "only the comment is affected, not the rest of the line");
}

static void report_line(struct diags *diags, struct span span, unsigned char byte, int32_t point)
{
	struct diagnostic *d;

	if (point < 0)
		d = diag(diags, span, DIAG_INVALID_CHARACTER, "byte 0x%02x is not ASCII", byte);
	else if (point < 0x80)
		d = diag(diags, span, DIAG_INVALID_CHARACTER, "control character U+%04X", (unsigned)point);
	else
		d = diag(diags, span, DIAG_INVALID_CHARACTER, "U+%04X is not ASCII", (unsigned)point);
	diag_note(d, "the line is ignored: only comments may contain characters other than ASCII");
	if (point == 0xa0)
		diag_fix(diag_help(d, "it looks like a space, but is a no-break space"), span, " ");
	else if (point == 0xfeff)
		diag_fix(diag_help(d, "it is a byte order mark, which editors do not show: save the file "
				      "without it"),
			 span, "%s", "");
}

/* Reports the first character of the line that has no place there. True if that makes the whole line
 * worthless. */
static bool check_line(struct diags *diags, const struct source *source, struct line line)
{
	bool comment = false;
	int32_t point;

	for (uint32_t at = line.begin, len; at < line.end; at += len) {
		unsigned char byte = (unsigned char)source->text[at];
		struct span span;

		comment |= byte == '#';
		len = 1;
		if (!is_odd(byte))
			continue;
		len = utf8_decode(source->text + at, line.end - at, &point);
		if (comment && point >= 0x80)
			continue;
		span = (struct span){ source->base + at, source->base + at + len };
		if (comment)
			report_comment_byte(diags, span, byte, point);
		else
			report_line(diags, span, byte, point);
		return !comment;
	}
	return false;
}

static bool is_header(const struct source *source, struct line line)
{
	while (line.begin < line.end && char_is_blank(source->text[line.begin]))
		line.begin++;
	return line.begin < line.end && source->text[line.begin] == '[';
}

/* A word for a shell: in quotes if it needs them. */
static const char *shell_word(struct arena *arena, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@%+=:,-";
	const char *quoted = "'";

	if (*word && *word != '-' && strspn(word, plain) == strlen(word))
		return word;
	if (*word == '-')
		quoted = "'./";
	for (; *word; word++)
		quoted = arena_printf(arena, *word == '\'' ? "%s'\\''" : "%s%c", quoted, *word);
	return arena_printf(arena, "%s'", quoted);
}

static void report_crlf(struct diags *diags, const struct source *source, uint32_t end)
{
	struct span span = { source->base + end, source->base + end + 1 };
	struct diagnostic *d = diag(diags, span, DIAG_CRLF, "file has DOS line endings (CRLF)");

	diag_note(
		d,
		"the file is read as if it had LF endings; the stock compiler ignores sections whose header ends with CR");
	diag_help(d, "convert it: sed -i 's/\\r$//' %s", shell_word(diags->arena, source_file(diags->map, source)));
}

static void lose_line(struct arena *arena, struct lost_lines *lost, struct span span)
{
	if (lost->count == lost->room) {
		uint32_t room = lost->room ? lost->room * 2 : 16;
		struct span *grown = ARENA_ARRAY(arena, struct span, room);

		if (lost->count)
			memcpy(grown, lost->spans, lost->count * sizeof(*grown));
		lost->spans = grown;
		lost->room = room;
	}
	lost->spans[lost->count++] = span;
}

/* "; a comment" and "// a comment": lines that others take for comments. */
static bool report_comment_mark(struct diags *diags, const struct source *source, struct span line)
{
	struct text text = { source->text + (line.begin - source->base), line.end - line.begin };
	uint32_t len = text_starts(text, ";") ? 1 : text_starts(text, "//") ? 2 : 0;
	struct diagnostic *d;
	struct span mark;

	if (!len)
		return false;
	mark = (struct span){ line.begin, line.begin + len };
	d = diag(diags, mark, DIAG_COMMENT_MARK, "`%.*s` does not begin a comment", (int)len, text.ptr);
	diag_note(d, "the line is ignored");
	diag_fix(diag_help(d, "a comment begins with `#`"), mark, "#");
	return true;
}

static int by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

/* Adds the lines that were meant as comments to those that are lost. */
static void lose_comments(struct arena *arena, struct diags *diags, const struct ast_file *file,
			  struct lost_lines *lost)
{
	uint32_t before = lost->count;

	for (const struct ast_section *s = file->sections; s; s = s->next)
		for (const struct ast_line *line = s->lines; line; line = line->next)
			if (line->kind != LINE_COMMENT && line->kind != LINE_HEADER &&
			    report_comment_mark(diags, file->source, line->span))
				lose_line(arena, lost, line->span);
	if (lost->count > before)
		qsort(lost->spans, lost->count, sizeof(*lost->spans), by_begin);
}

struct lost_lines *encoding_check(struct arena *arena, struct diags *diags,
				  const struct ast_file *file)
{
	struct lost_lines *lost = ARENA_NEW(arena, struct lost_lines);
	const struct source *source = file->source;
	bool crlf = false;
	struct line line;

	for (uint32_t at = find_odd(source, 0); at < source->size; at = find_odd(source, line.end + line.crlf)) {
		line = encoded_line(source, at);
		if (line.crlf && !crlf)
			report_crlf(diags, source, line.end);
		crlf |= line.crlf;
		if (is_header(source, line) || !check_line(diags, source, line))
			continue;
		lose_line(arena, lost, (struct span){ source->base + line.begin, source->base + line.end });
	}
	lost->odd = lost->count != 0;
	lose_comments(arena, diags, file, lost);
	return lost;
}

bool encoding_odd(const struct source *source, struct span span)
{
	uint32_t begin = span.begin - source->base, end = span.end - source->base;

	for (; begin < end && begin < source->size; begin++)
		if (is_odd((unsigned char)source->text[begin]))
			return true;
	return false;
}

bool encoding_lost_line(const struct lost_lines *lost, struct span line)
{
	uint32_t low = 0, high = lost->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (line.begin > lost->spans[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < lost->count && line.begin >= lost->spans[low].begin;
}
