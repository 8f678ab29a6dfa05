/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix in the page of a report: zones down, sources across. */
#include "report_page.h"

enum {
	ROWS_OPEN = 40,   /* more than this are folded */
	DETAIL_MOST = 14, /* longer ones are told in the zone only */
};

static void service(const struct page *page, const struct report_service *s)
{
	struct report_place place;
	bool placed = s->row && report_place(page->report, s->row->span, &place);

	page_open(page, "li", !s->row ? "all" : s->row->origin != REPORT_LINE ? "implied" : NULL);
	if (placed) {
		page_open(page, "a", NULL);
		page_attribute(page, "href", "#f%u-%u", place.file, place.line);
	}
	page_text(page, s->name);
	if (placed)
		page_close(page);
	if (s->partly)
		page_leaf(page, "abbr", NULL, "†");
	if (s->detail && strlen(s->detail) <= DETAIL_MOST)
		page_small(page, NULL, s->detail);
	if (s->where)
		page_small(page, NULL, s->where);
	if (s->from)
		page_small(page, "from ", s->from);
	page_close(page);
}

static void cell(const struct page *page, const struct report_cell *c, const char *source)
{
	page_open(page, "td", c->first ? NULL : "none");
	xml_attribute(page->xml, "data-from", source);
	if (c->first) {
		page_open(page, "ul", NULL);
		for (const struct report_service *s = c->first; s; s = s->next)
			service(page, s);
		page_close(page);
	}
	page_close(page);
}

static void row(const struct page *page, const struct report_zone *zone)
{
	page_open(page, "tr", zone->off ? "is-off" : NULL);
	page_open(page, "th", NULL);
	xml_attribute(page->xml, "scope", "row");
	page_link(page, zone->name, "#%s", zone->id);
	if (zone->off)
		page_small(page, NULL, "not filtered");
	page_close(page);
	for (uint32_t i = 0; i < page->report->source_count; i++)
		cell(page, &zone->cells[i], page->report->sources[i].name);
	page_close(page);
	xml_raw(page->xml, "\n");
}

static void table(const struct page *page)
{
	const struct report *report = page->report;
	const char *headings[REPORT_SOURCES_MOST + 3] = { "To" };

	for (uint32_t i = 0; i < report->source_count; i++)
		headings[i + 1] = report->sources[i].name;
	page_open(page, "div", "wide");
	page_table(page, "reach", headings);
	for (const struct report_zone *zone = report->zones; zone; zone = zone->next)
		if (zone->cells)
			row(page, zone);
	page_close(page);
	page_close(page);
	page_close(page);
}

void page_matrix(const struct page *page)
{
	const uint32_t *count = page->report->zone_count;
	uint32_t rows = count[REPORT_HOST] + count[REPORT_NIC] + count[REPORT_VNET];

	page_section(page, "reach", "Who reaches what");
	page_leaf(page, "p", "quiet",
		  "What may be opened from where, security groups and policies among it. Each row is what the "
		  "destination lets in: a guest's own rules for what it sends come before, and the blacklist. "
		  "Services in grey are implied. †: rules before it take a part away, or are too many to tell.");
	if (rows > ROWS_OPEN) {
		page_open(page, "details", NULL);
		page_open(page, "summary", NULL);
		page_printf(page, "%u zones", rows);
		page_close(page);
	}
	table(page);
	if (rows > ROWS_OPEN)
		page_close(page);
	page_close(page);
}
