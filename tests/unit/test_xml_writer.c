/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The XML writer: tags, indentation, and what a reader gets back of text and attributes. */
#include <check.h>

#include "fixture.h"
#include "base/xml_writer.h"

static struct out out;
static struct xml_out xml;

static void start(void)
{
	out_init_memory(&out);
}

static void end(void)
{
	out_free(&out);
}

static void check_written(const char *expected)
{
	out_char(&out, '\0');
	ck_assert_str_eq(out.data, expected);
}

START_TEST(elements)
{
	xml_begin(&xml, &out);
	xml_open(&xml, "a");
	xml_attribute(&xml, "one", "1");
	xml_number(&xml, "two", UINT64_MAX);
	xml_open(&xml, "b");
	xml_close(&xml);
	xml_open(&xml, "c");
	xml_element(&xml, "d", "text");
	xml_element(&xml, "e", "");
	xml_close(&xml);
	xml_end(&xml);
	check_written("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<a one=\"1\" two=\"18446744073709551615\">\n"
		      "  <b/>\n"
		      "  <c>\n"
		      "    <d>text</d>\n"
		      "    <e></e>\n"
		      "  </c>\n"
		      "</a>\n");
}
END_TEST

START_TEST(open_elements_are_closed)
{
	xml_begin(&xml, &out);
	for (unsigned i = 0; i < 100; i++)
		xml_open(&xml, "a");
	xml_end(&xml);
	out_char(&out, '\0');
	ck_assert_ptr_nonnull(strstr(out.data, "\n  <a>\n    <a>\n"));
	ck_assert_str_eq(strstr(out.data, "</a>\n  </a>") + strlen("</a>\n  </a>"), "\n</a>\n");
}
END_TEST

/* White space in an attribute becomes a space when it is read, and a carriage return a line feed anywhere. */
START_TEST(escapes)
{
	xml_begin(&xml, &out);
	xml_open(&xml, "a");
	xml_attribute(&xml, "b", "<>&\"'\t\n\r\xc3\xa4");
	xml_text(&xml, "<>&\"'\t\n\r\xc3\xa4]]>");
	xml_end(&xml);
	check_written("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<a b=\"&lt;&gt;&amp;&quot;'&#9;&#10;&#13;\xc3\xa4\">"
		      "&lt;&gt;&amp;&quot;'\t\n&#13;\xc3\xa4]]&gt;</a>\n");
}
END_TEST

START_TEST(html)
{
	xml_begin_html(&xml, &out);
	xml_open(&xml, "p");
	xml_open(&xml, "meta");
	xml_attribute(&xml, "charset", "utf-8");
	xml_close_void(&xml);
	xml_open(&xml, "td");
	xml_close(&xml);
	xml_text(&xml, "x");
	xml_raw(&xml, "<b>y</b>");
	xml_end(&xml);
	check_written("<!DOCTYPE html>\n<p><meta charset=\"utf-8\"/><td></td>x<b>y</b></p>\n");
}
END_TEST

START_TEST(html_part)
{
	xml_begin_part(&xml, &out);
	xml_element(&xml, "b", "y");
	xml_end_part(&xml);
	check_written("<b>y</b>");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("xml_writer");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, elements);
	tcase_add_test(tcase, open_elements_are_closed);
	tcase_add_test(tcase, escapes);
	tcase_add_test(tcase, html);
	tcase_add_test(tcase, html_part);
	return run_suite("xml_writer", tcase);
}
