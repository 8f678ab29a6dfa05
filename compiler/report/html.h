/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing the page of a report: what its files share. */
#ifndef PVEFW_HTML_H
#define PVEFW_HTML_H

#include "report/model.h"
#include "base/xml_writer.h"

struct page {
	struct xml_out *xml;
	const struct report *report;
};

/* html_page.c */

/* Opens an element with a class (NULL: none). */
void page_open(const struct page *page, const char *name, const char *class_name);
void page_close(const struct page *page);
void page_close_several(const struct page *page, unsigned count);
/* An element with a text in it. */
void page_leaf(const struct page *page, const char *name, const char *class_name, const char *text);
void page_leaf_printf(const struct page *page, const char *name, const char *class_name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A space and an element `small` with both texts; `before` may be NULL. */
void page_small(const struct page *page, const char *before, const char *text);
void page_text(const struct page *page, const char *text);
void page_printf(const struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_attribute(const struct page *page, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Opens a section with a heading. */
void page_section(const struct page *page, const char *id, const char *title);
/* A link within the page; `format` makes its href. */
void page_link(const struct page *page, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "cluster.fw:14" as a link to the line; false: the span is in no file. */
bool page_place(const struct page *page, struct span span);
/* Opens a table and its body, after a row of headings that ends with NULL. */
void page_table(const struct page *page, const char *class_name, const char *const *headings);

/* html_zones.c, html_findings.c, html_matrix.c; svg.c: the paths of packets through the chains. */
void page_zones(const struct page *page);
void page_findings(const struct page *page);
void page_matrices(const struct page *page);
void page_ways(const struct page *page);

#endif
