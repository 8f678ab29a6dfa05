/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of a report: what its files share. */
#ifndef PVEFW_HTML_H
#define PVEFW_HTML_H

#include "report/report.h"
#include "base/xml_writer.h"

struct page {
	struct xml_out *xml;
	const struct report *report;
};

/* An element with a class (NULL: none), left open. */
void page_open(const struct page *page, const char *name, const char *class_name);
/* The same with a text in it, closed. */
void page_leaf(const struct page *page, const char *name, const char *class_name, const char *text);
/* Behind a word, what else is to say of it; `before` may be NULL. */
void page_small(const struct page *page, const char *before, const char *text);
void page_close(const struct page *page);
void page_text(const struct page *page, const char *text);
void page_printf(const struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_attribute(const struct page *page, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A section with its heading, left open. */
void page_section(const struct page *page, const char *id, const char *title);
/* To another place of the page; `format` is that of the href. */
void page_link(const struct page *page, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "cluster.fw:14", and to that line; false if the span is nowhere. */
bool page_place(const struct page *page, struct span span);
/* The row of headings of a table, each a column. */
void page_table(const struct page *page, const char *class_name, const char *const *headings);

/* report_html_zones.c */
void page_zones(const struct page *page);
/* report_html_findings.c */
void page_findings(const struct page *page);
/* report_html_matrix.c */
void page_matrices(const struct page *page);
/* report_svg.c: how packets pass the chains. */
void page_ways(const struct page *page);

#endif
