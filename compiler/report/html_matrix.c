/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matrices of the page: zones down, sources or destinations across.
 *
 * They come first, as most readers look for them, so a long one is not folded: on screens it scrolls.  Narrow screens
 * and paper show a list instead (style.css), for which each cell knows its column.
 */
#include "report/html.h"

enum {
	ROWS_TALL = 12,    /* a table with more rows scrolls */
	DETAIL_MOST = 14,  /* bytes; longer details are shown in the zone only */
	COMMENT_MOST = 48, /* bytes; longer comments are cut */
};

/* The comment of a rule, shown for a service that has only numbers. */
static void matrix_comment(const struct page *page, const char *text)
{
	size_t len = COMMENT_MOST;

	if (strlen(text) <= COMMENT_MOST) {
		page_text(page, text);
		return;
	}
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	page_printf(page, "%.*s…", (int)len, text);
}

static void matrix_service(const struct page *page, const struct report_service *s, enum report_way way)
{
	struct report_place place;
	bool placed = s->row && report_place(page->report, s->row->span, &place);

	page_open(page, "li",
		  s->denied                       ? "denied"
		  : !s->row                       ? "all"
		  : s->row->origin != REPORT_LINE ? "implied"
						  : NULL);
	if (s->denied)
		page_text(page, "not ");
	if (placed) {
		page_open(page, "a", NULL);
		page_attribute(page, "href", "#f%u-%u", place.file, place.line);
	}
	if (s->comment)
		matrix_comment(page, s->comment);
	else
		page_text(page, s->name);
	if (placed)
		page_close(page);
	if (s->left != REPORT_LEFT_ALL) {
		page_open(page, "abbr", NULL);
		xml_attribute(page->xml, "title",
			      s->left == REPORT_LEFT_BLACKLIST ? "all but the blacklist" : "only a part");
		page_text(page, "†");
		page_close(page);
	}
	if (s->comment)
		page_small(page, NULL, s->name);
	if (s->detail && strlen(s->detail) <= DETAIL_MOST)
		page_small(page, NULL, s->detail);
	if (s->where)
		page_small(page, NULL, s->where);
	if (s->from)
		page_small(page, way == REPORT_INTO ? "from " : "to ", s->from);
	page_close(page);
}

static void matrix_cell(const struct page *page, const struct report_cell *c, enum report_way way, const char *end)
{
	page_open(page, "td", c->first ? NULL : "none");
	page_attribute(page, "data-end", "%s %s", way == REPORT_INTO ? "from" : "to", end);
	if (c->first) {
		page_open(page, "ul", NULL);
		for (const struct report_service *s = c->first; s; s = s->next)
			matrix_service(page, s, way);
		page_close(page);
	}
	page_close(page);
}

static void matrix_row(const struct page *page, const struct report_zone *zone, enum report_way way)
{
	const struct report_matrix *matrix = &page->report->matrices[way];
	bool empty = true;

	for (uint32_t i = 0; i < matrix->source_count; i++)
		empty &= !zone->cells[way][i].first;
	page_open(page, "tr", zone->off ? "is-off" : NULL);
	page_open(page, "th", NULL);
	xml_attribute(page->xml, "scope", "row");
	page_link(page, zone->name, "#%s", zone->id);
	if (zone->guest)
		page_small(page, NULL, zone->guest);
	if (zone->off)
		page_small(page, NULL, "not filtered");
	if (empty)
		page_small(page, NULL, "nothing");
	page_close(page);
	for (uint32_t i = 0; i < matrix->source_count; i++)
		matrix_cell(page, &zone->cells[way][i], way, matrix->sources[i].name);
	page_close(page);
	xml_raw(page->xml, "\n");
}

static void matrix_table(const struct page *page, enum report_way way, const char *title)
{
	const struct report *report = page->report;
	const struct report_matrix *matrix = &report->matrices[way];
	const char *headings[REPORT_SOURCES_MOST + 3] = { way == REPORT_INTO ? "To" : "From" };

	for (uint32_t i = 0; i < matrix->source_count; i++)
		headings[i + 1] = matrix->sources[i].name;
	page_open(page, "section", matrix->rows > ROWS_TALL ? "wide tall" : "wide");
	/* For scrolling by keyboard. */
	xml_attribute(page->xml, "aria-label", title);
	xml_attribute(page->xml, "tabindex", "0");
	page_table(page, "reach", headings);
	for (const struct report_zone *zone = report->zones; zone; zone = zone->next)
		if (zone->cells[way])
			matrix_row(page, zone, way);
	page_close_several(page, 3);
}

static void not_considered(const struct page *page)
{
	static const char *const items[] = {
		"The other end's own rules, unless it is a guest of this node whose addresses are known and a rule here names them.",
		"Protocols other than IP, DHCP and neighbour discovery: see the zones below.",
		"Packets that the host routes or forwards, guests and hosts of other nodes, and other firewalls on the path.",
	};

	page_leaf(page, "h3", NULL, "Not considered");
	page_open(page, "ul", "quiet");
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		page_leaf(page, "li", NULL, items[i]);
	page_close(page);
}

void page_matrices(const struct page *page)
{
	page_section(page, "reach", "Who reaches what");
	page_leaf(
		page, "p", "quiet",
		"Services each destination accepts, by source. Everyone is all but the blacklist. † only partly reachable: an earlier rule, the blacklist or the rules of a guest that sends it block some, or there are too many rules to compare.");
	matrix_table(page, REPORT_INTO, "Who reaches what");
	page_leaf(page, "h3", NULL, "Outgoing connections");
	page_leaf(
		page, "p", "quiet",
		"Services each source may open connections to, by destination. “not”: a rule blocks it, and the policy accepts everything else.");
	matrix_table(page, REPORT_OUT_OF, "Outgoing connections");
	page_leaf(
		page, "p", "quiet",
		"Services in grey come from options. “Everything else” is decided by the policy. A rule without a macro is shown by its comment and its number here.");
	not_considered(page);
	page_close(page);
}
