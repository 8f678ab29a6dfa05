/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of the page.  Each error is shown; many warnings or notes of one kind are summed up with a list. */
#include "report/html.h"

#include "format/common.h"

enum { KIND_MOST = 3 }; /* of a kind; more warnings or notes are summed up */

/* ---- one ---- */

static void finding_remark(const struct page *page, const char *word, const char *text)
{
	page_open(page, "li", NULL);
	page_leaf(page, "b", NULL, word);
	page_text(page, " ");
	page_text(page, diag_escaped(page->report->diags, text));
}

static void part_remark(const struct page *page, const struct diag_part *p)
{
	finding_remark(page,
	       p->kind == DIAG_HELP                   ? "help"
	       : diag_is_note(page->report->diags, p) ? "note"
						      : "there",
	       p->text);
	if (p->kind == DIAG_LABEL) {
		page_text(page, " ");
		page_place(page, p->span);
	}
	page_close(page);
}

/* Remarks that all findings of a kind have; shown once. */
struct shared {
	const struct diag_part **parts;
	unsigned count;
};

static bool is_shared_remark(const struct shared *shared, const struct diag_part *part)
{
	for (unsigned i = 0; i < shared->count; i++)
		if (shared->parts[i]->kind == part->kind && strcmp(shared->parts[i]->text, part->text) == 0)
			return true;
	return false;
}

/* The remarks of a finding without the shared ones; `shared` may be NULL. */
static void finding_remarks(const struct page *page, const struct diagnostic *d, const struct shared *shared)
{
	bool open = false;

	if (d->label) {
		page_open(page, "ul", NULL);
		finding_remark(page, "here", d->label);
		page_close(page);
		open = true;
	}
	for (const struct diag_part *p = d->parts; p; p = p->next) {
		if (p->kind == DIAG_FIX || (shared && is_shared_remark(shared, p)))
			continue;
		if (!open)
			page_open(page, "ul", NULL);
		open = true;
		part_remark(page, p);
	}
	if (open)
		page_close(page);
}

/* The line of a finding, with its span marked. */
static void excerpt(const struct page *page, struct span span)
{
	const struct diags *diags = page->report->diags;
	struct source *source = source_find(diags->map, span.begin);
	struct word line;
	uint32_t begin, end;

	if (!source || !source->is_fw)
		return;
	line = source_line(diags->map, source, source_line_number(diags->map, span.begin));
	if (!line.len)
		return;
	begin = span.begin - line.begin < line.len ? span.begin - line.begin : line.len;
	end = span.end - line.begin < line.len ? span.end - line.begin : line.len;
	page_open(page, "pre", NULL);
	page_text(page, report_escaped(diags, (struct text){ line.ptr, begin }));
	page_leaf(page, "mark", NULL, report_escaped(diags, (struct text){ line.ptr + begin, end - begin }));
	page_text(page, report_escaped(diags, (struct text){ line.ptr + end, line.len - end }));
	page_close(page);
}

static void heading(const struct page *page, enum severity severity, const char *text)
{
	page_open(page, "h3", NULL);
	page_leaf(page, "span", "tag", severity_name(severity));
	page_text(page, " ");
	page_text(page, text);
	page_close(page);
}

static void finding_place(const struct page *page, const struct diagnostic *d)
{
	const struct diags *diags = page->report->diags;
	struct place place = source_place(diags->map, d->span.begin);

	if (!page_place(page, d->span) && place.source)
		page_printf(page, "%s:%u", diag_escaped(diags, place.source->path), place.line);
}

static void finding(const struct page *page, const struct diagnostic *d)
{
	xml_raw(page->xml, "\n");
	page_open(page, "article", severity_name(d->severity));
	heading(page, d->severity, diag_escaped(page->report->diags, d->message));
	page_open(page, "p", "quiet");
	page_printf(page, "%s %s ", diag_code(d->id).text, diag_catalogue[d->id].name);
	finding_place(page, d);
	page_close(page);
	excerpt(page, d->span);
	finding_remarks(page, d, NULL);
	page_close(page);
}

/* ---- many of a kind ---- */

static struct shared find_shared(struct arena *arena, const struct diagnostic *first)
{
	struct shared shared = { NULL, 0 };
	unsigned count = 0;

	for (const struct diag_part *p = first->parts; p; p = p->next)
		count++;
	shared.parts = ARENA_ARRAY(arena, const struct diag_part *, count + 1);
	for (const struct diag_part *p = first->parts; p; p = p->next) {
		const struct diagnostic *d = p->kind == DIAG_NOTE || p->kind == DIAG_HELP ? first : NULL;
		bool all = d != NULL;

		for (; d && all; d = d->next) {
			all = d->id != first->id;
			for (const struct diag_part *q = d->parts; q && !all; q = q->next)
				all = q->kind == p->kind && strcmp(q->text, p->text) == 0;
		}
		if (all)
			shared.parts[shared.count++] = p;
	}
	return shared;
}

static bool has_own_remarks(const struct diagnostic *d, const struct shared *shared)
{
	bool own = d->label != NULL;

	for (const struct diag_part *p = d->parts; p; p = p->next)
		own = own || (p->kind != DIAG_FIX && !is_shared_remark(shared, p));
	return own;
}

/* The message and its place; only the place if the previous finding has the same message and neither has remarks. */
static void finding_item(const struct page *page, const struct diagnostic *d, const struct diagnostic *before,
		 const struct shared *shared)
{
	if (before && strcmp(before->message, d->message) == 0 && !has_own_remarks(before, shared) &&
	    !has_own_remarks(d, shared)) {
		page_text(page, ", ");
		finding_place(page, d);
		return;
	}
	if (before)
		page_close(page);
	page_open(page, "li", NULL);
	page_text(page, diag_escaped(page->report->diags, d->message));
	page_text(page, " ");
	finding_place(page, d);
	finding_remarks(page, d, shared);
}

static void findings_of_kind(const struct page *page, const struct diagnostic *first, unsigned count)
{
	struct shared shared = find_shared(page->report->config->arena, first);
	const struct diagnostic *before = NULL;

	xml_raw(page->xml, "\n");
	page_open(page, "article", severity_name(first->severity));
	heading(page, first->severity, diag_catalogue[first->id].summary);
	page_leaf_printf(page, "p", "quiet", "%s %s, %u times", diag_code(first->id).text, diag_catalogue[first->id].name,
		    count);
	if (shared.count) {
		page_open(page, "ul", NULL);
		for (unsigned i = 0; i < shared.count; i++)
			part_remark(page, shared.parts[i]);
		page_close(page);
	}
	page_open(page, "details", NULL);
	page_leaf_printf(page, "summary", NULL, "all %u", count);
	page_open(page, "ul", "all");
	for (const struct diagnostic *d = first; d; d = d->next)
		if (d->id == first->id) {
			finding_item(page, d, before, &shared);
			before = d;
		}
	page_close_several(page, 4);
}

void page_findings(const struct page *page)
{
	const struct diagnostic *first = page->report->diags->first;
	unsigned counts[DIAG_COUNT] = { 0 };
	bool told[DIAG_COUNT] = { false };

	page_section(page, "findings", "Findings");
	if (!first)
		page_leaf(page, "p", "quiet", "No findings.");
	for (const struct diagnostic *d = first; d; d = d->next)
		counts[d->id]++;
	for (const struct diagnostic *d = first; d; d = d->next)
		if (d->severity == SEVERITY_ERROR || counts[d->id] <= KIND_MOST)
			finding(page, d);
		else if (!told[d->id]) {
			told[d->id] = true;
			findings_of_kind(page, d, counts[d->id]);
		}
	page_close(page);
}
