/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as one page of HTML that is also well-formed XML.  It loads nothing and has no script. */
#include "report/html.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/common.h"
#include "base/text_memo.h"
#include "base/version.h"

/* ---- the top ---- */

static const struct {
	const char *id, *title;
} sections[] = {
	{ "summary", "Summary" }, { "reach", "Reach" },  { "findings", "Findings" },
	{ "zones", "Zones" },     { "sets", "IP sets" }, { "ways", "Packet paths" },
	{ "files", "Files" },
};

/* The lines of style.css. */
static const char *const style[] = {
#include "generated/style.inc"
};

static void report_html_head(const struct page *page)
{
	struct xml_out *xml = page->xml;

	page_open(page, "head", NULL);
	xml_open(xml, "meta");
	xml_attribute(xml, "charset", "utf-8");
	xml_close_void(xml);
	xml_open(xml, "meta");
	xml_attribute(xml, "name", "viewport");
	xml_attribute(xml, "content", "width=device-width, initial-scale=1");
	xml_close_void(xml);
	page_leaf_printf(page, "title", NULL, "Firewall of %s", page->report->node);
	page_open(page, "style", NULL);
	xml_raw(xml, "\n");
	for (size_t i = 0; i < sizeof(style) / sizeof(style[0]); i++)
		xml_raw(xml, style[i]);
	page_close_several(page, 2);
	xml_raw(xml, "\n");
}

/* "2026-11-26 04:40 UTC" */
static void print_time(const struct page *page, const char *seconds)
{
	time_t at = (time_t)strtoll(seconds, NULL, 10);
	char text[64];
	struct tm parts;

	if (gmtime_r(&at, &parts) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts))
		page_printf(page, ", as of %s", text);
}

static void html_header(const struct page *page)
{
	page_open(page, "header", NULL);
	page_leaf(page, "p", "kicker", "Proxmox VE firewall");
	page_leaf(page, "h1", NULL, page->report->node);
	page_open(page, "p", "lead");
	page_text(page,
		  "Rules that the firewall of this node enforces, line by line, including implied rules");
	if (page->report->now)
		print_time(page, page->report->now);
	page_text(page, ".");
	page_close(page);
	page_open(page, "nav", NULL);
	xml_attribute(page->xml, "aria-label", "Sections");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		page_link(page, sections[i].title, "#%s", sections[i].id);
	page_close_several(page, 2);
}

/* ---- summary ---- */

static void summary_fact(const struct page *page, const char *class_name, const char *name, const char *value)
{
	page_open(page, "div", class_name);
	page_leaf(page, "dt", NULL, name);
	page_leaf(page, "dd", NULL, value);
	page_close(page);
}

static void count_fact(const struct page *page, const char *name, uint32_t count)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", count);
	summary_fact(page, NULL, name, text);
}

static void local_network_unknown(const struct page *page)
{
	page_open(page, "p", "caution");
	page_text(
		page,
		"The local network is not known here: a node determines it from its own address, and cluster.fw does not define the alias local_network. Below, 127.0.0.0/8 is shown instead, also in the set management. Set it with ");
	page_leaf(page, "code", NULL, "--local-network CIDR");
	page_text(page, ".");
	page_close(page);
}

static void html_summary(const struct page *page)
{
	const struct report *r = page->report;
	const unsigned *counts = r->diags->counts;
	char text[64];

	page_section(page, "summary", "Summary");
	page_open(page, "dl", "facts");
	summary_fact(page, r->enabled ? "good" : "bad", "Firewall", r->enabled ? "on" : "off");
	summary_fact(page, NULL, "Enforced by", r->target);
	snprintf(text, sizeof(text), "%u of %u", r->filtered_guests, r->guests);
	summary_fact(page, NULL, "Guests filtered", text);
	count_fact(page, "Rules written", r->rules);
	count_fact(page, "Security groups", r->zone_count[REPORT_GROUP]);
	count_fact(page, "IP sets", r->set_count);
	snprintf(text, sizeof(text), "%u · %u · %u", counts[SEVERITY_ERROR], counts[SEVERITY_WARNING],
		 counts[SEVERITY_NOTE]);
	summary_fact(page,
	     counts[SEVERITY_ERROR]     ? "bad"
	     : counts[SEVERITY_WARNING] ? "fair"
					: "good",
	     "Errors · warnings · notes", text);
	summary_fact(page, r->local_network_known ? NULL : "fair", "Local network",
	     r->local_network_known ? r->local_network : "not known");
	page_close(page);
	if (!r->local_network_known)
		local_network_unknown(page);
	if (!r->enabled)
		page_leaf(
			page, "p", "off",
			"The firewall of the cluster is disabled: nothing is filtered. This page shows what would be enforced if it were enabled.");
	if (r->strangers) {
		page_open(page, "p", "quiet");
		page_printf(page, "%u firewall file%s of guests that are not on this node %s not shown.",
			    r->strangers, r->strangers == 1 ? "" : "s", r->strangers == 1 ? "is" : "are");
		page_close(page);
	}
	page_close(page);
}

/* ---- sets ---- */

static void number_cell(const struct page *page, uint32_t number)
{
	page_leaf_printf(page, "td", "n", "%u", number);
}

static void set_row(const struct page *page, const struct report_set *set)
{
	page_open(page, "tr", NULL);
	page_attribute(page, "id", "%s", set->id);
	page_open(page, "td", NULL);
	page_leaf(page, "code", NULL, set->name);
	if (set->comment)
		page_small(page, NULL, set->comment);
	if (!page->report->local_network_known && strcmp(set->name, "+dc/management") == 0)
		page_small(page, NULL, "127.0.0.0/8 for the local network");
	page_close(page);
	page_leaf(page, "td", NULL, set->owner);
	number_cell(page, set->written);
	number_cell(page, set->implied);
	page_leaf(page, "td", "n", set->ipv4);
	page_leaf(page, "td", "n", set->ipv6);
	number_cell(page, set->uses);
	page_open(page, "td", NULL);
	if (!page_place(page, set->span))
		page_leaf(page, "span", "quiet", "not written");
	page_close_several(page, 2);
	xml_raw(page->xml, "\n");
}

static void html_sets(const struct page *page)
{
	static const char *const headings[] = {
		"Set", "Of", "Written", "Implied", "IPv4 addresses", "IPv6 addresses", "Rules", "Where", NULL
	};

	page_section(page, "sets", "IP sets");
	if (page->report->sets) {
		page_leaf(
			page, "p", "quiet",
			"Written and implied entries, the addresses that the set matches without its exceptions, and the rules that use it.");
		page_open(page, "div", "wide");
		page_table(page, "sets", headings);
		for (const struct report_set *set = page->report->sets; set; set = set->next)
			set_row(page, set);
		page_close_several(page, 3);
	} else {
		page_leaf(page, "p", "quiet", "None.");
	}
	page_close(page);
}

/* ---- files ---- */

enum { LINES_OPEN = 1500 }; /* of all files; with more the listings are folded */

static void html_print_listing(const struct page *page, uint32_t number, bool open)
{
	const struct report_file *file = &page->report->files[number - 1];

	page_open(page, "details", "file");
	page_attribute(page, "id", "f%u", number);
	if (open)
		xml_attribute(page->xml, "open", "");
	page_leaf(page, "summary", NULL, file->path);
	page_open(page, "ol", NULL);
	for (uint32_t line = 1; line <= file->lines; line++) {
		page_open(page, "li", NULL);
		page_attribute(page, "id", "f%u-%u", number, line);
		page_text(page, report_line(page->report, file, line));
		page_close(page);
	}
	page_close_several(page, 2);
}

/* The listings are most of a page and nearly the same for all nodes of a tree: with a memo each is printed once. */
static void html_listing(const struct page *page, uint32_t number, bool open)
{
	const struct report_file *file = &page->report->files[number - 1];
	struct arena *arena = page->report->config->arena;
	struct text_memo *memo = page->report->config->memo;
	struct text key, text;
	struct xml_out xml;
	struct out out;

	xml_raw(page->xml, "\n");
	if (!memo) {
		html_print_listing(page, number, open);
		return;
	}
	/* All that the listing depends on. */
	key = ARENA_JOIN(arena, text_of(arena_printf(arena, "%u %d %s\n", number, open, file->path)),
			 (struct text){ file->source->text, file->source->size });
	text = text_memo_find_key(memo, key);
	if (text.ptr) {
		xml_raw_text(page->xml, text);
		return;
	}
	out_init_memory(&out);
	xml_begin_part(&xml, &out);
	html_print_listing(&(struct page){ &xml, page->report }, number, open);
	xml_end_part(&xml);
	text = (struct text){ out.data, (uint32_t)out.len };
	xml_raw_text(page->xml, text);
	text_memo_put_key(memo, key, text);
	out_free(&out);
}

/* ---- all ---- */

void report_html(struct out *out, const struct report *report)
{
	struct xml_out xml;
	struct page page = { &xml, report };

	xml_begin_html(&xml, out);
	page_open(&page, "html", NULL);
	xml_attribute(&xml, "lang", "en");
	report_html_head(&page);
	page_open(&page, "body", NULL);
	html_header(&page);
	page_open(&page, "main", NULL);
	html_summary(&page);
	page_matrices(&page);
	page_findings(&page);
	page_zones(&page);
	html_sets(&page);
	page_ways(&page);
	page_section(&page, "files", "The files");
	for (uint32_t i = 1; i <= report->file_count; i++)
		html_listing(&page, i, report->line_count <= LINES_OPEN);
	page_close(&page);
	page_close(&page);
	page_leaf_printf(&page, "footer", NULL, "pvefw-cc %s", PVEFW_VERSION);
	page_close_several(&page, 2);
	xml_raw(&xml, "\n");
	xml_end(&xml);
}
