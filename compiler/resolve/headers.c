/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports lines in brackets that do not begin a section: their name is unknown or not allowed in this kind of file, or
 * they are malformed.  The lines below still belong to the section above.
 */
#include "diag/suggest.h"
#include "resolve/file_passes.h"

/* The text between the brackets. */
static struct text inside(struct word line)
{
	struct text inner = { line.ptr + 1, line.len - 1 };

	while (inner.len && (inner.ptr[inner.len - 1] == ']' || char_is_blank(inner.ptr[inner.len - 1])))
		inner.len--;
	while (inner.len && char_is_blank(inner.ptr[0])) {
		inner.ptr++;
		inner.len--;
	}
	return inner;
}

/* The known section that a stray header means, by its first word. */
static enum section_kind meant_section(struct word line)
{
	struct text inner = inside(line), first = { inner.ptr, 0 };

	while (first.len < inner.len && (char_is_letter(first.ptr[first.len]) || first.ptr[first.len] == '_'))
		first.len++;
	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (text_equal_nocase(text_of(section_table[kind].name), first))
			return (enum section_kind)kind;
	return SECTION_NONE;
}

static void note_section_goes_on(struct diagnostic *d, const struct ast_section *section)
{
	if (section->kind == SECTION_NONE)
		diag_note(d, "no section starts here; the lines below are ignored");
	else
		diag_note(
			d,
			"no section starts here; the lines below still belong to [%s%s%.*s] and stay active",
			section_name(section->kind), section->name.len ? " " : "", TEXT_ARG(section->name));
}

/* The sections this file may have, as "[OPTIONS], [RULES]". */
static const char *allowed_sections(struct resolver *r)
{
	const char *list = "";

	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (section_allowed((enum section_kind)kind, r->file->kind))
			list = arena_printf(r->arena, "%s%s[%s%s]", list, *list ? ", " : "",
					    section_table[kind].name,
					    section_table[kind].named ? " name" : "");
	return list;
}

/* Suggests the section with a name like `inner` or its first word; returns false if there is none. */
static bool suggest_section(struct resolver *r, struct diagnostic *d, struct word line, struct text inner)
{
	struct text first = inner;
	struct suggestion plain, named;

	while (first.len && text_find(first, ' ') >= 0)
		first.len = (uint32_t)text_find(first, ' ');
	suggest_start(&plain, inner);
	suggest_start(&named, first);
	for (int kind = SECTION_NONE + 1; kind < SECTION_KINDS; kind++)
		if (section_allowed((enum section_kind)kind, r->file->kind))
			suggest(section_table[kind].named ? &named : &plain,
				text_of(section_table[kind].name), SPAN_NONE);
	if (named.best.len && first.len < inner.len)
		diag_help(d, "did you mean `[%.*s%.*s]`?", TEXT_ARG(named.best), (int)(inner.len - first.len),
			  inner.ptr + first.len);
	else if (plain.best.len)
		diag_suggest(d, word_span(line), "[%.*s]", TEXT_ARG(plain.best));
	else
		return false;
	return true;
}

static struct diagnostic *report_unknown_section(struct resolver *r, const struct ast_section *section,
						 struct word line)
{
	struct text inner = inside(line);
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_UNKNOWN_SECTION,
				    "section `%.*s` does not exist", TEXT_ARG(inner));

	if (suggest_section(r, d, line, inner))
		return d;
	diag_help(d, "the sections of a %s file are %s", file_kind_name(r->file->kind), allowed_sections(r));
	if (section->kind == SECTION_RULES || section->kind == SECTION_GROUP)
		diag_help(d, "to disable rules, write `|` before each");
	return d;
}

/* "[RULES] # mine": nothing may follow the header of a plain section. */
static struct diagnostic *report_header_comment(struct resolver *r, struct word line, enum section_kind kind)
{
	uint32_t close = (uint32_t)text_find(word_text(line), ']');
	struct word rest = word_part(line, close + 1, line.len - close - 1);
	struct diagnostic *d;

	while (rest.len && char_is_blank(rest.ptr[0]))
		rest = word_part(rest, 1, rest.len - 1);
	d = diag(r->diags, word_span(rest), DIAG_HEADER_COMMENT, "text after `[%s]` is not allowed",
		 section_name(kind));
	diag_help(d, rest.ptr[0] == '#' ? "move the comment to a line of its own"
					: "move this to a line of its own");
	return diag_fix(d, word_span(line), "%.*s\n%.*s", (int)close + 1, line.ptr, TEXT_ARG(rest));
}

static struct diagnostic *report_misplaced_section(struct resolver *r, struct word line,
						   enum section_kind kind)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MISPLACED_SECTION,
				    "section not allowed in a %s file: [%s]", file_kind_name(r->file->kind),
				    section_name(kind));

	diag_here(d, "not allowed here");
	if (kind == SECTION_GROUP)
		return diag_help(d, "define security groups in cluster.fw");
	return diag_help(d, "define %s in cluster.fw, or in a guest's file for this guest",
			 kind == SECTION_ALIASES ? "aliases" : "IP sets");
}

static struct diagnostic *report_malformed_header(struct resolver *r, struct word line,
						  enum section_kind kind)
{
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_MALFORMED_HEADER,
				    "section header cannot be parsed");

	if (section_table[kind].named)
		return diag_help(d, "write `[%s name]`, followed by nothing but a comment",
				 section_name(kind));
	return diag_guess(diag_help(d, "write `[%s]`", section_name(kind)), word_span(line), "[%s]",
			  section_name(kind));
}

struct diagnostic *header_report(struct resolver *r, const struct ast_section *section, struct word line)
{
	enum section_kind kind = meant_section(line);
	const char *name = section_name(kind);
	struct text text = word_text(line);
	struct diagnostic *d;

	if (kind == SECTION_NONE && inside(line).len)
		d = report_unknown_section(r, section, line);
	else if (kind == SECTION_NONE)
		d = diag_help(diag(r->diags, word_span(line), DIAG_MALFORMED_HEADER,
				   "section header cannot be parsed"),
			      "the sections of a %s file are %s", file_kind_name(r->file->kind),
			      allowed_sections(r));
	else if (!section_allowed(kind, r->file->kind))
		d = report_misplaced_section(r, line, kind);
	else if (!section_table[kind].named && text_find(text, ']') == (long)strlen(name) + 1)
		d = report_header_comment(r, line, kind);
	else
		d = report_malformed_header(r, line, kind);
	note_section_goes_on(d, section);
	return d;
}

void header_pass(struct resolver *r, const struct ast_line *line)
{
	if (!line)
		r->header = (struct word){ 0 };
	else if (line->kind == LINE_HEADER)
		r->header = ((const struct ast_text_line *)line)->text;
}

bool header_help(const struct resolver *r, struct diagnostic *d)
{
	if (!r->header.ptr)
		return false;
	diag_label(d, word_span(r->header), "this header starts no section");
	diag_help(d, "correct the header above first");
	return true;
}
