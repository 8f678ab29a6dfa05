/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes XML: a start tag is left open for attributes until something else follows. */
#include "base/xml_writer.h"

#include <stdlib.h>

#include "base/xmalloc.h"

enum { FIRST_DEPTH = 16 };

void xml_begin_part(struct xml_out *xml, struct out *out)
{
	*xml = (struct xml_out){ .out = out, .html = true };
}

void xml_begin_html(struct xml_out *xml, struct out *out)
{
	xml_begin_part(xml, out);
	xml_raw(xml, "<!DOCTYPE html>\n");
}

void xml_begin(struct xml_out *xml, struct out *out)
{
	*xml = (struct xml_out){ .out = out };
	xml_raw(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_end_part(struct xml_out *xml)
{
	while (xml->depth)
		xml_close(xml);
	free(xml->open);
	xml->open = NULL;
	xml->room = 0;
}

void xml_end(struct xml_out *xml)
{
	xml_end_part(xml);
	if (xml->html)
		out_char(xml->out, '\n');
}

/* ---- tags ---- */

static void xml_end_line(struct xml_out *xml)
{
	if (!xml->html)
		out_char(xml->out, '\n');
}

static void xml_indent(struct xml_out *xml)
{
	for (unsigned i = 0; i < xml->depth && !xml->html; i++)
		out_string(xml->out, "  ");
}

/* Ends the start tag, if it is still open: content follows. */
static void xml_end_tag(struct xml_out *xml)
{
	if (xml->in_tag)
		out_char(xml->out, '>');
	xml->in_tag = false;
}

void xml_open(struct xml_out *xml, const char *name)
{
	if (xml->depth == xml->room) {
		xml->room = xml->room ? xml->room * 2 : FIRST_DEPTH;
		xml->open = xrealloc(xml->open, xml->room * sizeof(*xml->open));
	}
	if (xml->in_tag) {
		xml_end_tag(xml);
		xml_end_line(xml);
	}
	xml_indent(xml);
	out_char(xml->out, '<');
	out_string(xml->out, name);
	xml->open[xml->depth++] = name;
	xml->in_tag = true;
}

static void xml_close_tag(struct xml_out *xml)
{
	const char *name = xml->open[--xml->depth];

	if (xml->in_tag) {
		out_string(xml->out, "/>");
	} else {
		if (!xml->ends_text)
			xml_indent(xml);
		out_string(xml->out, "</");
		out_string(xml->out, name);
		out_char(xml->out, '>');
	}
	xml->in_tag = xml->ends_text = false;
	xml_end_line(xml);
}

void xml_close(struct xml_out *xml)
{
	if (xml->html)
		xml_end_tag(xml);
	xml_close_tag(xml);
}

void xml_close_void(struct xml_out *xml)
{
	xml_close_tag(xml);
}

/* ---- content ---- */

/* Writes the bytes with a reference in place of each of `special`. */
static void xml_escape(struct out *out, const char *text, const char *special)
{
	for (;;) {
		size_t plain = strcspn(text, special);

		out_bytes(out, text, plain);
		text += plain;
		switch (*text++) {
		case '\0':
			return;
		case '<':
			out_string(out, "&lt;");
			break;
		case '>':
			out_string(out, "&gt;");
			break;
		case '&':
			out_string(out, "&amp;");
			break;
		case '"':
			out_string(out, "&quot;");
			break;
		case '\t':
			out_string(out, "&#9;");
			break;
		case '\n':
			out_string(out, "&#10;");
			break;
		default: /* a reader would take it for a line feed */
			out_string(out, "&#13;");
		}
	}
}

/* A reader turns white space in the value into spaces unless it is a reference. */
void xml_attribute(struct xml_out *xml, const char *name, const char *value)
{
	out_char(xml->out, ' ');
	out_string(xml->out, name);
	out_string(xml->out, "=\"");
	xml_escape(xml->out, value, "<>&\"\t\n\r");
	out_char(xml->out, '"');
}

void xml_number(struct xml_out *xml, const char *name, uint64_t value)
{
	out_char(xml->out, ' ');
	out_string(xml->out, name);
	out_string(xml->out, "=\"");
	out_number(xml->out, value);
	out_char(xml->out, '"');
}

void xml_text(struct xml_out *xml, const char *text)
{
	xml_end_tag(xml);
	xml_escape(xml->out, text, "<>&\"\r");
	xml->ends_text = true;
}

void xml_raw(struct xml_out *xml, const char *bytes)
{
	xml_raw_text(xml, text_of(bytes));
}

void xml_raw_text(struct xml_out *xml, struct text text)
{
	xml_end_tag(xml);
	out_text(xml->out, text);
	xml->ends_text = true;
}

void xml_element(struct xml_out *xml, const char *name, const char *text)
{
	xml_open(xml, name);
	xml_text(xml, text);
	xml_close(xml);
}
