/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/html.h"

void page_open(const struct page *page, const char *name, const char *class_name)
{
	xml_open(page->xml, name);
	if (class_name)
		xml_attribute(page->xml, "class", class_name);
}

void page_close(const struct page *page)
{
	xml_close(page->xml);
}

void page_close_several(const struct page *page, unsigned count)
{
	while (count--)
		xml_close(page->xml);
}

void page_leaf(const struct page *page, const char *name, const char *class_name, const char *text)
{
	page_open(page, name, class_name);
	xml_text(page->xml, text);
	page_close(page);
}

void page_text(const struct page *page, const char *text)
{
	xml_text(page->xml, text);
}

/* Gives the text to `use`, and the memory back. */
static void format_text(const struct page *page, const char *format, va_list args,
			void (*use)(struct xml_out *xml, const char *name, const char *text), const char *name)
{
	struct arena *arena = page->report->config->arena;
	struct arena_mark mark = arena_mark(arena);

	use(page->xml, name, arena_vprintf(arena, format, args));
	arena_release(arena, mark);
}

static void xml_put_text(struct xml_out *xml, const char *name, const char *text)
{
	(void)name;
	xml_text(xml, text);
}

void page_printf(const struct page *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_text(page, format, args, xml_put_text, NULL);
	va_end(args);
}

void page_leaf_printf(const struct page *page, const char *name, const char *class_name, const char *format, ...)
{
	va_list args;

	page_open(page, name, class_name);
	va_start(args, format);
	format_text(page, format, args, xml_put_text, NULL);
	va_end(args);
	page_close(page);
}

void page_attribute(const struct page *page, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_text(page, format, args, xml_attribute, name);
	va_end(args);
}

void page_small(const struct page *page, const char *before, const char *text)
{
	page_text(page, " ");
	page_open(page, "small", NULL);
	if (before)
		page_text(page, before);
	page_text(page, text);
	page_close(page);
}

void page_section(const struct page *page, const char *id, const char *title)
{
	xml_raw(page->xml, "\n");
	page_open(page, "section", NULL);
	xml_attribute(page->xml, "id", id);
	page_leaf(page, "h2", NULL, title);
}

void page_link(const struct page *page, const char *text, const char *format, ...)
{
	va_list args;

	page_open(page, "a", NULL);
	va_start(args, format);
	format_text(page, format, args, xml_attribute, "href");
	va_end(args);
	page_text(page, text);
	page_close(page);
}

bool page_place(const struct page *page, struct span span)
{
	struct report_place place;

	if (!report_place(page->report, span, &place))
		return false;
	page_open(page, "a", "at");
	page_attribute(page, "href", "#f%u-%u", place.file, place.line);
	page_printf(page, "%s:%u", base_name(place.path), place.line);
	page_close(page);
	return true;
}

void page_table(const struct page *page, const char *class_name, const char *const *headings)
{
	page_open(page, "table", class_name);
	page_open(page, "thead", NULL);
	page_open(page, "tr", NULL);
	for (; *headings; headings++) {
		page_open(page, "th", NULL);
		xml_attribute(page->xml, "scope", "col");
		page_text(page, *headings);
		page_close(page);
	}
	page_close_several(page, 2);
	page_open(page, "tbody", NULL);
}
