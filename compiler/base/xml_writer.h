/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes XML into an output: elements, attributes and text, escaped and indented.
 *
 * The writer is ours because libxml2's, which wrote these bytes before, needs ICU and libstdc++: loading them took
 * half of each start of the program.  Only a parser of XML needs a library, and nothing here reads XML.
 *
 * The text must be UTF-8 without control characters other than tab, line feed and carriage return (diag_json.h makes it
 * so).  Errors are those of the output.
 */
#ifndef PVEFW_XML_WRITER_H
#define PVEFW_XML_WRITER_H

#include "base/output.h"

struct xml_out {
	struct out *out;
	const char **open; /* names of the open elements */
	unsigned depth, room;
	bool html;
	bool in_tag;    /* the last start tag still takes attributes */
	bool ends_text; /* the end tag follows text, so it is not indented */
};

void xml_begin(struct xml_out *xml, struct out *out);
/* A page of HTML that is also XML: nothing is indented, and empty elements get an end tag as HTML requires. */
void xml_begin_html(struct xml_out *xml, struct out *out);
/* Elements of such a page, which xml_raw_text() puts into it. */
void xml_begin_part(struct xml_out *xml, struct out *out);
void xml_end_part(struct xml_out *xml);
/* Closes the elements that are open, and frees the writer. */
void xml_end(struct xml_out *xml);

/* `name` is used until the element is closed. */
void xml_open(struct xml_out *xml, const char *name);
/* Closes the last element that is open. */
void xml_close(struct xml_out *xml);
/* Only directly after xml_open() or another attribute. */
void xml_attribute(struct xml_out *xml, const char *name, const char *value);
void xml_number(struct xml_out *xml, const char *name, uint64_t value);
void xml_text(struct xml_out *xml, const char *text);
/* Bytes that are XML already. */
void xml_raw(struct xml_out *xml, const char *bytes);
void xml_raw_text(struct xml_out *xml, struct text text);
/* Closes an element that can have no content, such as <meta>. */
void xml_close_void(struct xml_out *xml);
/* An element that holds only text. */
void xml_element(struct xml_out *xml, const char *name, const char *text);

#endif
