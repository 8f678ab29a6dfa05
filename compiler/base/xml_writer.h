/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XML through libxml2's writer, into an output.
 *
 * The writer fails only when there is no memory, which ends the process at the end. What is written must be
 * UTF-8 without control characters (diag_shared.h makes it so).
 */
#ifndef PVEFW_XML_WRITER_H
#define PVEFW_XML_WRITER_H

#include <libxml/xmlwriter.h>

#include "base/output.h"

struct xml_out {
	xmlTextWriterPtr writer;
	bool html;
	bool failed;
};

void xml_begin(struct xml_out *xml, struct out *out);
/* A page of HTML that is XML, too: nothing is indented, and elements without content are closed as HTML
 * wants it. */
void xml_begin_html(struct xml_out *xml, struct out *out);
/* Elements of such a page, which xml_raw_text() puts into it. */
void xml_begin_part(struct xml_out *xml, struct out *out);
void xml_end_part(struct xml_out *xml);
void xml_end(struct xml_out *xml);

void xml_open(struct xml_out *xml, const char *name);
/* Closes the last that was opened and is not closed. */
void xml_close(struct xml_out *xml);
void xml_attribute(struct xml_out *xml, const char *name, const char *value);
void xml_number(struct xml_out *xml, const char *name, uint64_t value);
void xml_text(struct xml_out *xml, const char *text);
/* Bytes that are XML already. */
void xml_raw(struct xml_out *xml, const char *bytes);
void xml_raw_text(struct xml_out *xml, struct text text);
/* Closes an element that can have no content, as <meta>. */
void xml_close_void(struct xml_out *xml);
/* An element that holds text only. */
void xml_element(struct xml_out *xml, const char *name, const char *text);

#endif
