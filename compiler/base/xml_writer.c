/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML through libxml2's writer. */
#include "base/xml_writer.h"

#include <stdio.h>

#include "base/xmalloc.h"

static int xml_write(void *out, const char *bytes, int len)
{
	out_bytes(out, bytes, (size_t)len);
	return len;
}

static void check(struct xml_out *xml, int written)
{
	xml->failed |= written < 0;
}

static void open_writer(struct xml_out *xml, struct out *out)
{
	xmlOutputBufferPtr buffer = xmlOutputBufferCreateIO(xml_write, NULL, out, NULL);

	*xml = (struct xml_out){ .writer = buffer ? xmlNewTextWriter(buffer) : NULL };
	if (!xml->writer)
		out_of_memory();
}

void xml_begin_part(struct xml_out *xml, struct out *out)
{
	open_writer(xml, out);
	xml->html = true;
}

void xml_begin_html(struct xml_out *xml, struct out *out)
{
	xml_begin_part(xml, out);
	xml_raw(xml, "<!DOCTYPE html>\n");
}

void xml_begin(struct xml_out *xml, struct out *out)
{
	open_writer(xml, out);
	check(xml, xmlTextWriterSetIndent(xml->writer, 1));
	check(xml, xmlTextWriterSetIndentString(xml->writer, BAD_CAST "  "));
	check(xml, xmlTextWriterStartDocument(xml->writer, "1.0", "UTF-8", NULL));
}

void xml_end(struct xml_out *xml)
{
	check(xml, xmlTextWriterEndDocument(xml->writer));
	xmlFreeTextWriter(xml->writer);
	if (xml->failed)
		out_of_memory();
}

void xml_end_part(struct xml_out *xml)
{
	check(xml, xmlTextWriterFlush(xml->writer));
	xmlFreeTextWriter(xml->writer);
	if (xml->failed)
		out_of_memory();
}

void xml_open(struct xml_out *xml, const char *name)
{
	check(xml, xmlTextWriterStartElement(xml->writer, BAD_CAST name));
}

void xml_close(struct xml_out *xml)
{
	if (xml->html)
		check(xml, xmlTextWriterFullEndElement(xml->writer));
	else
		check(xml, xmlTextWriterEndElement(xml->writer));
}

void xml_close_void(struct xml_out *xml)
{
	check(xml, xmlTextWriterEndElement(xml->writer));
}

void xml_raw(struct xml_out *xml, const char *bytes)
{
	check(xml, xmlTextWriterWriteRaw(xml->writer, BAD_CAST bytes));
}

void xml_raw_text(struct xml_out *xml, struct text text)
{
	check(xml, xmlTextWriterWriteRawLen(xml->writer, BAD_CAST text.ptr, (int)text.len));
}

void xml_attribute(struct xml_out *xml, const char *name, const char *value)
{
	check(xml, xmlTextWriterWriteAttribute(xml->writer, BAD_CAST name, BAD_CAST value));
}

void xml_number(struct xml_out *xml, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	xml_attribute(xml, name, text);
}

void xml_text(struct xml_out *xml, const char *text)
{
	check(xml, xmlTextWriterWriteString(xml->writer, BAD_CAST text));
}

void xml_element(struct xml_out *xml, const char *name, const char *text)
{
	xml_open(xml, name);
	xml_text(xml, text);
	xml_close(xml);
}
